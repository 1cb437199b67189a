"""Who may invite, and what a link is worth: a case for each reason."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from common.decisions import Allowed, Refused
from invites.policy import (
    FINAL,
    RENEWABLE,
    Admit,
    Exhausted,
    InvitingFacts,
    Life,
    Quota,
    Refuse,
    Stage,
    Terms,
    Why,
    WhyNot,
    asks_for_code,
    device_limit,
    invitable_roles,
    inviting_checks,
    judge_inviting,
    judge_link,
    judge_quota,
    link_expires_at,
    stage_of,
)
from lti_tool.roles import ApplicationRole
from rooms.policy.roles import Role

INSTRUCTOR = InvitingFacts(
    is_module_enabled=True,
    shows_on_media_page=True,
    kind="room",
    has_chat=True,
    has_inviting_right=True,
    application_role=ApplicationRole.ADMIN,
    allowed_users="private_only",
    is_named=False,
)


def test_an_instructor_may_invite_by_default() -> None:
    assert judge_inviting(INSTRUCTOR) == Allowed()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"is_module_enabled": False}, WhyNot.MODULE_OFF),
        ({"shows_on_media_page": False}, WhyNot.NOT_ON_MEDIA_PAGE),
        ({"has_chat": False}, WhyNot.NO_COLLABORATION),
        ({"has_inviting_right": False}, WhyNot.NO_RIGHT),
        ({"application_role": ApplicationRole.VIEWER}, WhyNot.NOT_AMONG_ALLOWED_USERS),
        ({"allowed_users": "unmoderated_admin"}, WhyNot.NOT_AMONG_ALLOWED_USERS),
        ({"allowed_users": "named"}, WhyNot.NOT_AMONG_ALLOWED_USERS),
    ],
)
def test_each_reason_refuses_alone(change: dict[str, object], reason: WhyNot) -> None:
    facts = replace(INSTRUCTOR, **change)  # type: ignore[arg-type]
    assert judge_inviting(facts) == Refused(reason)
    assert [check.reason for check in inviting_checks(facts) if not check.is_passed] == [reason]


def test_the_first_reason_in_the_order_of_the_design_is_the_one_that_is_told() -> None:
    nothing = InvitingFacts(
        is_module_enabled=False,
        shows_on_media_page=False,
        kind="room",
        has_chat=False,
        has_inviting_right=False,
        application_role=ApplicationRole.VIEWER,
        allowed_users="admin",
        is_named=False,
    )
    assert judge_inviting(nothing) == Refused(WhyNot.MODULE_OFF)
    assert [check.reason for check in inviting_checks(nothing)] == list(WhyNot)


@pytest.mark.parametrize("kind", ["live", "video", "document"])
def test_other_media_need_no_collaboration(kind: str) -> None:
    assert judge_inviting(replace(INSTRUCTOR, kind=kind, has_chat=False))


@pytest.mark.parametrize(
    ("allowed_users", "application_role", "is_named", "may"),
    [
        ("private_only", ApplicationRole.PRIVATE_ONLY, False, True),
        ("private_only", ApplicationRole.UNMODERATED_ADMIN, False, True),
        ("admin", ApplicationRole.PRIVATE_ONLY, False, False),
        ("admin", ApplicationRole.PRIVATE_ONLY, True, False),
        ("admin", ApplicationRole.ADMIN, False, True),
        ("unmoderated_admin", ApplicationRole.ADMIN, False, False),
        ("unmoderated_admin", ApplicationRole.UNMODERATED_ADMIN, False, True),
        ("named", ApplicationRole.PRIVATE_ONLY, True, True),
        ("named", ApplicationRole.UNMODERATED_ADMIN, False, False),
    ],
)
def test_allowed_users_is_a_minimum_or_a_list_of_names(
    allowed_users: str, application_role: ApplicationRole, is_named: bool, may: bool
) -> None:
    facts = replace(
        INSTRUCTOR, allowed_users=allowed_users, application_role=application_role, is_named=is_named
    )
    assert bool(judge_inviting(facts)) is may


def test_videos_and_documents_have_only_viewers() -> None:
    assert invitable_roles("room") == invitable_roles("live") == (Role.VIEWER, Role.MODERATOR, Role.SPEAKER)
    assert invitable_roles("video") == invitable_roles("document") == (Role.VIEWER,)


NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
TERMS = Terms(generation=2, expires_at=NOW + timedelta(hours=1), max_devices=1)


def test_an_open_link_admits() -> None:
    assert judge_link(TERMS, generation=2, devices=0, now=NOW) == Admit()


@pytest.mark.parametrize(
    ("terms", "generation", "devices", "why"),
    [
        (replace(TERMS, is_entry_gone=True), 2, 0, Why.GONE),
        (replace(TERMS, is_module_enabled=False), 2, 0, Why.MODULE_OFF),
        (TERMS, 3, 0, Why.NOT_GENUINE),
        (replace(TERMS, is_withdrawn=True), 2, 0, Why.WITHDRAWN),
        (replace(TERMS, is_removed=True), 2, 0, Why.REMOVED),
        (TERMS, 1, 0, Why.REPLACED),
        (replace(TERMS, session_ends_at=NOW), 2, 0, Why.SESSION_ENDED),
        (replace(TERMS, expires_at=NOW), 2, 0, Why.EXPIRED),
        (TERMS, 2, 1, Why.USED_UP),
    ],
)
def test_each_state_of_a_link_has_its_name(terms: Terms, generation: int, devices: int, why: Why) -> None:
    assert judge_link(terms, generation=generation, devices=devices, now=NOW) == Refuse(why)


def test_what_ends_an_invitation_is_told_before_what_ends_its_link() -> None:
    everything = Terms(
        generation=2,
        expires_at=NOW,
        max_devices=1,
        is_withdrawn=True,
        session_ends_at=NOW,
    )
    assert judge_link(everything, generation=1, devices=5, now=NOW) == Refuse(Why.WITHDRAWN)


@pytest.mark.parametrize(("limit", "devices", "admits"), [(None, 10_000, True), (5, 4, True), (5, 5, False)])
def test_devices_are_counted_to_the_limit(limit: int | None, devices: int, admits: bool) -> None:
    terms = replace(TERMS, max_devices=limit)
    assert bool(judge_link(terms, generation=2, devices=devices, now=NOW)) is admits


def test_minus_one_is_unlimited() -> None:
    assert device_limit(-1) is None
    assert device_limit(7) == 7


@pytest.mark.parametrize(
    ("session_ends", "follows", "hours"),
    [(None, True, 1), (5, True, 5), (5, False, 1), (0.5, True, 1)],
)
def test_a_link_ends_with_its_duration_or_with_a_later_session(
    session_ends: float | None, follows: bool, hours: float
) -> None:
    expires_at = link_expires_at(
        now=NOW,
        minutes=60,
        session_ends_at=None if session_ends is None else NOW + timedelta(hours=session_ends),
        valid_until_session_ends=follows,
    )
    assert expires_at == NOW + timedelta(hours=hours)


@pytest.mark.parametrize(
    ("life", "stage"),
    [
        (Life((), has_reached_lobby=False, has_entered=False), Stage.MADE),
        (Life(("waiting",), has_reached_lobby=False, has_entered=False), Stage.WAITING),
        (Life(("sending", "failed"), has_reached_lobby=False, has_entered=False), Stage.WAITING),
        (Life(("sent", "failed"), has_reached_lobby=False, has_entered=False), Stage.MAILED),
        (Life(("failed",), has_reached_lobby=False, has_entered=False), Stage.FAILED),
        (Life(("given_up", "sent"), has_reached_lobby=False, has_entered=False), Stage.FAILED),
        (Life(("sent",), has_reached_lobby=True, has_entered=False), Stage.LOBBY),
        (Life((), has_reached_lobby=True, has_entered=True), Stage.ENTERED),
    ],
)
def test_the_stage_is_the_farthest_thing_that_happened(life: Life, stage: Stage) -> None:
    assert stage_of(life) == stage


@pytest.mark.parametrize("role", [Role.VIEWER, Role.MODERATOR, Role.SPEAKER])
@pytest.mark.parametrize("rule", ["nobody", "hosting", "everybody"])
def test_who_types_a_code(rule: str, role: Role) -> None:
    is_asked = rule == "everybody" or (rule == "hosting" and role != Role.VIEWER)
    assert asks_for_code(rule, role) is is_asked


def test_a_guest_can_mend_only_what_ends_a_link_and_not_the_invitation() -> None:
    assert {Why.REPLACED, Why.EXPIRED, Why.USED_UP} == RENEWABLE
    assert not RENEWABLE & FINAL


@pytest.mark.parametrize(
    ("quota", "used", "began", "frees"),
    [
        (Quota.INVITER_HOUR, 4, timedelta(minutes=10), None),
        (Quota.INVITER_HOUR, 5, timedelta(minutes=10), timedelta(minutes=50)),
        (Quota.INVITER_HOUR, 5, timedelta(minutes=59, seconds=59), timedelta(seconds=1)),
        (Quota.INVITER_HOUR, 5, timedelta(minutes=60), None),
        (Quota.INVITER_HOUR, 9, timedelta(0), timedelta(minutes=60)),
        (Quota.RECIPIENT_DAY, 5, timedelta(hours=1), timedelta(hours=23)),
        (Quota.TENANT_DAY, 5, timedelta(hours=24), None),
        (Quota.TENANT_DAY, 0, None, None),
    ],
)
def test_a_quota_is_used_up_until_its_window_ends(
    quota: Quota, used: int, began: timedelta | None, frees: timedelta | None
) -> None:
    now = datetime(2027, 3, 4, 9, 0, tzinfo=UTC)
    verdict = judge_quota(
        quota, limit=5, used=used, window_starts_at=now - began if began is not None else None, now=now
    )
    assert verdict == (Allowed() if frees is None else Exhausted(quota, 5, now + frees))


def test_a_quota_of_none_is_always_used_up() -> None:
    now = datetime(2027, 3, 4, 9, 0, tzinfo=UTC)
    verdict = judge_quota(Quota.TENANT_DAY, limit=0, used=0, window_starts_at=None, now=now)
    assert verdict == Exhausted(Quota.TENANT_DAY, 0, now + timedelta(days=1))
