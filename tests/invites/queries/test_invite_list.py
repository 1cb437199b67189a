"""The list of invites: what the database says is what the rules say, however long the list is."""

from datetime import datetime, timedelta
from itertools import product

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from invites.models import Invite, OutboxMail, Redemption
from invites.policy import Life, Refuse, judge_link, stage_of
from invites.queries import settings_for, terms_of
from invites.queries.invite_list import (
    PAGE,
    Mark,
    Sort,
    Wanted,
    all_found,
    chosen_invites,
    found_ids,
    list_page,
    visible_invites,
)
from invites.standing import State, state_of
from lti_tool.roles import Right
from rooms.access import Viewer
from rooms.models import Entry
from tests.factories.invites import make_invite
from tests.factories.lti import make_person
from tests.factories.rooms import make_entry, make_guest, make_participant, make_pass
from tests.invites.services.test_lifecycle import viewer_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def entry() -> Entry:
    return make_entry()


@pytest.fixture
def owner(entry: Entry) -> Viewer:
    return viewer_of(entry)


def mail(invite: Invite, state: str, **values: object) -> OutboxMail:
    defaults: dict[str, object] = {"generation": invite.generation, "due_at": invite.made_at, "state": state}
    return OutboxMail.objects.create(tenant=invite.tenant, invite=invite, **{**defaults, **values})


def names(viewer: Viewer, entry: Entry, wanted: Wanted, *, number: int = 1) -> list[str]:
    page = list_page(viewer, entry, wanted, number=number, now=timezone.now())
    return [invite.last_name for invite in page.invites]


# --- States ---------------------------------------------------------------------------------------


def every_case(entry: Entry, now: datetime) -> None:
    """An invite of each kind there can be, as far as states go."""
    past, future = now - timedelta(hours=1), now + timedelta(hours=1)
    cases = product(
        [None, "waiting", "sending", "sent", "failed", "given_up"],
        [None, past],  # the lobby reached
        [None, past],  # entered
        [past, future],  # the link's end
        [None, past],  # withdrawn
        [0, 1],  # devices
        [False, True],  # removed by a host
    )
    for number, (state, lobby, entered, expires, withdrawn, devices, is_removed) in enumerate(cases):
        participant = None
        if is_removed:
            guest = make_guest(entry.tenant, email=f"guest{number}@example.org")
            participant = make_participant(entry, guest=guest, removed_at=past)
        invite = make_invite(
            entry,
            f"guest{number}@example.org",
            lobby_reached_at=lobby,
            entered_at=entered,
            expires_at=expires,
            withdrawn_at=withdrawn,
            devices_used=devices,
            participant=participant,
        )
        if state:
            mail(invite, state)


@pytest.mark.parametrize("has_ended", [False, True])
def test_the_database_says_the_same_of_each_invite_as_the_rules(entry: Entry, has_ended: bool) -> None:
    now = timezone.now()
    every_case(entry, now)
    if has_ended:
        entry.starts_at, entry.ends_at = now - timedelta(days=2), now - timedelta(days=1)
        entry.save()
    owner, rules = viewer_of(entry), settings_for(entry.tenant)
    by_rules: dict[State, set[str]] = {state: set() for state in State}
    for invite in all_found(owner, entry, Wanted(), now=now):
        verdict = judge_link(terms_of(invite, rules), generation=1, devices=invite.devices_used, now=now)
        mails = tuple(each.state for each in invite.mails.all())
        life = Life(mails, invite.lobby_reached_at is not None, invite.entered_at is not None)
        closed = verdict.why if isinstance(verdict, Refuse) else None
        by_rules[state_of(stage_of(life), closed)].add(str(invite.pk))
    counts = list_page(owner, entry, Wanted(), number=1, now=now).counts
    for state in State:
        found = found_ids(owner, entry, Wanted(state), most=1000, now=now)
        assert {str(each) for each in found} == by_rules[state]
        assert counts.of(state) == len(by_rules[state])
    assert counts.total == sum(map(len, by_rules.values())) == 6 * 2**6


