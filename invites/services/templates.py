"""Make and change a tenant's email templates. A template always has a text in its language for everybody."""

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from common.errors import ConflictError, MissingError
from invites.letters import shipped_texts
from invites.models import EmailTemplate, ModuleSettings, TemplateText
from invites.queries import settings_for
from invites.services.audit import Action, audit_change, fingerprint, write_audit
from lti_tool.models import Tenant

log = logging.getLogger(__name__)

MOST_TEMPLATES = 200


@dataclass(frozen=True, slots=True)
class Words:
    """What a template says in one language, checked and cleaned."""

    subject: str
    text: str
    html: str


class TemplateNameTakenError(ConflictError):
    """Another template of the tenant is called so."""

    code = "template_name_taken"


class TemplateInUseError(ConflictError):
    """It is what invitations say now."""

    code = "template_in_use"


class LanguageError(ConflictError):
    """The language is there already, or cannot be taken away."""

    code = "template_language"


@transaction.atomic
def make_template(tenant: Tenant, name: str, language: str, *, by: str, now: datetime) -> EmailTemplate:
    """Make a template that says what the shipped mail says, in one language (English where we have none).

    Raises:
        TemplateNameTakenError: another template is called so.
    """
    template = _named(EmailTemplate(tenant=tenant, fallback_language=language), name)
    _add(template, language, _shipped_words(tenant, language))
    facts = {"name": fingerprint(template.name), "fallback_language": language, "languages": [language]}
    _audit_made(template, facts, by=by, now=now)
    return template


@transaction.atomic
def copy_template(template: EmailTemplate, name: str, *, by: str, now: datetime) -> EmailTemplate:
    """Make another template with the same texts.

    Raises:
        TemplateNameTakenError: another template is called so.
    """
    source = _locked(template)
    copy = _named(EmailTemplate(tenant=source.tenant, fallback_language=source.fallback_language), name)
    texts = list(source.texts.all())
    for text in texts:
        _add(copy, text.language, Words(text.subject, text.text, text.html))
    facts = {
        "name": fingerprint(copy.name),
        "fallback_language": copy.fallback_language,
        "languages": sorted(text.language for text in texts),
    }
    _audit_made(copy, facts, by=by, now=now)
    return copy


@transaction.atomic
def change_details(
    template: EmailTemplate, name: str, fallback_language: str, *, by: str, now: datetime
) -> None:
    """Rename a template, or choose the language for everybody else.

    Raises:
        TemplateNameTakenError: another template is called so.
        LanguageError: it has no text in this language.
        MissingError: somebody deleted it meanwhile.
    """
    stored = _locked(template)
    if not stored.texts.filter(language=fallback_language).exists():
        raise LanguageError(_("There is no text in this language any more."))
    before = _details_of(stored)
    stored.fallback_language = fallback_language
    _named(stored, name)
    _audit_change(stored, before, _details_of(stored), by=by, now=now)


@transaction.atomic
def save_text(template: EmailTemplate, language: str, words: Words, *, by: str, now: datetime) -> None:
    """Change what a template says in a language. It holds for every mail that is sent from now on.

    Raises:
        MissingError: it has no text in this language.
    """
    stored = _locked(template)
    text = stored.texts.filter(language=language).first()
    if text is None:
        raise MissingError
    before = _facts_of(text)
    text.subject, text.text, text.html = words.subject, words.text, words.html
    text.save()
    _audit_change(stored, before, _facts_of(text), by=by, now=now)


@transaction.atomic
def add_language(
    template: EmailTemplate, language: str, *, like: str = "", by: str, now: datetime
) -> TemplateText:
    """Give a template a text in one more language, to be worked on.

    Args:
        like: the language whose text it starts with; empty for the shipped mail.

    Raises:
        LanguageError: it has one in this language.
        MissingError: there is none to start with.
    """
    stored = _locked(template)
    if stored.texts.filter(language=language).exists():
        raise LanguageError(_("There is a text in this language already."))
    words = _shipped_words(stored.tenant, language)
    if like:
        source = stored.texts.filter(language=like).first()
        if source is None:
            raise MissingError
        words = Words(source.subject, source.text, source.html)
    before = _languages_of(stored)
    text = _add(stored, language, words)
    _audit_change(stored, before, _languages_of(stored), by=by, now=now)
    return text


@transaction.atomic
def remove_language(template: EmailTemplate, language: str, *, by: str, now: datetime) -> None:
    """Take a language away from a template.

    Raises:
        LanguageError: it is the one for everybody else.
        MissingError: it has none in this language.
    """
    stored = _locked(template)
    if stored.fallback_language == language:
        raise LanguageError(
            _("This is the language for everybody else."), next_step=_("Choose another one for that first.")
        )
    before = _languages_of(stored)
    removed, _rows = stored.texts.filter(language=language).delete()
    if not removed:
        raise MissingError
    _audit_change(stored, before, _languages_of(stored), by=by, now=now)


