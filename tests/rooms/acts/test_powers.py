"""The table of design §8 over real sockets: every verb, by every role, and after every change meanwhile.

The rows: chat, ask, answer interactions, react (`ALL`); backchannel, answer and publish questions, find
people, take hands down (`TEAM`); interactions, pin, hide, mute, announcements (`MODERATORS`); promote and
remove (`HOSTS`). Doors are moved by pages (tests/rooms/views/test_media.py), the stage's way by role is in
test_stage.py, and how soon open pages feel a change in tests/rooms/test_consumers.py and test_broadcast.py.
"""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from lti_tool.models import Platform
from rooms.acts import VERBS
from rooms.models import (
    Announcement,
    ChatMessage,
    Choice,
    Entry,
    Interaction,
    Participant,
    Question,
    Vote,
)
from rooms.models import Stage as StageRow
from tests.factories.rooms import make_guest, make_participant
from tests.rooms.stage import Stage, stage
from tests.rooms.talking import Page
from tests.servers import tool_inside

__all__ = ["stage", "tool_inside"]

pytestmark = pytest.mark.django_db(transaction=True)

ALL = frozenset({"host", "moderator", "speaker", "viewer", "learner"})
TEAM = ALL - {"viewer", "learner"}
MODERATORS = TEAM - {"speaker"}
HOSTS = frozenset({"host"})

WHO_MAY: dict[str, frozenset[str]] = {
    **dict.fromkeys(("post", "chat.like", "chat.delete", "questions.ask", "questions.vote"), ALL),
    **dict.fromkeys(("interactions.vote", "people.react", "people.hand", "stage.join"), ALL),
    **dict.fromkeys(("backchannel.say", "people.lower", "people.find", "stage.known_as"), TEAM),
    **dict.fromkeys(("questions.claim", "questions.answer", "questions.publish", "questions.dismiss"), TEAM),
    **dict.fromkeys(("interactions.draft", "interactions.start", "interactions.close"), MODERATORS),
    **dict.fromkeys(("interactions.show", "interactions.delete", "interactions.hide"), MODERATORS),
    **dict.fromkeys(("chat.pin", "chat.hide", "chat.clear", "chat.slow", "people.mute"), MODERATORS),
    **dict.fromkeys(("announcements.make", "announcements.end", "questions.allow"), MODERATORS),
    **dict.fromkeys(("people.role", "people.remove"), HOSTS),
}


def test_the_table_has_every_verb() -> None:
    assert set(WHO_MAY) == {"post", *VERBS}


def interaction(stage: Stage, state: Interaction.State, **more: object) -> Interaction:
    made = Interaction.objects.create(
        entry=stage.entry, question="Where next?", state=state, made_at=timezone.now(), **more
    )
    Choice.objects.bulk_create(
        Choice(interaction=made, position=at, text=text) for at, text in enumerate(("North", "South"))
    )
    return made


def wishes(stage: Stage, me: str) -> dict[str, dict[str, Any]]:
    """Something that each verb can be done to; the message is one's own."""
    now = timezone.now()
    StageRow.objects.create(
        entry=stage.entry, engine="meeting", settings={"address": "https://meet.example/1"}
    )
    other = make_participant(stage.entry, guest=make_guest(stage.course.tenant, "other@x.example"))
    Entry.objects.filter(pk=stage.entry.pk).update(chat_sequence=1)
    ChatMessage.objects.create(
        entry=stage.entry, sequence=1, author_id=me, author_role="viewer", text="Hello", sent_at=now
    )
    question, public, dismissed = (
        {
            "id": str(
                Question.objects.create(entry=stage.entry, asker=other, text="?", asked_at=now, **more).pk
            )
        }
        for more in ({}, {"published_at": now}, {})
    )
    announcement = Announcement.objects.create(entry=stage.entry, author=other, text="Soon", made_at=now)
    running = interaction(stage, Interaction.State.RUNNING)
    choice = Choice.objects.filter(interaction=running).first()
    assert choice is not None
    told = interaction(stage, Interaction.State.CLOSED, kind=Interaction.Kind.OPEN)
    answer = Vote.objects.create(interaction=told, participant=other, text="The ice", given_at=now)
    target = {"id": str(other.pk)}
    return {
        "post": {"text": "Hello"},
        "chat.like": {"sequence": 1, "is_liked": True},
        "chat.pin": {"sequence": 1, "is_pinned": True},
        "chat.hide": {"sequence": 1, "is_hidden": True},
        "chat.slow": {"seconds": 15},
        "chat.clear": {},
        "chat.delete": {"sequence": 1},
        "questions.ask": {"text": "Why?"},
        "questions.vote": {**public, "is_wanted": True},
        "questions.claim": {**question, "is_claimed": True},
        "questions.answer": {**question, "text": "Because."},
        "questions.publish": {**question, "is_published": True},
        "questions.dismiss": {**dismissed, "is_dismissed": True},
        "questions.allow": {"is_allowed": False},
        "interactions.vote": {"id": str(running.pk), "choices": [str(choice.pk)]},
        "interactions.draft": {"kind": "rating", "question": "How was it?", "highest": 5},
        "interactions.start": {"id": str(interaction(stage, Interaction.State.DRAFT).pk)},
        "interactions.delete": {"id": str(interaction(stage, Interaction.State.DRAFT).pk)},
        "interactions.close": {"id": str(interaction(stage, Interaction.State.RUNNING).pk)},
        "interactions.show": {"id": str(interaction(stage, Interaction.State.CLOSED).pk), "is_shared": True},
        "interactions.hide": {"id": str(answer.interaction_id), "answer": str(answer.pk), "is_hidden": True},
        "announcements.make": {"text": "Welcome to all."},
        "announcements.end": {"id": str(announcement.pk)},
        "backchannel.say": {"text": "Two minutes left"},
        "stage.join": {},
        "stage.known_as": {"name": "a1b2c3d4"},
        "people.react": {"reaction": "applause"},
        "people.hand": {"is_raised": True},
        "people.lower": target,
        "people.find": {"name": "Ana"},
        "people.mute": {**target, "is_muted": True},
        "people.role": {**target, "role": "speaker"},
        "people.remove": target,
    }


