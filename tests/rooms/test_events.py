"""Events survive the way between processes."""

import json
from uuid import uuid4

import pytest

from rooms.events import KINDS, Changed, ChatPosted, DoorsChanged, Event, Tallied, from_wire, to_wire

POSTED = ChatPosted(
    entry_id=uuid4(),
    sequence=7,
    author_id=str(uuid4()),
    author="Ana Guest",
    role="speaker",
    is_guest=True,
    text="„Grüße“ \u2603",
    sent_at="2026-11-21T13:00:00+00:00",
    client_key="k",
)


CHANGED = Changed(uuid4(), topic="questions", audience="team", revision=3, change={"asked": {"text": "„?“"}})
TALLIED = Tallied(uuid4(), topic="interactions", subject=str(uuid4()))
PLAIN = [kind(uuid4()) for kind in KINDS.values() if kind not in {ChatPosted, Changed, Tallied}]


@pytest.mark.parametrize("event", [POSTED, CHANGED, TALLIED, *PLAIN])
def test_an_event_comes_out_as_it_went_in(event: Event) -> None:
    assert from_wire(json.loads(json.dumps(to_wire(event)))) == event


def test_an_event_of_a_newer_version_is_known_as_unknown() -> None:
    with pytest.raises(KeyError):
        from_wire({**to_wire(DoorsChanged(uuid4())), "kind": "PollClosed"})
