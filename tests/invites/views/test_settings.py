"""The tab `invitetomedia`: what is refused beside its field, and what is asked before it is saved."""

import re
from datetime import timedelta
from http import HTTPStatus

import pytest
from django.test import Client
from django.utils import timezone

from invites.models import EmailTemplate, ModuleSettings
from invites.queries import settings_for
from lti_tool.models import Tenant
from rooms.models import Entry
from tests.factories.console import GOOD, Answer, confirmation_in, field_error, launched_tab
from tests.factories.console import INVITE_TO_MEDIA as CONSOLE
from tests.factories.console import text_of as text
from tests.factories.invites import make_invite, make_template
from tests.factories.lti import make_person, make_tenant
from tests.factories.rooms import make_entry, make_guest

pytestmark = pytest.mark.django_db


@pytest.fixture
def tenant() -> Tenant:
    return make_tenant(name="Northfield University")


@pytest.fixture
def entry(tenant: Tenant) -> Entry:
    return make_entry(tenant, title="Guest lecture")


@pytest.fixture
def admin_url(client: Client, tenant: Tenant) -> str:
    """The prefix of an administrator's tab; the client holds its cookie."""
    return f"/~{launched_tab(client, tenant).handle}"


# groups of choices: their errors are tied to the group
UNMARKED = {"enable", "ValidUntilSessionEnds", "AllowedGroups"}


def stored(tenant: Tenant) -> ModuleSettings:
    return ModuleSettings.objects.get(tenant=tenant)


# --- the fields -----------------------------------------------------------------------------------


def test_the_defaults_are_shown_and_looking_writes_nothing(client: Client, admin_url: str) -> None:
    response = client.get(f"{admin_url}{CONSOLE}")
    form = response.context["form"]
    assert {name: form[name].value() for name in form.fields} == {
        "enable": "Yes",
        "LinkDuration": 1440,
        "LinkReusability": 1,
        "ValidUntilSessionEnds": "Yes",
        "AllowedUsers": "private_only",
        "AllowedPeople": "",
        "AllowedGroups": [],
        "Suggestions": "course",
        "RestrictNewUserDomains": "",
        "VerifyMailbox": "nobody",
        "inviteEmailTemplate": "shipped",
        "SenderName": "",
        "SenderAddress": "",
        "QuotaPerInviterHour": 200,
        "QuotaPerEntry": 2000,
        "QuotaPerRecipientDay": 10,
        "QuotaPerTenantDay": 20_000,
        "GuestRetentionDays": 180,
        "AdminContact": "",
    }
    for label in set(form.fields) - {"AllowedPeople", "AllowedGroups"}:
        assert re.search(rf"<(label|legend)[^>]*>{label}</", text(response))
    assert not ModuleSettings.objects.exists()
    assert not EmailTemplate.objects.exists()


