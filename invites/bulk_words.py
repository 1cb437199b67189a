"""Many invitations at once, in words: what a verdict is called, what it means, what to do."""

from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from invites.domains import AddressError, AddressProblem
from invites.explain import explain_address, explain_why_not, refusal_of_domain
from invites.forms import ROLE_NAMES
from invites.models import BulkLine
from invites.policy import WhyNot
from invites.spreadsheets import MAX_BYTES, MAX_ROWS, SheetError, SheetProblem
from invites.verdicts import BAD, FRESH, GOOD, RENEWABLE, Verdict
from rooms.policy.roles import Role

NAMES: Final = {
    Verdict.NEW: gettext_lazy("New"),
    Verdict.IN_COURSE: gettext_lazy("New, and in the course"),
    Verdict.ROLE_CHANGES: gettext_lazy("Role changes"),
    Verdict.UNCHANGED: gettext_lazy("Invited already"),
    Verdict.USED_UP: gettext_lazy("Link used up"),
    Verdict.EXPIRED: gettext_lazy("Link expired"),
    Verdict.WITHDRAWN: gettext_lazy("Withdrawn"),
    Verdict.REMOVED: gettext_lazy("Removed by a host"),
    Verdict.ENDED: gettext_lazy("Session over"),
    Verdict.BAD_ADDRESS: gettext_lazy("Not an address"),
    Verdict.DOUBLE: gettext_lazy("Twice in the list"),
    Verdict.BAD_ROLE: gettext_lazy("Unknown role"),
    Verdict.ROLE_NOT_HERE: gettext_lazy("Role not possible here"),
    Verdict.RESTRICTED: gettext_lazy("Signs in through the LMS"),
    Verdict.SOMEBODY_ELSES: gettext_lazy("Invited by somebody else"),
    Verdict.NO_LAST_NAME: gettext_lazy("Last name missing"),
    Verdict.LONG_NAME: gettext_lazy("Name too long"),
    Verdict.OVER_QUOTA: gettext_lazy("Over the limit"),
    Verdict.NOT_ALLOWED: gettext_lazy("Not allowed"),
    Verdict.FAILED: gettext_lazy("Did not work"),
}
# What became of a line that was worked off.
OUTCOMES: Final = {
    Verdict.NEW: gettext_lazy("Invited"),
    Verdict.IN_COURSE: gettext_lazy("Invited"),
    Verdict.ROLE_CHANGES: gettext_lazy("Role changed"),
    Verdict.UNCHANGED: gettext_lazy("Was invited already"),
    Verdict.USED_UP: gettext_lazy("New link"),
    Verdict.EXPIRED: gettext_lazy("New link"),
}


def name_of(line: BulkLine) -> str:
    """What to call the verdict, or what became of the line."""
    verdict = Verdict(line.verdict)
    names = OUTCOMES if line.is_done and line.invite_id is not None else NAMES
    return str(names.get(verdict, NAMES[verdict]))


def tone_of(verdict: Verdict) -> str:
    """The ending of the class of its badge."""
    if verdict in BAD:
        return "failed"
    if verdict in GOOD:
        return "entered" if verdict in FRESH else "made"
    return "used" if verdict in RENEWABLE else "withdrawn"


def explain_line(line: BulkLine) -> str:
    """What its verdict means and what to do; empty where the name says all."""
    if line.is_done and line.invite_id is not None:
        return _role_change(line.detail) if line.verdict == Verdict.ROLE_CHANGES.value else ""
    return _explain(Verdict(line.verdict), line.detail, line)


def _explain(verdict: Verdict, detail: str, line: BulkLine) -> str:
    match verdict:
        case Verdict.BAD_ADDRESS:
            return explain_address(AddressError(AddressProblem(detail)))
        case Verdict.DOUBLE:
            return _("The same address stands in line %(number)s.") % {"number": detail}
        case Verdict.RESTRICTED:
            refusal = refusal_of_domain(detail)
            return f"{refusal.message} {refusal.next_step}"
        case Verdict.BAD_ROLE:
            return _("“%(word)s” is none of the roles. Choose one.") % {"word": line.role}
        case Verdict.SOMEBODY_ELSES:
            name = detail or _("somebody else")
            return _("Invited by %(name)s. Ask them, or an owner or editor.") % {"name": name}
        case Verdict.NOT_ALLOWED:
            return _("This room was deleted.") if detail == "gone" else explain_why_not(WhyNot(detail)).failed
        case Verdict.ROLE_CHANGES:
            return _role_change(detail)
        case Verdict.OVER_QUOTA | Verdict.FAILED:
            return detail or _("Your institution’s limit is reached before this line. Check again later.")
        case _:
            return _plainly(verdict)


def _plainly(verdict: Verdict) -> str:
    return {
        Verdict.ROLE_NOT_HERE: _("Only viewers can be invited to a video or a document."),
        Verdict.NO_LAST_NAME: _("Enter the last name."),
        Verdict.LONG_NAME: _("A first or last name has 100 letters at most."),
        Verdict.IN_COURSE: _("Can also come in from the course, without a link."),
        Verdict.USED_UP: _("Stays as it is, unless you give new links below."),
        Verdict.EXPIRED: _("Stays as it is, unless you give new links below."),
        Verdict.WITHDRAWN: _("This invitation was withdrawn, and stays so. Give a new link in the list."),
        Verdict.REMOVED: _("A host has removed this guest. Invite them singly to let them back in."),
        Verdict.ENDED: _("The session is over, and with it the link."),
    }.get(verdict, "")


def _role_change(detail: str) -> str:
    before, _colon, after = detail.partition(":")
    return _("From %(before)s to %(after)s.") % {
        "before": ROLE_NAMES[Role(before)],
        "after": ROLE_NAMES[Role(after)],
    }


def explain_sheet(error: SheetError) -> str:
    """Why something could not be read as a list, and what to do."""
    return {
        SheetProblem.EMPTY: _(
            "Nobody stands in this list. Paste one line for each person, or choose a file."
        ),
        SheetProblem.TOO_BIG: _("The list is larger than %(size)d MB. Divide it into several.")
        % {"size": MAX_BYTES // (1024 * 1024)},
        SheetProblem.TOO_MANY: _("The list has more than %(lines)d lines. Divide it into several.")
        % {"lines": MAX_ROWS},
        SheetProblem.WORKBOOK: _(
            "This is a workbook. In your spreadsheet, choose “Save as” and the type CSV, and upload "
            "that file; or copy the cells and paste them here."
        ),
        SheetProblem.NOT_TEXT: _(
            "This cannot be read as a list. Upload a CSV or text file, or copy the lines and paste them."
        ),
    }[error.problem]
