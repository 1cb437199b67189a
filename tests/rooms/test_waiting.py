"""The ready-made page of those who wait is what a full rendering gives: for everybody, after every change."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import _unmask_cipher_token  # type: ignore[attr-defined]  # left out of its stubs
from django.test import RequestFactory
from django.utils import timezone, translation

from common.htmx import render_part
from lti_tool.identity import TabMiddleware, csrf_secret_of
from lti_tool.models import Course, Person, Tab
from lti_tool.roles import ApplicationRole, Right
from rooms import waiting
from rooms.access import ViewerRequest, for_viewer
from rooms.models import Collaborator, Entry, Participant, Stage
from rooms.views.media import media_context
from rooms.waiting import waiting_page
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
            ready = waiting_page(request, context)
            whole = render_part(request, "rooms/media.html", "media", context)
            assert ready is None or ready.headers == whole.headers
            seen.append((self.plain(ready.content) if ready else None, self.plain(whole.content)))
            return whole

        def answer(request: HttpRequest) -> HttpResponse:
            with translation.override(self.language):
                return both(request, entry_id=self.entry_id)  # type: ignore[return-value]

        path = f"{self.prefix}/media/{self.entry_id}/"
        headers = {"Cookie": self.cookie, **({"HX-Request": "true"} if is_part else {})}
        TabMiddleware(answer)(RequestFactory().get(f"{path}{query}", headers=headers))
        return seen[0]

    def plain(self, page: bytes) -> bytes:
        """The page with the token's mask taken off: it differs in each rendering."""
        for token in TOKEN.findall(page):
            assert _unmask_cipher_token(token.decode()) == csrf_secret_of(self.secret)
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
    assert len([facts for facts in waiting._pages if facts.entry_id == entry.pk]) == 1


def test_a_name_cannot_hold_a_mark(entry: Entry, course: Course) -> None:
    """Even one who knew how a page is marked would have to know a random word of that one rendering."""
    waiting._pages.clear()
    kept = with_tab(course, entry, make_person(course.tenant, name="markhandleend"), locale="en")
    assert_same(kept)
    page = next(iter(waiting._pages.values()))
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


def test_only_so_many_are_kept(entry: Entry, guest: Reader) -> None:
    for number in range(waiting.MOST_KEPT + 5):
        Entry.objects.update(title=f"Title {number}")
        guest.see()
    assert len(waiting._pages) == waiting.MOST_KEPT
    assert_same(guest)