def test_good_values_are_saved_and_shown_again(client: Client, admin_url: str, tenant: Tenant) -> None:
    person = make_person(tenant, name="Pat Person", email="pat@campus.example")
    values = {
        **GOOD,
        "AllowedUsers": "named",
        "AllowedPeople": "PAT@campus.example",
        "RestrictNewUserDomains": "University.EDU.\n\n!Bücher.example\n",
    }
    response = client.post(f"{admin_url}{CONSOLE}", values)
    assert response.status_code == HTTPStatus.SEE_OTHER
    assert response["Location"] == f"{admin_url}{CONSOLE}?saved"
    rules = stored(tenant)
    assert (rules.enable, rules.link_duration, rules.link_reusability) == (True, 60, 2)
    assert (rules.allowed_users, list(rules.allowed_people.all())) == ("named", [person])
    assert rules.restrict_new_user_domains == ["university.edu", "!xn--bcher-kva.example"]
    assert (rules.valid_until_session_ends, rules.admin_contact) == (False, "help@university.edu")
    assert (rules.verify_mailbox, rules.suggestions) == ("hosting", "tenant")
    assert (rules.sender_name, rules.sender_address) == ("Northfield Events", "events@university.edu")
    assert (rules.quota_per_inviter_hour, rules.quota_per_entry) == (20, 300)
    assert (rules.quota_per_recipient_day, rules.quota_per_tenant_day) == (3, 4000)
    assert rules.guest_retention_days == 90
    assert settings_for(tenant).sends_mail

    page = client.get(response["Location"])
    assert "Saved." in text(page)
    form = page.context["form"]
    assert form["AllowedPeople"].value() == "Pat Person <pat@campus.example>"
    assert form["RestrictNewUserDomains"].value() == "university.edu\n!bücher.example"

    again = {name: form[name].value() for name in form.fields}
    assert client.post(f"{admin_url}{CONSOLE}", again).status_code == HTTPStatus.SEE_OTHER
    assert list(stored(tenant).allowed_people.all()) == [person]
    assert EmailTemplate.objects.count() == 1, "the shipped template is one row, however often it is chosen"


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("enable", "", "required"),
        ("enable", "Perhaps", "not one of the available choices"),
        ("LinkDuration", "", "Write a number of minutes"),
        ("LinkDuration", "0", "at least 1 minute"),
        ("LinkDuration", "525601", "525600 minutes"),
        ("LinkDuration", "a day", "Write a whole number"),
        ("LinkDuration", "1.5", "Write a whole number"),
        ("LinkReusability", "", "Write a number of devices"),
        ("LinkReusability", "0", "Write 1 or more devices"),
        ("LinkReusability", "-2", "Write 1 or more devices"),
        ("LinkReusability", "many", "Write a whole number"),
        ("LinkReusability", "100001", "Write -1"),
        ("AllowedUsers", "everybody", "not one of the available choices"),
        ("AllowedUsers", "", "required"),
        ("AllowedPeople", "Pat\nnobody@campus.example", "Line 2, “nobody@campus.example”: nobody here"),
        ("inviteEmailTemplate", "99999", "not one of the available choices"),
        ("RestrictNewUserDomains", "college.edu\nedu", "Line 2, “edu”: this is an ending that many"),
        ("RestrictNewUserDomains", "*.college.edu", "leave the * out"),
        ("RestrictNewUserDomains", "a.edu, b.edu", "write one domain in a line"),
        ("RestrictNewUserDomains", "ana@a.edu", "write the domain alone"),
        ("RestrictNewUserDomains", "a b", "one domain in a line"),
        ("RestrictNewUserDomains", "a..edu", "this is no domain"),
        ("RestrictNewUserDomains", "a.edu\nA.edu", "it stands in line 1 already"),
        ("RestrictNewUserDomains", "a.edu\n!a.edu", "it says the opposite of line 1"),
        ("RestrictNewUserDomains", "a.edu\n" * 501, "At most 500 lines"),
        ("ValidUntilSessionEnds", "maybe", "not one of the available choices"),
        ("VerifyMailbox", "sometimes", "not one of the available choices"),
        ("Suggestions", "world", "not one of the available choices"),
        ("AllowedGroups", "99999", "deleted meanwhile"),
        ("AllowedGroups", "all", "Tick again"),
        ("SenderName", "Events <events@university.edu>", "Write a name alone"),
        ("SenderName", "Bcc: x\r\ny", "Write a name alone"),
        ("SenderAddress", "events", "Write an email address"),
        ("SenderAddress", "Events <events@university.edu>", "Write an email address"),
        ("SenderAddress", "a@university.edu, b@university.edu", "Write an email address"),
        ("SenderAddress", "événements@université.example", "Write an email address"),
        ("QuotaPerInviterHour", "0", "from 1 to 1000000"),
        ("QuotaPerEntry", "", "from 1 to 1000000"),
        ("QuotaPerRecipientDay", "1001", "from 1 to 1000"),
        ("QuotaPerTenantDay", "lots", "from 1 to 10000000"),
        ("GuestRetentionDays", "-5", "from 1 to 3650"),
        ("AdminContact", "the desk", "Write an email address"),
        ("AdminContact", "javascript:alert(1)", "Write an email address"),
        ("AdminContact", "ftp://help.university.edu", "Write an email address"),
    ],
)
def test_a_bad_value_is_refused_beside_its_field_and_nothing_else_is_lost(
    client: Client, admin_url: str, tenant: Tenant, field: str, value: str, words: str
) -> None:
    make_person(tenant, name="Pat", email="")
    typed = {**GOOD, "AllowedGroups": [], "RestrictNewUserDomains": "university.edu", field: value}
    typed["AllowedGroups"] = [value] if field == "AllowedGroups" else []
    response = client.post(f"{admin_url}{CONSOLE}", typed)
    assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert words in field_error(response, field).replace("This field is required.", "required")
    form = response.context["form"]
    assert set(form.errors) == {field}
    assert {name: form[name].value() for name in form.fields} == typed
    assert 'aria-invalid="true"' in text(response) or field in UNMARKED
    assert not ModuleSettings.objects.exists()


