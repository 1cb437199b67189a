"""Reasons in words: each refusal says what happened and what to do next."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from common.errors import RefusedError
from invites.domains import AddressError, AddressProblem
from invites.policy import WhyNot


@dataclass(frozen=True, slots=True)
class Explanation:
    """One reason: the question that was asked, what its answer means, and what to do."""

    question: str
    failed: str
    next_step: str


def explain_why_not(reason: WhyNot) -> Explanation:
    """Why somebody may not invite."""
    return {
        WhyNot.MODULE_OFF: Explanation(
            _("Inviting is switched on at your institution"),
            _("Inviting guests is switched off at your institution."),
            _("Ask your LMS administrator to switch on the module “InviteToMedia”."),
        ),
        WhyNot.NOT_ON_MEDIA_PAGE: Explanation(
            _("Inviting is offered on media pages"),
            _("Your institution does not offer inviting on media pages."),
            _("Ask your LMS administrator to set “mediapage” to Yes under Theming."),
        ),
        WhyNot.NO_COLLABORATION: Explanation(
            _("This room has Chat & Collaboration"),
            _("Chat & Collaboration is off in this room, and guests come into a room by it."),
            _("Switch it on under “Edit details”, or ask somebody who may edit this room."),
        ),
        WhyNot.NO_RIGHT: Explanation(
            _("You are owner, co-owner, co-editor or co-publisher"),
            _("You have no right on this entry that includes inviting."),
            _("Ask its owner to add you as a collaborator."),
        ),
        WhyNot.NOT_AMONG_ALLOWED_USERS: Explanation(
            _("You are among the people who may invite at your institution"),
            _("Your institution lets only certain people invite, and you are not among them."),
            _("Ask your LMS administrator to include you under “AllowedUsers”."),
        ),
    }[reason]


def refusal_to_invite(reason: WhyNot) -> RefusedError:
    """The same as an error."""
    explanation = explain_why_not(reason)
    return RefusedError(explanation.failed, next_step=explanation.next_step, code=reason)


def refusal_of_domain(domain: str) -> RefusedError:
    """Somebody new at a restricted domain: they have an account, and should use it."""
    return RefusedError(
        _("People at %(domain)s sign in through your LMS.") % {"domain": domain},
        next_step=_("Share the course link, or use another address."),
        code="restricted",
    )


def explain_address(error: AddressError) -> str:
    """What is wrong with an address, and what to do."""
    return {
        AddressProblem.EMPTY: _("Enter an email address."),
        AddressProblem.NO_AT: _("An email address has an @ in the middle, like ana@example.org."),
        AddressProblem.BAD_LOCAL_PART: _(
            "The part before the @ holds a sign that no address has. Check it for typing errors."
        ),
        AddressProblem.BAD_DOMAIN: _(
            "The part after the @ is no domain, like example.org. Check it for typing errors."
        ),
        AddressProblem.TOO_LONG: _("This is too long for an email address."),
    }[error.problem]
