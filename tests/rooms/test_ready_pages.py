"""A ready-made page is what a full rendering gives: for everybody, after every change."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID, uuid4

import pytest
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import _unmask_cipher_token  # type: ignore[attr-defined]  # left out of its stubs
from django.test import RequestFactory
from django.utils import timezone, translation
from django.utils.html import escape

from common.htmx import render_part
from lti_tool.identity import TabMiddleware, csrf_secret_of
from lti_tool.models import Course, Person, Tab
from lti_tool.roles import ApplicationRole, Right
from rooms import arrivals, ready_pages
from rooms.access import Credentials, Farewell, ViewerRequest, ask, for_viewer
from rooms.models import ChatMessage, Collaborator, Entry, Like, Participant, Stage
from rooms.queries import PEOPLE_SHOWN
from rooms.ready_pages import ready_page
from rooms.services.chat import post_message
from rooms.views.media import media_context
from tests.factories.lti import make_course, make_member, make_person, make_tab, make_tenant
from tests.factories.rooms import make_guest, make_participant, make_pass, make_placed_entry

pytestmark = pytest.mark.django_db

NOW = timezone.now()
HOSTILE = ("Ana <b>\"Ben\" & 'Cem'</b>", "mark{}nameend", "%(name)s {name} \\1 \\g<1>", "ßtraße", "\u202e")
TOKEN = re.compile(rb'name="csrfmiddlewaretoken" value="([^"]+)"')


@dataclass
class Reader:
    """A browser before the doors."""

    entry_id: UUID
    cookie: str
    secret: str = ""
    prefix: str = ""
    language: str = "en"

    def see(
        self, *, now: datetime = NOW, is_part: bool = False, query: str = ""
    ) -> tuple[bytes | None, bytes]:
        """The ready-made page, None where there is none for this reader; and the page rendered for them."""
        seen: list[tuple[bytes | None, bytes]] = []

        @for_viewer
        def both(request: ViewerRequest) -> HttpResponse:
            context = media_context(request, now=now)
            ready = ready_page(request, context)
            has_cookie = request.META.pop("CSRF_COOKIE_NEEDS_UPDATE", False)
            whole = render_part(request, "rooms/media.html", "media", context)
            assert ready is None or ready.headers == whole.headers
            assert ready is None or has_cookie == request.META.get("CSRF_COOKIE_NEEDS_UPDATE", False)
            plain = partial(self.plain, request)
            seen.append((plain(ready.content) if ready else None, plain(whole.content)))
            return whole

        def answer(request: HttpRequest) -> HttpResponse:
            with translation.override(self.language):
                return both(request, entry_id=self.entry_id)  # type: ignore[return-value]

        path = f"{self.prefix}/media/{self.entry_id}/"
        headers = {"Cookie": self.cookie, **({"HX-Request": "true"} if is_part else {})}
        TabMiddleware(answer)(RequestFactory().get(f"{path}{query}", headers=headers))
        return seen[0]

    def plain(self, request: HttpRequest, page: bytes) -> bytes:
        """The page with the token's mask taken off: it differs in each rendering."""
        for token in TOKEN.findall(page):
            secret = csrf_secret_of(self.secret) if self.secret else request.META["CSRF_COOKIE"]
            assert _unmask_cipher_token(token.decode()) == secret
        return TOKEN.sub(b"TOKEN", page)


def with_tab(course: Course, entry: Entry, person: Person, **values: object) -> Reader:
    learner = make_member(course, person=person, right=Right.NONE, application_role=ApplicationRole.VIEWER)
    tab, secret = make_tab(learner, entry.bindings.get().placement, **values)
    return Reader(entry.pk, f"foyer-tab={secret}", secret, f"/~{tab.handle}")


@pytest.fixture
def entry() -> Entry:
    course = make_course(make_tenant(), title="GEO 214 <Glaciology>")
    entry, _placement = make_placed_entry(
        course, title="Reading <the> ice", description="Forty years\nof cores", time_zone="Europe/Oslo"
    )
    entry.starts_at = NOW + timedelta(hours=1)
    entry.save()
    return entry


@pytest.fixture
def course(entry: Entry) -> Course:
    return Course.objects.get()


@pytest.fixture
def guest(entry: Entry) -> Reader:
    participant = make_participant(entry, guest=make_guest(entry.tenant), role="speaker")
    _held, secret = make_pass(participant)
    return Reader(entry.pk, f"foyer-pass={secret}")


@pytest.fixture
def learner(entry: Entry, course: Course) -> Reader:
    return with_tab(course, entry, make_person(course.tenant), frame_origins=["https://lms.example"])


def assert_same(*readers: Reader, is_part: bool = False) -> None:
    """Rendered anew or taken from what is kept, the page is the one that they would be rendered."""
    for _time in range(2):
        for reader in readers:
            ready, whole = reader.see(is_part=is_part)
            assert ready == whole


@pytest.mark.parametrize("language", ["en", "fr", "de"])
def test_it_is_the_page_that_each_would_be_rendered(learner: Reader, guest: Reader, language: str) -> None:
    learner.language = guest.language = language
    assert_same(learner, guest)
    assert_same(learner, guest, is_part=True)


