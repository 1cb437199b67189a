"""Writing the mail of an invitation: what it says, in which language.

Everything that comes from people (names, titles) is one line of text here: it can be neither a header, nor
markup, nor a link.
"""

import html
import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import formats, translation
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _

from invites.languages import known_language
from invites.markup import clean_html
from invites.qr import qr_png
from invites.tokens import NOT_IN_SUBJECTS, Token, fill, fill_html, fill_lines
from lti_tool.language import supported
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
    """A tenant's own texts with tokens such as `{URL}`.

    Args:
        language: the one that they are written in: dates and roles are told in it, too.
    """

    subject: str
    text: str
    html: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that travels with a letter; its HTML names it `cid:<cid>`."""

    cid: str
    png: bytes


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail that is ready to be read.

    Args:
        language: the one that it is written in, where the sender of it does not know.
    """

    subject: str
    text: str
    html: str
    pictures: tuple[Picture, ...] = ()
    language: str = ""


def write_letter(invitation: Invitation, *, language: str, texts: Texts | None = None) -> Letter:
    """The letter in `language`: a tenant's own texts where given, else the shipped ones."""
    if texts is None:
        return write_shipped("invitation", invitation, language=language)
    with translation.override(known_language(texts.language) or supported_language(language)):
        return _write_own(texts, _values(invitation))


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
            subject=_subject(render_to_string(f"{SHIPPED}/{kind}/subject.txt", context)),
            text=render_to_string(f"{SHIPPED}/{kind}/body.txt", context).strip() + "\n",
            html=render_to_string(f"{SHIPPED}/{kind}/body.html", context),
        )


def supported_language(language: str) -> str:
    """The language of ours nearest to this code (`fr-CA` is French); else the default."""
    return supported(language) or settings.LANGUAGE_CODE


# --- A tenant's own words -----------------------------------------------------------------------------------


def shipped_texts(language: str, *, devices: int | None) -> Texts:
    """The shipped invitation with tokens in it, as the start of a tenant's own."""
    with translation.override(supported_language(language)):
        tokens = {token.name.lower(): token.written for token in Token}
        context = {
            **tokens,
            "first_name": Token.FIRSTNAME.written,
            "last_name": Token.LASTNAME.written,
            "when": Token.START.written,
            "is_for_one_device": devices == 1,
            "can_reply": True,
            "language": translation.get_language(),
            "is_right_to_left": translation.get_language_bidi(),
        }
        page = render_to_string(f"{SHIPPED}/invitation/body.html", context)
        return Texts(
            subject=one_line(render_to_string(f"{SHIPPED}/invitation/subject.txt", context)),
            text=render_to_string(f"{SHIPPED}/invitation/body.txt", context).strip() + "\n",
            html=clean_html(page).html + "\n",
            language=language,
        )


def _write_own(texts: Texts, values: dict[str, str]) -> Letter:
    tokens = {name.replace("_", "").upper(): value for name, value in values.items()}
    plain = {**tokens, Token.QRCODE.value: ""}
    without_link = {**plain, **dict.fromkeys(map(str, NOT_IN_SUBJECTS), "")}
    subject = _subject(fill(one_line(texts.subject), without_link))
    page, pictures = _own_page(texts.html, plain, subject) if texts.html.strip() else ("", ())
    text = fill_lines(texts.text, plain).rstrip() + "\n"
    return Letter(subject, text, page, pictures, language=translation.get_language() or "")


def _own_page(source: str, plain: dict[str, str], subject: str) -> tuple[str, tuple[Picture, ...]]:
    """A tenant's HTML, cleaned once more, with the values in it, as a page."""
    clean = clean_html(source).html
    escaped = {name: html.escape(value) for name, value in plain.items()}
    pictures = (_qr_code(plain[Token.URL]),) if Token.QRCODE.written in clean else ()
    shown = {**escaped, Token.QRCODE.value: "".join(map(_image, pictures))}
    page = {
        "body": mark_safe(fill_html(clean, shown, in_tags=escaped)),  # noqa: S308 - clean, and values escaped
        "title": subject,
        "language": translation.get_language(),
        "is_right_to_left": translation.get_language_bidi(),
        "has_our_looks": 'class="page"' in clean,
    }
    return render_to_string(f"{SHIPPED}/own.html", page), pictures


def _qr_code(url: str) -> Picture:
    """The link as a picture. Data addresses would need no second part, but mail programs drop them."""
    cid = f"qr-{sha256(url.encode()).hexdigest()[:16]}@{urlsplit(settings.PUBLIC_URL).hostname}"
    return Picture(cid, qr_png(url))


def _image(picture: Picture) -> str:
    alt = html.escape(_("Your personal link as a QR code"))
    return f'<img src="cid:{picture.cid}" alt="{alt}" width="180" height="180" style="display: inline-block">'


# --- Values -------------------------------------------------------------------------------------------------


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
_LOOKS_LIKE_A_LINK: Final = re.compile(r"(?<=\w)([.:@\u3002\uff0e\uff61\uff20])(?=[\w/])")


def _harmless(text: str) -> str:
    return _LOOKS_LIKE_A_LINK.sub("\\1\u2060", one_line(text))


def _subject(text: str) -> str:
    """One line; the word joiners in its values stay."""
    return " ".join(text.split())


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
