"""Writing the mail of an invitation: what it says, in which language.

Everything that comes from people (names, titles) is one line of text here: it can be neither a header, nor
markup, nor a link.
"""

import html
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import formats, translation
from django.utils.translation import gettext as _

from rooms.models import Participant

SHIPPED: Final = "mail"  # a folder for each kind of mail


@dataclass(frozen=True, slots=True)
class Invitation:
    """What an invitation's mail may speak of.

    Args:
        url: the link; the only address in the mail that anybody can click.
        inviter: their name; empty where nobody is known any more.
        role: a value of `Participant.Role`.
        time_zone: the entry's, by name; its times are told in it.
        devices: how many devices the link lets in; None is unlimited.
        can_reply: whether an answer to the mail reaches the inviter.
    """

    url: str
    email: str
    first_name: str
    last_name: str
    inviter: str
    role: str
    title: str
    course: str
    starts_at: datetime | None
    ends_at: datetime | None
    time_zone: str
    expires_at: datetime
    devices: int | None
    can_reply: bool


@dataclass(frozen=True, slots=True)
class Texts:
    """A tenant's own texts with tokens such as `{URL}`."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail that is ready to be read."""

    subject: str
    text: str
    html: str


def write_letter(invitation: Invitation, *, language: str, texts: Texts | None = None) -> Letter:
    """The letter in `language`: a tenant's own texts where given, else the shipped ones."""
    with translation.override(supported_language(language)):
        if texts is not None:
            return _fill_texts(texts, _values(invitation))
    return write_shipped("invitation", invitation, language=language)


def write_shipped(kind: str, invitation: Invitation, *, language: str, **more: object) -> Letter:
    """The letter that we ship for a kind of mail (a value of `OutboxMail.Kind`), in `language`.

    Args:
        more: what only this kind speaks of.
    """
    with translation.override(supported_language(language)):
        context = {
            "is_for_one_device": invitation.devices == 1,
            "can_reply": invitation.can_reply,
            "language": translation.get_language(),
            "is_right_to_left": translation.get_language_bidi(),
            **_values(invitation),
            **more,
        }
        return Letter(
            subject=one_line(render_to_string(f"{SHIPPED}/{kind}/subject.txt", context)),
            text=render_to_string(f"{SHIPPED}/{kind}/body.txt", context).strip() + "\n",
            html=render_to_string(f"{SHIPPED}/{kind}/body.html", context),
        )


def supported_language(language: str) -> str:
    """The language of ours nearest to this code (`fr-CA` is French); else the default."""
    try:
        return translation.get_supported_language_variant(language)
    except LookupError:
        return settings.LANGUAGE_CODE


_TOKEN: Final = re.compile(r"\{([A-Z]+)\}")


def fill(text: str, values: Mapping[str, str]) -> str:
    """Put values in the place of their tokens, once: a value that looks like a token stays as it is.

    An unknown token stays visible too: a mail with a strange word is better than one that never leaves.
    """
    return _TOKEN.sub(lambda found: values.get(found[1], found[0]), text)


def _fill_texts(texts: Texts, values: Mapping[str, str]) -> Letter:
    tokens = {name.replace("_", "").upper(): value for name, value in values.items()}
    escaped = {name: html.escape(value) for name, value in tokens.items()}
    return Letter(
        subject=one_line(fill(texts.subject, tokens)),
        text=fill(texts.text, tokens),
        html=fill(texts.html, escaped) if texts.html else "",
    )


def _values(invitation: Invitation) -> dict[str, str]:
    """Every value as one line of text; a token is the same name in capitals, without the underscore."""
    zone = _zone(invitation.time_zone)
    starts_at, ends_at = invitation.starts_at, invitation.ends_at
    return {
        "url": invitation.url,
        "email": one_line(invitation.email),
        "first_name": _harmless(invitation.first_name),
        "last_name": _harmless(invitation.last_name),
        "inviter": _harmless(invitation.inviter),
        "role": _harmless(str(Participant.Role(invitation.role).label)),
        "title": _harmless(invitation.title),
        "course": _harmless(invitation.course),
        "start": _moment(starts_at, zone) if starts_at else "",
        "end": _moment(ends_at, zone) if ends_at else "",
        "when": _span(starts_at, ends_at, zone) if starts_at else "",
        "expires": _moment(invitation.expires_at, zone),
    }


# Mail programs make links of whatever looks like one. A word joiner, which nobody sees, keeps them from it.
_LOOKS_LIKE_A_LINK: Final = re.compile(r"(?<=\w)([.:@])(?=[\w/])")


def _harmless(text: str) -> str:
    return _LOOKS_LIKE_A_LINK.sub("\\1\u2060", one_line(text))


def one_line(text: str) -> str:
    """Without line breaks, controls, and signs that turn the direction of what follows."""
    visible = "".join(
        " " if sign.isspace() else sign
        for sign in text
        if sign.isspace() or sign in _JOINERS or unicodedata.category(sign) not in _UNSEEN
    )
    return " ".join(visible.split())


# Controls, format signs (among them those that turn the direction of what follows), surrogates.
_UNSEEN: Final = {"Cc", "Cf", "Cs"}
_JOINERS: Final = "\u200c\u200d"  # part of how Persian names and many emoji are written


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def _date(moment: datetime) -> str:
    # Translators: a date format of Django (https://docs.djangoproject.com/en/stable/ref/templates/builtins/#date)
    return formats.date_format(moment, _("l, j F Y"))


def _time(moment: datetime) -> str:
    # Translators: a time format of Django, as for dates
    return formats.date_format(moment, _("H:i"))


def _moment(moment: datetime, zone: ZoneInfo) -> str:
    local = moment.astimezone(zone)
    values = {"date": _date(local), "time": _time(local), "zone": _zone_words(local)}
    return _("%(date)s, %(time)s (%(zone)s)") % values


def _span(starts_at: datetime, ends_at: datetime | None, zone: ZoneInfo) -> str:
    start = starts_at.astimezone(zone)
    if ends_at is None:
        return _moment(starts_at, zone)
    end = ends_at.astimezone(zone)
    if end.date() != start.date():
        return f"{_moment(starts_at, zone)} – {_moment(ends_at, zone)}"
    values = {"date": _date(start), "start": _time(start), "end": _time(end), "zone": _zone_words(start)}
    return _("%(date)s, %(start)s–%(end)s (%(zone)s)") % values


def _zone_words(local: datetime) -> str:
    """`Europe/Berlin, UTC+1`: the name for those who live there, the number for everybody else."""
    offset = local.utcoffset() or timedelta()
    if not offset:
        return "UTC"
    minutes = int(offset.total_seconds()) // 60
    hours, rest = divmod(abs(minutes), 60)
    shown = f"UTC{'+' if minutes > 0 else '−'}{hours}" + (f":{rest:02}" if rest else "")
    return f"{str(local.tzinfo).replace('_', ' ')}, {shown}"