def test_nothing_of_one_reader_reaches_another(entry: Entry, course: Course) -> None:
    people = [make_person(course.tenant, name=name) for name in HOSTILE]
    readers = [with_tab(course, entry, person) for person in people]
    assert_same(*readers)
    for reader, person in zip(readers, people, strict=True):
        page = (reader.see()[0] or b"").decode()
        others = [one for one in people if one != person]
        assert reader.prefix in page
        assert not any(one.prefix in page for one in readers if one is not reader)
        assert not any(one.name in page for one in others)
    assert len([facts for facts in ready_pages._pages if facts.entry_id == entry.pk]) == 1


def test_a_name_cannot_hold_a_mark(entry: Entry, course: Course) -> None:
    """Even one who knew how a page is marked would have to know a random word of that one rendering."""
    ready_pages._pages.clear()
    kept = with_tab(course, entry, make_person(course.tenant, name="markhandleend"), locale="en")
    assert_same(kept)
    page = next(iter(ready_pages._pages.values())).page
    assert page is not None
    assert b"mark" not in b"".join(page.pieces).replace(b"markup", b"")


CHANGES: list[Callable[[Entry], object]] = [
    lambda entry: Entry.objects.update(title="Another <title>"),
    lambda entry: Entry.objects.update(description=""),
    lambda entry: Entry.objects.update(description="mark {{ name }} <script>"),
    lambda entry: Entry.objects.update(starts_at=NOW + timedelta(days=3)),
    lambda entry: Entry.objects.update(starts_at=NOW + timedelta(minutes=16)),
    lambda entry: Entry.objects.update(time_zone="America/Lima"),
    lambda entry: Entry.objects.update(doors="closed", doors_changed_at=NOW),
    lambda entry: Entry.objects.update(has_chat=False),
    lambda entry: Entry.objects.update(media_revision=7),
    lambda entry: make_participant(
        entry, guest=make_guest(entry.tenant, "zoe@example.org", first_name="Zoe <&>"), role="speaker"
    ),
    lambda entry: Participant.objects.filter(guest__isnull=False).update(host_role="moderator"),
    lambda entry: Collaborator.objects.create(
        entry=entry, person=make_person(entry.tenant, name="Olga"), right="owner"
    ),
    lambda entry: Stage.objects.create(
        entry=entry, engine="meeting", settings={"address": "https://meet.example/1"}
    ),
    lambda entry: Course.objects.update(title="Another course"),
    lambda entry: Person.objects.update(name="Renamed", is_test_user=True),
    lambda entry: Tab.objects.update(frame_origins=["https://lms.example", "https://other.example"]),
]


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_is_on_the_next_page(
    entry: Entry, learner: Reader, guest: Reader, change: Callable[[Entry], object]
) -> None:
    assert_same(learner, guest)
    change(entry)
    assert_same(learner, guest)


def test_time_goes_on(learner: Reader) -> None:
    for seconds in (0, 1, 59, 3599):
        ready, whole = learner.see(now=NOW + timedelta(seconds=seconds))
        assert ready == whole
        assert f"{(NOW + timedelta(seconds=seconds)):%Y-%m-%dT%H:%M:%S.%fZ}".encode() in whole


def test_what_only_some_see_is_rendered_for_them(entry: Entry, course: Course) -> None:
    host, _secret = make_tab(make_member(course), entry.bindings.get().placement)
    Entry.objects.update(doors="ended", doors_changed_at=NOW)
    special = [
        Reader(entry.pk, f"foyer-tab={_secret}", _secret, f"/~{host.handle}"),
        with_tab(course, entry, make_person(course.tenant), is_console_admin=True),
        with_tab(course, entry, make_person(course.tenant), has_mixed_roles=True),
    ]
    assert [reader.see()[0] for reader in special] == [None, None, None]


def test_after_the_end(entry: Entry, learner: Reader) -> None:
    Entry.objects.update(doors="ended", doors_changed_at=NOW)
    ready, whole = learner.see()
    assert ready == whole


def test_a_notice_is_rendered(learner: Reader) -> None:
    ready, whole = learner.see(query="?notice=saved")
    assert ready is None
    assert b"Saved." in whole


def test_inside_there_is_a_room(learner: Reader) -> None:
    Entry.objects.update(starts_at=None)
    assert learner.see()[0] is None


# --- A crowd's room


@pytest.fixture
def crowd(entry: Entry) -> Iterator[list[Participant]]:
    """More people than the list shows are inside, and pages share what they read."""
    Entry.objects.update(starts_at=NOW - timedelta(minutes=1), doors="open", doors_changed_at=NOW)
    guests = [
        make_guest(entry.tenant, f"{n}@example.org", first_name=f"Guest{n}") for n in range(PEOPLE_SHOWN + 1)
    ]
    seen = {"entry": entry, "seen_at": timezone.now(), "shown_role": "viewer", "granted_role": "viewer"}
    present = Participant.objects.bulk_create([Participant(guest=each, **seen) for each in guests])
    arrivals._crowds[entry.pk] = arrivals.SharedReads()
    yield present
    arrivals._crowds.clear()


