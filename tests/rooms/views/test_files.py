"""Files of the stage: who is served which bytes, and with what around them (design §8, §11)."""

import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from lti_tool.models import Person, Platform
from lti_tool.roles import ApplicationRole, Right
from rooms.access import viewer_by_tab
from rooms.models import Captions, Entry, Media, Pass
from rooms.policy.ranges import AT_ONCE
from rooms.services.media import add_captions, show_address, show_file
from tests.factories.campus import Browser, Campus, make_campus
from tests.factories.lti import make_course, make_tenant
from tests.factories.rooms import make_guest, make_participant, make_pass, make_placed_entry
from tests.servers import tool_inside

__all__ = ["tool_inside"]

FILES = Path(__file__).resolve().parents[2] / "files"
WEBM = (FILES / "three-seconds.webm").read_bytes()
VTT = b"WEBVTT\n\n00:00.000 --> 00:02.000\nIce.\n"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _uploads(tmp_path: Path, settings: Settings) -> None:
    settings.MEDIA_ROOT = str(tmp_path)


@dataclass
class Cinema:
    """A video with captions, its host, and a guest's browser."""

    campus: Campus
    host: Browser
    guest: Client
    held: Pass
    media: Media
    captions: Captions

    @property
    def path(self) -> str:
        return self.campus.page(f"file/{self.media.pk}")

    def get(self, **headers: str) -> Any:  # noqa: ANN401 - the client's own answer
        return self.guest.get(
            self.path, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )

    def change(self, **values: object) -> None:
        Entry.objects.filter(pk=self.campus.entry.pk).update(**values)


def show(campus: Campus, host: Browser, kind: str, name: str, content: bytes) -> Media:
    entry = campus.entry
    entry.kind = kind
    entry.save()
    viewer = viewer_by_tab(entry, host.tab)
    assert viewer is not None
    return show_file(entry, ContentFile(content, name=name), by=viewer)


@pytest.fixture
def cinema() -> Cinema:
    return make_cinema()


def make_cinema() -> Cinema:
    campus = make_campus()
    host = campus.launch()
    media = show(campus, host, "video", 'Ice "2026"\r\n/Überblick.webm', WEBM)
    viewer = viewer_by_tab(campus.entry, host.tab)
    assert viewer is not None
    captions = add_captions(campus.entry, ContentFile(VTT, name="a.vtt"), language="en", by=viewer)
    guest = make_participant(
        campus.entry,
        guest=make_guest(campus.course.tenant),
        granted_until=timezone.now() + timedelta(hours=1),
    )
    held, secret = make_pass(guest)
    client = Client()
    client.cookies["foyer-pass"] = secret
    return Cinema(campus, host, client, held, media, captions)


def body(answer: Any) -> bytes:  # noqa: ANN401 - the client's own answer
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


# --- Bytes


def test_a_whole_file_with_all_that_belongs_around_it(cinema: Cinema) -> None:
    answer = cinema.get()
    assert (answer.status_code, body(answer)) == (200, WEBM)
    assert answer.headers["Content-Type"] == "video/webm"
    assert answer.headers["Content-Length"] == str(len(WEBM))
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox; frame-ancestors 'none'"
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    said = answer.headers["Content-Disposition"]
    assert said == "inline; filename=\"video.webm\"; filename*=UTF-8''%C3%9Cberblick.webm"


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("bytes=0-9", 0, 9), ("bytes=100-", 100, len(WEBM) - 1), ("bytes=-7", len(WEBM) - 7, len(WEBM) - 1)],
)
def test_a_part(cinema: Cinema, asked: str, first: int, last: int) -> None:
    answer = cinema.get(range=asked)
    assert (answer.status_code, body(answer)) == (206, WEBM[first : last + 1])
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{len(WEBM)}"
    assert answer.headers["Content-Length"] == str(last - first + 1)


