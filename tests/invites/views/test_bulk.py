"""Many at once, page by page."""

from dataclasses import dataclass
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from invites.models import BulkRun, Invite, OutboxMail
from invites.services.bulk import work_off_bulk_runs
from invites.spreadsheets import read_bytes
from lti_tool.roles import ApplicationRole, Right
from tests.factories.campus import Answer, Browser, Campus, make_campus
from tests.factories.invites import make_invite, make_settings
from tests.factories.rooms import make_guest, make_participant, make_pass

pytestmark = pytest.mark.django_db

LIST = "ana@example.org,Ana,Gomez,speaker,fr\nbad,Bo,Berg,viewer,\nbo@example.org,Bo,Berg,juggler,"


@dataclass
class Desk:
    """An instructor at the page for many."""

    campus: Campus
    browser: Browser

    def page(self, name: str = "") -> str:
        return self.campus.page(f"invites/many/{name}")

    def send(self, text: str, **fields: str) -> Answer:
        return self.browser.post(self.page(), **{"text": text, "role": "viewer", **fields})

    def run(self, text: str = LIST) -> str:
        """The address of a list that was sent."""
        answer = self.send(text)
        assert answer.status == 303, answer.text
        return answer.to

    def upload(self, data: bytes, name: str = "list.csv") -> Answer:
        file = SimpleUploadedFile(name, data)
        address = self.browser.at(self.page())
        return Answer(self.browser, self.browser.client.post(address, {"file": file, "role": "viewer"}))

    def htmx(self, path: str, **data: str) -> Answer:
        address, headers = self.browser.at(path), {"HX-Request": "true"}
        if data:
            return Answer(self.browser, self.browser.client.post(address, data, headers=headers))
        return Answer(self.browser, self.browser.client.get(address, headers=headers))


@pytest.fixture
def desk() -> Desk:
    campus = make_campus()
    return Desk(campus, campus.launch())


def line(number: int, **values: str) -> dict[str, str]:
    fields = {
        "email": "cy@example.org",
        "first_name": "Cy",
        "last_name": "Cole",
        "role": "viewer",
        "language": "",
    }
    return {f"line{number}-{name}": value for name, value in {**fields, **values}.items()}


# --- The list goes in -------------------------------------------------------------------------------------


def test_the_way_is_shown_beside_the_invitations(desk: Desk) -> None:
    for page in ("invites/", "invites/new/"):
        assert desk.page() in desk.browser.get(desk.campus.page(page)).text


def test_a_pasted_list_is_shown_with_what_would_become_of_it(desk: Desk) -> None:
    assert desk.browser.get(desk.page()).status == 200
    text = desk.browser.get(desk.run(), show="all").text
    assert "1 person will be invited" in text
    assert "2 lines need a look" in text
    assert "An email address has an @ in the middle" in text
    assert "“juggler” is none of the roles" in text
    assert not Invite.objects.exists()


def test_a_file_is_read_like_a_pasted_list(desk: Desk) -> None:
    answer = desk.upload("E-Mail;Vorname;Nachname\nana@example.org;Jörg;Groß\n".encode("cp1252"))
    assert "Jörg Groß" in desk.browser.get(answer.to).text


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"%PDF-1.7 \xe2\xe3", "This cannot be read as a list."),
        (b"PK\x03\x04\x14\0", "This is a workbook."),
        (b"", "Nobody stands in this list."),
        (b"a@example.org\n" * 5001, "more than 5000 lines"),
        (b"a" * (5 * 1024 * 1024 + 1), "larger than 5 MB"),
    ],
)
def test_a_file_that_is_no_list_is_told_beside_its_field(desk: Desk, data: bytes, words: str) -> None:
    answer = desk.upload(data)
    assert answer.status == 422
    assert words in answer.text
    assert 'aria-describedby="id_file_helptext id_file_error"' in answer.text


def test_what_was_pasted_is_not_lost_with_a_mistake(desk: Desk) -> None:
    answer = desk.send(LIST, role="juggler")
    assert answer.status == 422
    assert "bo@example.org,Bo,Berg,juggler," in answer.text
    assert "Choose one of these." in answer.text
    assert desk.send("").status == 422


def test_a_list_and_a_file_are_one_too_many(desk: Desk) -> None:
    file = SimpleUploadedFile("list.csv", b"a@example.org,A,B")
    address = desk.browser.at(desk.page())
    answer = desk.browser.client.post(address, {"file": file, "text": LIST, "role": "viewer"})
    assert answer.status_code == 422
    assert b"Leave one of them empty." in answer.content


def test_an_empty_list_to_fill_in(desk: Desk) -> None:
    answer = desk.browser.get(desk.page("template.csv"))
    assert answer.text == "\ufeffEmail,First name,Last name,Role,Language\r\n"


# --- Mending ----------------------------------------------------------------------------------------------


