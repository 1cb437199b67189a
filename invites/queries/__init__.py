"""Scoped reads of this app, one file a subject."""

from invites.queries.console import (
    _NAME_AND_KEY,
    invites_broken_by,
    line_of,
    open_invites_of,
    people_behind,
    people_named_in,
)
from invites.queries.invites import (
    invite_behind,
    invite_for,
    invites_for,
    redemption_of,
    speakers_of,
    terms_of,
)
from invites.queries.rules import (
    SHIPPED_TEMPLATE_NAME,
    domain_rules_of,
    inviting_facts,
    is_named_in,
    judge_newcomer,
    person_with,
    settings_for,
)
from invites.queries.suggestions import (
    _LEAST_LETTERS,
    _SUGGESTED,
    Suggestion,
    suggestions_for,
)

__all__ = [
    "SHIPPED_TEMPLATE_NAME",
    "_LEAST_LETTERS",
    "_NAME_AND_KEY",
    "_SUGGESTED",
    "Suggestion",
    "domain_rules_of",
    "invite_behind",
    "invite_for",
    "invites_broken_by",
    "invites_for",
    "inviting_facts",
    "is_named_in",
    "judge_newcomer",
    "line_of",
    "open_invites_of",
    "people_behind",
    "people_named_in",
    "person_with",
    "redemption_of",
    "settings_for",
    "speakers_of",
    "suggestions_for",
    "terms_of",
]