def test_only_mails_that_carry_the_present_link_count(entry: Entry, owner: Viewer) -> None:
    invite = make_invite(entry, generation=2, last_name="Renewed")
    mail(invite, "given_up", generation=1)
    mail(invite, "given_up", kind=OutboxMail.Kind.CODE)
    assert names(owner, entry, Wanted(State.MADE)) == ["Renewed"]
    mail(invite, "sent", kind=OutboxMail.Kind.NEW_LINK)
    assert names(owner, entry, Wanted(State.MAILED)) == ["Renewed"]
    mail(invite, "waiting")
    assert names(owner, entry, Wanted(State.WAITING)) == ["Renewed"]


def test_who_asks_and_what_is_used_up_are_marks_beside_the_state(entry: Entry, owner: Viewer) -> None:
    now = timezone.now()
    make_invite(entry, "a@example.org", last_name="Asks", new_link_asked_at=now)
    make_invite(entry, "b@example.org", last_name="Gone", new_link_asked_at=now, withdrawn_at=now)
    make_invite(entry, "c@example.org", last_name="Used", devices_used=1, entered_at=now)
    make_invite(entry, "d@example.org", last_name="Over", devices_used=1, entered_at=now, expires_at=now)
    make_invite(entry, "e@example.org", last_name="Many", devices_used=9, entered_at=now, max_devices=None)
    assert names(owner, entry, Wanted(Mark.ASKED)) == ["Asks"]
    assert names(owner, entry, Wanted(Mark.USED_UP)) == ["Used"]
    counts = list_page(owner, entry, Wanted(), number=1, now=now).counts
    assert (counts.of(None), counts.of(Mark.ASKED), counts.of(Mark.USED_UP)) == (5, 1, 1)
    assert counts.of(State.ENTERED) == 3


# --- Search and sort ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("muller", ["Müller"]),
        ("MÜLLER jur", ["Müller"]),
        ("soren", ["Ødegård"]),
        ("ødeg", ["Ødegård"]),
        ("@uni.example", ["Müller", "Ødegård"]),
        ("er  uni", ["Müller", "Ødegård"]),
        ("nobody", []),
        ("%", []),
        ("_", []),
        ("'", ["Müller", "Ødegård"]),  # a sign that searching passes over
    ],
)
def test_a_search_passes_over_case_and_accents(
    entry: Entry, owner: Viewer, typed: str, found: list[str]
) -> None:
    make_invite(entry, "jm@uni.example", first_name="Jürgen", last_name="Müller")
    make_invite(entry, "so@uni.example", first_name="Søren Peer", last_name="Ødegård")
    assert sorted(names(owner, entry, Wanted(words=typed))) == found
    page = list_page(owner, entry, Wanted(words=typed), number=1, now=timezone.now())
    assert page.counts.total == len(found)


def test_each_sort_has_its_order(entry: Entry, owner: Viewer) -> None:
    now = timezone.now()
    for number, (first, last, values) in enumerate(
        [
            ("Zoë", "Berg", {"entered_at": now}),
            ("Åsa", "berg", {"withdrawn_at": now}),
            ("Bo", "Ärlig", {"new_link_asked_at": now, "entered_at": now}),
            ("Cy", "Zumthor", {}),
        ]
    ):
        made_at = now - timedelta(minutes=number)
        invite = make_invite(
            entry, f"g{number}@example.org", first_name=first, last_name=last, made_at=made_at, **values
        )
        if number in {0, 2}:
            participant = make_participant(
                entry, guest=make_guest(entry.tenant, email=f"g{number}@example.org")
            )
            issued, _secret = make_pass(participant, seen_at=now - timedelta(hours=5 - number))
            Redemption.objects.create(
                invite=invite, generation=1, device_hash="d", issued_pass=issued, redeemed_at=now
            )

    def first_names(sort: Sort) -> list[str]:
        page = list_page(owner, entry, Wanted(sort=sort), number=1, now=now)
        return [invite.first_name for invite in page.invites]

    assert first_names(Sort.NEWEST) == ["Zoë", "Åsa", "Bo", "Cy"]
    assert first_names(Sort.NAME) == ["Bo", "Åsa", "Zoë", "Cy"]
    assert first_names(Sort.STATE) == ["Bo", "Cy", "Zoë", "Åsa"]
    assert first_names(Sort.SEEN) == ["Bo", "Zoë", "Åsa", "Cy"]