@transaction.atomic
def use_template(template: EmailTemplate, *, by: str, now: datetime) -> None:
    """Let invitations say what this template says: the setting `inviteEmailTemplate`."""
    stored = _locked(template)
    settings, _is_new = ModuleSettings.objects.select_for_update().get_or_create(tenant=stored.tenant)
    before = {"inviteEmailTemplate": settings.invite_email_template_id}
    settings.invite_email_template = stored
    settings.save()
    after = {"inviteEmailTemplate": stored.pk}
    tenant = stored.tenant
    audit_change(tenant, by=by, action=Action.SETTINGS_CHANGED, before=before, after=after, now=now)
    log.info("settings changed tab=emailtemplates tenant=%s by=%s", tenant.pk, by)


@transaction.atomic
def delete_template(template: EmailTemplate, *, by: str, now: datetime) -> None:
    """Delete a template with all its texts.

    Raises:
        TemplateInUseError: invitations say what it says.
        MissingError: somebody deleted it meanwhile.
    """
    chosen = ModuleSettings.objects.select_for_update().filter(tenant=template.tenant_id).first()
    stored = _locked(template)
    if chosen is not None and chosen.invite_email_template_id == stored.pk:
        raise TemplateInUseError(
            _("This template is in use: invitations say what it says."),
            next_step=_("Choose another one under “Invite to media”, then delete this one."),
        )
    changes = {field: (value, None) for field, value in _details_of(stored).items()}
    template_id, tenant = stored.pk, stored.tenant
    stored.delete()
    write_audit(
        tenant,
        by=by,
        action=Action.TEMPLATE_DELETED,
        subject=_subject(template_id),
        changes=changes,
        now=now,
    )
    log.info("template deleted template=%s tenant=%s by=%s", template_id, tenant.pk, by)


def _locked(template: EmailTemplate) -> EmailTemplate:
    rows = EmailTemplate.objects.select_for_update(of=("self",)).select_related("tenant__platform")
    stored = rows.filter(pk=template.pk, tenant=template.tenant_id).first()
    if stored is None:
        raise MissingError
    return stored


def _named(template: EmailTemplate, name: str) -> EmailTemplate:
    """Save it under a name that no other template of the tenant has."""
    template.name = name
    namesakes = EmailTemplate.objects.filter(tenant=template.tenant_id, name__iexact=name)
    taken = TemplateNameTakenError(_("Another template is called so."), next_step=_("Choose another name."))
    if namesakes.exclude(pk=template.pk).exists():
        raise taken
    try:
        with transaction.atomic():  # two at once: the constraint decides
            template.save()
    except IntegrityError as error:
        raise taken from error
    return template


def _add(template: EmailTemplate, language: str, words: Words) -> TemplateText:
    return TemplateText.objects.create(template=template, language=language, **asdict(words))


def _shipped_words(tenant: Tenant, language: str) -> Words:
    devices = settings_for(tenant).link_reusability
    texts = shipped_texts(language, devices=devices)
    return Words(texts.subject, texts.text, texts.html)


def _details_of(template: EmailTemplate) -> dict[str, object]:
    return {"name": fingerprint(template.name), "fallback_language": template.fallback_language}


def _languages_of(template: EmailTemplate) -> dict[str, object]:
    return {"languages": list(template.texts.order_by("language").values_list("language", flat=True))}


def _facts_of(text: TemplateText) -> dict[str, object]:
    """Fingerprints: a mail may name people."""
    said = {"subject": text.subject, "text": text.text, "html": text.html}
    return {f"{field}:{text.language}": fingerprint(value) for field, value in said.items()}


def _audit_made(template: EmailTemplate, facts: Mapping[str, object], *, by: str, now: datetime) -> None:
    write_audit(
        template.tenant,
        by=by,
        action=Action.TEMPLATE_MADE,
        subject=_subject(template.pk),
        changes={field: (None, value) for field, value in facts.items()},
        now=now,
    )
    log.info("template made template=%s tenant=%s by=%s", template.pk, template.tenant_id, by)


def _audit_change(
    template: EmailTemplate,
    before: Mapping[str, object],
    after: Mapping[str, object],
    *,
    by: str,
    now: datetime,
) -> None:
    audit_change(
        template.tenant,
        by=by,
        action=Action.TEMPLATE_CHANGED,
        subject=_subject(template.pk),
        before=before,
        after=after,
        now=now,
    )
    log.info("template changed template=%s tenant=%s by=%s", template.pk, template.tenant_id, by)


def _subject(template_id: int) -> str:
    return f"template:{template_id}"
