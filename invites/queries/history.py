"""What has happened to one invite: what was done, mailed and redeemed, in the order of time."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from invites.models import Invite, InviteEvent, OutboxMail


class Happened(StrEnum):
    """What a line of a history says, beside the kinds of `InviteEvent`."""

    MAIL_QUEUED = "mail_queued"
    MAIL_SENT = "mail_sent"
    MAIL_FAILED = "mail_failed"
    LOBBY = "lobby"
    ENTERED = "entered"


@dataclass(frozen=True, slots=True)
class Moment:
    """One line.

    Args:
        detail: of an event; or the kind of a mail.
        error: why a mail did not go out, for people.
        who: the name of whoever did it, as it is shown today; empty for the guest, or where nobody knows.
        devices: how many devices had passed the lobby by then, with this link.
    """

    at: datetime
    what: str
    who: str = ""
    detail: str = ""
    error: str = ""
    generation: int = 1
    devices: int = 0
    may_be_second: bool = False


def history_of(invite: Invite) -> list[Moment]:
    """Everything, the oldest first. Invites older than their events tell what their own row knows."""
    moments = [*_events(invite), *_mails(invite), *_redemptions(invite)]
    if invite.lobby_reached_at is not None:
        moments.append(Moment(invite.lobby_reached_at, Happened.LOBBY))
    return sorted(moments, key=lambda moment: (moment.at, _ORDER.get(moment.what, 9)))


# What happens at one instant is told in this order.
_ORDER = {
    InviteEvent.Kind.MADE.value: 0,
    InviteEvent.Kind.NEW_LINK.value: 1,
    Happened.MAIL_QUEUED.value: 2,
    Happened.MAIL_SENT.value: 3,
    Happened.LOBBY.value: 4,
    Happened.ENTERED.value: 5,
}


def _events(invite: Invite) -> list[Moment]:
    events = list(invite.events.select_related("by").order_by("at", "pk"))
    kinds = {event.kind for event in events}
    moments = [
        Moment(event.at, event.kind, who=event.by.shown_name if event.by else "", detail=event.detail)
        for event in events
    ]
    maker = invite.made_by.shown_name if invite.made_by else ""
    known = {
        InviteEvent.Kind.MADE: (invite.made_at, maker),
        InviteEvent.Kind.WITHDRAWN: (invite.withdrawn_at, ""),
        InviteEvent.Kind.NEW_LINK_ASKED: (invite.new_link_asked_at, ""),
    }
    moments += [
        Moment(at, kind.value, who=who)
        for kind, (at, who) in known.items()
        if at is not None and kind not in kinds
    ]
    return moments


def _mails(invite: Invite) -> list[Moment]:
    moments = []
    for mail in invite.mails.order_by("created_at"):
        moments.append(Moment(mail.created_at, Happened.MAIL_QUEUED, detail=mail.kind))
        if mail.state == OutboxMail.State.SENT and mail.sent_at is not None:
            moments.append(
                Moment(mail.sent_at, Happened.MAIL_SENT, detail=mail.kind, may_be_second=mail.may_be_second)
            )
        elif mail.error:
            at = mail.claimed_at or mail.created_at
            moments.append(Moment(at, Happened.MAIL_FAILED, detail=mail.kind, error=mail.shown_error))
    return moments


def _redemptions(invite: Invite) -> list[Moment]:
    moments, devices = [], dict[int, int]()
    for redemption in invite.redemptions.order_by("redeemed_at", "pk"):
        devices[redemption.generation] = devices.get(redemption.generation, 0) + 1
        moments.append(
            Moment(
                redemption.redeemed_at,
                Happened.ENTERED,
                generation=redemption.generation,
                devices=devices[redemption.generation],
            )
        )
    return moments
