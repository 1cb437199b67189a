"""Scoped reads of this app, one file a subject."""

from invites.queries.console import invites_broken_by, mails_stopped_in, open_invites_of
from invites.queries.groups import (
    Member,
    group_for,
    groups_named_in,
    groups_of,
    groups_with,
    is_named_group,
    is_named_in,
    members_of,
    sizes_of,
)
from invites.queries.invites import (
    invite_behind,
    invite_for,
    invites_for,
    redemption_of,
    speakers_of,
    terms_of,
)
from invites.queries.people import (
    courses_behind,
    courses_found,
    line_of,
    line_of_course,
    people_behind,
    people_found,
    people_named_in,
)
from invites.queries.rules import (
    SHIPPED_TEMPLATE_NAME,
    domain_rules_of,
    inviting_facts,
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
    "_SUGGESTED",
    "Member",
    "Suggestion",
    "courses_behind",
    "courses_found",
    "domain_rules_of",
    "group_for",
    "groups_named_in",
    "groups_of",
    "groups_with",
    "invite_behind",
    "invite_for",
    "invites_broken_by",
    "invites_for",
    "inviting_facts",
    "is_named_group",
    "is_named_in",
    "judge_newcomer",
    "line_of",
    "line_of_course",
    "mails_stopped_in",
    "members_of",
    "open_invites_of",
    "people_behind",
    "people_found",
    "people_named_in",
    "person_with",
    "redemption_of",
    "settings_for",
    "sizes_of",
    "speakers_of",
    "suggestions_for",
    "terms_of",
]
