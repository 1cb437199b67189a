"""Choosing a kind, and what the stage shows: uploads, addresses, captions (design §8, §11)."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from lti_tool.roles import ApplicationRole, Right
from rooms.models import Captions, EmbedHosts, Entry, Media
from tests.factories.campus import Answer, Browser, Campus, make_campus
from tests.factories.rooms import make_guest, make_participant

FILES = Path(__file__).resolve().parents[2] / "files"
WEBM = (FILES / "three-seconds.webm").read_bytes()
PDF = (FILES / "two-pages.pdf").read_bytes()
VTT = b"WEBVTT\n\n00:00.000 --> 00:02.000\nIce.\n"
TYPED = {"title": "Reading the ice", "time_zone": "Europe/Oslo", "has_chat": "on"}

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def uploads(tmp_path: Path, settings: Settings) -> Path:
    settings.MEDIA_ROOT = str(tmp_path)
    return tmp_path


def of_kind(campus: Campus, kind: str) -> Browser:
    Entry.objects.filter(pk=campus.entry.pk).update(kind=kind)
    return campus.launch()


def file(content: bytes, name: str) -> Any:  # noqa: ANN401 - the client sends it as a file
    return SimpleUploadedFile(name, content)


def stage_of(campus: Campus, browser: Browser) -> str:
    """The stage in the page of the room."""
    found = re.search(r'<section class="stage.*?</section>', browser.get(campus.page()).text, re.DOTALL)
    assert found is not None
    return found[0]


def by_script(browser: Browser, path: str, **data: Any) -> Any:  # noqa: ANN401 - the client's own answer
    return browser.client.post(browser.at(path), data, headers={"Accept": "application/json"})


# --- The kind


def test_each_kind_is_offered_with_its_line(campus: Campus) -> None:
    text = campus.launch(at=campus.link).get("/").text
    assert '<input type="radio" name="kind" value="room" checked>' in text
    assert "Show a PDF, page by page." in text
    assert text.count('name="kind"') == 4


@pytest.mark.parametrize(
    ("kind", "has_chat", "lands_at"),
    [
        ("", True, ""),
        ("room", True, ""),
        ("live", True, "content/"),
        ("video", False, "content/"),
        ("document", False, "content/"),
    ],
)
def test_an_entry_is_of_the_chosen_kind(campus: Campus, kind: str, has_chat: bool, lands_at: str) -> None:
    browser = campus.launch(at=campus.link)
    answer = browser.post("/setup/", **TYPED, kind=kind)
    entry = Entry.objects.exclude(pk=campus.entry.pk).get()
    assert (entry.kind, entry.has_chat) == (kind or "room", has_chat)
    assert answer.to.partition("?")[0] == f"/media/{entry.pk}/{lands_at}"
    assert browser.get(answer.to).status == 200


def test_no_other_kind_exists(campus: Campus) -> None:
    answer = campus.launch(at=campus.link).post("/setup/", **TYPED, kind="party")
    assert answer.status == 422
    assert Entry.objects.count() == 1


# --- Files


@pytest.mark.parametrize(
    ("kind", "name", "content", "media_type"),
    [("video", "ice.webm", WEBM, "video/webm"), ("document", "ice.pdf", PDF, "application/pdf")],
)
def test_an_upload_is_shown_to_everybody_inside(
    campus: Campus, uploads: Path, kind: str, name: str, content: bytes, media_type: str
) -> None:
    host = of_kind(campus, kind)
    assert "Nothing is shown yet" in host.get(campus.page()).text
    revision = Entry.objects.get(pk=campus.entry.pk).media_revision
    answer = host.post(campus.page("content/"), file=file(content, name))
    assert (answer.status, answer.to) == (303, f"{campus.page()}?notice=stage_saved")
    media = Media.objects.get(entry=campus.entry)
    assert (media.name, media.media_type, media.size) == (name, media_type, len(content))
    assert [path.read_bytes() for path in uploads.rglob("*.*")] == [content]
    assert name not in str(media.file)
    assert Entry.objects.get(pk=campus.entry.pk).media_revision == revision + 1
    assert f"/file/{media.pk}" in campus.learner().get(campus.page()).text
    assert name in host.get(campus.page("content/")).text


@pytest.mark.parametrize(
    ("kind", "name", "content", "said"),
    [
        ("video", "film.mp4", b"<html><script>alert(1)</script></html>", "This is no MP4 or WebM video"),
        ("video", "film.mp4", PDF, "This is no MP4 or WebM video"),
        ("document", "paper.pdf", WEBM[:1000], "This is no PDF"),
        ("document", "paper.pdf", b"", "empty"),
        ("document", "paper.pdf", PDF + bytes(2000), "This file is too large. The most is"),
    ],
)
def test_a_file_that_is_something_else_is_refused_beside_its_field(
    campus: Campus, uploads: Path, settings: Settings, kind: str, name: str, content: bytes, said: str
) -> None:
    settings.UPLOAD_CAPS = {**settings.UPLOAD_CAPS, "document": 1500}
    host = of_kind(campus, kind)
    typed = {"address": "https://player.vimeo.com/video/1"} if kind == "video" else {}
    answer = host.post(campus.page("content/"), file=file(content, name), **typed)
    assert answer.status == 422
    assert said in answer.text
    assert 'id="id_file_error"' in answer.text
    for value in typed.values():
        assert f'value="{value}"' in answer.text, "nothing typed is lost"
    told = by_script(host, campus.page("content/"), file=file(content, name), **typed)
    assert told.status_code == 422
    assert said in told.json()["errors"]["id_file"]
    assert not Media.objects.exists()
    assert list(uploads.rglob("*.*")) == []


def test_a_script_is_told_where_to_go(campus: Campus) -> None:
    host = of_kind(campus, "document")
    told = by_script(host, campus.page("content/"), file=file(PDF, "a.pdf"))
    assert told.json() == {"to": f"{host.at(campus.page())}?notice=stage_saved"}


def test_a_replaced_file_is_deleted_once_the_new_one_stands(
    campus: Campus, uploads: Path, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    host = of_kind(campus, "document")
    host.post(campus.page("content/"), file=file(PDF, "a.pdf"))
    with django_capture_on_commit_callbacks() as effects:
        host.post(campus.page("content/"), file=file(PDF + b"\n", "b.pdf"))
    assert len(list(uploads.rglob("*.pdf"))) == 2
    for effect in effects:
        effect()
    assert [path.read_bytes() for path in uploads.rglob("*.pdf")] == [PDF + b"\n"]
    with django_capture_on_commit_callbacks(execute=True):
        assert host.post(campus.page("content/"), remove="1").status == 303
    assert list(uploads.rglob("*.pdf")) == []
    assert "Nothing is shown yet" in host.get(campus.page()).text


@pytest.mark.parametrize(
    ("right", "role", "may"),
    [
        (Right.OWNER, ApplicationRole.ADMIN, True),
        (Right.CO_EDITOR, ApplicationRole.PRIVATE_ONLY, True),
        (Right.CO_PUBLISHER, ApplicationRole.ADMIN, False),
        (Right.NONE, ApplicationRole.VIEWER, False),
    ],
)
def test_who_may_change_what_is_shown(campus: Campus, right: Right, role: ApplicationRole, may: bool) -> None:
    of_kind(campus, "video").post(campus.page("content/"), file=file(WEBM, "a.webm"))
    captions_path = campus.page("content/captions/")
    browser = campus.launch(right, role)
    assert browser.get(campus.page("content/")).status == (200 if may else 403)
    assert ("/content/" in browser.get(campus.page()).text) is may
    answers: list[Answer] = [
        browser.post(captions_path, **{"captions-language": "en", "captions-file": file(VTT, "a.vtt")}),
        browser.post(campus.page("content/"), file=file(WEBM, "b.webm")),
        browser.post(campus.page("content/"), remove="1"),
    ]
    assert {answer.status for answer in answers} == {303 if may else 403}
    assert Media.objects.exists() is not may
    assert make_campus().launch().get(campus.page("content/")).status == 404


# --- Slides of a room


def test_slides_stand_on_the_quiet_stage_below_title_and_speakers(campus: Campus) -> None:
    host = campus.launch()
    make_participant(
        campus.entry,
        guest=make_guest(campus.course.tenant),
        role="speaker",
        granted_until=timezone.now() + timedelta(hours=2),
    )
    learner = campus.learner()
    quiet = stage_of(campus, learner)
    assert "data-document" not in quiet
    assert "quiet for now" in quiet
    page = host.get(campus.page()).text
    assert page.count(f"{campus.page()}content/") == 2, "on the stage, and under ⋯"
    assert "Add slides" in host.get(campus.page("content/")).text
    answer = host.post(campus.page("content/"), file=file(PDF, "cores.pdf"))
    assert (answer.status, answer.to) == (303, f"{campus.page()}?notice=stage_saved")
    media = Media.objects.get(entry=campus.entry)
    stage = stage_of(campus, learner)
    places = [stage.index(each) for each in ("Reading the ice", "Ana Guest", "data-document")]
    assert places == sorted(places)
    assert f'data-address="{learner.at(campus.page(f"file/{media.pk}"))}"' in stage
    assert "quiet for now" not in stage
    told = stage_of(campus, host)
    assert "Audio and video are not set up" in told
    assert "Add slides" not in told, "there are some: ⋯ changes them"
    assert "cores.pdf" in host.get(campus.page("content/")).text
    assert host.post(campus.page("content/"), remove="1").status == 303
    assert stage_of(campus, learner) == quiet


def test_other_slides_are_another_stage_for_open_pages(campus: Campus) -> None:
    host, learner = campus.launch(), campus.learner()
    seen = []
    for content in (PDF, PDF + b"\n"):
        host.post(campus.page("content/"), file=file(content, "cores.pdf"))
        page = learner.get(campus.page()).text
        seen.append(re.findall(r'data-version="(\w+)"|data-stage-key="([^"]+)"', page))
    assert [len(each) for each in seen] == [2, 2]
    assert not set(seen[0]) & set(seen[1]), "the part is fetched anew, and the slides are opened anew"


def test_with_audio_and_video_the_stage_is_theirs(campus: Campus) -> None:
    host, learner = campus.launch(), campus.learner()
    host.post(campus.page("content/"), file=file(PDF, "cores.pdf"))
    host.post(campus.page("audio-video/"), engine="meeting", address="https://zoom.example/j/73")
    for stage in (stage_of(campus, host), stage_of(campus, learner)):
        assert "data-stage-engine" in stage
        assert "data-document" not in stage
        assert "data-stage-key" not in stage
    host.post(campus.page("audio-video/"), engine="null")
    assert "data-document" in stage_of(campus, learner), "they are back when it is gone"


def test_slides_are_for_whoever_is_inside(campus: Campus) -> None:
    campus.launch().post(campus.page("content/"), file=file(PDF, "cores.pdf"))
    path = campus.page(f"file/{Media.objects.get().pk}")
    learner = campus.learner()
    answer: Any = learner.client.get(learner.at(path), headers={"Range": "bytes=0-4"})
    assert (answer.status_code, b"".join(answer.streaming_content)) == (206, b"%PDF-")
    assert answer.headers["Content-Type"] == "application/pdf"
    assert Client().get(path).status_code == 404
    assert make_campus().launch().get(path).status == 404
    Entry.objects.filter(pk=campus.entry.pk).update(starts_at=timezone.now() + timedelta(hours=1))
    assert learner.get(path).status == 403
    assert path not in learner.get(campus.page()).text


def test_a_room_takes_a_pdf_and_nothing_else(campus: Campus, uploads: Path) -> None:
    host = campus.launch()
    path = campus.page("content/")
    assert "This is no PDF" in host.post(path, file=file(WEBM, "cores.pdf")).text
    text = host.post(path, address="https://player.vimeo.com/video/1").text
    assert "Choose a PDF file." in text
    assert 'name="address"' not in text
    assert campus.learner().get(path).status == 403
    data = {"captions-language": "en", "captions-file": file(VTT, "a.vtt")}
    assert host.post(f"{path}captions/", **data).status == 404
    assert list(uploads.rglob("*.*")) == []


def test_a_room_that_never_had_slides_is_not_asked_for_them(campus: Campus) -> None:
    learner = campus.learner()
    learner.get(campus.page())
    with CaptureQueriesContext(connection) as asked:
        learner.get(campus.page())
    assert not [each["sql"] for each in asked if "rooms_media" in each["sql"]]


# --- Addresses


def test_an_address_of_a_listed_host(campus: Campus) -> None:
    host = of_kind(campus, "live")
    answer = host.post(campus.page("content/"), address="https://youtu.be/abc")
    assert answer.status == 303
    assert Media.objects.get().address == "https://www.youtube-nocookie.com/embed/abc"
    assert f"/media/{campus.entry.pk}/stage/" in campus.learner().get(campus.page()).text


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("https://video.uni.example/a", "video.uni.example is not among the hosts"),
        ("http://youtube-nocookie.com/embed/a", "has to begin with https://"),
        ("youtube", "not a complete address"),
        ("", "Write the address of the stream or player."),
    ],
)
def test_a_refused_address_says_why_and_what_to_do(campus: Campus, address: str, said: str) -> None:
    host = of_kind(campus, "live")
    answer = host.post(campus.page("content/"), address=address)
    assert answer.status == 422
    assert said in answer.text
    assert f'value="{address}"' in answer.text or not address
    assert not Media.objects.exists()


def test_the_list_is_the_tenants_own(campus: Campus) -> None:
    host = of_kind(campus, "live")
    EmbedHosts.objects.create(tenant=campus.course.tenant, hosts=["video.uni.example"])
    assert host.post(campus.page("content/"), address="https://youtu.be/abc").status == 422
    assert host.post(campus.page("content/"), address="https://a.video.uni.example/x").status == 303
    other = make_campus()
    assert (
        of_kind(other, "live").post(other.page("content/"), address="https://a.video.uni.example/x").status
        == 422
    )


def test_a_document_is_a_file_and_a_webcast_an_address(campus: Campus) -> None:
    host = of_kind(campus, "document")
    text = host.post(campus.page("content/"), address="https://player.vimeo.com/video/1").text
    assert "Choose a PDF file." in text
    assert 'name="address"' not in text
    host = of_kind(campus, "live")
    assert host.post(campus.page("content/"), file=file(WEBM, "a.webm")).status == 422


# --- Captions


def test_captions_per_language_come_and_go(campus: Campus, uploads: Path) -> None:
    host = of_kind(campus, "video")
    path = campus.page("content/captions/")
    told = by_script(host, path, **{"captions-language": "en", "captions-file": file(VTT, "a.vtt")})
    assert told.status_code == 404, "the video first"
    assert list(uploads.rglob("*.vtt")) == []
    host.post(campus.page("content/"), file=file(WEBM, "a.webm"))
    for language in ("en", "nb", "en"):
        answer = host.post(path, **{"captions-language": language, "captions-file": file(VTT, "a.vtt")})
        assert answer.status == 303
    assert sorted(Captions.objects.values_list("language", flat=True)) == ["en", "nb"]
    page = campus.learner().get(campus.page()).text
    assert '<track kind="captions" srclang="nb" label="Norsk (bokmål)"' in page
    english = Captions.objects.get(language="en")
    assert host.post(f"{path}{english.pk}/remove/").status == 303
    assert Captions.objects.get().language == "nb"
    assert host.post(f"{path}{english.pk}/remove/").status == 303
    # They stay with the video's place: a better cut of it keeps its captions.
    host.post(campus.page("content/"), file=file(WEBM, "b.webm"))
    assert Captions.objects.get().language == "nb"


@pytest.mark.parametrize(
    ("address", "takes_them"),
    [
        ("https://cdn.kaltura.com/ice.mp4", True),
        ("https://cdn.kaltura.com/ice.m3u8", True),
        ("https://player.vimeo.com/video/1", False),
    ],
)
def test_captions_for_what_lies_elsewhere_unless_its_player_does_too(
    campus: Campus, uploads: Path, address: str, takes_them: bool
) -> None:
    host = of_kind(campus, "video")
    host.post(campus.page("content/"), address=address)
    assert ('name="captions-file"' in host.get(campus.page("content/")).text) is takes_them
    data = {"captions-language": "nb", "captions-file": file(VTT, "a.vtt")}
    answer = host.post(campus.page("content/captions/"), **data)
    assert answer.status == (303 if takes_them else 404)
    assert Captions.objects.exists() is takes_them
    assert len(list(uploads.rglob("*.vtt"))) == takes_them


@pytest.mark.parametrize(
    ("language", "content", "field"),
    [("en", b"1\n00:00:01,000 --> 00:00:02,000\nHi", "file"), ("xx", VTT, "language")],
)
def test_captions_that_are_none(campus: Campus, language: str, content: bytes, field: str) -> None:
    host = of_kind(campus, "video")
    host.post(campus.page("content/"), file=file(WEBM, "a.webm"))
    data = {"captions-language": language, "captions-file": file(content, "a.vtt")}
    told = by_script(host, campus.page("content/captions/"), **data)
    assert told.status_code == 422
    assert list(told.json()["errors"]) == [f"id_captions-{field}"]
    assert (
        f'id="id_captions-{field}_error"'
        in host.post(
            campus.page("content/captions/"), **{**data, "captions-file": file(content, "a.vtt")}
        ).text
    )
