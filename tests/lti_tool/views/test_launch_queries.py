"""What a launch asks of the database, statement by statement: read once, write nothing that is known."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from lti_tool.claims import LaunchRefusedError, LoginRequest, read_login
from lti_tool.models import Course, Membership, Person, Placement, Platform, Tab
from lti_tool.services.launch import AT_HAND, accept_launch, begin_login, forget_registrations
from practice_lms.people import GUEST_LECTURE, LEARNERS
from practice_lms.people import Person as Somebody
from practice_lms.server import RunningLms
from rooms.models import Binding, Entry
from tests.factories.launches import register

pytestmark = pytest.mark.django_db

# Login: the registration, unless another login found it a moment ago. Launch: everything that it meets
# (`lti_tool.known`). Page: the tab, and the room with what the tab is there (`rooms.found`); inside, who is
# there, the chat, and what each topic holds.
AGAIN = {"login": 1, "launch": 1, "page": 13}
ANA = LEARNERS[0]


def launch(lms: RunningLms, somebody: Somebody) -> dict[str, list[str]]:
    """A launch in a fresh browser, up to its page: the statements of each request."""
    client = Client(SERVER_NAME="127.0.0.1", SERVER_PORT="8001")
    begun = lms.initiate(somebody, GUEST_LECTURE, embedded=False)
    forget_registrations()
    asked = {}
    with CaptureQueriesContext(connection) as captured:
        reply = client.post("/lti/login/", begun.fields)
    asked["login"] = [query["sql"] for query in captured]
    query = parse_qs(urlsplit(reply["Location"]).query)
    token = lms.sign(lms.claims(somebody, GUEST_LECTURE, nonce=query["nonce"][0]))
    with CaptureQueriesContext(connection) as captured:
        reply = client.post("/lti/launch/", {"id_token": token, "state": query["state"][0]})
    asked["launch"] = [query["sql"] for query in captured]
    assert reply.status_code == 303
    with CaptureQueriesContext(connection) as captured:
        assert client.get(reply["Location"]).status_code in {200, 303}
    asked["page"] = [query["sql"] for query in captured]
    return asked


def written(asked: dict[str, list[str]]) -> list[str]:
    """The tables that were written, in order."""
    every = [sql for statements in asked.values() for sql in statements]
    writing = [sql for sql in every if re.match(r"\s*(?:INSERT|UPDATE|DELETE|WITH)", sql)]
    return [
        table
        for sql in writing
        for table in re.findall(r'(?:INSERT INTO|(?<!DO )UPDATE|DELETE FROM) "?(\w+)', sql)
    ]


@pytest.fixture
def at_room(lms: RunningLms) -> RunningLms:
    """An LMS whose link shows a room, which somebody has launched before."""
    register(lms)
    launch(lms, ANA)
    placement = Placement.objects.get()
    room = Entry.objects.create(tenant=placement.tenant, title="Guest lecture")
    Binding.objects.create(placement=placement, entry=room)
    launch(lms, ANA)
    return lms


def test_a_launch_that_tells_nothing_new_writes_nothing(at_room: RunningLms) -> None:
    asked = launch(at_room, ANA)
    assert written(asked) == []
    assert {name: len(statements) for name, statements in asked.items()} == AGAIN
    assert Tab.objects.filter(person__sub=ANA.sub).count() == 1


def test_countdown_and_closed_doors_ask_less(at_room: RunningLms) -> None:
    Entry.objects.update(doors=Entry.Doors.CLOSED)
    assert len(launch(at_room, ANA)["page"]) == 2


def test_the_number_of_people_changes_nothing(at_room: RunningLms) -> None:
    few = launch(at_room, ANA)
    tenant, course = Placement.objects.get().tenant, Course.objects.get()
    for number in range(30):
        person = Person.objects.create(tenant=tenant, sub=f"other-{number}")
        Membership.objects.create(course=course, person=person)
    many = launch(at_room, ANA)
    assert [len(each) for each in many.values()] == [len(each) for each in few.values()]


def test_a_first_launch_writes_person_membership_tab_and_presence(at_room: RunningLms) -> None:
    asked = launch(at_room, LEARNERS[1])
    assert written(asked) == [
        "lti_tool_person",
        "lti_tool_membership",
        "lti_tool_tab",
        "rooms_participant",
        "rooms_visit",
    ]


@pytest.fixture
def request_of_ana(at_room: RunningLms) -> LoginRequest:
    """What the LMS sends first, and no login has sent yet."""
    forget_registrations()
    fields = at_room.initiate(ANA, GUEST_LECTURE, embedded=False).fields
    return read_login({name: [value] for name, value in fields.items()}, public_url=settings.PUBLIC_URL)


def test_logins_of_the_same_moment_ask_once(request_of_ana: LoginRequest) -> None:
    now, counts = timezone.now(), []
    for at in (now, now + AT_HAND / 2, now + AT_HAND, now - AT_HAND):
        with CaptureQueriesContext(connection) as captured:
            begin_login(request_of_ana, address="192.0.2.1", now=at)
        counts.append(len(captured))
    assert counts == [1, 0, 1, 1]


def test_a_registration_that_was_disabled_a_moment_ago_accepts_no_launch(
    at_room: RunningLms, request_of_ana: LoginRequest
) -> None:
    now = timezone.now()
    begin_login(request_of_ana, address="192.0.2.1", now=now)
    Platform.objects.update(state=Platform.State.DISABLED)
    begun = begin_login(request_of_ana, address="192.0.2.1", now=now + AT_HAND / 2)
    query = parse_qs(urlsplit(begun.redirect_url).query)
    token = at_room.sign(at_room.claims(ANA, GUEST_LECTURE, nonce=query["nonce"][0]))
    with pytest.raises(LaunchRefusedError) as caught:
        accept_launch(
            state=query["state"][0],
            id_token=token,
            cookies={begun.cookie_name: begun.cookie_value},
            now=now + AT_HAND / 2,
        )
    assert caught.value.code == "platform_disabled"
    with pytest.raises(LaunchRefusedError):
        begin_login(request_of_ana, address="192.0.2.1", now=now + AT_HAND)
