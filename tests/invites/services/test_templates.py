"""Templates are made, copied, renamed, translated and deleted; the log says that, and never what they say."""

from datetime import datetime

import pytest
from django.utils import timezone

from common.errors import MissingError
from invites.models import AuditEvent, EmailTemplate, ModuleSettings
from invites.queries import languages_for_mail, settings_for, template_for, templates_of, text_for
from invites.services.templates import (
    LanguageError,
    TemplateInUseError,
    TemplateNameTakenError,
    Words,
    add_language,
    change_details,
    copy_template,
    delete_template,
    make_template,
    remove_language,
    save_text,
    use_template,
)
from lti_tool.models import Tenant
from tests.factories.invites import make_settings
from tests.factories.lti import make_tenant

pytestmark = pytest.mark.django_db

BY = "person:1"
WORDS = Words("Come: {TITLE}", "Secret text {URL}\n", "")


@pytest.fixture
def tenant() -> Tenant:
    return make_tenant()


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def template(tenant: Tenant, now: datetime) -> EmailTemplate:
    return make_template(tenant, "Lectures", "de", by=BY, now=now)


def languages_of(template: EmailTemplate) -> list[str]:
    return sorted(template.texts.values_list("language", flat=True))


def last_event(tenant: Tenant) -> AuditEvent:
    return AuditEvent.objects.filter(tenant=tenant).latest("at", "pk")


def test_a_template_starts_as_the_shipped_mail(template: EmailTemplate, tenant: Tenant) -> None:
    (text,) = template.texts.all()
    assert (text.language, template.fallback_language) == ("de", "de")
    assert "{URL}" in text.text
    assert "{URL}" in text.html
    assert "{INVITER}" in text.subject
    assert list(templates_of(tenant)) == [template]
    assert last_event(tenant).action == "emailtemplates.made"


def test_names_are_taken_once_whatever_their_case(
    template: EmailTemplate, tenant: Tenant, now: datetime
) -> None:
    for name in ("Lectures", "LECTURES"):
        with pytest.raises(TemplateNameTakenError):
            make_template(tenant, name, "en", by=BY, now=now)
        with pytest.raises(TemplateNameTakenError):
            copy_template(template, name, by=BY, now=now)
    make_template(make_tenant(), "Lectures", "en", by=BY, now=now)
    change_details(template, "lectures", "de", by=BY, now=now)
    assert template_for(tenant, template.pk).name == "lectures"


def test_a_copy_goes_its_own_way(template: EmailTemplate, tenant: Tenant, now: datetime) -> None:
    add_language(template, "it", like="de", by=BY, now=now)
    copy = copy_template(template, "Exams", by=BY, now=now)
    assert (languages_of(copy), copy.fallback_language) == (["de", "it"], "de")
    save_text(copy, "it", WORDS, by=BY, now=now)
    assert template.texts.get(language="it").subject != WORDS.subject
    delete_template(template, by=BY, now=now)
    assert list(templates_of(tenant)) == [copy]


def test_a_language_more_and_a_language_less(template: EmailTemplate, tenant: Tenant, now: datetime) -> None:
    shipped = add_language(template, "fr", by=BY, now=now)
    assert shipped.text != template.texts.get(language="de").text or "{URL}" in shipped.text
    save_text(template, "de", WORDS, by=BY, now=now)
    assert add_language(template, "it", like="de", by=BY, now=now).text == WORDS.text
    assert last_event(tenant).changes == {"languages": [["de", "fr"], ["de", "fr", "it"]]}
    with pytest.raises(LanguageError):
        add_language(template, "it", by=BY, now=now)
    with pytest.raises(MissingError):
        add_language(template, "es", like="pt", by=BY, now=now)
    with pytest.raises(LanguageError):
        remove_language(template, "de", by=BY, now=now)
    with pytest.raises(LanguageError):
        change_details(template, "Lectures", "es", by=BY, now=now)
    change_details(template, "Lectures", "it", by=BY, now=now)
    remove_language(template, "de", by=BY, now=now)
    assert languages_of(template) == ["fr", "it"]
    with pytest.raises(MissingError):
        save_text(template, "de", WORDS, by=BY, now=now)


def test_what_is_in_use_is_not_deleted(template: EmailTemplate, tenant: Tenant, now: datetime) -> None:
    use_template(template, by=BY, now=now)
    assert last_event(tenant).action == "invitetomedia.changed"
    assert settings_for(tenant).invite_email_template == template
    with pytest.raises(TemplateInUseError):
        delete_template(template, by=BY, now=now)
    other = make_template(tenant, "Exams", "en", by=BY, now=now)
    use_template(other, by=BY, now=now)
    delete_template(template, by=BY, now=now)
    assert last_event(tenant).action == "emailtemplates.deleted"
    assert settings_for(tenant).invite_email_template == other
    with pytest.raises(MissingError):
        save_text(template, "de", WORDS, by=BY, now=now)


def test_using_a_template_leaves_the_other_rules_as_they_are(
    template: EmailTemplate, tenant: Tenant, now: datetime
) -> None:
    make_settings(tenant, link_duration=5)
    use_template(template, by=BY, now=now)
    assert ModuleSettings.objects.get(tenant=tenant).link_duration == 5


def test_the_log_says_that_a_text_changed_and_not_how(
    template: EmailTemplate, tenant: Tenant, now: datetime
) -> None:
    save_text(template, "de", WORDS, by=BY, now=now)
    event = last_event(tenant)
    assert (event.actor, event.action, event.subject) == (
        BY,
        "emailtemplates.changed",
        f"template:{template.pk}",
    )
    assert set(event.changes) == {"subject:de", "text:de", "html:de"}
    assert "Secret" not in str(event.changes)
    assert "Come" not in str(event.changes)
    count = AuditEvent.objects.count()
    save_text(template, "de", WORDS, by=BY, now=now)
    assert AuditEvent.objects.count() == count, "saving it again as it is changes nothing"


def test_another_tenants_template_is_not_there(template: EmailTemplate) -> None:
    with pytest.raises(MissingError):
        template_for(make_tenant(), template.pk)


def test_a_mail_is_written_in_the_nearest_language_that_there_is(
    template: EmailTemplate, tenant: Tenant, now: datetime
) -> None:
    add_language(template, "pt-br", by=BY, now=now)
    rules = settings_for(tenant)
    assert text_for(rules, language="pt") is None, "the shipped mail speaks where no template is chosen"
    use_template(template, by=BY, now=now)
    rules = settings_for(tenant)
    found = {wanted: text_for(rules, language=wanted) for wanted in ("pt", "pt-PT", "de-AT", "fr", "")}
    assert {wanted: text.language for wanted, text in found.items() if text} == {
        "pt": "pt-br",
        "pt-PT": "pt-br",
        "de-AT": "de",
        "fr": "de",
        "": "de",
    }
    assert [code for code, _name in languages_for_mail(rules)] == ["en", "fr", "es", "de", "pt-br"]
    assert [code for code, _name in languages_for_mail(settings_for(make_tenant()))] == [
        "en",
        "fr",
        "es",
        "de",
    ]