def test_no_such_part(cinema: Cinema) -> None:
    answer = cinema.get(range="bytes=999999-")
    assert (answer.status_code, body(answer)) == (416, b"")
    assert answer.headers["Content-Range"] == f"bytes */{len(WEBM)}"


def test_parts_of_another_file_are_not_mixed(cinema: Cinema) -> None:
    tag = cinema.get().headers["ETag"]
    assert cinema.get(range="bytes=0-9", if_range=tag).status_code == 206
    answer = cinema.get(range="bytes=0-9", if_range='"another"')
    assert (answer.status_code, body(answer)) == (200, WEBM)
    assert cinema.get(if_none_match=tag).status_code == 304
    show(cinema.campus, cinema.host, "video", "new.webm", WEBM + b"more")
    assert cinema.get(range="bytes=0-9", if_range=tag).status_code == 200
    assert cinema.get(if_none_match=tag).status_code == 200


def test_head_tells_and_sends_nothing(cinema: Cinema) -> None:
    answer = cinema.guest.head(cinema.path)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Length"] == str(len(WEBM))
    answer = cinema.guest.head(cinema.path, headers={"Range": "bytes=0-9"})
    assert (answer.status_code, answer.headers["Content-Length"]) == (206, "10")


def test_captions_are_text(cinema: Cinema) -> None:
    answer = cinema.guest.get(cinema.campus.page(f"file/{cinema.captions.pk}"))
    assert (answer.status_code, body(answer)) == (200, VTT)
    assert answer.headers["Content-Type"] == "text/vtt; charset=utf-8"


def test_a_file_that_is_gone_from_the_disk_is_missing(cinema: Cinema) -> None:
    cinema.media.file.storage.delete(str(cinema.media.file))
    assert cinema.get().status_code == 404


# --- Who


def test_whoever_is_inside(cinema: Cinema) -> None:
    learner = cinema.campus.learner()
    for browser in (cinema.host, learner):
        assert browser.get(cinema.path).status == 200
    assert cinema.get().status_code == 200


def test_nobody_else(cinema: Cinema) -> None:
    assert Client().get(cinema.path).status_code == 404
    elsewhere = make_campus()
    assert elsewhere.launch().get(cinema.path).status == 404
    other_entry, _placement = make_placed_entry(make_course(make_tenant()))
    assert elsewhere.launch().get(f"/media/{other_entry.pk}/file/{cinema.media.pk}").status == 404
    # Through a door that is open to them, a file of another entry is not there either.
    assert elsewhere.launch().get(elsewhere.page(f"file/{cinema.media.pk}")).status == 404
    assert elsewhere.launch().get(elsewhere.page(f"file/{cinema.captions.pk}")).status == 404
    assert cinema.guest.post(cinema.path).status_code == 405


def test_not_before_the_doors_open_and_not_after(cinema: Cinema) -> None:
    learner = cinema.campus.learner()
    soon = timezone.now() + timedelta(hours=1)
    for values in (
        {"starts_at": soon},
        {"starts_at": None, "doors": "closed", "doors_changed_at": timezone.now()},
    ):
        cinema.change(**values)
        assert learner.get(cinema.path).status == 403
        assert cinema.get().status_code == 403
        assert cinema.host.get(cinema.path).status == 200
    cinema.change(doors="ended", doors_changed_at=timezone.now() - timedelta(minutes=1))
    assert cinema.host.get(cinema.path).status == 403
    assert cinema.get().status_code == 410


def test_withdrawn_removed_disabled_end_it_at_the_next_part(cinema: Cinema) -> None:
    assert cinema.get(range="bytes=0-9").status_code == 206
    Pass.objects.filter(pk=cinema.held.pk).update(ended_at=timezone.now())
    assert cinema.get(range="bytes=10-19").status_code == 410
    Person.objects.filter(pk=cinema.host.person.pk).update(is_disabled=True)
    assert cinema.host.get(cinema.path).status == 403


