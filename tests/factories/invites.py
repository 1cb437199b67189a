"""Invites, and the rules of a tenant."""

from datetime import timedelta

from django.utils import timezone

from invites.domains import normalise_email
from invites.models import EmailTemplate, Invite, ModuleSettings, TemplateText
from invites.queries import SHIPPED_TEMPLATE_NAME
from lti_tool.models import Tenant
from rooms.models import Entry
from tests.factories.rooms import make_entry


def make_template(tenant: Tenant, name: str, **texts: str) -> EmailTemplate:
    """A template of the tenant's own; `texts` maps languages to texts, by default one in English."""
    template = EmailTemplate.objects.create(tenant=tenant, name=name)
    for language, text in (texts or {"en": "{URL}"}).items():
        TemplateText.objects.create(template=template, language=language, subject="{TITLE}", text=text)
    return template


def make_settings(tenant: Tenant, **values: object) -> ModuleSettings:
    """Stored rules: the defaults, with these values."""
    shipped = EmailTemplate.objects.create(tenant=tenant, name=SHIPPED_TEMPLATE_NAME)
    return ModuleSettings.objects.create(tenant=tenant, **{"invite_email_template": shipped, **values})


def make_invite(entry: Entry | None = None, email: str = "ana@example.org", **values: object) -> Invite:
    """An open invite: a day, one device."""
    entry = entry or make_entry()
    now = timezone.now()
    defaults: dict[str, object] = {
        "email": email,
        "normalised_email": str(normalise_email(email)),
        "first_name": "Ana",
        "last_name": "Guest",
        "role": "speaker",
        "expires_at": now + timedelta(days=1),
        "max_devices": 1,
        "made_at": now,
    }
    return Invite.objects.create(tenant=entry.tenant, entry=entry, **{**defaults, **values})
