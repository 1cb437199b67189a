"""What is known of whoever launches, and of where from: everything a launch asks, in one question.

A campus launches at the full hour, and then each question is asked a hundred thousand times. Where nothing has
changed since the last launch this is the only one, and nothing is written (ADR 12).
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import connection
from django.db.models import Model
from django.utils.module_loading import import_string

from lti_tool.claims import Keys
from lti_tool.models import Course, Deployment, Membership, Person, Placement, Platform, Tab, Tenant
from lti_tool.prepared import PreparedJoin
from lti_tool.roles import ApplicationRole, Right, Worth, default_rules

SAME_TAB_WITHIN: Final = timedelta(
    hours=1
)  # a launch that tells nothing new opens the tab of the last one again


@dataclass(slots=True)
class Known:
    """The rows that a launch meets; None for those that are not there yet."""

    deployment: Deployment  # with platform and tenant
    rules: tuple[Worth, ...]
    course: Course | None
    person: Person | None
    membership: Membership | None
    placement: Placement | None
    last_tab: Tab | None  # the newest that this person has opened from this link, of the last hour
    shown: str | None  # what the app above says of the link (settings.LAUNCH_ASKS)


def find_known(platform_id: int, deployment_id: str, keys: Keys, *, now: datetime) -> Known | None:
    """What the database knows; None where it does not know the deployment."""
    found = _KNOWN.first(
        platform=platform_id,
        deployment=deployment_id,
        context=keys.context,
        sub=keys.sub,
        link=keys.link,
        recently=_moment(now - SAME_TAB_WITHIN),
    )
    if found is None:
        return None
    rows, (rules, shown) = found
    deployment, tenant, course = rows["deployment"], rows["tenant"], rows["course"]
    _join(deployment, platform=rows["platform"], tenant=tenant)
    _join(tenant, platform=rows["platform"])
    for row in filter(None, (course, rows["placement"])):
        _join(row, deployment=deployment, tenant=tenant)
    if rows["person"] is not None:
        _join(rows["person"], tenant=tenant)
    if rows["membership"] is not None:
        _join(rows["membership"], person=rows["person"], course=course)
    if rows["tab"] is not None:
        _join(rows["tab"], deployment=deployment, tenant=tenant, person=rows["person"])
    return Known(
        deployment=deployment,
        rules=_read_rules(rules),
        course=course,
        person=rows["person"],
        membership=rows["membership"],
        placement=rows["placement"],
        last_tab=rows["tab"],
        shown=shown,
    )


def _join(row: Model, **related: Model | None) -> None:
    """Tell a row what its foreign keys lead to."""
    row._state.fields_cache.update(related)  # type: ignore[attr-defined]  # noqa: SLF001 - where Django keeps it


def _read_rules(stored: Any) -> tuple[Worth, ...]:  # noqa: ANN401 - text, or what the driver made of it
    """The tenant's role mapping; the default one where it has none of its own."""
    rows = json.loads(stored) if isinstance(stored, str) else stored
    if not rows:
        return default_rules()
    return tuple(Worth(role, Right(right), ApplicationRole(standing)) for role, right, standing in rows)


def _moment(at: datetime) -> Any:  # noqa: ANN401 - as the driver wants it
    return connection.ops.adapt_datetimefield_value(at)


# Rows as JSON, in each database's own words.
_AS_JSON: Final = {
    "postgresql": 'json_agg(json_build_array(role, "right", application_role))',
    "sqlite": 'json_group_array(json_array(role, "right", application_role))',
}


def _statement() -> str:
    """Of the tab only what decides whether it serves again; the app above adds what it wants to know."""
    return f"""
        SELECT {{deployment}}, {{platform}}, {{tenant}}, {{course}}, {{person}}, {{membership}}, {{placement}}, {{tab}},
            (SELECT {_AS_JSON[connection.vendor]} FROM lti_tool_rolerule WHERE tenant_id = tenant.id),
            ({import_string(settings.LAUNCH_ASKS)})
        FROM lti_tool_deployment deployment
        JOIN lti_tool_platform platform ON platform.id = deployment.platform_id
        JOIN lti_tool_tenant tenant ON tenant.id = deployment.tenant_id
        LEFT JOIN lti_tool_course course
            ON course.deployment_id = deployment.id AND course.context_id = %(context)s
        LEFT JOIN lti_tool_person person
            ON person.tenant_id = deployment.tenant_id AND person.sub = %(sub)s
        LEFT JOIN lti_tool_membership membership
            ON membership.course_id = course.id AND membership.person_id = person.id
        LEFT JOIN lti_tool_placement placement
            ON placement.deployment_id = deployment.id AND placement.resource_link_id = %(link)s
        LEFT JOIN lti_tool_tab tab ON tab.handle = (
            SELECT newest.handle FROM lti_tool_tab newest
            WHERE newest.person_id = person.id AND newest.placement_id = placement.id
                AND newest.launched_at > %(recently)s AND newest.ended_at IS NULL
            ORDER BY newest.launched_at DESC LIMIT 1)
        WHERE deployment.platform_id = %(platform)s AND deployment.deployment_id = %(deployment)s
    """  # noqa: S608 - no value is put in, only SQL of ours


_KNOWN: Final = PreparedJoin(
    _statement,
    deployment=Deployment,
    platform=Platform,
    tenant=Tenant,
    course=Course,
    person=Person,
    membership=Membership,
    placement=Placement,
    tab=Tab,
)