# --- A tab without cookies


def ticket_of(browser: Browser, page: str) -> str:
    secret = browser.client.cookies["foyer-tab"].value
    client = Client(headers={"Authorization": f"Bearer {secret}"})
    answer = client.get(browser.at(f"{page}ticket/"))
    assert answer.status_code == 200
    assert answer.json()["seconds"] <= 600
    base: str = answer.json()["base"]
    return base


def test_a_ticket_stands_for_a_tab_without_cookies(cinema: Cinema) -> None:
    learner = cinema.campus.learner()
    page = cinema.campus.page()
    assert Client().get(learner.at(cinema.path)).status_code == 403
    base = ticket_of(learner, page)
    assert base.startswith(f"{page}by/")
    file = f"{base}file/{cinema.media.pk}"
    answer = Client().get(file, headers={"Range": "bytes=0-3"})
    assert (answer.status_code, body(answer)) == (206, WEBM[:4])
    assert ticket_of(learner, page) == base, "what plays goes on under the same address"
    cinema.change(doors="closed", doors_changed_at=timezone.now())
    assert Client().get(file).status_code == 403


def test_a_ticket_is_for_its_entry_and_tab_and_ends_with_both(cinema: Cinema) -> None:
    learner = cinema.campus.learner()
    base = ticket_of(learner, cinema.campus.page())
    ticket = base.split("/")[-2]
    other = cinema.campus.placed(kind="video")
    for path in (
        f"/media/{other.pk}/by/{ticket}/file/{cinema.media.pk}",
        f"{cinema.campus.page()}by/{ticket}x/file/{cinema.media.pk}",
        f"{cinema.campus.page()}by/nonsense/file/{cinema.media.pk}",
    ):
        assert Client().get(path).status_code == 404
    file = f"{base}file/{cinema.media.pk}"
    assert Client().get(file).status_code == 200
    Platform.objects.update(state=Platform.State.DISABLED)
    assert Client().get(file).status_code == 404
    Platform.objects.update(state=Platform.State.ACTIVE)
    cache.clear()  # minutes later
    assert Client().get(file).status_code == 404


def test_a_pass_has_its_cookie_and_gets_no_ticket(cinema: Cinema) -> None:
    assert cinema.guest.get(cinema.campus.page("ticket/")).status_code == 403
    assert Client().get(cinema.campus.page("ticket/")).status_code == 404


# --- From elsewhere


@pytest.mark.parametrize(
    ("address", "policy"),
    [
        (
            "https://www.youtube.com/watch?v=abc",
            ["frame-src https://www.youtube-nocookie.com", "media-src 'none'"],
        ),
        (
            "https://cdn.kaltura.com:8443/live/a.m3u8",
            [
                "frame-src 'none'",
                "media-src https://cdn.kaltura.com:8443 blob:",
                "connect-src 'self' https://cdn.kaltura.com:8443",
            ],
        ),
    ],
)
def test_only_the_frame_around_a_player_may_reach_its_origin(
    campus: Campus, address: str, policy: list[str]
) -> None:
    campus.entry.kind = "live"
    campus.entry.save()
    host = campus.launch()
    viewer = viewer_by_tab(campus.entry, host.tab)
    assert viewer is not None
    show_address(campus.entry, address, by=viewer)
    learner = campus.launch(Right.NONE, ApplicationRole.VIEWER, frame_origins=["https://lms.example"])
    page = learner.client.get(learner.at(campus.page()))
    frame = learner.client.get(learner.at(campus.page("stage/")))
    assert f'src="{learner.at(campus.page("stage/"))}"' in page.content.decode()
    for host_name in ("youtube", "kaltura"):
        assert host_name not in page.content.decode()
        assert host_name not in page.headers["Content-Security-Policy"]
    said = [each.strip() for each in frame.headers["Content-Security-Policy"].split(";")]
    assert set(policy) <= set(said)
    assert "frame-ancestors 'self' https://lms.example" in said
    assert "no-store" in frame.headers["Cache-Control"]
    Entry.objects.filter(pk=campus.entry.pk).update(starts_at=timezone.now() + timedelta(hours=1))
    assert learner.get(campus.page("stage/")).status == 403
    assert host.get(campus.page("stage/")).status == 200
    by_ticket = Client().get(f"{ticket_of(host, campus.page())}stage/")
    assert by_ticket.status_code == 200
    assert "frame-ancestors 'self'" in by_ticket.headers["Content-Security-Policy"]