# --- Pages, costs, powers -------------------------------------------------------------------------


def make_many(entry: Entry, count: int) -> None:
    now = timezone.now()
    made = Invite.objects.bulk_create(
        [
            Invite(
                tenant=entry.tenant,
                entry=entry,
                email=f"many{number}@example.org",
                normalised_email=f"many{number}@example.org",
                last_name=f"Many {number:04}",
                role="viewer",
                expires_at=now + timedelta(days=(number + 2) % 3 - 1),
                max_devices=1,
                made_at=now - timedelta(seconds=number),
            )
            for number in range(count)
        ],
        batch_size=500,
    )
    OutboxMail.objects.bulk_create(
        [
            OutboxMail(
                tenant=entry.tenant, invite=invite, generation=1, due_at=now, state="sent", sent_at=now
            )
            for invite in made[::2]
        ],
        batch_size=500,
    )


@pytest.mark.parametrize("count", [1, 3000])
@pytest.mark.parametrize(
    "wanted", [Wanted(), Wanted(State.MAILED, Sort.SEEN), Wanted(sort=Sort.STATE, words="many")]
)
def test_a_page_costs_three_queries_however_long_the_list_is(
    entry: Entry,
    owner: Viewer,
    wanted: Wanted,
    count: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    make_many(entry, count)
    with django_assert_num_queries(3):
        page = list_page(owner, entry, wanted, number=1, now=timezone.now())
        for invite in page.invites:
            assert invite.entry.tenant.platform is not None
            assert invite.made_by is None
            assert invite.participant is None
    assert len(page.invites) == min(page.total, PAGE)


def test_pages_follow_each_other_and_end(entry: Entry, owner: Viewer) -> None:
    make_many(entry, 120)
    pages = [names(owner, entry, Wanted(), number=number) for number in (1, 2, 3)]
    assert [len(page) for page in pages] == [50, 50, 20]
    assert [name for page in pages for name in page] == [f"Many {number:04}" for number in range(120)]
    assert names(owner, entry, Wanted(), number=99) == pages[2]
    assert names(owner, entry, Wanted(), number=0) == pages[0]


def test_one_sees_ones_own_or_all_of_the_entry_and_never_anothers(entry: Entry, owner: Viewer) -> None:
    publisher = viewer_of(entry, Right.CO_PUBLISHER)
    make_invite(entry, "a@example.org", last_name="Theirs", made_by_id=publisher.person_id)
    make_invite(entry, "b@example.org", last_name="Others", made_by=make_person(entry.tenant))
    elsewhere = make_invite(make_entry(entry.tenant), "c@example.org")
    foreign = make_invite(make_entry(), "d@example.org")
    assert names(publisher, entry, Wanted()) == ["Theirs"]
    assert sorted(names(owner, entry, Wanted(sort=Sort.NAME))) == ["Others", "Theirs"]
    assert not visible_invites(viewer_of(entry, Right.NONE)).exists()
    every_id = list(Invite.objects.values_list("pk", flat=True))
    assert [invite.last_name for invite in chosen_invites(publisher, every_id)] == ["Theirs"]
    assert {elsewhere.pk, foreign.pk}.isdisjoint(invite.pk for invite in chosen_invites(owner, every_id))
