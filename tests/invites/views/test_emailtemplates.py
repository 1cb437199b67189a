"""The console's templates: written, looked at before they are saved, tried on oneself and nobody else."""

import re
from http import HTTPStatus

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from invites.models import EmailTemplate, ModuleSettings, TemplateText
from invites.services.templates import make_template, use_template
from invites.services.trial_mail import PER_ACTOR
from invites.tokens import Token
from lti_tool.identity import TAB_COOKIE
from lti_tool.models import Person, Tab, Tenant
from tests.factories.console import confirmation_in, launched_tab
from tests.factories.console import text_of as text
from tests.factories.lti import make_course, make_member, make_person, make_tab, make_tenant
from tests.factories.mailserver import Mailserver

pytestmark = pytest.mark.django_db

GOOD = {
    "subject": "Come: {TITLE}",
    "text": "Hello {FIRSTNAME}\r\n{URL}",
    "html": '<p><a href="{URL}">Go</a></p>',
}


@pytest.fixture
def tenant() -> Tenant:
    return make_tenant(name="Northfield University")


@pytest.fixture
def tab(client: Client, tenant: Tenant) -> Tab:
    return launched_tab(client, tenant)


@pytest.fixture
def console(tab: Tab) -> str:
    return f"/~{tab.handle}/admin/config"


@pytest.fixture
def template(tenant: Tenant) -> EmailTemplate:
    return make_template(tenant, "Lectures", "en", by="person:1", now=timezone.now())


@pytest.fixture
def editor(console: str, template: EmailTemplate) -> str:
    return f"{console}/emailtemplates/{template.pk}/text/en"


def stored(template: EmailTemplate, language: str = "en") -> TemplateText:
    return template.texts.get(language=language)


def frame_in(page: str) -> str:
    found = re.search(r'<iframe[^>]* src="([^"]+)" sandbox', page)
    assert found is not None
    return found[1]


def errors_in(page: str) -> list[str]:
    found = re.findall(r'<p class="error">(.*?)</p>', page, flags=re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", one).split()) for one in found]


# --- Templates --------------------------------------------------------------------------------------


def test_a_template_is_made_and_found_again(client: Client, console: str, tenant: Tenant) -> None:
    assert "Foyer’s own" in text(client.get(f"{console}/tab/emailtemplates"))
    made = client.post(f"{console}/emailtemplates/new", {"name": " Guest  lectures ", "language": "pt-br"})
    template = EmailTemplate.objects.get(tenant=tenant, texts__isnull=False)
    assert made["Location"] == f"{console}/emailtemplates/{template.pk}/text/pt-br?saved"
    assert template.name == "Guest lectures"
    page = text(client.get(f"{console}/tab/emailtemplates"))
    assert "Guest lectures" in page
    assert "Brazilian Portuguese" in page
    assert client.get(f"{console}/emailtemplates/{template.pk}").status_code == HTTPStatus.FOUND


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"name": "", "language": "en"}, "Give the template a name."),
        ({"name": "lectures", "language": "en"}, "Another template is called so. Choose another name."),
        ({"name": "Exams", "language": "tlh"}, "Select a valid choice."),
    ],
)
def test_a_bad_template_is_not_made(
    client: Client, console: str, template: EmailTemplate, values: dict[str, str], says: str
) -> None:
    answer = client.post(f"{console}/emailtemplates/new", values)
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert any(error.startswith(says) for error in errors_in(text(answer)))
    assert EmailTemplate.objects.count() == 1


def test_copy_rename_language_and_delete(
    client: Client, console: str, template: EmailTemplate, tenant: Tenant
) -> None:
    here = f"{console}/emailtemplates/{template.pk}"
    assert 'value="Copy of Lectures"' in text(client.get(f"{here}/copy"))
    client.post(f"{here}/copy", {"name": "Exams"})
    assert EmailTemplate.objects.filter(name="Exams", texts__language="en").exists()
    assert "Another template" in text(client.post(f"{here}/copy", {"name": "Exams"}))

    assert 'value="en"' not in text(client.get(f"{here}/language-new")).partition('name="like"')[0]
    added = client.post(f"{here}/language-new", {"language": "da", "like": "en"})
    assert added["Location"] == f"{here}/text/da?saved"
    assert stored(template, "da").text == stored(template).text
    assert client.post(f"{here}/language-new", {"language": "da", "like": ""}).status_code == 422

    asked = client.get(f"{here}/text/en/delete")
    assert "is the language for everybody else" in text(asked)
    assert client.post(f"{here}/text/en/delete").status_code == HTTPStatus.CONFLICT
    client.post(f"{here}/details", {"name": "Talks", "fallback_language": "da"})
    template.refresh_from_db()
    assert (template.name, template.fallback_language) == ("Talks", "da")
    assert "Take English away" in text(client.get(f"{here}/text/en/delete"))
    client.post(f"{here}/text/en/delete")
    assert [one.language for one in template.texts.all()] == ["da"]
    assert client.post(f"{here}/text/en/delete").status_code == HTTPStatus.NOT_FOUND

    client.post(f"{here}/use")
    assert ModuleSettings.objects.get(tenant=tenant).invite_email_template == template
    assert "is in use" in text(client.get(f"{here}/delete"))
    assert client.post(f"{here}/delete").status_code == HTTPStatus.CONFLICT
    use_template(EmailTemplate.objects.get(name="Exams"), by="person:1", now=timezone.now())
    assert "Delete “Talks”?" in text(client.get(f"{here}/delete"))
    client.post(f"{here}/delete")
    assert client.get(here).status_code == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize(
    "page", ["", "/details", "/copy", "/use", "/delete", "/language-new", "/text/en", "/text/en/delete"]
)
def test_nobody_elses_templates_are_there(client: Client, console: str, page: str) -> None:
    other = make_template(make_tenant(), "Theirs", "en", by="person:1", now=timezone.now())
    address = f"{console}/emailtemplates/{other.pk}{page}"
    answers = [client.get(address), client.post(address, {**GOOD, "name": "Mine", "language": "fr"})]
    assert {answer.status_code for answer in answers} <= {HTTPStatus.NOT_FOUND, 405}
    assert EmailTemplate.objects.get(pk=other.pk).name == "Theirs"


