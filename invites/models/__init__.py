"""The tables of inviting, one file a subject."""

from invites.models.bulk import BulkLine, BulkRun
from invites.models.invite import Invite, InviteEvent, MailboxCode, Redemption
from invites.models.outbox import OutboxMail
from invites.models.quotas import QuotaUse
from invites.models.settings import AuditEvent, Group, ModuleSettings
from invites.models.templates import EmailTemplate, TemplateText

__all__ = [
    "AuditEvent",
    "BulkLine",
    "BulkRun",
    "EmailTemplate",
    "Group",
    "Invite",
    "InviteEvent",
    "MailboxCode",
    "ModuleSettings",
    "OutboxMail",
    "QuotaUse",
    "Redemption",
    "TemplateText",
]
