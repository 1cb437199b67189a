"""Wall clocks in named zones -> instants; everything typed stays on an error."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from django.http import QueryDict

from lti_tool.roles import ApplicationRole, Right
from rooms.access import Viewer, viewer_by_tab
from rooms.forms import (
    CollaboratorForm,
    EntryForm,
    OwnerForm,
    SearchForm,
    instant_of,
    label_of,
    zone_choices,
)
from rooms.models import Collaborator, Entry
from tests.factories.lti import make_course, make_member, make_person, make_tab, make_tenant
from tests.factories.rooms import make_placed_entry

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)


def typed(**values: str) -> QueryDict:
    data = QueryDict(mutable=True)
    data.update({"title": "Guest lecture", "time_zone": "Europe/Berlin", **values})
    return data


def form_of(entry: Entry | None = None, /, **values: str) -> EntryForm:
    return EntryForm(typed(**values), now=NOW, entry=entry)


@pytest.mark.parametrize(
    ("wall", "zone", "instant"),
    [
        ("2026-03-02T14:00", "UTC", "2026-03-02T14:00"),
        ("2026-03-02T14:00", "Europe/Berlin", "2026-03-02T13:00"),
        ("2026-07-02T14:00", "Europe/Berlin", "2026-07-02T12:00"),
        ("2026-03-02T14:00", "Asia/Kolkata", "2026-03-02T08:30"),
        ("2026-03-02T14:00", "America/New_York", "2026-03-02T19:00"),
        ("2026-03-29T01:59:59", "Europe/Berlin", "2026-03-29T00:59:59"),
        ("2026-03-29T02:00", "Europe/Berlin", None),
        ("2026-03-29T02:59:59", "Europe/Berlin", None),
        ("2026-03-29T03:00", "Europe/Berlin", "2026-03-29T01:00"),
        ("2026-10-25T02:30", "Europe/Berlin", "2026-10-25T00:30"),  # twice: the first
        ("2026-10-25T03:00", "Europe/Berlin", "2026-10-25T02:00"),
        ("2026-10-04T02:15", "Australia/Lord_Howe", None),  # half an hour is skipped
        ("2026-10-04T02:30", "Australia/Lord_Howe", "2026-10-03T15:30"),
        ("2011-12-30T12:00", "Pacific/Apia", None),  # a whole day was skipped
    ],
)
def test_clocks_of_a_zone_become_instants(wall: str, zone: str, instant: str | None) -> None:
    expected = datetime.fromisoformat(instant).replace(tzinfo=UTC) if instant else None
    assert instant_of(datetime.fromisoformat(wall), ZoneInfo(zone)) == expected


def test_a_whole_form_becomes_details() -> None:
    form = form_of(
        description="Bring boots.",
        start_date="2026-03-02",
        start_time="14:00",
        end_date="2026-03-02",
        end_time="15:30",
        has_chat="on",
    )
    assert form.is_valid(), form.errors
    details = form.details
    assert (details.title, details.description, details.has_chat) == ("Guest lecture", "Bring boots.", True)
    assert details.starts_at == datetime(2026, 3, 2, 13, tzinfo=UTC)
    assert details.ends_at == datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
    assert details.time_zone == "Europe/Berlin"


def test_a_title_is_enough_and_an_absent_tick_is_a_no() -> None:
    form = form_of()
    assert form.is_valid(), form.errors
    assert (form.details.starts_at, form.details.ends_at, form.details.has_chat) == (None, None, False)


def test_a_title_is_one_line() -> None:
    form = form_of(title=" Guest\r\nBcc: everybody\t now ")
    assert form.is_valid(), form.errors
    assert form.details.title == "Guest Bcc: everybody now"


@pytest.mark.parametrize(
    ("query", "words"), [("q=+ice+core+", "ice core"), ("q=%00", ""), (f"q={'x' * 201}", ""), ("", "")]
)
def test_a_search_is_text_or_nothing(query: str, words: str) -> None:
    assert SearchForm.read(QueryDict(query)) == words


def test_seconds_are_kept() -> None:
    form = form_of(start_date="2026-03-02", start_time="14:00:10")
    assert form.is_valid(), form.errors
    assert form.details.starts_at == datetime(2026, 3, 2, 13, 0, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"title": " "}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"description": "x" * 5001}, "description"),
        ({"time_zone": "Europe/Nowhere"}, "time_zone"),
        ({"time_zone": "../etc/passwd"}, "time_zone"),
        ({"time_zone": ""}, "time_zone"),
        ({"start_date": "2026-03-02"}, "start_time"),
        ({"start_time": "14:00"}, "start_date"),
        ({"end_date": "2026-03-02"}, "end_time"),
        ({"end_time": "14:00"}, "end_date"),
        ({"start_date": "31 February", "start_time": "14:00"}, "start_date"),
        ({"start_date": "2026-03-02", "start_time": "25:00"}, "start_time"),
        ({"start_date": "0001-01-01", "start_time": "00:00"}, "start_date"),
        ({"start_date": "9999-12-31", "start_time": "23:59"}, "start_date"),
        ({"start_date": "2026-03-29", "start_time": "02:30"}, "start_time"),
        ({"end_date": "2026-03-29", "end_time": "02:30"}, "end_time"),
        ({"end_date": "2026-01-15", "end_time": "12:59"}, "end_time"),
    ],
)
def test_what_cannot_be_is_refused_beside_its_field_and_stays_typed(
    values: dict[str, str], field: str
) -> None:
    form = form_of(**values)
    assert not form.is_valid()
    assert set(form.errors) == {field}
    for name, value in values.items():
        assert form[name].value() == value


@pytest.mark.parametrize("end", ["14:00", "13:59"])
def test_the_end_is_after_the_start(end: str) -> None:
    form = form_of(start_date="2026-03-02", start_time="14:00", end_date="2026-03-02", end_time=end)
    assert set(form.errors) == {"end_time"}


def test_the_order_is_that_of_the_instants_not_of_the_clocks() -> None:
    """02:30 comes twice on this day: from 01:59 to the first of them is half an hour."""
    form = form_of(start_date="2026-10-25", start_time="01:59", end_date="2026-10-25", end_time="02:30")
    assert form.is_valid(), form.errors
    assert form.details.ends_at is not None
    assert form.details.starts_at is not None
    assert form.details.ends_at - form.details.starts_at == timedelta(minutes=31)


def test_a_skipped_time_is_explained_with_the_next_that_exists() -> None:
    form = form_of(start_date="2026-03-29", start_time="02:30")
    assert "Europe/Berlin" in form.errors["start_time"][0]
    assert "03:30" in form.errors["start_time"][0]


def test_editing_shows_the_clocks_of_the_entrys_own_zone() -> None:
    entry = Entry(
        title="Lecture",
        time_zone="Asia/Kolkata",
        starts_at=datetime(2026, 3, 2, 8, 30, tzinfo=UTC),
        ends_at=datetime(2026, 3, 2, 9, 30, 10, tzinfo=UTC),
        has_chat=False,
    )
    shown = str(EntryForm(now=NOW, entry=entry))
    for expected in (
        'value="2026-03-02"',
        'value="14:00"',
        'value="15:00:10"',
        'value="Asia/Kolkata" selected',
    ):
        assert expected in shown
    assert "checked" not in shown
    assert "data-own-zone" not in shown


def test_an_untouched_instant_stays_exact_even_in_an_hour_that_comes_twice() -> None:
    second = datetime(2026, 10, 25, 1, 30, 7, 5000, tzinfo=UTC)  # 02:30 for the second time
    entry = Entry(title="Lecture", time_zone="Europe/Berlin", starts_at=second)
    form = form_of(entry, start_date="2026-10-25", start_time="02:30:07", title="Another title")
    assert form.is_valid(), form.errors
    assert form.details.starts_at == second


def test_an_entry_that_is_over_can_still_get_another_title() -> None:
    entry = Entry(title="Lecture", time_zone="UTC", ends_at=NOW - timedelta(days=1))
    form = form_of(entry, time_zone="UTC", end_date="2026-01-14", end_time="12:00", title="Last week")
    assert form.is_valid(), form.errors


def test_another_zone_moves_the_instant() -> None:
    entry = Entry(title="Lecture", time_zone="UTC", starts_at=datetime(2026, 3, 2, 14, tzinfo=UTC))
    form = form_of(entry, start_date="2026-03-02", start_time="14:00")
    assert form.is_valid(), form.errors
    assert form.details.starts_at == datetime(2026, 3, 2, 13, tzinfo=UTC)


def test_a_new_form_takes_the_browsers_zone_and_one_with_an_error_keeps_the_choice() -> None:
    assert "data-own-zone" in str(EntryForm(now=NOW, title="Week 6")["time_zone"])
    assert "data-own-zone" not in str(form_of(title="")["time_zone"])


def test_what_browsers_call_their_zone_is_offered() -> None:
    offered = {value for _area, group in zone_choices()[1:] for value, _label in group} | {"UTC"}
    # Chromium says Asia/Calcutta where others say Asia/Kolkata.
    assert {"Europe/Berlin", "Asia/Calcutta", "Asia/Kolkata", "America/Argentina/Salta", "UTC"} <= offered
    assert offered <= available_timezones()
    labels = {value: label for _area, group in zone_choices()[1:] for value, label in group}
    assert labels["America/Argentina/Salta"] == "Salta, Argentina (America)"


def test_an_old_fashioned_zone_of_an_entry_is_kept() -> None:
    entry = Entry(title="Lecture", time_zone="US/Eastern")
    assert 'value="US/Eastern" selected' in str(EntryForm(now=NOW, entry=entry))
    assert form_of(entry, time_zone="US/Eastern").is_valid()


# --- People -----------------------------------------------------------------------------------------------


@pytest.fixture
def host(db: None) -> Viewer:
    course = make_course(make_tenant())
    entry, placement = make_placed_entry(course)
    tab, _secret = make_tab(make_member(course), placement)
    viewer = viewer_by_tab(entry, tab)
    assert viewer is not None
    return viewer


def member(viewer: Viewer, name: str, email: str = "", **values: object) -> str:
    """Somebody of the viewer's course; their id."""
    entry = Entry.objects.get(pk=viewer.entry_id)
    binding = entry.bindings.get()
    assert binding.placement.course is not None
    person = make_person(entry.tenant, name=name, given_name="", family_name="", email=email)
    make_member(binding.placement.course, person=person, **values)  # type: ignore[arg-type]
    return str(person.pk)