def test_a_real_minus_sign_is_one(client: Client, admin_url: str, tenant: Tenant) -> None:
    client.post(f"{admin_url}{CONSOLE}", {**GOOD, "LinkReusability": "\u22121"})
    assert stored(tenant).link_reusability == -1


def test_people_are_found_by_address_id_or_name_in_their_own_tenant_only(
    client: Client, admin_url: str, tenant: Tenant
) -> None:
    by_mail = make_person(tenant, email="one@campus.example")
    by_id, by_sub = make_person(tenant), make_person(tenant, sub="lms-77")
    by_name = make_person(tenant, name="Zoë Whole Name", email="")
    by_parts = make_person(tenant, name="", given_name="Ada Maria", family_name="Parts")
    lines = [
        "One@Campus.example",
        str(by_id.pk),
        "lms-77",
        "zoë whole name",
        "  Ada Maria   Parts ",
        f"Somebody <{by_mail.pk}>",
    ]
    client.post(f"{admin_url}{CONSOLE}", {**GOOD, "AllowedUsers": "named", "AllowedPeople": "\n".join(lines)})
    found = set(stored(tenant).allowed_people.all())
    assert found == {by_mail, by_id, by_sub, by_name, by_parts}

    stranger = make_person(make_tenant(), email="stranger@campus.example", sub="lms-88", name="Strange R")
    for line in ("stranger@campus.example", "lms-88", str(stranger.pk), "Strange R"):
        response = client.post(f"{admin_url}{CONSOLE}", {**GOOD, "AllowedPeople": line})
        assert f"“{line}”: nobody here" in field_error(response, "AllowedPeople")


def test_a_name_or_address_of_two_people_is_asked_about_and_their_ids_are_shown(
    client: Client, admin_url: str, tenant: Tenant
) -> None:
    one, _two = (make_person(tenant, name="Sam Same", email="same@campus.example") for _ in range(2))
    for line in ("Sam Same", "same@campus.example"):
        response = client.post(f"{admin_url}{CONSOLE}", {**GOOD, "AllowedPeople": line})
        assert f"“{line}”: 2 people fit" in field_error(response, "AllowedPeople")
    client.post(f"{admin_url}{CONSOLE}", {**GOOD, "AllowedPeople": str(one.pk)})
    form = client.get(f"{admin_url}{CONSOLE}").context["form"]
    assert form["AllowedPeople"].value() == f"Sam Same <{one.pk}>"


def test_only_named_people_needs_a_name(client: Client, admin_url: str) -> None:
    response = client.post(f"{admin_url}{CONSOLE}", {**GOOD, "AllowedUsers": "named"})
    assert "Name at least one person" in field_error(response, "AllowedPeople")


def test_templates_of_other_tenants_cannot_be_chosen(client: Client, admin_url: str, tenant: Tenant) -> None:
    own = make_template(tenant, "Ours")
    foreign = make_template(make_tenant(), "Theirs")
    page = text(client.get(f"{admin_url}{CONSOLE}"))
    assert "Ours" in page
    assert "Theirs" not in page
    response = client.post(f"{admin_url}{CONSOLE}", {**GOOD, "inviteEmailTemplate": str(foreign.pk)})
    assert field_error(response, "inviteEmailTemplate")
    client.post(f"{admin_url}{CONSOLE}", {**GOOD, "inviteEmailTemplate": str(own.pk)})
    assert stored(tenant).invite_email_template == own
    client.post(f"{admin_url}{CONSOLE}", {**GOOD, "inviteEmailTemplate": ""})
    assert not settings_for(tenant).sends_mail


# --- rules that would break open invites ----------------------------------------------------------


def test_a_rule_that_breaks_open_invites_is_confirmed_first(
    client: Client, admin_url: str, tenant: Tenant, entry: Entry
) -> None:
    past = timezone.now() - timedelta(minutes=1)
    for number in range(12):
        make_invite(entry, f"open{number}@cs.university.edu")
    make_invite(entry, "other@example.org")
    make_invite(entry, "withdrawn@university.edu", withdrawn_at=past)
    make_invite(entry, "expired@university.edu", expires_at=past)
    make_invite(entry, "used@university.edu", max_devices=1, devices_used=1)
    make_invite(make_entry(tenant, deleted_at=past), "gone@university.edu")
    make_invite(make_entry(), "elsewhere@university.edu")
    make_invite(entry, "person@university.edu")
    make_person(tenant, email="person@university.edu")
    make_invite(entry, "guest@university.edu")
    make_guest(tenant, "guest@university.edu")
    values = {**GOOD, "RestrictNewUserDomains": "university.edu"}

    asked = client.post(f"{admin_url}{CONSOLE}", values)
    assert asked.status_code == HTTPStatus.OK
    assert "12 open invites would be refused by this rule." in text(asked)
    assert "open11@cs.university.edu" in text(asked)
    assert "and 2 more" in text(asked)
    assert "university.edu</textarea>" in text(asked), "what was typed is still there"
    assert not ModuleSettings.objects.exists()

    confirmed = {**values, "confirmed": confirmation_in(asked)}
    assert client.post(f"{admin_url}{CONSOLE}", confirmed).status_code == HTTPStatus.SEE_OTHER
    assert stored(tenant).restrict_new_user_domains == ["university.edu"]
    assert client.post(f"{admin_url}{CONSOLE}", values).status_code == HTTPStatus.SEE_OTHER, (
        "what is refused already is not asked about again"
    )


