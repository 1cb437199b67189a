"""The log of a tenant's rules in words: who, what, from and to."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.conf import settings as django_settings
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from invites.models import AuditEvent, ModuleSettings
from invites.queries import Names
from invites.services.audit import FINGERPRINT, Action
from invites.settings_fields import shown_minutes, shown_rule
from invites.settings_forms import InvitingForm
from lti_tool.models import APPLICATION_ROLE_CHOICES, RIGHT_CHOICES, Deployment, Platform
from lti_tool.roles import VOCABULARY

# The tabs that the log tells of, in the order of the filter.
TABS: Final[dict[str, str | Promise]] = {
    "invitetomedia": gettext_lazy("Invite to media"),
    "emailtemplates": gettext_lazy("Email templates"),
    "groups": gettext_lazy("Groups"),
    "theming": gettext_lazy("Theming"),
    "rolemapping": gettext_lazy("Roles"),
    "registrations": gettext_lazy("Registrations"),
    "privacy": gettext_lazy("Personal data"),
}

_ACTIONS: Final[dict[str, str | Promise]] = {
    Action.SETTINGS_CHANGED: gettext_lazy("Rules of inviting changed"),
    Action.THEMING_CHANGED: gettext_lazy("Theming changed"),
    Action.GROUP_MADE: gettext_lazy("Group made"),
    Action.GROUP_CHANGED: gettext_lazy("Group changed"),
    Action.GROUP_DELETED: gettext_lazy("Group deleted"),
    Action.TEMPLATE_MADE: gettext_lazy("Email template made"),
    Action.TEMPLATE_CHANGED: gettext_lazy("Email template changed"),
    Action.TEMPLATE_DELETED: gettext_lazy("Email template deleted"),
    Action.ROLES_CHANGED: gettext_lazy("Role mapping changed"),
    Action.REGISTRATION_CHANGED: gettext_lazy("Registration changed"),
    Action.CONSOLE_KEY_ENDED: gettext_lazy("Console taken from a browser"),
    Action.PERSON_ERASED: gettext_lazy("Somebody’s data erased"),
    Action.PERSON_EXPORTED: gettext_lazy("Somebody’s data exported"),
    "privacy.joined": gettext_lazy("Guest and person joined"),
    Action.PURGED: gettext_lazy("Guests anonymised after their time"),
}

_FIELDS: Final[dict[str, str | Promise]] = {
    "AllowedPeople": gettext_lazy("Specific users"),
    "AllowedGroups": gettext_lazy("Specific groups"),
    "people": gettext_lazy("People"),
    "courses": gettext_lazy("Staff of courses"),
    "learner_wins": gettext_lazy("Learner beside a teaching role gives no right"),
    "institution_admin_gets_console": gettext_lazy("Administrators of the institution have this console"),
    "issuer": gettext_lazy("Issuer"),
    "client_id": gettext_lazy("Client Id"),
    "auth_url": gettext_lazy("OpenID Connect authentication endpoint"),
    "token_url": gettext_lazy("OAuth2 access token URL"),
    "jwks_url": gettext_lazy("Keyset URL"),
    "token_audience": gettext_lazy("OAuth2 audience"),
    "name": gettext_lazy("Name"),
    "state": gettext_lazy("State"),
    "has_listed_deployments": gettext_lazy("New deployments wait for approval"),
    "frame_origins": gettext_lazy("Further origins that may frame the tool"),
    "count": gettext_lazy("How many"),
    "fallback_language": gettext_lazy("Language for everybody else"),
    "languages": gettext_lazy("Languages"),
    "joined": gettext_lazy("Joined"),
    "subject": gettext_lazy("Subject"),
    "text": gettext_lazy("Text"),
    "html": gettext_lazy("HTML"),
    "embedHosts": gettext_lazy("Hosts to show media from"),
}


@dataclass(frozen=True, slots=True)
class ShownChange:
    """One field: from, to; or where it is a list, what came and what went."""

    label: str
    before: str = ""
    after: str = ""
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    is_list: bool = False
    is_hidden: bool = False

    @property
    def as_text(self) -> tuple[str, str]:
        """From and to, for a file."""
        if self.is_list:
            return ", ".join(self.removed), ", ".join(self.added)
        return self.before, self.after


@dataclass(frozen=True, slots=True)
class ShownEvent:
    """One line of the log, as people read it."""

    at: datetime
    who: str
    who_id: str
    what: str
    subject: str
    tab: str
    changes: tuple[ShownChange, ...]


def event_in_words(event: AuditEvent, names: Names, *, names_operators: bool) -> ShownEvent:
    """One line of the log.

    Args:
        names_operators: whether operators stand there by name: to a tenant they are nobody in particular.
    """
    tab = event.action.partition(".")[0]
    return ShownEvent(
        at=event.at,
        who=_who(event.actor, names, names_operators=names_operators),
        who_id=event.actor,
        what=str(_ACTIONS.get(event.action, event.action)),
        subject=_subject(event.subject, names),
        tab=str(TABS.get(tab, tab)),
        changes=tuple(
            _change(field, event.changes[field], names) for field in sorted(event.changes, key=_place)
        ),
    )


# As they stand on their pages; databases keep no order of their own.
_PLACES: Final = {field: place for place, field in enumerate([*InvitingForm.base_fields, *_FIELDS])}


def _place(field: str) -> tuple[int, str]:
    return _PLACES.get(field, len(_PLACES)), field


def _who(actor: str, names: Names, *, names_operators: bool) -> str:
    kind, _colon, key = actor.partition(":")
    if kind == "person":
        return names.people.get(key) or _("Somebody who is not known any more")
    if kind == "operator":
        name = names.operators.get(key) if names_operators else None
        return _("Operator %(name)s") % {"name": name} if name else _("An operator of this tool")
    if kind == "console-key":
        browser = names.browsers.get(key)
        return _("Claim link, in %(browser)s") % {"browser": browser} if browser else _("A claim link")
    return _("The tool itself")


def _subject(subject: str, names: Names) -> str:
    kind, _colon, key = subject.partition(":")
    named = {
        "group": names.groups,
        "template": names.templates,
        "person": names.people,
        "console-key": names.browsers,
    }
    if kind == "guest":
        return names.guests.get(key) or _("Guest %(number)s") % {"number": key[:8]}
    return _name(named[kind], key) if kind in named else ""


def _change(field: str, values: Sequence[object], names: Names) -> ShownChange:
    before, after = values
    label = _label(field, names)
    if any(isinstance(value, str) and value.startswith(FINGERPRINT) for value in values):
        return ShownChange(label, is_hidden=True)
    is_role = field.startswith("role:")
    if not is_role and (isinstance(before, list) or isinstance(after, list)):
        old, new = ([_value(field, one, names) for one in _list(value)] for value in values)
        return ShownChange(
            label,
            added=tuple(one for one in new if one not in old),
            removed=tuple(one for one in old if one not in new),
            is_list=True,
        )
    return ShownChange(label, _value(field, before, names), _value(field, after, names))


def _label(field: str, names: Names) -> str:
    kind, colon, key = field.partition(":")
    if colon and kind == "role":
        role = VOCABULARY.get(key)
        return (role.sub_role or role.principal) if role else key
    if colon and kind == "deployment":
        return _("Deployment %(id)s") % {"id": names.deployments.get(key, key)}
    if colon and kind in _FIELDS:
        return _("%(field)s (%(part)s)") % {"field": _FIELDS[kind], "part": key}
    return str(_FIELDS.get(field, field))


_TEXTS: Final[dict[str, Callable[[Names], dict[str, str]]]] = {
    "AllowedPeople": lambda names: names.people,
    "people": lambda names: names.people,
    "AllowedGroups": lambda names: names.groups,
    "courses": lambda names: names.courses,
    "inviteEmailTemplate": lambda names: names.templates,
}
_CHOICES: Final[dict[str, dict[Any, Any]]] = {
    "AllowedUsers": dict(ModuleSettings.AllowedUsers.choices),
    "VerifyMailbox": dict(ModuleSettings.VerifyMailbox.choices),
    "Suggestions": dict(ModuleSettings.Suggestions.choices),
    "state": dict(Platform.State.choices),
    "deployment:": dict(Deployment.State.choices),
    "languages": dict(django_settings.LANGUAGES),
    "fallback_language": dict(django_settings.LANGUAGES),
}
_RIGHTS: Final = dict(RIGHT_CHOICES)
_APPLICATION_ROLES: Final = dict(APPLICATION_ROLE_CHOICES)


def _value(field: str, value: object, names: Names) -> str:
    if value is None or value == "":
        return _("none")
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if field in _TEXTS:
        return _name(_TEXTS[field](names), str(value))
    if field == "joined":
        return _subject(str(value), names)
    if field.startswith("role:") and isinstance(value, list):
        right, application_role = value
        return f"{_RIGHTS.get(right, right)}, {_APPLICATION_ROLES.get(application_role, application_role)}"
    if isinstance(value, int):
        return _number(field, value)
    if field == "RestrictNewUserDomains":
        return shown_rule(str(value))
    kind = "deployment:" if field.startswith("deployment:") else field
    return str(_CHOICES.get(kind, {}).get(str(value), value))


def _name(known: Mapping[str, str], key: str) -> str:
    """What an id stands for; the shipped template has no name of its own."""
    if known.get(key) == "":
        return _("Foyer’s invitation")
    return known.get(key) or _("number %(number)s, by now gone") % {"number": key[:8]}


def _number(field: str, value: int) -> str:
    if field == "LinkDuration":
        return shown_minutes(value)
    return _("no limit") if field == "LinkReusability" and value == -1 else str(value)


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
