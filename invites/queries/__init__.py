"""Scoped reads of this app, one file a subject."""

from invites.queries.audit import Names, audit_events_of, names_in, newest_event
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
    judge_newcomers,
    person_with,
    settings_for,
)
from invites.queries.suggestions import (
    Suggestion,
    address_chosen,
    masked,
    suggestions_for,
)
from invites.queries.templates import languages_for_mail, template_for, templates_of, text_for

__all__ = [
    "SHIPPED_TEMPLATE_NAME",
    "Member",
    "Names",
    "Suggestion",
    "address_chosen",
    "audit_events_of",
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
    "inviting_facts",
    "is_named_group",
    "is_named_in",
    "judge_newcomer",
    "judge_newcomers",
    "languages_for_mail",
    "line_of",
    "line_of_course",
    "mails_stopped_in",
    "masked",
    "members_of",
    "names_in",
    "newest_event",
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
    "template_for",
    "templates_of",
    "terms_of",
    "text_for",
]
