"""What has happened to an invite, in words."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils.translation import gettext as _

from invites.forms import ROLE_NAMES
from invites.models import InviteEvent, OutboxMail
from invites.queries.history import Happened, Moment
from rooms.policy.roles import Role

Kind = InviteEvent.Kind
Mail = OutboxMail.Kind


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a history, for people. `icon` is a name of `static/img/icons.svg`."""

    at: datetime
    text: str
    more: str
    icon: str


def told(moment: Moment) -> Line:
    """A moment in words."""
    text, icon = _WORDS.get(moment.what, (lambda _moment: "", "info"))
    return Line(moment.at, text(moment), _more(moment), icon)


def _more(moment: Moment) -> str:
    if moment.error:
        return moment.error
    if moment.may_be_second:
        return _("It may have gone out twice: the machine stopped in between.")
    return ""


def _by(moment: Moment, with_name: str, without: str) -> str:
    return with_name % {"name": moment.who} if moment.who else without


def _made(moment: Moment) -> str:
    return _by(moment, _("Invited by %(name)s"), _("Invited"))


def _role_changed(moment: Moment) -> str:
    _before, _space, after = moment.detail.partition(" ")
    role = ROLE_NAMES[Role(after)] if after in set(Role) and Role(after) in ROLE_NAMES else after
    if moment.who:
        return _("%(name)s changed the role: %(role)s from now on") % {"name": moment.who, "role": role}
    return _("The role was changed: %(role)s from now on") % {"role": role}


def _new_link(moment: Moment) -> str:
    return _by(moment, _("%(name)s gave a new link; the old one was void"), _("A new link was given"))


def _asked(_moment: Moment) -> str:
    return _("The guest asked for a new link")


def _withdrawn(moment: Moment) -> str:
    return _by(moment, _("Withdrawn by %(name)s"), _("Withdrawn"))


def _restored(moment: Moment) -> str:
    return _by(moment, _("%(name)s let them in again"), _("Let in again"))


def _moved(_moment: Moment) -> str:
    return _("The guest moved to another device")


def _proven(_moment: Moment) -> str:
    return _("The guest proved the mailbox by a code")


def _queued(moment: Moment) -> str:
    words = {
        Mail.INVITATION: _("The link was to be mailed"),
        Mail.NEW_LINK: _("A fresh link was to be mailed"),
        Mail.CODE: _("A code was to be mailed"),
        Mail.CHANGED: _("News of the session were to be mailed"),
        Mail.WITHDRAWN: _("The withdrawal was to be mailed"),
    }
    return words.get(Mail(moment.detail), "")


def _sent(moment: Moment) -> str:
    words = {
        Mail.INVITATION: _("The link was mailed"),
        Mail.NEW_LINK: _("A fresh link was mailed"),
        Mail.CODE: _("A code was mailed"),
        Mail.CHANGED: _("News of the session were mailed"),
        Mail.WITHDRAWN: _("The withdrawal was mailed"),
    }
    return words.get(Mail(moment.detail), "")


def _failed(_moment: Moment) -> str:
    return _("The mail did not go out")


def _lobby(_moment: Moment) -> str:
    return _("The guest typed something in the lobby")


def _entered(moment: Moment) -> str:
    if moment.devices > 1:
        return _("Passed the lobby on device number %(number)d") % {"number": moment.devices}
    return _("Passed the lobby")


_WORDS: Final[dict[str, tuple[Callable[[Moment], str], str]]] = {
    Kind.MADE: (_made, "user-plus"),
    Kind.ROLE_CHANGED: (_role_changed, "user"),
    Kind.NEW_LINK: (_new_link, "refresh"),
    Kind.NEW_LINK_ASKED: (_asked, "hand"),
    Kind.WITHDRAWN: (_withdrawn, "close"),
    Kind.RESTORED: (_restored, "history"),
    Kind.MOVED: (_moved, "phone"),
    Kind.MAILBOX_PROVEN: (_proven, "shield"),
    Happened.MAIL_QUEUED: (_queued, "clock"),
    Happened.MAIL_SENT: (_sent, "mail"),
    Happened.MAIL_FAILED: (_failed, "warning"),
    Happened.LOBBY: (_lobby, "door"),
    Happened.ENTERED: (_entered, "check"),
}
