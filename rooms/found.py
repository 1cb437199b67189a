"""An entry as somebody of the LMS finds it: everything that decides who they are there, in one question."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from lti_tool.models import Person, Platform, Tab, Tenant
from lti_tool.prepared import PreparedJoin, driver_value
from rooms.models import Binding, Collaborator, Entry, Participant, Stage


@dataclass(frozen=True, slots=True)
class Found:
    """A living entry of an active platform, and what it has to do with a tab."""

    entry: Entry
    participant: Participant | None
    by_name: Collaborator | None
    is_shown: bool  # at the tab's link, or elsewhere in its course
    owner: Person | None  # by name
    has_speakers: bool
    stage: Stage | None = None


def find_entry(entry_id: UUID, tab: Tab) -> Found | None:
    """What this tab finds at the address of an entry."""
    found = _FOUND.first(
        entry=driver_value(entry_id, Entry.id),
        person=driver_value(tab.person_id, Person.id),
        placement=tab.placement_id,
        course=tab.course_id,
        active=Platform.State.ACTIVE.value,
    )
    if found is None:
        return None
    rows, (is_shown, has_speakers) = found
    entry: Entry = rows["entry"]
    entry.tenant = rows["tenant"]
    return Found(
        entry=entry,
        participant=rows["participant"],
        by_name=rows["by_name"],
        is_shown=bool(is_shown),
        owner=rows["owner"],
        has_speakers=bool(has_speakers),
        stage=rows["stage"],
    )


def found_by_all(entry: Entry, tabs: Collection[Tab]) -> dict[str, Found]:
    """What several tabs find at a living entry, by their handles: as `find_entry`, for sockets.

    A constant number of questions; what only a page shows (the owner, the speakers) is not asked.
    """
    people = {tab.person_id for tab in tabs}
    participants = {row.person_id: row for row in Participant.objects.filter(entry=entry, person__in=people)}
    by_name = {row.person_id: row for row in Collaborator.objects.filter(entry=entry, person__in=people)}
    shown = Binding.objects.filter(entry=entry).values_list("placement_id", "placement__course_id")
    links, courses = set(), set()
    for link, course in shown:
        links.add(link)
        courses.add(course)
    return {
        tab.handle: Found(
            entry=entry,
            participant=participants.get(tab.person_id),
            by_name=by_name.get(tab.person_id),
            is_shown=(tab.placement_id is not None and tab.placement_id in links)
            or (tab.course_id is not None and tab.course_id in courses),
            owner=None,
            has_speakers=False,
        )
        for tab in tabs
    }


# A tab without a link or a course compares with NULL, which equals nothing.
_FOUND: Final = PreparedJoin(
    """
        SELECT {entry}, {tenant}, {participant}, {by_name}, {owner}, {stage},
            EXISTS (
                SELECT 1 FROM rooms_binding binding
                JOIN lti_tool_placement link ON link.id = binding.placement_id
                WHERE binding.entry_id = entry.id
                    AND (link.id = %(placement)s OR link.course_id = %(course)s)),
            EXISTS (
                SELECT 1 FROM rooms_participant speaker
                WHERE speaker.entry_id = entry.id AND speaker.removed_at IS NULL
                    AND (speaker.host_role = 'speaker'
                        OR (speaker.host_role = '' AND speaker.granted_role = 'speaker')))
        FROM rooms_entry entry
        JOIN lti_tool_tenant tenant ON tenant.id = entry.tenant_id
        JOIN lti_tool_platform platform ON platform.id = tenant.platform_id
        LEFT JOIN rooms_participant participant
            ON participant.entry_id = entry.id AND participant.person_id = %(person)s
        LEFT JOIN rooms_collaborator by_name
            ON by_name.entry_id = entry.id AND by_name.person_id = %(person)s
        LEFT JOIN rooms_collaborator ownership
            ON ownership.entry_id = entry.id AND ownership."right" = 'owner'
        LEFT JOIN lti_tool_person owner ON owner.id = ownership.person_id
        LEFT JOIN rooms_stage stage ON stage.entry_id = entry.id
        WHERE entry.id = %(entry)s AND entry.deleted_at IS NULL AND platform.state = %(active)s
    """,
    entry=Entry,
    tenant=Tenant,
    participant=Participant,
    by_name=(Collaborator, ["id", "right"]),
    owner=(Person, ["id", "name", "given_name", "family_name", "chosen_name", "is_test_user"]),
    stage=Stage,
)
