"""A tenant's email templates, and the text of one that a mail is written with."""

from django.conf import settings as django_settings
from django.db.models import Count, QuerySet

from common.errors import MissingError
from invites.languages import language_choices, nearest_language
from invites.models import EmailTemplate, ModuleSettings, TemplateText
from lti_tool.models import Tenant


def templates_of(tenant: Tenant) -> QuerySet[EmailTemplate]:
    """The tenant's own templates, by name: those with texts. One without is the shipped mail."""
    own = EmailTemplate.objects.filter(tenant=tenant).annotate(text_count=Count("texts"))
    return own.filter(text_count__gt=0).prefetch_related("texts").order_by("name", "pk")


def template_for(tenant: Tenant, template_id: int) -> EmailTemplate:
    """One of them.

    Raises:
        MissingError: there is none, or it is another tenant's.
    """
    found = templates_of(tenant).filter(pk=template_id).first()
    if found is None:
        raise MissingError
    return found


def text_for(settings: ModuleSettings, *, language: str) -> TemplateText | None:
    """The chosen template's text for a mail in this language, else its fallback; None where ours speaks."""
    template = settings.invite_email_template
    if template is None or template.pk is None:
        return None
    texts = {text.language: text for text in TemplateText.objects.filter(template_id=template.pk)}
    return texts.get(nearest_language(language, texts)) or texts.get(template.fallback_language)


def languages_for_mail(settings: ModuleSettings) -> list[tuple[str, str]]:
    """Choices for an invitee's language, with their names: ours, and those of the chosen template."""
    codes = {code for code, _name in django_settings.LANGUAGES}
    template = settings.invite_email_template
    if template is not None and template.pk is not None:
        written = TemplateText.objects.filter(template_id=template.pk).values_list("language", flat=True)
        codes.update(written)
    return language_choices(codes)
