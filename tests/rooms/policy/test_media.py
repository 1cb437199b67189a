"""What an entry may show: sniffing, caps, addresses, ranges."""

from pathlib import Path

import pytest

from common.decisions import Allowed, Refused
from rooms.policy.media import (
    USUAL_HOSTS,
    AddressForm,
    MediaType,
    NoAddress,
    NoFile,
    Slot,
    begins_with_chat,
    form_of,
    framed,
    host_in,
    judge_address,
    judge_file,
    origin_of,
    slot_of,
    sniff,
    takes_address,
    takes_captions,
)
from rooms.policy.ranges import AT_ONCE, Part, Unsatisfiable, holds_still, part_asked_for

FILES = Path(__file__).resolve().parents[2] / "files"
MP4 = b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41"


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (MP4, MediaType.MP4),
        (MP4.replace(b"ftypisom", b"ftypmp42"), MediaType.MP4),
        ((FILES / "three-seconds.webm").read_bytes(), MediaType.WEBM),
        ((FILES / "two-pages.pdf").read_bytes(), MediaType.PDF),
        (b"WEBVTT\n\n00:01.000 --> 00:02.000\nHi", MediaType.WEBVTT),
        (b"\xef\xbb\xbfWEBVTT - Lecture\r\n", MediaType.WEBVTT),
        (b"WEBVTT", MediaType.WEBVTT),
        (MP4.replace(b"ftypisom", b"ftypheic"), None),
        (MP4.replace(b"ftypisom", b"ftypqt  "), None),
        (b"\x1a\x45\xdf\xa3\x93\x42\x82\x88matroska", None),
        (b"<!doctype html><script>alert(1)</script>", None),
        (b"<html>%PDF-1.4", None),
        (b"MZ\x90\x00", None),
        (b"WEBVTTX", None),
        (b"1\n00:00:01,000 --> 00:00:02,000\nSubRip", None),
        (b"", None),
    ],
)
def test_a_file_is_what_is_in_it(head: bytes, found: MediaType | None) -> None:
    assert sniff(head) == found


@pytest.mark.parametrize(
    ("slot", "found", "size", "answer"),
    [
        (Slot.VIDEO, MediaType.MP4, 10, Allowed()),
        (Slot.VIDEO, MediaType.WEBM, 100, Allowed()),
        (Slot.VIDEO, MediaType.PDF, 10, Refused(NoFile.WRONG_TYPE)),
        (Slot.DOCUMENT, MediaType.PDF, 10, Allowed()),
        (Slot.DOCUMENT, MediaType.MP4, 10, Refused(NoFile.WRONG_TYPE)),
        (Slot.CAPTIONS, MediaType.WEBVTT, 10, Allowed()),
        (Slot.CAPTIONS, None, 10, Refused(NoFile.WRONG_TYPE)),
        (Slot.VIDEO, MediaType.MP4, 101, Refused(NoFile.TOO_LARGE)),
        (Slot.VIDEO, None, 0, Refused(NoFile.EMPTY)),
    ],
)
def test_which_file_goes_where(slot: Slot, found: MediaType | None, size: int, answer: object) -> None:
    assert judge_file(slot, found, size=size, cap=100) == answer


def test_what_each_kind_takes() -> None:
    kinds = ("room", "live", "video", "document")
    assert [slot_of(kind) for kind in kinds] == [Slot.DOCUMENT, None, Slot.VIDEO, Slot.DOCUMENT]
    assert [takes_address(kind) for kind in kinds] == [False, True, True, False]
    addresses = ("", "https://a.example/x.mp4", "https://a.example/x.m3u8", "https://a.example/x")
    assert [takes_captions("video", address) for address in addresses] == [True, True, True, False]
    assert not any(takes_captions(kind, "") for kind in kinds if kind != "video")
    assert [begins_with_chat(kind) for kind in kinds] == [True, True, False, False]