def test_captions_come_with_a_video_from_elsewhere_by_the_way_its_page_came(cinema: Cinema) -> None:
    campus, host = cinema.campus, cinema.host
    viewer = viewer_by_tab(campus.entry, host.tab)
    assert viewer is not None
    show_address(campus.entry, "https://cdn.kaltura.com/ice.m3u8", by=viewer)
    stage = campus.page("stage/")
    base = ticket_of(host, campus.page())
    file = str(cinema.captions.pk)
    for client, page in ((host.client, host.at(stage)), (cinema.guest, stage), (Client(), f"{base}stage/")):
        frame = client.get(page)
        found = re.search(r'<track kind="captions" srclang="en" label="English" src="([^"]+)">', frame.text)
        assert found is not None
        said = [each.strip() for each in frame.headers["Content-Security-Policy"].split(";")]
        assert "media-src https://cdn.kaltura.com blob: 'self'" in said
        answer = client.get(urljoin(page, found[1]))
        assert (answer.status_code, body(answer)) == (200, VTT)
    assert Client().get(campus.page(f"file/{file}")).status_code == 404
    show_address(campus.entry, "https://player.vimeo.com/video/1", by=viewer)
    frame = host.client.get(host.at(stage))
    assert "<track" not in frame.text
    assert "media-src 'none'" in frame.headers["Content-Security-Policy"]


def test_a_framed_player_is_kept_in_its_place(campus: Campus) -> None:
    campus.entry.kind = "live"
    campus.entry.save()
    host = campus.launch()
    viewer = viewer_by_tab(campus.entry, host.tab)
    assert viewer is not None
    assert host.get(campus.page("stage/")).status == 404
    show_address(campus.entry, "https://player.vimeo.com/video/1?a=1&b=%22", by=viewer)
    text = host.get(campus.page("stage/")).text
    assert 'src="https://player.vimeo.com/video/1?a=1&amp;b=%22"' in text
    assert 'sandbox="allow-scripts allow-same-origin allow-forms allow-popups allow-presentation"' in text
    assert 'referrerpolicy="strict-origin"' in text


# --- Under ASGI


@pytest.mark.django_db(transaction=True)
def test_a_real_server_streams(tool_inside: str) -> None:
    cinema = make_cinema()
    content = WEBM[:64] + bytes(range(256)) * ((AT_ONCE + 4096) // 256)
    media = show(cinema.campus, cinema.host, "video", "large.webm", content)
    url = f"http://{tool_inside}{cinema.campus.page(f'file/{media.pk}')}"
    cookies = {"Cookie": f"foyer-pass={cinema.guest.cookies['foyer-pass'].value}"}
    with httpx.Client(headers=cookies, trust_env=False) as browser:
        whole = browser.get(url)
        assert (whole.status_code, len(whole.content), whole.content == content) == (200, len(content), True)
        answer = browser.get(url, headers={"Range": "bytes=0-"})
        assert (answer.status_code, len(answer.content)) == (206, AT_ONCE)
        assert answer.headers["Content-Range"] == f"bytes 0-{AT_ONCE - 1}/{len(content)}"
        rest = browser.get(url, headers={"Range": f"bytes={AT_ONCE}-"})
        assert answer.content + rest.content == content
        assert browser.head(url).headers["Content-Length"] == str(len(content))
