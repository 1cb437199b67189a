"""What an entry may show: files by what is in them, and addresses by their hosts. Pure."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Final
from urllib.parse import SplitResult, parse_qs, urlsplit

from common.decisions import Allowed, Decision, Refused


class MediaType(StrEnum):
    """What we take and serve."""

    MP4 = "video/mp4"
    WEBM = "video/webm"
    PDF = "application/pdf"
    WEBVTT = "text/vtt"


class Slot(StrEnum):
    """Where a file goes. Each has a cap of its own (settings.UPLOAD_CAPS)."""

    VIDEO = "video"
    DOCUMENT = "document"
    CAPTIONS = "captions"


TAKES: Final[Mapping[Slot, frozenset[MediaType]]] = {
    Slot.VIDEO: frozenset({MediaType.MP4, MediaType.WEBM}),
    Slot.DOCUMENT: frozenset({MediaType.PDF}),
    Slot.CAPTIONS: frozenset({MediaType.WEBVTT}),
}
ENDINGS: Final = {
    MediaType.MP4: ".mp4",
    MediaType.WEBM: ".webm",
    MediaType.PDF: ".pdf",
    MediaType.WEBVTT: ".vtt",
}
HEAD: Final = 512  # bytes that tell what a file is

# The brands of ISO media files that browsers play as video: others are pictures, sounds, QuickTime's own.
_BRANDS: Final = (b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"iso8", b"mp41", b"mp42", b"avc1", b"dash")
_MORE_BRANDS: Final = (b"M4V ", b"M4VH", b"M4VP", b"MSNV", b"f4v ", b"cmfc")
_UTF8_MARK: Final = b"\xef\xbb\xbf"


def slot_of(kind: str) -> Slot | None:
    """Which file an entry of this kind shows, a room its slides; None where it shows none."""
    return {"room": Slot.DOCUMENT, "video": Slot.VIDEO, "document": Slot.DOCUMENT}.get(kind)


def takes_address(kind: str) -> bool:
    """Whether an entry of this kind may show what lies elsewhere."""
    return kind in {"live", "video"}


def begins_with_chat(kind: str) -> bool:
    """A video is watched and a document read by oneself: there, chat is switched on later or never."""
    return kind not in {"video", "document"}


def sniff(head: bytes) -> MediaType | None:
    """What a file is, by its first bytes."""
    if head[4:8] == b"ftyp" and head[8:12] in _BRANDS + _MORE_BRANDS:
        return MediaType.MP4
    if head.startswith(b"\x1a\x45\xdf\xa3") and b"\x42\x82\x84webm" in head[:64]:
        return MediaType.WEBM
    if head.startswith(b"%PDF-"):
        return MediaType.PDF
    text = head.removeprefix(_UTF8_MARK)
    if text.startswith(b"WEBVTT") and text[6:7] in {b"", b" ", b"\t", b"\n", b"\r"}:
        return MediaType.WEBVTT
    return None


class NoFile(StrEnum):
    """Why a file is not taken."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    WRONG_TYPE = "wrong_type"


def judge_file(slot: Slot, found: MediaType | None, *, size: int, cap: int) -> Decision:
    """Whether a file may go there."""
    if size == 0:
        return Refused(NoFile.EMPTY)
    if size > cap:
        return Refused(NoFile.TOO_LARGE)
    if found not in TAKES[slot]:
        return Refused(NoFile.WRONG_TYPE)
    return Allowed()


# --- Addresses ------------------------------------------------------------------------------------------

# Hosts that universities embed from, until a tenant says otherwise; each means itself and all below it.
USUAL_HOSTS: Final = (
    "youtube-nocookie.com",
    "player.vimeo.com",
    "kaltura.com",
    "panopto.com",
    "panopto.eu",
)
MOST_HOSTS: Final = 100
_HTTPS_PORT: Final = 443
_LONGEST_NAME: Final = 253
_LONGEST_LABEL: Final = 63


