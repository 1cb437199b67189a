"""Whom an inviter may mean, while they type."""

from typing import Final

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from common.decisions import Refused
from common.errors import MissingError
from common.throttle import Limit
from invites.explain import refusal_to_invite
from invites.policy import WhyNot, judge_inviting
from invites.queries import inviting_facts, settings_for, suggestions_for
from lti_tool.claims import clean
from lti_tool.identity import tab_of
from rooms.access import ViewerRequest, for_viewer

# Typing a name asks a few times; reading out a directory asks without an end.
SUGGESTION_TRIES: Final = (Limit("invite-suggest", 120, 60), Limit("invite-suggest-hour", 1500, 3600))


@for_viewer
@require_POST
def suggest(request: ViewerRequest) -> HttpResponse:
    """People whom the inviter may mean. By POST, so that what is typed stands in no log."""
    if request.viewer.person_id is None or request.viewer.pass_id is not None:
        raise MissingError
    rules = settings_for(request.entry.tenant)
    verdict = judge_inviting(inviting_facts(request.viewer, request.entry, rules))
    if isinstance(verdict, Refused):
        raise refusal_to_invite(WhyNot(verdict.reason))
    for limit in SUGGESTION_TRIES:
        limit.count(str(request.viewer.person_id))
    tab, typed = tab_of(request), clean(request.POST.get("q", ""), cap=320)
    found = suggestions_for(request.viewer, tab.course if tab else None, typed, rules=rules)
    return render(request, "invites/_suggestions.html", {"suggestions": found})