def test_a_confirmation_holds_for_what_was_shown_only(client: Client, admin_url: str, entry: Entry) -> None:
    make_invite(entry, "one@university.edu")
    make_invite(entry, "two@college.edu")
    asked = client.post(f"{admin_url}{CONSOLE}", {**GOOD, "RestrictNewUserDomains": "university.edu"})
    confirmed = {**GOOD, "RestrictNewUserDomains": "college.edu", "confirmed": confirmation_in(asked)}
    assert "1 open invite would be refused" in text(client.post(f"{admin_url}{CONSOLE}", confirmed))
    assert not ModuleSettings.objects.exists()


def test_switching_off_says_how_many_links_stop(
    client: Client, admin_url: str, tenant: Tenant, entry: Entry
) -> None:
    for number in range(3):
        make_invite(entry, f"open{number}@example.org")
    asked = client.post(f"{admin_url}{CONSOLE}", {**GOOD, "enable": "No"})
    assert "3 open invites would stop working." in text(asked)
    client.post(f"{admin_url}{CONSOLE}", {**GOOD, "enable": "No", "confirmed": confirmation_in(asked)})
    assert not stored(tenant).enable
    assert client.post(f"{admin_url}{CONSOLE}", GOOD).status_code == HTTPStatus.SEE_OTHER
    assert stored(tenant).enable


def test_the_question_costs_the_same_for_one_and_for_many_invites(
    client: Client, admin_url: str, entry: Entry, django_assert_max_num_queries: object
) -> None:
    for number in range(40):
        make_invite(entry, f"open{number}@university.edu")
    with django_assert_max_num_queries(20):  # type: ignore[operator]  # a fixture without a type of its own
        client.post(f"{admin_url}{CONSOLE}", {**GOOD, "RestrictNewUserDomains": "university.edu"})


# --- two administrators at once -------------------------------------------------------------------


def seen_in(response: Answer) -> str:
    found = re.search(r'name="seen" value="(\d+)"', text(response))
    assert found
    return found[1]


def test_what_somebody_else_saved_meanwhile_is_shown_before_it_is_taken_back(
    client: Client, admin_url: str, tenant: Tenant
) -> None:
    seen = seen_in(client.get(f"{admin_url}{CONSOLE}"))
    theirs = {**GOOD, "RestrictNewUserDomains": "university.edu", "seen": seen}
    assert client.post(f"{admin_url}{CONSOLE}", theirs).status_code == HTTPStatus.SEE_OTHER

    mine = {**GOOD, "LinkDuration": "90", "seen": seen}
    answer = client.post(f"{admin_url}{CONSOLE}", mine)
    assert answer.status_code == HTTPStatus.OK
    assert "Somebody saved these rules while you had this page open." in text(answer)
    assert "university.edu" in text(answer)
    assert answer.context["form"]["LinkDuration"].value() == "90", "what was typed is still there"
    assert stored(tenant).restrict_new_user_domains == ["university.edu"]

    again = {**mine, "seen": seen_in(answer)}
    assert client.post(f"{admin_url}{CONSOLE}", again).status_code == HTTPStatus.SEE_OTHER
    assert (stored(tenant).link_duration, stored(tenant).restrict_new_user_domains) == (90, [])


def test_theming_meanwhile_is_no_reason_to_ask(client: Client, admin_url: str) -> None:
    seen = seen_in(client.get(f"{admin_url}{CONSOLE}"))
    client.post(f"{admin_url}/admin/config/tab/theming", {"mediapage": "No"})
    mine = {**GOOD, "seen": seen}
    assert client.post(f"{admin_url}{CONSOLE}", mine).status_code == HTTPStatus.SEE_OTHER