def test_a_line_is_mended_in_its_place(desk: Desk) -> None:
    run = desk.run()
    assert '<tr id="line-2"' in desk.htmx(f"{run}lines/2/").text
    answer = desk.htmx(f"{run}lines/2/", **line(2))
    assert "<html" not in answer.text
    assert '<tr id="line-2"' in answer.text
    assert 'hx-swap-oob="true"' in answer.text
    assert "2 people will be invited" in answer.text


def test_a_line_is_mended_on_a_page_of_its_own(desk: Desk) -> None:
    run = desk.run()
    assert desk.browser.get(f"{run}lines/2/").status == 200
    answer = desk.browser.post(f"{run}lines/2/", **line(2))
    assert (answer.status, answer.to) == (303, run)
    assert "2 people will be invited" in desk.browser.get(run).text


def test_what_is_too_long_is_told_beside_its_field(desk: Desk) -> None:
    run = desk.run()
    answer = desk.htmx(f"{run}lines/2/", **line(2, last_name="B" * 101))
    assert answer.status == 422
    assert 'aria-describedby="id_line2-last_name_error"' in answer.text


def test_mending_shows_other_lines_anew_where_they_change(desk: Desk) -> None:
    run = desk.run("ana@example.org,Ana,Gomez\nana@example.org,Bo,Berg")
    answer = desk.htmx(f"{run}lines/1/", **line(1, email="other@example.org"))
    assert answer.response.headers["HX-Retarget"] == "#many"  # type: ignore[attr-defined]
    assert "2 people will be invited" in answer.text


def test_a_line_is_left_out(desk: Desk) -> None:
    run = desk.run()
    assert "1 line needs a look" in desk.htmx(f"{run}lines/2/", **line(2), drop="1").text
    assert desk.browser.post(f"{run}lines/3/", **line(3), drop="1").to == run
    assert "needs a look" not in desk.browser.get(run).text


def test_bad_lines_as_a_file_that_can_be_mended_and_sent_again(desk: Desk) -> None:
    run = desk.run(f"{LIST}\n=cmd()@example.org,=1+1,Cole,juggler,")
    answer = desk.browser.get(f"{run}lines-to-mend.csv")
    assert answer.response.headers["Cache-Control"] == "no-store"  # type: ignore[attr-defined]
    assert answer.response.headers["Content-Disposition"] == 'attachment; filename="lines-to-mend.csv"'  # type: ignore[attr-defined]
    assert "'=cmd()@example.org,'=1+1" in answer.text
    assert "Unknown role: “juggler” is none of the roles. Choose one." in answer.text
    assert "Gomez" not in answer.text
    assert [row.email for row in read_bytes(answer.text.encode())] == [
        "bad",
        "bo@example.org",
        "=cmd()@example.org",
    ]


# --- Committing -------------------------------------------------------------------------------------------


def test_from_the_list_to_the_links(desk: Desk) -> None:
    run = desk.run()
    assert desk.browser.post(f"{run}commit/", is_mailed="on").to == run
    waiting = desk.browser.get(run).text
    assert "0 of 1 lines" in waiting
    assert 'hx-trigger="every 1s"' in waiting
    work_off_bulk_runs(timezone.now())
    done = desk.htmx(run).text
    assert "1 invitation stands" in done
    assert "2 lines did not become one" in done
    assert "hx-trigger" not in done
    invite = Invite.objects.get()
    assert OutboxMail.objects.get().invite_id == invite.pk
    links = desk.browser.get(f"{run}links.csv")
    assert links.response.headers["Cache-Control"] == "no-store"  # type: ignore[attr-defined]
    assert "ana@example.org,Ana,Gomez,Speaker,http://127.0.0.1:8001/join/" in links.text


def test_the_tick_for_mails_stands_only_where_a_template_is_set(desk: Desk) -> None:
    rules = make_settings(desk.campus.entry.tenant)
    run = desk.run()
    assert "Send link via email" in desk.browser.get(run).text
    rules.invite_email_template = None
    rules.save()
    assert "Send link via email" not in desk.browser.get(run).text


def test_the_tick_for_new_links_stands_only_where_some_are_closed(desk: Desk) -> None:
    assert "Give new links" not in desk.browser.get(desk.run()).text
    make_invite(
        desk.campus.entry,
        "ana@example.org",
        devices_used=1,
        made_by_id=desk.browser.person.pk,
        role="speaker",
    )
    run = desk.run()
    assert "Give new links to those whose link is used up or has expired" in desk.browser.get(run).text
    desk.browser.post(f"{run}commit/", renews="on")
    work_off_bulk_runs(timezone.now())
    assert "New link" in desk.browser.get(run).text
    assert Invite.objects.get().generation == 2