def late(entry: Entry, name: str = "Late") -> tuple[Participant, Reader]:
    """A guest who is not among those whom the list names."""
    guest = make_guest(entry.tenant, f"{uuid4()}@example.org", first_name=name)
    participant = make_participant(entry, guest=guest, role="viewer")
    return participant, Reader(entry.pk, f"foyer-pass={make_pass(participant)[1]}")


def say(reader: Reader, text: str) -> None:
    sight = ask(Credentials(reader.entry_id, pass_secret=reader.cookie.split("=")[1]), now=NOW)
    assert not isinstance(sight, Farewell)
    post_message(sight.entry, by=sight.viewer, text=text, client_key="key", now=NOW)


@pytest.mark.usefixtures("crowd")
def test_a_crowd_gets_the_room_that_each_would_be_rendered(entry: Entry, course: Course) -> None:
    readers = [late(entry, name)[1] for name in HOSTILE]
    learner = with_tab(course, entry, make_person(course.tenant, name="Learner"))
    readers[1].language = "fr"
    assert_same(*readers, learner)
    assert_same(*readers, learner, is_part=True)
    pages = [(reader.see()[0] or b"").decode() for reader in readers]
    for name, page in zip(HOSTILE, pages, strict=True):
        assert f'data-me-name="{escape(name)} ' in page
        assert not any(f'data-me-name="{escape(other)} ' in page for other in HOSTILE if other != name)


@pytest.mark.usefixtures("crowd")
@pytest.mark.parametrize(
    "change",
    [
        lambda entry: Entry.objects.update(title="Another <title>"),
        lambda entry: Entry.objects.update(time_zone="America/Lima"),
        lambda entry: Entry.objects.update(has_chat=False),
        lambda entry: Entry.objects.update(allows_public_questions=True, revision=F("revision") + 1),
        lambda entry: Stage.objects.create(
            entry=entry, engine="meeting", settings={"address": "https://meet.example/1"}
        ),
    ],
)
def test_every_change_of_a_room_is_on_the_next_page(entry: Entry, change: Callable[[Entry], object]) -> None:
    _participant, reader = late(entry)
    assert_same(reader)
    change(entry)
    arrivals._crowds[entry.pk] = arrivals.SharedReads()  # a second later
    assert_same(reader)


@pytest.mark.usefixtures("crowd")
def test_a_title_that_has_changed_is_shown_though_the_crowd_shares_what_was_read_before(entry: Entry) -> None:
    _participant, reader = late(entry)
    reader.see()
    Entry.objects.update(title="Another title")
    ready, whole = reader.see()
    assert ready == whole
    assert b"Another title" in whole


def test_who_finds_themselves_in_a_room_gets_their_own(entry: Entry, crowd: list[Participant]) -> None:
    _author, speaking = late(entry)
    say(speaking, "Hello to all")
    liker, liking = late(entry)
    Like.objects.create(message=ChatMessage.objects.get(), participant=liker)
    named = Reader(entry.pk, f"foyer-pass={make_pass(crowd[0])[1]}")
    arrivals._crowds[entry.pk] = arrivals.SharedReads()
    promoted, speaker = late(entry)
    Participant.objects.filter(pk=promoted.pk).update(host_role="speaker")
    for reader in (speaking, liking, named, speaker):
        ready, _whole = reader.see(now=timezone.now())  # whoever is seen now is in the list
        assert ready is None
    assert_same(late(entry)[1])


@pytest.mark.usefixtures("crowd")
def test_a_raised_hand_is_on_ones_own_page_only(entry: Entry) -> None:
    plain, pressed = (f'aria-pressed="{text}" data-hand-button'.encode() for text in ("false", "true"))
    participant, reader = late(entry)
    Participant.objects.filter(pk=participant.pk).update(hand_raised_at=NOW)
    ready, whole = reader.see()
    assert ready is None
    assert pressed in whole
    ready, whole = late(entry)[1].see()
    assert ready == whole
    assert plain in whole


@pytest.mark.usefixtures("crowd")
def test_while_only_some_are_inside_nothing_is_ready(entry: Entry) -> None:
    Entry.objects.update(starts_at=NOW + timedelta(minutes=5), doors="schedule")
    _participant, reader = late(entry)
    Participant.objects.update(granted_role="speaker")
    ready, whole = reader.see()
    assert ready is None
    assert b"Only hosts and speakers are inside" in whole


@pytest.mark.usefixtures("crowd")
def test_a_room_that_was_read_anew_takes_the_place_of_the_one_before(entry: Entry) -> None:
    _participant, reader = late(entry)
    for _second in range(3):
        arrivals._crowds[entry.pk] = arrivals.SharedReads()
        assert_same(reader)
    assert len([facts for facts in ready_pages._pages if facts.entry_id == entry.pk]) == 1


def test_only_so_many_are_kept(entry: Entry, guest: Reader) -> None:
    for number in range(ready_pages.MOST_KEPT + 5):
        Entry.objects.update(title=f"Title {number}")
        guest.see()
    assert len(ready_pages._pages) == ready_pages.MOST_KEPT
    assert_same(guest)