def find(viewer: Viewer, **values: str) -> CollaboratorForm:
    data = QueryDict(mutable=True)
    data.update({"right": "co_editor", **values})
    form = CollaboratorForm(data, viewer=viewer, tab=None)
    form.is_valid()
    return form


@pytest.mark.parametrize(
    "text", ["Tora Berg", "tora berg", " TORA@campus.example ", "Tora Berg (tora@campus.example)"]
)
def test_a_whole_name_or_address_is_enough(host: Viewer, text: str) -> None:
    tora = member(host, "Tora Berg", "tora@campus.example")
    member(host, "Tora Bergen", "tora2@campus.example")
    form = find(host, who=text)
    assert not form.errors
    assert form.found is not None
    assert str(form.found.pk) == tora


def test_half_a_name_offers_whom_it_may_mean(host: Viewer) -> None:
    ids = {member(host, "Tora Berg"), member(host, "Tom Becker")}
    form = find(host, who="to be")
    assert set(form.errors) == {"who"}
    assert {str(person.pk) for person in form.candidates} == ids
    chosen = find(host, who="to be", candidate=min(ids))
    assert chosen.found is not None
    assert str(chosen.found.pk) == min(ids)


def test_two_people_of_one_name_are_told_apart_by_choice(host: Viewer) -> None:
    member(host, "Tora Berg", "one@campus.example")
    two = member(host, "Tora Berg", "two@campus.example")
    assert set(find(host, who="Tora Berg").errors) == {"who"}
    chosen = find(host, who="Tora Berg (two@campus.example)", person=two)
    assert chosen.found is not None
    assert str(chosen.found.pk) == two


