"""Saying something, on the real database; many at once, too."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import close_old_connections, connection
from django.utils import timezone

from common.errors import AppError, InvalidError, RefusedError, ThrottledError
from rooms.access import Viewer, viewer_by_pass
from rooms.events import ChatPosted
from rooms.models import ChatMessage, Entry, Participant
from rooms.services.chat import post_message
from tests.factories.rooms import make_entry, make_guest, make_participant, make_pass

NOW = timezone.now()


def guest_at(entry: Entry, email: str = "ana@example.org") -> Viewer:
    guest = make_guest(entry.tenant, email)
    participant = make_participant(entry, guest=guest, granted_until=NOW + timedelta(days=1))
    _held, secret = make_pass(participant)
    viewer = viewer_by_pass(entry, secret)
    assert viewer is not None
    return viewer


@pytest.mark.django_db
def test_a_message_gets_the_next_number_and_the_role_of_its_moment() -> None:
    entry = make_entry()
    viewer = guest_at(entry)
    posted = [post_message(entry, by=viewer, text=f" {each}\x00 ", now=NOW) for each in ("one", "two")]
    assert [(each.sequence, each.text) for each in posted] == [(1, "one"), (2, "two")]
    entry.refresh_from_db()
    assert entry.chat_sequence == 2
    assert set(ChatMessage.objects.values_list("author_role", flat=True)) == {"viewer"}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"has_chat": False}, "chat_is_off"),
        ({"starts_at": NOW + timedelta(hours=1)}, "waiting"),
        ({"doors": "closed"}, "closed"),
        ({"doors": "ended", "doors_changed_at": NOW}, "ended"),
    ],
)
def test_no_message_where_nobody_may_speak(values: dict[str, object], reason: str) -> None:
    entry = make_entry()
    viewer = guest_at(entry)
    for name, value in values.items():
        setattr(entry, name, value)
    entry.save()
    with pytest.raises(RefusedError) as refused:
        post_message(entry, by=viewer, text="Hello", now=NOW)
    assert refused.value.code == reason
    assert not ChatMessage.objects.exists()


@pytest.mark.django_db
def test_doors_that_were_closed_a_moment_ago_let_nothing_through() -> None:
    entry = make_entry()
    viewer = guest_at(entry)
    Entry.objects.update(doors="closed")
    with pytest.raises(RefusedError):
        post_message(entry, by=viewer, text="Hello", now=NOW)
    assert not ChatMessage.objects.exists()


@pytest.mark.django_db
def test_doors_that_were_opened_a_moment_ago_refuse_nobody() -> None:
    entry = make_entry()
    viewer = guest_at(entry)
    Entry.objects.update(doors="open")
    assert post_message(entry, by=viewer, text="Hello", now=NOW).sequence == 1


@pytest.mark.django_db
def test_a_removed_participant_and_somebody_of_another_entry_say_nothing() -> None:
    entry = make_entry()
    viewer = guest_at(entry)
    elsewhere = replace(viewer, entry_id=make_entry(entry.tenant).pk)
    with pytest.raises(RefusedError):
        post_message(entry, by=elsewhere, text="Hello", now=NOW)
    entry.participants.update(removed_at=NOW)
    with pytest.raises(RefusedError) as refused:
        post_message(entry, by=viewer, text="Hello", now=NOW)
    assert refused.value.code == "removed"


@pytest.mark.django_db
@pytest.mark.parametrize(("text", "reason"), [("", "empty"), ("\u202e", "empty"), ("x" * 2001, "too_long")])
def test_what_cannot_be_a_message(text: str, reason: str) -> None:
    entry = make_entry()
    with pytest.raises(InvalidError) as refused:
        post_message(entry, by=guest_at(entry), text=text, now=NOW)
    assert refused.value.code == reason


@pytest.mark.django_db
def test_ten_in_ten_seconds_are_enough_for_one_but_not_for_another() -> None:
    entry = make_entry()
    quick, calm = guest_at(entry), guest_at(entry, "bea@example.org")
    for number in range(10):
        post_message(entry, by=quick, text=str(number), now=NOW)
    with pytest.raises(ThrottledError) as refused:
        post_message(entry, by=quick, text="one more", now=NOW)
    assert (refused.value.code, refused.value.retry_after) == ("too_fast", 10)
    assert post_message(entry, by=calm, text="Hello", now=NOW).sequence == 11


@pytest.mark.django_db
def test_doors_that_were_moved_in_between_are_asked_again() -> None:
    entry = make_entry()
    viewer, as_read = guest_at(entry), Entry.objects.get(pk=entry.pk)
    Entry.objects.update(doors="open")
    assert post_message(as_read, by=viewer, text="Hello", now=NOW).sequence == 1
    Entry.objects.update(doors="closed")
    with pytest.raises(RefusedError) as refused:
        post_message(as_read, by=viewer, text="Hello", now=NOW)
    assert refused.value.code == "closed"


@pytest.mark.django_db
def test_what_has_arrived_is_answered_whatever_stands_against_it_now() -> None:
    entry = make_entry()
    viewer = guest_at(entry)
    said = post_message(entry, by=viewer, text="Hello", client_key="once", now=NOW)
    Participant.objects.update(muted_at=NOW)
    assert post_message(entry, by=viewer, text="Hello", client_key="once", now=NOW) == said
    with pytest.raises(RefusedError) as refused:
        post_message(entry, by=viewer, text="Hello", client_key="another", now=NOW)
    assert refused.value.code == "muted"


@pytest.mark.django_db
def test_whoever_is_muted_or_removed_in_this_very_moment_is_not_heard() -> None:
    entry = make_entry()
    viewer = guest_at(entry)
    as_read = Participant.objects.select_related("person", "guest").get()
    for field, reason in (("removed_at", "removed"), ("muted_at", "muted")):
        Participant.objects.update(removed_at=None)
        Participant.objects.update(**{field: NOW})
        with pytest.raises(RefusedError) as refused:
            post_message(entry, by=viewer, text="Hello", now=NOW, row=as_read)
        assert refused.value.code == reason
    entry.refresh_from_db()
    assert entry.chat_sequence == 0


def at_once(count: int, work: Callable[[int], ChatPosted]) -> list[ChatPosted | AppError]:
    def run(number: int) -> ChatPosted | AppError:
        close_old_connections()
        try:
            return work(number)
        except AppError as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(run, range(count)))


@pytest.mark.django_db(transaction=True)
def test_many_at_once_get_numbers_without_holes_or_doubles() -> None:
    entry = make_entry()
    viewers = [guest_at(entry, f"guest{number}@example.org") for number in range(12)]
    answers = at_once(12, lambda at: post_message(entry, by=viewers[at], text=str(at), now=NOW))
    sequences = [answer.sequence for answer in answers if isinstance(answer, ChatPosted)]
    assert sorted(sequences) == list(range(1, 13))


@pytest.mark.django_db(transaction=True)
def test_one_message_sent_many_times_at_once_is_taken_once() -> None:
    entry = make_entry()
    viewer = guest_at(entry)
    answers = at_once(8, lambda _at: post_message(entry, by=viewer, text="Once", client_key="same", now=NOW))
    assert {answer.sequence for answer in answers if isinstance(answer, ChatPosted)} == {1}
    assert ChatMessage.objects.count() == 1
    entry.refresh_from_db()
    assert entry.chat_sequence == 1