class NoAddress(StrEnum):
    """Why an address is not taken."""

    NOT_AN_ADDRESS = "not_an_address"
    NOT_HTTPS = "not_https"
    HOST_NOT_LISTED = "host_not_listed"


class AddressForm(StrEnum):
    """How the stage shows an address."""

    STREAM = "stream"  # HLS
    FILE = "file"  # a video file
    PAGE = "page"  # a player's page, in a frame


def host_in(text: str) -> str:
    """A host as hosts are compared; empty where `text` is none."""
    host = text.strip().rstrip(".").lower()
    try:
        name = host.encode("idna").decode()
    except UnicodeError:
        return ""
    labels = name.split(".")
    is_host = len(name) <= _LONGEST_NAME and len(labels) > 1 and all(_is_label(label) for label in labels)
    return name if is_host else ""


def _is_label(label: str) -> bool:
    return (
        0 < len(label) <= _LONGEST_LABEL
        and not label.startswith("-")
        and not label.endswith("-")
        and all(sign.isascii() and (sign.isalnum() or sign == "-") for sign in label)
    )


def _split(address: str) -> SplitResult | None:
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return None
    return parts


def judge_address(address: str, hosts: Collection[str]) -> Decision:
    """Whether the stage may show what is at an address, given the tenant's list of hosts."""
    parts = _split(address)
    if parts is None or not parts.scheme or any(sign.isspace() or not sign.isprintable() for sign in address):
        return Refused(NoAddress.NOT_AN_ADDRESS)
    if parts.scheme != "https":
        return Refused(NoAddress.NOT_HTTPS)
    host = host_in(parts.hostname or "")
    if not host or "@" in parts.netloc or any(sign in address for sign in "\"'<>\\;,`"):
        return Refused(NoAddress.NOT_AN_ADDRESS)
    if not any(host == listed or host.endswith(f".{listed}") for listed in hosts):
        return Refused(NoAddress.HOST_NOT_LISTED, host)
    return Allowed()


def origin_of(address: str) -> str:
    """The origin of an allowed address, for policies."""
    parts = urlsplit(address)
    port = f":{parts.port}" if parts.port and parts.port != _HTTPS_PORT else ""
    return f"https://{host_in(parts.hostname or '')}{port}"


def form_of(address: str) -> AddressForm:
    """How to show it, by how its path ends."""
    path = urlsplit(address).path.lower()
    if path.endswith(".m3u8"):
        return AddressForm.STREAM
    return AddressForm.FILE if path.endswith((".mp4", ".webm", ".m4v")) else AddressForm.PAGE


def takes_captions(kind: str, address: str) -> bool:
    """Whether captions of ours can be shown with it: a player's page has its own, or none.

    Args:
        address: empty for a file of ours.
    """
    return slot_of(kind) == Slot.VIDEO and (not address or form_of(address) != AddressForm.PAGE)


def framed(address: str) -> str:
    """The address of the player, for pages that people copy and that refuse to be framed."""
    parts = _split(address)
    if parts is None:
        return address
    host = (parts.hostname or "").removeprefix("www.").removeprefix("m.")
    steps = [step for step in parts.path.split("/") if step]
    if host == "youtube.com" and steps[:1] == ["watch"]:
        found = parse_qs(parts.query).get("v", [""])[0]
        return f"https://www.youtube-nocookie.com/embed/{found}" if _is_code(found) else address
    if host == "youtube.com" and len(steps) > 1 and steps[0] in {"live", "embed", "shorts"}:
        return f"https://www.youtube-nocookie.com/embed/{steps[1]}" if _is_code(steps[1]) else address
    if host == "youtu.be" and len(steps) == 1 and _is_code(steps[0]):
        return f"https://www.youtube-nocookie.com/embed/{steps[0]}"
    if host == "vimeo.com" and len(steps) == 1 and steps[0].isdecimal():
        return f"https://player.vimeo.com/video/{steps[0]}"
    return address


def _is_code(text: str) -> bool:
    return bool(text) and all(sign.isascii() and (sign.isalnum() or sign in "-_") for sign in text)