def outcome(page: Page, verb: str, values: dict[str, Any]) -> str:
    """`done`, or the reason of the refusal."""
    answer = page.post(**values) if verb == "post" else page.do(verb, **values)
    return "done" if answer["kind"] in {"ack", "done"} else str(answer["reason"])


def cells_of(role: str) -> dict[str, str]:
    return {verb: "done" if role in who else "not_your_role" for verb, who in WHO_MAY.items()}


@pytest.mark.parametrize("role", sorted(ALL))
def test_every_cell_of_a_role(stage: Stage, role: str) -> None:
    page: Page = getattr(stage, f"as_{role}")()
    wanted = wishes(stage, page.hello()["me"])
    assert {verb: outcome(page, verb, values) for verb, values in wanted.items()} == cells_of(role)


# --- After a change that nobody was told of: each message is judged by what the database says


def of_the_moderator(**values: object) -> Callable[[Stage], object]:
    return lambda stage: Participant.objects.filter(pk=stage.moderator.pk).update(**values)


ROLES: dict[str, tuple[str, Callable[[Stage], object], dict[str, str]]] = {
    "promoted": (
        "viewer",
        lambda stage: Participant.objects.filter(pk=stage.viewer.pk).update(host_role="moderator"),
        cells_of("moderator"),
    ),
    "demoted": ("moderator", of_the_moderator(host_role="viewer"), cells_of("viewer")),
    "invited as something else": ("moderator", of_the_moderator(granted_role="speaker"), cells_of("speaker")),
    "muted": (
        "moderator",
        of_the_moderator(muted_at=timezone.now()),
        {**cells_of("moderator"), **dict.fromkeys(("post", "questions.ask", "people.react"), "muted")},
    ),
    "doors closed": (
        "moderator",
        lambda stage: stage.change(doors="closed", doors_changed_at=timezone.now()),
        dict.fromkeys(WHO_MAY, "closed"),
    ),
    "doors closed, for a host": (
        "host",
        lambda stage: stage.change(doors="closed", doors_changed_at=timezone.now()),
        cells_of("host"),
    ),
    "session ended": (
        "host",
        lambda stage: stage.change(doors="ended", doors_changed_at=timezone.now()),
        dict.fromkeys(WHO_MAY, "ended"),
    ),
    "chat switched off": (
        "host",
        lambda stage: stage.change(has_chat=False),
        {
            **dict.fromkeys(WHO_MAY, "chat_is_off"),
            **dict.fromkeys(("stage.join", "stage.known_as"), "done"),
        },
    ),
}


@pytest.mark.parametrize("change", ROLES)
def test_every_cell_after_a_change(stage: Stage, change: str) -> None:
    who, happens, cells = ROLES[change]
    page: Page = getattr(stage, f"as_{who}")()
    wanted = wishes(stage, page.hello()["me"])
    happens(stage)
    assert {verb: outcome(page, verb, values) for verb, values in wanted.items()} == cells


ENDS: dict[str, Callable[[Stage], object]] = {
    "withdrawn": of_the_moderator(granted_role="", granted_until=None),
    "removed": of_the_moderator(removed_at=timezone.now()),
    "expired": of_the_moderator(granted_until=timezone.now()),
    "platform disabled": lambda _stage: Platform.objects.update(state=Platform.State.DISABLED),
}


@pytest.mark.parametrize("change", ENDS)
def test_nothing_is_left_after_the_end(stage: Stage, change: str) -> None:
    pages = {verb: stage.as_moderator() for verb in WHO_MAY}  # the first refusal ends a page
    me = {page.hello()["me"] for page in pages.values()}
    wanted = wishes(stage, me.pop())
    ENDS[change](stage)
    assert {outcome(pages[verb], verb, values) for verb, values in wanted.items()} == {"removed"}
    assert all(page.is_closed() == 4403 for page in pages.values())