def test_after_a_run_the_others_are_checked_again(desk: Desk) -> None:
    run = desk.run()
    desk.browser.post(f"{run}commit/")
    work_off_bulk_runs(timezone.now())
    assert desk.browser.post(f"{run}again/").to == run
    assert "Check the list" in desk.browser.get(run).text
    desk.browser.post(f"{run}lines/2/", **line(2))
    desk.browser.post(f"{run}commit/")
    work_off_bulk_runs(timezone.now())
    assert "2 invitations stand" in desk.browser.get(run).text


def test_a_list_is_deleted_after_a_question(desk: Desk) -> None:
    run = desk.run()
    assert "Delete this list?" in desk.browser.get(f"{run}discard/").text
    assert BulkRun.objects.exists()
    assert desk.browser.post(f"{run}discard/").to == desk.page()
    assert not BulkRun.objects.exists()


def test_while_it_is_worked_off_nothing_can_be_changed(desk: Desk) -> None:
    run = desk.run()
    desk.browser.post(f"{run}commit/")
    assert desk.browser.post(f"{run}lines/2/", **line(2)).status == 409
    assert desk.browser.post(f"{run}discard/").status == 409
    assert desk.browser.post(f"{run}again/").status == 409


def test_the_filters_and_pages(desk: Desk) -> None:
    lines = [f"p{number}@example.org,P,Q{number}" for number in range(120)]
    run = desk.run("\n".join([*lines, "bad,Bad,Line"]))
    text = desk.browser.get(run).text
    assert "Bad Line" in text
    assert "P Q0<" not in text, "what needs a look is shown first"
    assert "P Q0<" in desk.browser.get(run, show="new").text
    assert "P Q119" in desk.browser.get(run, show="all", page="3").text
    assert "No line is like that" in desk.browser.get(run, show="expired").text
    assert "1 of 3" in desk.browser.get(run, show="nonsense").text


def test_a_page_costs_the_same_for_one_line_and_for_fifty(desk: Desk) -> None:
    few, many = (
        desk.run("ana@example.org,A,B"),
        desk.run("\n".join(f"p{n}@example.org,P,Q" for n in range(50))),
    )
    assert desk.browser.cost(few) == desk.browser.cost(many)


# --- Who may ----------------------------------------------------------------------------------------------

PAGES = ("", "lines/2/", "discard/", "lines-to-mend.csv", "links.csv")
ACTS = ("lines/2/", "commit/", "again/", "discard/")


def refused_everywhere(browser: Browser, run: str) -> None:
    assert {browser.get(f"{run}{page}").status for page in PAGES} == {404}
    assert {browser.post(f"{run}{act}", **line(2)).status for act in ACTS} == {404}


def test_a_list_is_missing_for_everybody_else(desk: Desk) -> None:
    run = desk.run()
    refused_everywhere(desk.campus.launch(), run)
    other_tenant = make_campus().launch()
    refused_everywhere(other_tenant, run)
    other_room = desk.campus.placed()
    elsewhere = run.replace(str(desk.campus.entry.pk), str(other_room.pk))
    refused_everywhere(desk.browser, elsewhere)
    refused_everywhere(desk.browser, run.replace(run.split("/")[-2], str(uuid4())))
    assert not Invite.objects.exists()


def test_learners_and_guests_have_no_such_page(desk: Desk) -> None:
    run = desk.run()
    learner = desk.campus.learner()
    assert learner.get(desk.page()).status == 403
    assert learner.post(desk.page(), text=LIST, role="viewer").status == 403
    assert learner.get(run).status == 404
    entry = desk.campus.entry
    _held, secret = make_pass(make_participant(entry, guest=make_guest(entry.tenant), role="moderator"))
    guest = desk.browser.client.__class__()
    guest.cookies["foyer-pass"] = secret
    for path in (desk.page(), run, f"{run}links.csv"):
        assert guest.get(path).status_code == 404


def test_whoever_may_not_invite_any_more_sees_the_list_but_not_the_button(desk: Desk) -> None:
    rules = make_settings(desk.campus.entry.tenant)
    run = desk.run()
    rules.enable = False
    rules.save()
    assert desk.browser.get(desk.page()).status == 403
    page = desk.browser.get(run)
    assert "You may not invite here any more." in page.text
    assert "commit/" not in page.text
    assert desk.browser.post(f"{run}commit/").status == 403
    assert desk.browser.get(f"{run}links.csv").status == 403


def test_co_publishers_invite_many_too(desk: Desk) -> None:
    publisher = desk.campus.launch(Right.CO_PUBLISHER, ApplicationRole.PRIVATE_ONLY)
    theirs = Desk(desk.campus, publisher)
    assert "1 person will be invited" in publisher.get(theirs.run(), show="all").text


def test_nothing_of_an_address_is_in_a_path(desk: Desk) -> None:
    run = desk.run()
    text = desk.browser.get(run, show="all").text
    assert not [part for part in text.split('href="') if "@" in part.partition('"')[0]]
