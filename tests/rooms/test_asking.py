"""Many sockets asked at once give the answers of each asked alone, in a few questions."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from lti_tool.models import Membership, Person, Platform
from lti_tool.roles import ApplicationRole, Right
from rooms.access import Credentials, Farewell, Sight, ask
from rooms.asking import Asked, ask_many
from rooms.models import Collaborator, Entry, Participant, Pass
from tests.factories.lti import make_course, make_member, make_tab, make_tenant
from tests.factories.rooms import make_guest, make_participant, make_pass, make_placed_entry

pytestmark = pytest.mark.django_db


class Crowd:
    """Guests and people of the course at one entry, and some who have no business there."""

    def __init__(self) -> None:
        self.course = make_course(make_tenant())
        self.entry, placement = make_placed_entry(self.course)
        until = timezone.now() + timedelta(hours=1)
        self.passes = [
            make_pass(
                make_participant(
                    self.entry,
                    guest=make_guest(self.course.tenant, f"g{n}@x.example", first_name=f"G{n}"),
                    role=role,
                    granted_until=until,
                )
            )
            for n, role in enumerate(["viewer", "speaker", "moderator", "viewer"])
        ]
        elsewhere, _placement = make_placed_entry(self.course)
        other = make_participant(
            elsewhere, guest=make_guest(self.course.tenant, "o@x.example"), granted_until=until
        )
        learner = make_member(self.course, right=Right.NONE, application_role=ApplicationRole.VIEWER)
        self.tabs = [make_tab(make_member(self.course), placement), make_tab(learner, placement)]
        stranger = make_course(self.course.tenant)
        _entry, place = make_placed_entry(stranger)
        self.tabs.append(make_tab(make_member(stranger), place))
        secrets = [secret for _pass, secret in self.passes] + [make_pass(other)[1], "guessed", ""]
        key = self.entry.pk
        self.credentials = [Credentials(key, pass_secret=secret) for secret in secrets]
        self.credentials += [
            Credentials(key, tab_handle=tab.handle, tab_secret=secret) for tab, secret in self.tabs
        ]
        self.credentials.append(Credentials(key, tab_handle=self.tabs[0][0].handle, tab_secret="guessed"))
        self.credentials.append(Credentials(key, tab_handle="nowhere", tab_secret="guessed"))


@pytest.fixture
def crowd() -> Crowd:
    return Crowd()


def agree(crowd: Crowd) -> list[object]:
    """The answers to all, which are those to each."""
    now = timezone.now()
    answered = ask_many(crowd.entry.pk, [Asked(each) for each in crowd.credentials], now=now)
    together: list[object] = [answer for answer, _facts in answered.answers]
    for each, answer in zip(crowd.credentials, together, strict=True):
        alone = ask(each, now=now)
        assert answer == (alone.viewer if isinstance(alone, Sight) else alone)
    return together


def test_everybody_is_who_they_are_alone(crowd: Crowd) -> None:
    answers = agree(crowd)
    roles = [getattr(each, "role", each) for each in answers]
    assert roles[:4] == ["viewer", "speaker", "moderator", "viewer"]
    assert roles[4:7] == [Farewell.UNKNOWN] * 3
    assert roles[7:9] == ["host", "viewer"]
    assert roles[9:] == [Farewell.UNKNOWN, Farewell.TAB_ENDED, Farewell.TAB_ENDED]


@pytest.mark.parametrize(
    "change",
    [
        lambda _crowd: Participant.objects.filter(granted_role="speaker").update(removed_at=timezone.now()),
        lambda _crowd: Participant.objects.filter(granted_role="viewer").update(granted_role=""),
        lambda _crowd: Participant.objects.update(host_role="speaker"),
        lambda _crowd: Participant.objects.update(granted_until=timezone.now()),
        lambda _crowd: Pass.objects.update(ended_at=timezone.now()),
        lambda _crowd: Pass.objects.update(ended_at=timezone.now(), moved_at=timezone.now()),
        lambda _crowd: Entry.objects.update(deleted_at=timezone.now()),
        lambda _crowd: Entry.objects.update(doors="ended"),
        lambda _crowd: Platform.objects.update(state=Platform.State.DISABLED),
        lambda _crowd: Person.objects.update(is_disabled=True),
        lambda crowd: Membership.objects.update(
            status=Membership.Status.DELETED, listed_at=timezone.now() + timedelta(seconds=1)
        ),
        lambda crowd: Collaborator.objects.create(
            entry=crowd.entry, person=crowd.tabs[2][0].person, right=Collaborator.Right.CO_EDITOR
        ),
        lambda crowd: Participant.objects.create(
            entry=crowd.entry, person=crowd.tabs[2][0].person, removed_at=timezone.now()
        ),
    ],
)
def test_after_any_change_too(crowd: Crowd, change: object) -> None:
    change(crowd)  # type: ignore[operator]  # one of the above
    agree(crowd)


def test_a_pass_is_judged_again_only_when_something_changed(crowd: Crowd) -> None:
    now = timezone.now()
    asked = [Asked(each) for each in crowd.credentials[:4]]
    facts = [known for _answer, known in ask_many(crowd.entry.pk, asked, now=now).answers]
    again = [Asked(each.credentials, known) for each, known in zip(asked, facts, strict=True)]
    assert [answer for answer, _facts in ask_many(crowd.entry.pk, again, now=now).answers] == [None] * 4
    Participant.objects.filter(granted_role="speaker").update(granted_role="moderator")
    answers = [answer for answer, _facts in ask_many(crowd.entry.pk, again, now=now).answers]
    assert [getattr(each, "role", each) for each in answers] == [None, "moderator", None, None]
    later = now + timedelta(hours=2)  # the links have ended meanwhile, and no row has changed
    assert None not in [answer for answer, _facts in ask_many(crowd.entry.pk, again, now=later).answers]


@pytest.mark.parametrize("order", [1, -1])
def test_two_tabs_of_a_pass_that_know_different_things_are_both_told(crowd: Crowd, order: int) -> None:
    now = timezone.now()
    speaker = crowd.credentials[1]
    _viewer, facts = ask_many(crowd.entry.pk, [Asked(speaker)], now=now).answers[0]
    both = [Asked(speaker, facts), Asked(speaker)][::order]  # one has just come, with who knows what
    answers = [answer for answer, _facts in ask_many(crowd.entry.pk, both, now=now).answers]
    assert [getattr(each, "role", each) for each in answers] == ["speaker", "speaker"]


def test_however_many_it_is_a_few_questions(
    crowd: Crowd, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    until = timezone.now() + timedelta(hours=1)
    for n in range(60):
        guest = make_guest(crowd.course.tenant, f"more{n}@x.example")
        _held, secret = make_pass(make_participant(crowd.entry, guest=guest, granted_until=until))
        crowd.credentials.append(Credentials(entry_id=crowd.entry.pk, pass_secret=secret))
    asked = [Asked(each) for each in crowd.credentials]
    ask_many(crowd.entry.pk, asked, now=timezone.now())
    with django_assert_max_num_queries(10):
        ask_many(crowd.entry.pk, asked, now=timezone.now())