@pytest.mark.parametrize(
    ("address", "answer"),
    [
        ("https://media.uni.example/live/a.m3u8", Allowed()),
        ("https://deep.media.uni.example:8443/a", Allowed()),
        ("https://MEDIA.uni.example./a", Allowed()),
        ("http://media.uni.example/a", Refused(NoAddress.NOT_HTTPS)),
        ("javascript:alert(1)", Refused(NoAddress.NOT_HTTPS)),
        ("data:text/html,x", Refused(NoAddress.NOT_HTTPS)),
        ("media.uni.example/a", Refused(NoAddress.NOT_AN_ADDRESS)),
        ("https://", Refused(NoAddress.NOT_AN_ADDRESS)),
        ("https://media.uni.example:x/", Refused(NoAddress.NOT_AN_ADDRESS)),
        ("https://media.uni.example/; script-src *", Refused(NoAddress.NOT_AN_ADDRESS)),
        ("https://media.uni.example/a;b", Refused(NoAddress.NOT_AN_ADDRESS)),
        ("https://media.uni.example@evil.example/", Refused(NoAddress.NOT_AN_ADDRESS)),
        (
            "https://media.uni.example.evil.nz/",
            Refused(NoAddress.HOST_NOT_LISTED, "media.uni.example.evil.nz"),
        ),
        ("https://xmedia.uni.example/", Refused(NoAddress.HOST_NOT_LISTED, "xmedia.uni.example")),
        ("https://localhost/", Refused(NoAddress.NOT_AN_ADDRESS)),
    ],
)
def test_addresses_are_https_and_of_listed_hosts(address: str, answer: object) -> None:
    assert judge_address(address, ["media.uni.example"]) == answer


def test_hosts_are_compared_as_hosts() -> None:
    assert host_in(" Vidéo.Example. ") == "xn--vido-dpa.example"
    assert not any(map(host_in, ("", "a b.example", "-a.example", "https://a.example", "com")))
    assert all(host_in(host) == host for host in USUAL_HOSTS)
    assert origin_of("https://Media.uni.example:443/x") == "https://media.uni.example"
    assert origin_of("https://media.uni.example:8443/x") == "https://media.uni.example:8443"


@pytest.mark.parametrize(
    ("copied", "player"),
    [
        ("https://www.youtube.com/watch?v=abc-_1&t=3", "https://www.youtube-nocookie.com/embed/abc-_1"),
        ("https://youtu.be/abc", "https://www.youtube-nocookie.com/embed/abc"),
        ("https://m.youtube.com/live/abc", "https://www.youtube-nocookie.com/embed/abc"),
        ("https://vimeo.com/123", "https://player.vimeo.com/video/123"),
        ("https://www.youtube.com/watch?v=a%22b", "https://www.youtube.com/watch?v=a%22b"),
        ("https://media.uni.example/watch?v=abc", "https://media.uni.example/watch?v=abc"),
    ],
)
def test_a_copied_page_becomes_its_player(copied: str, player: str) -> None:
    assert framed(copied) == player


def test_how_an_address_is_shown() -> None:
    assert form_of("https://a.example/live/Index.M3U8?token=x") == AddressForm.STREAM
    assert form_of("https://a.example/a.mp4") == AddressForm.FILE
    assert form_of("https://a.example/embed/1") == AddressForm.PAGE


@pytest.mark.parametrize(
    ("header", "answer"),
    [
        ("", None),
        ("bytes=0-99", Part(0, 99)),
        ("bytes=10-", Part(10, 999)),
        ("bytes=-10", Part(990, 999)),
        ("bytes=-5000", Part(0, 999)),
        ("bytes=990-5000", Part(990, 999)),
        ("Bytes=0-0", Part(0, 0)),
        ("bytes=1000-", Unsatisfiable()),
        ("bytes=-0", Unsatisfiable()),
        ("bytes=5-2", None),
        ("bytes=0-1,5-6", None),
        ("lines=0-1", None),
        ("bytes=-", None),
        ("bytes=a-b", None),
    ],
)
def test_which_bytes_are_asked_for(header: str, answer: object) -> None:
    assert part_asked_for(header, size=1000) == answer


def test_an_open_end_gets_some_at_once_and_asks_on() -> None:
    assert part_asked_for("bytes=5-", size=10 * AT_ONCE) == Part(5, AT_ONCE + 4)
    assert part_asked_for("bytes=0-", size=0) == Unsatisfiable()


def test_another_file_is_sent_from_its_beginning() -> None:
    assert holds_still("", tag='"a"')
    assert holds_still('"a"', tag='"a"')
    assert not holds_still('"b"', tag='"a"')
    assert not holds_still("Sat, 21 Nov 2026 02:00:00 GMT", tag='"a"')