def test_whoever_types_on_after_choosing_means_the_text(host: Viewer) -> None:
    tora = member(host, "Tora Berg")
    tom = member(host, "Tom Becker")
    form = find(host, who="Tom Becker", person=tora)
    assert form.found is not None
    assert str(form.found.pk) == tom


def test_a_person_without_address_stands_with_the_name_alone(host: Viewer) -> None:
    tora = member(host, "Tora Berg")
    form = find(host, who="Tora Berg", person=tora)
    assert form.found is not None
    assert label_of(form.found) == "Tora Berg"


def test_nobody_is_found_elsewhere_but_by_the_exact_address(host: Viewer) -> None:
    other = make_course(Entry.objects.get(pk=host.entry_id).tenant)
    person = make_person(other.tenant, name="Olga Outside", email="olga@campus.example")
    make_member(other, person=person)
    assert set(find(host, who="Olga Outside").errors) == {"who"}
    assert set(find(host, who="olga@campus").errors) == {"who"}
    assert find(host, who="Olga@campus.example").found == person


def test_people_of_another_tenant_are_not_found_even_by_their_id(host: Viewer) -> None:
    stranger = make_person(make_tenant(), name="Sam Stranger", email="sam@other.example")
    for values in (
        {"who": "sam@other.example"},
        {"who": "Sam Stranger", "candidate": str(stranger.pk)},
        {"who": label_of(stranger), "person": str(stranger.pk)},
    ):
        assert set(find(host, **values).errors) == {"who"}


@pytest.mark.parametrize("values", [{"is_disabled": True}, {"is_test_user": True}])
def test_disabled_people_and_the_lms_preview_person_are_not_found(
    host: Viewer, values: dict[str, bool]
) -> None:
    entry = Entry.objects.get(pk=host.entry_id)
    person = make_person(entry.tenant, name="Tora Berg", email="tora@campus.example", **values)
    course = entry.bindings.get().placement.course
    assert course is not None
    make_member(course, person=person)
    assert set(find(host, who="tora@campus.example").errors) == {"who"}


def test_the_owner_needs_no_other_right(host: Viewer) -> None:
    owner = member(host, "Tora Berg", "tora@campus.example")
    Collaborator.objects.create(entry_id=host.entry_id, person_id=owner, right="owner")
    assert set(find(host, who="Tora Berg").errors) == {"who"}


@pytest.mark.parametrize("right", ["owner", "none", "", "admin"])
def test_only_three_rights_can_be_given(host: Viewer, right: str) -> None:
    member(host, "Tora Berg")
    assert set(find(host, who="Tora Berg", right=right).errors) == {"right"}


def test_an_owner_is_somebody_who_can_use_it(host: Viewer) -> None:
    learner = member(host, "Lena Learner", right=Right.NONE, application_role=ApplicationRole.VIEWER)
    data = QueryDict(mutable=True)
    data.update({"who": "Lena Learner", "person": learner})
    form = OwnerForm(data, viewer=host, tab=None)
    assert set(form.errors) == {"who"}
    assert "Lena Learner" in form.errors["who"][0]
