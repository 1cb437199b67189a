"""Who are they now? The sockets of an entry, asked of the database together: some questions for them all.

The rules are those of `rooms.access`; here they are only fed with what was read for many at once. A pass
whose facts are as they were is not even judged again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from lti_tool.identity import hash_secret, live_tabs
from lti_tool.prepared import one_of
from rooms.access import (
    Credentials,
    Farewell,
    Viewer,
    entry_of_id,
    farewell_of_pass,
    farewell_of_person,
    passes_held,
    viewer_of_pass,
    viewer_of_tab,
)
from rooms.found import found_by_all
from rooms.models import Entry, Participant, Pass
from rooms.policy.doors import pass_ends_at, schedule_of

if TYPE_CHECKING:
    from lti_tool.models import Tab

Facts = int
"""A fingerprint of what decides who somebody is: kept for each of thousands of sockets."""
Answers = list[tuple[Viewer | Farewell | None, Facts | None]]

# All of a pass that `viewer_of_pass` and `farewell_of_pass` look at.
_FACTS: Final = (
    "secret_hash",
    "participant__granted_until",
    "ended_at",
    "moved_at",
    "participant__granted_role",
    "participant__host_role",
    "participant__removed_at",
    "participant__person__is_disabled",
    "participant__person__name",
    "participant__person__given_name",
    "participant__person__family_name",
    "participant__person__chosen_name",
    "participant__guest__first_name",
    "participant__guest__last_name",
    "participant__guest__erased_at",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One socket, and the facts on which its last answer stood (None: there were none)."""

    credentials: Credentials
    known: Facts | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """Who they are: the living entry, and the answers in the order of the question.

    An answer is a viewer, a farewell, or None for somebody who is who they were; with it come the facts to
    show next time.
    """

    entry: Entry | None
    answers: Answers


def ask_many(entry_id: UUID, asked: Sequence[Asked], *, now: datetime) -> Answered:
    """Who these are, by what the database says now."""
    entry = entry_of_id(entry_id)
    tabs = [each.credentials for each in asked if each.credentials.tab_handle]
    by_tab = _ask_tabs(entry_id, entry, tabs) if tabs else {}
    passes = [each for each in asked if not each.credentials.tab_handle]
    by_pass = _ask_passes(entry_id, entry, passes, now=now) if passes else {}
    return Answered(
        entry,
        [
            (by_tab[each.credentials.tab_handle, each.credentials.tab_secret], None)
            if each.credentials.tab_handle
            else by_pass[each.credentials.pass_secret]
            for each in asked
        ],
    )


def _ask_tabs(
    entry_id: UUID, entry: Entry | None, asked: Sequence[Credentials]
) -> dict[tuple[str, str], Viewer | Farewell]:
    # Two sockets may name one tab, and one of them wrongly: each secret is judged by itself.
    secrets = {(each.tab_handle, each.tab_secret) for each in asked}
    living: dict[tuple[str, str], Tab] = {}
    rest = set(secrets)
    while rest:
        some = dict(rest)
        living |= {(handle, some[handle]): tab for handle, tab in live_tabs(some).items()}
        rest -= set(some.items())
    found = found_by_all(entry, living.values()) if entry else {}
    viewers = {key: viewer_of_tab(found[tab.handle], tab) for key, tab in living.items()} if entry else {}
    lost = [tab for key, tab in living.items() if viewers.get(key) is None]
    rows = Participant.objects.select_related("entry").filter(
        entry_id=entry_id, person_id__in=[tab.person_id for tab in lost]
    )
    were_here = {row.person_id: row for row in rows} if lost else {}
    answers: dict[tuple[str, str], Viewer | Farewell] = {}
    for key in secrets:
        tab = living.get(key)
        answers[key] = (
            Farewell.TAB_ENDED
            if tab is None
            else viewers.get(key) or farewell_of_person(were_here.get(tab.person_id))
        )
    return answers


def _ask_passes(
    entry_id: UUID, entry: Entry | None, asked: Sequence[Asked], *, now: datetime
) -> dict[str, tuple[Viewer | Farewell | None, Facts | None]]:
    schedule = schedule_of(entry) if entry else None
    hashes: dict[str, str] = {}
    known: dict[str, set[Facts | None]] = {}  # several sockets of a pass may know different things
    for each in asked:
        hashed = hash_secret(each.credentials.pass_secret)
        hashes[hashed] = each.credentials.pass_secret
        known.setdefault(hashed, set()).add(each.known)
    rows = Pass.objects.filter(
        secret_hash__in=one_of(hashes, Pass.secret_hash), participant__entry_id=entry_id
    )
    facts: dict[str, Facts] = {}
    for row in rows.values_list(*_FACTS):
        ends_at = pass_ends_at(schedule, link_ends_at=row[1]) if schedule else now
        facts[row[0]] = hash((*row, ends_at is not None and now >= ends_at))
    is_as_before = {hashed for hashed, fact in facts.items() if known[hashed] == {fact}}
    changed = [hashed for hashed in hashes if hashed not in is_as_before]
    held = {row.secret_hash: row for row in passes_held().filter(secret_hash__in=changed)} if changed else {}
    if entry is None:
        _tell_of_entry(entry_id, held.values())
    answers: dict[str, tuple[Viewer | Farewell | None, Facts | None]] = {}
    for hashed, secret in hashes.items():
        if hashed in is_as_before:
            answer: Viewer | Farewell | None = None
        else:
            row_held = held.get(hashed)
            viewer = viewer_of_pass(entry, row_held) if entry and row_held else None
            answer = viewer or farewell_of_pass(entry_id, entry, row_held)
        answers[secret] = (answer, facts.get(hashed))
    return answers


def _tell_of_entry(entry_id: UUID, held: Iterable[Pass]) -> None:
    """Give all passes the entry that they were for: it is gone, and each would ask for it by itself."""
    seen = Entry.objects.filter(pk=entry_id).first()
    for each in held:
        if seen is not None and each.participant.entry_id == entry_id:
            each.participant.entry = seen