# --- Writing ----------------------------------------------------------------------------------------


def test_a_text_is_saved_as_it_was_typed(client: Client, editor: str, template: EmailTemplate) -> None:
    saved = client.post(editor, {**GOOD, "do": "save"})
    assert saved["Location"] == f"{editor}?saved"
    text_now = stored(template)
    assert (text_now.subject, text_now.text) == ("Come: {TITLE}", "Hello {FIRSTNAME}\n{URL}\n")
    assert text_now.html == '<p><a href="{URL}">Go</a></p>\n'
    assert "Saved." in text(client.get(f"{editor}?saved"))
    client.post(editor, {**GOOD, "html": "  ", "do": "save"})
    assert stored(template).html == ""


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"text": "{URL}\nA {TITEL}"}, "Line 2, column 3: There is no token {TITEL}. Did you mean {TITLE}?"),
        ({"text": "{URL} {WEATHER}"}, "Line 1, column 7: There is no token {WEATHER}. “Tokens” shows all"),
        ({"text": "Hello"}, "{URL} is missing: without the link nobody gets in."),
        ({"html": "<p>Hello</p>"}, "{URL} is missing: without the link nobody gets in."),
        ({"html": "<!-- {URL} --><p>Hello</p>"}, "{URL} is missing"),
        ({"html": "<script>{URL}</script><p>Hello</p>"}, "{URL} is missing"),
        ({"html": "<p>\n<a href='{TITLE}'>x</a>{URL}"}, "Line 2, column 10: {TITLE} cannot stand in an"),
        ({"subject": "{URL}"}, "Sign 1: {URL} cannot stand in a subject:"),
        ({"subject": "{QRCODE}"}, "Sign 1: {QRCODE} cannot stand in a subject:"),
        ({"subject": ""}, "A mail needs a subject."),
        ({"text": ""}, "Every mail has a plain text"),
        ({"html": "<div>" * 300 + "{URL}"}, "Too much for a mail:"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_at_its_place_and_nothing_typed_is_lost(
    client: Client, editor: str, template: EmailTemplate, values: dict[str, str], says: str
) -> None:
    before = stored(template)
    answer = client.post(editor, {**GOOD, "text": "Mine stays {URL}", **values, "do": "save"})
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    page = text(answer).replace("&#x27;", "'")
    assert any(error.startswith(says) for error in errors_in(page)), errors_in(page)
    assert "text" in values or "Mine stays {URL}" in page
    assert stored(template) == before
    assert stored(template).text == before.text


def test_html_that_no_mail_can_carry_is_asked_about(
    client: Client, editor: str, template: EmailTemplate
) -> None:
    before = stored(template).html
    values = {**GOOD, "html": "<p onclick=x>Hi {URL}</p>\n<script>alert(1)</script>", "do": "save"}
    asked = client.post(editor, values)
    page = text(asked)
    assert "Mails cannot carry all of this HTML. Nothing was saved yet." in page
    assert "&lt;script&gt;" in page
    assert "line 2" in page
    assert "alert(1)" in page, "what was typed is still there"
    assert stored(template).html == before
    client.post(editor, {**values, "confirmed": "0" * 16})
    assert stored(template).html == before
    answer = {"confirmed": confirmation_in(asked)}
    client.post(editor, {**values, **answer, "html": f"{values['html']}<iframe></iframe>"})
    assert stored(template).html == before, "an answer is good for the question that was asked"
    client.post(editor, {**values, **answer})
    assert stored(template).html == "<p>Hi {URL}</p>\n"


def test_the_tokens_stand_beside_the_text_with_what_they_mean(client: Client, editor: str) -> None:
    page = text(client.get(editor))
    for token in Token:
        assert f'data-token="{token.written}"' in page


# --- Looking ----------------------------------------------------------------------------------------


def test_a_preview_shows_what_was_typed_and_saves_nothing(
    client: Client, editor: str, template: EmailTemplate
) -> None:
    before = stored(template).text
    typed = {
        "subject": "New: {TITLE}",
        "text": "Dear {FIRSTNAME} {WRONG}",
        "html": "<b>{INVITER}</b>{QRCODE}<script>x</script><a href='{URL}'>x</a>",
        "do": "preview",
    }
    page = text(client.post(editor, typed))
    assert "New: Guest lecture" in page
    assert "Dear Ana {WRONG}" in page
    assert "There is no token {WRONG}" in page
    assert 'value="New: {TITLE}"' in page
    part = text(client.post(editor, typed, headers={"HX-Request": "true"}))
    assert part.strip().startswith("<section")
    assert "<form" not in part
    mail = Client().get(frame_in(part))
    assert "<b>Pat Person" in text(mail)
    assert 'src="data:image/png;base64,' in text(mail)
    assert "/join/their-own-link" in text(mail)
    assert "<script" not in text(mail)
    assert "sandbox" in mail["Content-Security-Policy"]
    assert stored(template).text == before


def test_a_preview_that_is_not_kept_any_more_says_so_in_its_frame(client: Client) -> None:
    answer = client.get("/admin/config/mail-preview/nothing")
    assert answer.status_code == HTTPStatus.GONE
    assert "This preview is not kept any more." in text(answer)
    assert "frame-ancestors *" in answer["Content-Security-Policy"]


def test_nobodys_launch_makes_anothers_preview_framed(client: Client, tenant: Tenant) -> None:
    member = make_member(make_course(tenant))
    tab, secret = make_tab(member, is_console_admin=True, frame_origins=["https://lms.example"])
    client.cookies[TAB_COOKIE] = secret
    page = text(client.get(f"/~{tab.handle}/admin/config/tab/emailtemplates?language=de"))
    mail = Client().get(frame_in(page))
    assert "frame-ancestors 'self' https://lms.example;" in mail["Content-Security-Policy"]
    assert 'lang="de"' in text(mail)


# --- Trying -----------------------------------------------------------------------------------------


def person_of(tab: Tab) -> Person:
    return Person.objects.get(pk=tab.person_id)


def test_a_test_goes_to_oneself_with_what_was_typed(
    client: Client, editor: str, tab: Tab, mailserver: Mailserver
) -> None:
    page = text(
        client.post(editor, {**GOOD, "to": "eve@evil.example", "email": "eve@evil.example", "do": "test"})
    )
    address = person_of(tab).email
    assert "The mail server took the test mail." in page
    assert address in page
    (mail,) = mailserver.mails
    assert mailserver.recipients == [address]
    assert mail["Subject"] == "Test: Come: Guest lecture"
    assert address in mail["To"]
    assert address in mail["Reply-To"]
    body = mail.get_body(("plain",))
    assert body is not None
    assert "Hello Ana" in body.get_content()


def test_what_the_mail_server_says_is_told(
    client: Client, editor: str, tab: Tab, mailserver: Mailserver
) -> None:
    mailserver.answers[person_of(tab).email] = "550 5.1.1 No such person here"
    page = text(client.post(editor, {**GOOD, "do": "test"}, headers={"HX-Request": "true"}))
    assert "The test mail did not go out." in page
    assert "550 5.1.1 No such person here" in page


def test_a_flawed_text_is_not_mailed(client: Client, editor: str, mailserver: Mailserver) -> None:
    assert "was not sent" in text(client.post(editor, {**GOOD, "text": "no link", "do": "test"}))
    assert mailserver.mails == []


def test_tests_are_few(client: Client, editor: str, mailserver: Mailserver) -> None:
    for _time in range(PER_ACTOR.tries):
        client.post(editor, {**GOOD, "do": "test"})
    page = text(client.post(editor, {**GOOD, "do": "test"}))
    assert "Too many tries in a short time." in page
    assert len(mailserver.mails) == PER_ACTOR.tries


def test_an_operator_gets_it_at_the_address_of_their_login(
    client: Client, template: EmailTemplate, mailserver: Mailserver
) -> None:
    operator = User.objects.create_user("op", is_staff=True)
    client.force_login(operator)
    address = f"/admin/config/emailtemplates/{template.pk}/text/en?tenant={template.tenant_id}"
    assert "Send me a test" not in text(client.get(address))
    assert "no address" in text(client.post(address, {**GOOD, "do": "test"}))
    User.objects.filter(pk=operator.pk).update(email="op@foyer.example")
    assert "Send me a test" in text(client.get(address))
    client.post(address, {**GOOD, "do": "test"})
    assert mailserver.recipients == ["op@foyer.example"]


def test_whoever_has_no_address_is_told_so(
    client: Client, tenant: Tenant, template: EmailTemplate, mailserver: Mailserver
) -> None:
    person = make_person(tenant, email="", normalised_email="")
    tab, secret = make_tab(make_member(make_course(tenant), person=person), is_console_admin=True)
    client.cookies[TAB_COOKIE] = secret
    address = f"/~{tab.handle}/admin/config/emailtemplates/{template.pk}/text/en"
    assert "Send me a test" not in text(client.get(address))
    client.post(address, {**GOOD, "do": "test"})
    assert mailserver.mails == []
