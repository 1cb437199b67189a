"""Many at once: what is said of each line, and what becomes of it."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Barrier, Event

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from common.errors import ConflictError, MissingError, RefusedError
from invites.models import BulkLine, BulkRun, Invite, OutboxMail
from invites.queries.bulk import doubles_of, judge_lines, links_of, progress_of, run_for, runs_of, tally_of
from invites.services import bulk as service
from invites.services.bulk import (
    Typed,
    check_again,
    commit_run,
    discard_run,
    drop_line,
    forget_old_runs,
    mend_line,
    start_run,
    work_off_bulk_runs,
)
from invites.services.issue import Wish, issue_invite
from invites.services.lifecycle import withdraw_invite
from invites.spreadsheets import read_text
from lti_tool.models import Course, Membership
from lti_tool.roles import ApplicationRole, Right
from rooms.access import Viewer, viewer_by_tab
from rooms.models import Entry, Participant
from rooms.policy.roles import Role
from tests.factories.campus import Campus, make_campus
from tests.factories.invites import make_invite, make_settings
from tests.factories.lti import make_member, make_person
from tests.factories.rooms import make_guest

pytestmark = pytest.mark.django_db


@dataclass
class Scene:
    """A room, and its instructor with a list in hand."""

    campus: Campus
    by: Viewer
    now: datetime

    @property
    def entry(self) -> Entry:
        return self.campus.entry

    @property
    def course(self) -> Course:
        return self.campus.course

    def check(self, text: str, *, by: Viewer | None = None, role: Role = Role.VIEWER) -> BulkRun:
        run = start_run(
            self.entry,
            read_text(text),
            by=by or self.by,
            course=self.course,
            default_role=role,
            language="en",
            now=self.now,
        )
        return run_for(by or self.by, run.pk)

    def commit(self, run: BulkRun, *, is_mailed: bool = False, renews: bool = False) -> None:
        commit_run(run, by=self.by, is_mailed=is_mailed, renews=renews, now=self.now)
        work_off_bulk_runs(self.now)
        run.refresh_from_db()
        assert run.state == BulkRun.State.DONE

    def viewer(self, right: Right, role: ApplicationRole = ApplicationRole.ADMIN) -> Viewer:
        found = viewer_by_tab(self.entry, self.campus.launch(right, role).tab)
        assert found is not None
        return found


@pytest.fixture
def scene() -> Scene:
    campus = make_campus()
    by = viewer_by_tab(campus.entry, campus.launch().tab)
    assert by is not None
    return Scene(campus, by, timezone.now())


def verdicts(run: BulkRun) -> list[tuple[str, str]]:
    return list(run.lines.order_by("number").values_list("verdict", "detail"))


def verdict(run: BulkRun) -> tuple[str, str]:
    (only,) = verdicts(run)
    return only


# --- Verdicts -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ana@example.org,Ana,Gomez,speaker", ("new", "")),
        ("ana@example.org,,Gomez,", ("new", "")),
        ("ana(at)example.org,Ana,Gomez,speaker", ("bad_address", "no_at")),
        ("ana@localhost,Ana,Gomez,speaker", ("bad_address", "bad_domain")),
        ("ana@example.org,Ana,,speaker", ("no_last_name", "")),
        (f"ana@example.org,Ana,{'G' * 101},speaker", ("long_name", "")),
        ("ana@example.org,Ana,Gomez,juggler", ("bad_role", "")),
        ("ana@example.org,Ana,Gomez,host", ("bad_role", "")),
    ],
)
def test_a_line_by_itself(scene: Scene, line: str, expected: tuple[str, str]) -> None:
    assert verdict(scene.check(f"email,first,last,role\n{line}")) == expected


def test_a_line_without_a_role_gets_the_one_for_all(scene: Scene) -> None:
    scene.commit(scene.check("ana@example.org,Ana,Gomez", role=Role.MODERATOR))
    assert Invite.objects.get().role == "moderator"


def test_doubles_name_the_line_that_they_repeat(scene: Scene) -> None:
    run = scene.check("ana@example.org,Ana,Gomez\nbo@example.org,Bo,Berg\nANA@Example.ORG,Ana,Gomez")
    assert verdicts(run) == [("new", ""), ("new", ""), ("double", "1")]


def test_a_video_takes_only_viewers(scene: Scene) -> None:
    Entry.objects.update(kind=Entry.Kind.VIDEO)
    scene.entry.refresh_from_db()
    assert verdict(scene.check("ana@example.org,Ana,Gomez,speaker")) == ("role_not_here", "")
    assert verdict(scene.check("ana@example.org,Ana,Gomez,viewer")) == ("new", "")


def test_restricted_domains_are_for_newcomers(scene: Scene) -> None:
    make_settings(scene.entry.tenant, restrict_new_user_domains=["campus.edu"])
    make_guest(scene.entry.tenant, "known@campus.edu")
    make_person(scene.entry.tenant, email="member@mail.campus.edu")
    run = scene.check(
        "new@campus.edu,Ana,Gomez\nknown@campus.edu,Bo,Berg\nmember@mail.campus.edu,Cam,Cole\n"
        "new@notcampus.edu,Di,Dorn"
    )
    assert verdicts(run) == [("restricted", "campus.edu"), ("new", ""), ("new", ""), ("new", "")]


def test_somebody_in_the_course_is_marked(scene: Scene) -> None:
    member = make_member(scene.course, right=Right.NONE, application_role=ApplicationRole.VIEWER)
    assert verdict(scene.check(f"{member.person.email},Pat,Person")) == ("in_course", "")
    Membership.objects.filter(pk=member.pk).update(status=Membership.Status.INACTIVE)
    assert verdict(scene.check(f"{member.person.email},Pat,Person")) == ("new", "")


def invited(**values: object) -> Callable[[Scene], Invite]:
    return lambda scene: make_invite(scene.entry, "ana@example.org", made_by_id=scene.by.person_id, **values)


def of_somebody_else(scene: Scene) -> Invite:
    return make_invite(
        scene.entry, "ana@example.org", made_by=make_person(scene.entry.tenant, name="Bo Berg")
    )


def removed(scene: Scene) -> Invite:
    guest = make_guest(scene.entry.tenant)
    inside = Participant.objects.create(
        entry=scene.entry, guest=guest, granted_role="speaker", removed_at=scene.now
    )
    return make_invite(scene.entry, "ana@example.org", made_by_id=scene.by.person_id, participant=inside)


LONG_AGO = timezone.now() - timedelta(days=30)


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (invited(), ("unchanged", "")),
        (invited(role="viewer"), ("role_changes", "viewer:speaker")),
        (invited(devices_used=1), ("used_up", "")),
        (invited(expires_at=LONG_AGO), ("expired", "")),
        (invited(withdrawn_at=LONG_AGO), ("withdrawn", "")),
        (invited(withdrawn_at=LONG_AGO, role="viewer"), ("withdrawn", "")),
        (invited(devices_used=1, role="viewer"), ("role_changes", "viewer:speaker")),
        (removed, ("removed", "")),
        (of_somebody_else, ("unchanged", "")),
    ],
)
def test_somebody_who_is_invited_already(
    scene: Scene, before: Callable[[Scene], Invite], expected: tuple[str, str]
) -> None:
    before(scene)
    assert verdict(scene.check("ana@example.org,Ana,Guest,speaker")) == expected


def test_somebody_elses_guest_needs_the_power_over_their_invites(scene: Scene) -> None:
    of_somebody_else(scene)
    publisher = scene.viewer(Right.CO_PUBLISHER)
    run = scene.check("ana@example.org,Ana,Guest,speaker", by=publisher)
    assert verdict(run) == ("somebody_elses", "Bo Berg")


def test_after_the_session_nothing_is_renewed(scene: Scene) -> None:
    invited()(scene)
    Entry.objects.update(starts_at=LONG_AGO, ends_at=LONG_AGO + timedelta(hours=1))
    scene.entry.refresh_from_db()
    assert verdict(scene.check("ana@example.org,Ana,Guest,speaker")) == ("ended", "")


def test_lines_over_the_quota_are_told_before(scene: Scene) -> None:
    make_settings(scene.entry.tenant, quota_per_inviter_hour=3)
    issue_invite(
        scene.entry,
        Wish(email="first@example.org", first_name="", last_name="First", role=Role.VIEWER),
        by=scene.by,
        course=None,
        language="en",
        now=scene.now,
    )
    run = scene.check("\n".join(f"p{number}@example.org,P,Q" for number in range(4)))
    assert [name for name, _detail in verdicts(run)] == ["new", "new", "over_quota", "over_quota"]
    scene.commit(run)
    assert Invite.objects.count() == 3
    scene.now += timedelta(hours=2)
    check_again(run, by=scene.by, now=scene.now)
    assert tally_of(run).fresh == 2
    scene.commit(run)
    assert Invite.objects.count() == 5


def test_the_room_of_the_entry_counts_too(scene: Scene) -> None:
    make_settings(scene.entry.tenant, quota_per_entry=1)
    run = scene.check("a@example.org,A,A\nb@example.org,B,B")
    assert [name for name, _detail in verdicts(run)] == ["new", "over_quota"]


def test_the_questions_do_not_grow_with_the_lines(scene: Scene) -> None:
    make_settings(scene.entry.tenant, restrict_new_user_domains=["campus.edu"])

    def questions(lines: int) -> int:
        text = "\n".join(f"p{number}@campus.edu,Pat,Person" for number in range(lines))
        run = scene.check(text)
        with CaptureQueriesContext(connection) as asked:
            judge_lines(run, list(run.lines.all()), by=scene.by, doubles={}, places=None, now=scene.now)
        return len(asked)

    assert questions(1) == questions(3) == questions(400)


# --- Mending ------------------------------------------------------------------------------------------


def typed(email: str, **values: str) -> Typed:
    fields = {"first_name": "Ana", "last_name": "Gomez", "role": "viewer", "language": ""}
    return Typed(email=email, **{**fields, **values})


def test_a_line_is_mended_in_its_place(scene: Scene) -> None:
    run = scene.check("ana(at)example.org,Ana,Gomez\nbo@example.org,Bo,Berg")
    assert (
        mend_line(run, 1, typed("ana@example.org", language="Deutsch"), by=scene.by, now=scene.now) is False
    )
    assert verdicts(run) == [("new", ""), ("new", "")]
    assert run.lines.get(number=1).language == "de"


def test_mending_frees_those_that_repeated_the_line(scene: Scene) -> None:
    run = scene.check("ana@example.org,Ana,Gomez\nana@example.org,Bo,Berg\nana@example.org,Cam,Cole")
    assert mend_line(run, 1, typed("other@example.org"), by=scene.by, now=scene.now) is True
    assert verdicts(run) == [("new", ""), ("new", ""), ("double", "2")]
    assert mend_line(run, 2, typed("other@example.org"), by=scene.by, now=scene.now) is True
    assert verdicts(run) == [("new", ""), ("double", "1"), ("new", "")]
    drop_line(run, 1, by=scene.by, now=scene.now)
    assert verdicts(run) == [("new", ""), ("new", "")]
    assert doubles_of(run) == {}


def test_what_is_mended_takes_its_place_in_the_quota(scene: Scene) -> None:
    make_settings(scene.entry.tenant, quota_per_inviter_hour=1)
    run = scene.check("a@example.org,A,A\nb(at)example.org,B,B")
    mend_line(run, 2, typed("b@example.org"), by=scene.by, now=scene.now)
    assert verdicts(run) == [("new", ""), ("over_quota", "")]


def test_nothing_is_mended_once_it_is_committed(scene: Scene) -> None:
    run = scene.check("ana@example.org,Ana,Gomez")
    commit_run(run, by=scene.by, is_mailed=False, renews=False, now=scene.now)
    with pytest.raises(ConflictError):
        mend_line(run, 1, typed("bo@example.org"), by=scene.by, now=scene.now)
    with pytest.raises(ConflictError):
        drop_line(run, 1, by=scene.by, now=scene.now)
    with pytest.raises(ConflictError):
        discard_run(run)
    with pytest.raises(ConflictError):
        check_again(run, by=scene.by, now=scene.now)


def test_a_line_that_is_not_there(scene: Scene) -> None:
    run = scene.check("ana@example.org,Ana,Gomez")
    with pytest.raises(MissingError):
        mend_line(run, 2, typed("bo@example.org"), by=scene.by, now=scene.now)


# --- Committing ---------------------------------------------------------------------------------------


def test_the_good_lines_become_invites_and_mails(scene: Scene) -> None:
    run = scene.check(
        "ana@example.org,Ana,Gomez,speaker,fr\nbad,Bo,Berg,viewer,en\ncam@example.org,Cam,Cole,moderator,"
    )
    assert not Invite.objects.exists()
    scene.commit(run, is_mailed=True)
    made = Invite.objects.order_by("email")
    assert [(invite.email, invite.role, invite.last_name, invite.language) for invite in made] == [
        ("ana@example.org", "speaker", "Gomez", "fr"),
        ("cam@example.org", "moderator", "Cole", ""),
    ]
    assert {invite.made_by_id for invite in made} == {scene.by.person_id}
    assert {(mail.invite.email, mail.language) for mail in OutboxMail.objects.select_related("invite")} == {
        ("ana@example.org", "fr"),
        ("cam@example.org", "en"),
    }
    assert [(line.is_done, line.invite is not None) for line in run.lines.all()] == [
        (True, True),
        (False, False),
        (True, True),
    ]
    assert (tally_of(run).made, tally_of(run).bad) == (2, 1)


def test_without_the_tick_nobody_is_mailed_and_without_a_template_neither(scene: Scene) -> None:
    scene.commit(scene.check("ana@example.org,Ana,Gomez"))
    assert not OutboxMail.objects.exists()
    make_settings(scene.entry.tenant, invite_email_template=None)
    scene.commit(scene.check("bo@example.org,Bo,Berg"), is_mailed=True)
    assert not OutboxMail.objects.exists()


LIST = "ana@example.org,Ana,Gomez,speaker,fr\nbo@example.org,Bo,Berg,viewer,"


def state() -> list[object]:
    invites = Invite.objects.order_by("email").values_list(
        "email", "role", "first_name", "last_name", "generation", "expires_at", "language"
    )
    return [*invites, OutboxMail.objects.count()]


def test_the_same_list_again_changes_nothing(scene: Scene) -> None:
    scene.commit(scene.check(LIST), is_mailed=True)
    before = state()
    scene.now += timedelta(minutes=1)
    run = scene.check(LIST)
    assert [name for name, _detail in verdicts(run)] == ["unchanged", "unchanged"]
    scene.commit(run, is_mailed=True, renews=True)
    assert state() == before
    assert tally_of(run).made == 2, "their links can be handed over again"


def test_whoever_was_not_mailed_so_far_is_mailed_then(scene: Scene) -> None:
    scene.commit(scene.check(LIST))
    scene.commit(scene.check(LIST), is_mailed=True)
    assert OutboxMail.objects.count() == 2
    scene.commit(scene.check(LIST), is_mailed=True)
    assert OutboxMail.objects.count() == 2


def test_a_role_changes_once_and_a_missing_name_is_no_change(scene: Scene) -> None:
    scene.commit(scene.check(LIST))
    run = scene.check("ana@example.org,,,moderator")
    assert verdict(run) == ("role_changes", "speaker:moderator")
    scene.commit(run)
    ana = Invite.objects.get(email="ana@example.org")
    assert (ana.role, ana.first_name, ana.last_name) == ("moderator", "Ana", "Gomez")


def test_a_name_is_put_right(scene: Scene) -> None:
    scene.commit(scene.check(LIST))
    scene.commit(scene.check("ana@example.org,Ana,Gómez,speaker"))
    assert Invite.objects.get(email="ana@example.org").last_name == "Gómez"


@pytest.mark.parametrize("closed", [{"devices_used": 1}, {"expires_at": LONG_AGO}])
def test_closed_links_are_renewed_only_by_the_tick_and_only_once(
    scene: Scene, closed: dict[str, object]
) -> None:
    invite = invited(**closed)(scene)
    line = "ana@example.org,Ana,Guest,speaker"
    scene.commit(scene.check(line), is_mailed=True)
    invite.refresh_from_db()
    assert (invite.generation, OutboxMail.objects.count()) == (1, 0)
    scene.commit(scene.check(line), is_mailed=True, renews=True)
    invite.refresh_from_db()
    assert (invite.generation, invite.devices_used, OutboxMail.objects.count()) == (2, 0, 1)
    scene.commit(scene.check(line), is_mailed=True, renews=True)
    invite.refresh_from_db()
    assert (invite.generation, OutboxMail.objects.count()) == (2, 1)


def test_a_new_role_and_a_new_link_in_one_go(scene: Scene) -> None:
    invite = invited(devices_used=1, role="viewer")(scene)
    scene.commit(scene.check("ana@example.org,Ana,Guest,speaker"), renews=True)
    invite.refresh_from_db()
    assert (invite.role, invite.generation) == ("speaker", 2)


@pytest.mark.parametrize("before", [invited(withdrawn_at=LONG_AGO), removed])
def test_whoever_was_shown_out_stays_out(scene: Scene, before: Callable[[Scene], Invite]) -> None:
    invite = before(scene)
    scene.commit(scene.check("ana@example.org,Ana,Guest,moderator"), is_mailed=True, renews=True)
    invite.refresh_from_db()
    assert (invite.role, invite.generation, OutboxMail.objects.count()) == ("speaker", 1, 0)


def test_every_rule_is_asked_again(scene: Scene) -> None:
    rules = make_settings(scene.entry.tenant)
    run = scene.check("ana@campus.edu,Ana,Gomez\nbo@example.org,Bo,Berg\ncam@example.org,Cam,Cole")
    assert tally_of(run).fresh == 3
    rules.restrict_new_user_domains = ["campus.edu"]
    rules.save()
    publisher = scene.viewer(Right.CO_PUBLISHER)
    make_invite(scene.entry, "bo@example.org", made_by_id=publisher.person_id, withdrawn_at=scene.now)
    scene.commit(run)
    assert verdicts(run) == [("restricted", "campus.edu"), ("withdrawn", ""), ("new", "")]
    assert tally_of(run).made == 1


@pytest.mark.parametrize("loss", ["right", "rule", "entry", "person"])
def test_whoever_may_not_invite_any_more_invites_nobody(scene: Scene, loss: str) -> None:
    rules = make_settings(scene.entry.tenant)
    run = scene.check(LIST)
    commit_run(run, by=scene.by, is_mailed=True, renews=False, now=scene.now)
    match loss:
        case "right":
            Membership.objects.filter(person=run.made_by).update(right=Right.NONE.value)
        case "rule":
            rules.enable = False
            rules.save()
        case "entry":
            Entry.objects.update(deleted_at=scene.now)
        case _:
            person = run.made_by
            person.is_disabled = True
            person.save()
    work_off_bulk_runs(scene.now)
    assert not Invite.objects.exists()
    assert {name for name, _detail in verdicts(run)} == {"not_allowed"}
    run.refresh_from_db()
    assert run.state == BulkRun.State.DONE


def test_whoever_may_not_invite_cannot_begin(scene: Scene) -> None:
    rules = make_settings(scene.entry.tenant)
    run = scene.check(LIST)
    rules.enable = False
    rules.save()
    with pytest.raises(RefusedError):
        scene.check(LIST)
    with pytest.raises(RefusedError):
        commit_run(run, by=scene.by, is_mailed=False, renews=False, now=scene.now)
    with pytest.raises(RefusedError):
        mend_line(run, 1, typed("bo@example.org"), by=scene.by, now=scene.now)
    with pytest.raises(RefusedError):
        check_again(run, by=scene.by, now=scene.now)


def test_committed_twice_it_is_worked_off_once(scene: Scene) -> None:
    run = scene.check(LIST)
    commit_run(run, by=scene.by, is_mailed=True, renews=False, now=scene.now)
    commit_run(run, by=scene.by, is_mailed=False, renews=True, now=scene.now)
    run.refresh_from_db()
    assert (run.is_mailed, run.renews) == (True, False)
    assert work_off_bulk_runs(scene.now) == 2
    commit_run(run, by=scene.by, is_mailed=True, renews=False, now=scene.now)
    assert work_off_bulk_runs(scene.now) == 0
    assert (Invite.objects.count(), OutboxMail.objects.count()) == (2, 2)


def test_the_worker_ends_between_two_batches_when_told_to(scene: Scene) -> None:
    run = scene.check("\n".join(f"p{number}@example.org,P,Q" for number in range(service.BATCH + 5)))
    commit_run(run, by=scene.by, is_mailed=False, renews=False, now=scene.now)
    stopping = Event()
    stopping.set()
    assert work_off_bulk_runs(scene.now, stopping=stopping) == 0
    assert (progress_of(run).done, progress_of(run).in_all) == (0, service.BATCH + 5)
    assert work_off_bulk_runs(scene.now) == service.BATCH + 5


@pytest.mark.django_db(transaction=True)
def test_a_crash_in_the_middle_loses_and_doubles_nothing(scene: Scene) -> None:
    lines = 2 * service.BATCH + 10
    run = scene.check("\n".join(f"p{number}@example.org,P,Q" for number in range(lines)))
    commit_run(run, by=scene.by, is_mailed=True, renews=False, now=scene.now)

    asked = 0

    def die_in_the_second_batch(
        execute: Callable[..., object], sql: str, params: object, many: bool, context: object
    ) -> object:
        nonlocal asked
        asked += 'INSERT INTO "invites_outboxmail"' in sql
        if asked == service.BATCH + 7:
            raise KeyboardInterrupt
        return execute(sql, params, many, context)

    with pytest.raises(KeyboardInterrupt), connection.execute_wrapper(die_in_the_second_batch):
        work_off_bulk_runs(scene.now)
    assert Invite.objects.count() == OutboxMail.objects.count() == service.BATCH
    assert progress_of(run).done == service.BATCH
    assert work_off_bulk_runs(scene.now) == lines - service.BATCH
    assert Invite.objects.count() == OutboxMail.objects.count() == lines
    assert not run.lines.filter(invite__isnull=True).exists()


@pytest.mark.django_db(transaction=True)
def test_two_workers_and_two_lists_at_once_invite_everybody_once(scene: Scene) -> None:
    text = "\n".join(f"p{number}@example.org,P,Q" for number in range(60))
    runs = [scene.check(text), scene.check(text)]
    for run in runs:
        commit_run(run, by=scene.by, is_mailed=True, renews=False, now=scene.now)
    together = Barrier(3)

    def work() -> None:
        try:
            together.wait(10)
            work_off_bulk_runs(scene.now)
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        for done in [pool.submit(work) for _worker in range(3)]:
            done.result(30)
    assert Invite.objects.count() == OutboxMail.objects.count() == 60
    assert set(BulkRun.objects.values_list("state", flat=True)) == {BulkRun.State.DONE.value}
    assert not BulkLine.objects.filter(invite__isnull=True).exists()


def test_a_short_list_does_not_wait_for_a_long_one(scene: Scene) -> None:
    long = scene.check("\n".join(f"p{number}@example.org,P,Q" for number in range(3 * service.BATCH)))
    short = scene.check("ana@example.org,Ana,Gomez")
    for run in (long, short):
        commit_run(run, by=scene.by, is_mailed=False, renews=False, now=scene.now)
    work_off_bulk_runs(scene.now)
    assert list(Invite.objects.order_by("pk").filter(email="ana@example.org")) != []
    ana = short.lines.get().invite
    later = long.lines.get(number=3 * service.BATCH).invite
    assert ana is not None
    assert later is not None
    assert ana.events.get().pk < later.events.get().pk


def test_five_thousand_lines_are_checked_in_a_moment(scene: Scene) -> None:
    make_settings(
        scene.entry.tenant,
        restrict_new_user_domains=["campus.edu"],
        quota_per_inviter_hour=9000,
        quota_per_entry=9000,
    )
    text = "email;first;last;role;language\n" + "\n".join(
        f"person{number}@example{number % 40}.org;Ana;Gómez {number};ponente;fr" for number in range(5000 - 1)
    )
    began = time.perf_counter()
    with CaptureQueriesContext(connection) as asked:
        run = scene.check(text)
    assert time.perf_counter() - began < 10, (
        "on a machine that does ten other things; alone it takes one second"
    )
    assert tally_of(run).fresh == 4999
    assert len(asked) < 200


# --- Whose --------------------------------------------------------------------------------------------


def test_a_run_is_its_makers_and_nobody_elses(scene: Scene) -> None:
    run = scene.check(LIST)
    colleague = scene.viewer(Right.OWNER)
    elsewhere = make_campus()
    stranger = viewer_by_tab(elsewhere.entry, elsewhere.launch().tab)
    assert stranger is not None
    for other in (colleague, stranger):
        assert not runs_of(other).exists()
        with pytest.raises(MissingError):
            run_for(other, run.pk)
    other_room = scene.campus.placed()
    mine_there = viewer_by_tab(other_room, scene.campus.launch(person=make_person(scene.entry.tenant)).tab)
    assert mine_there is not None
    assert not runs_of(mine_there).exists()


def test_links_to_be_handed_over_are_those_that_are_open(scene: Scene) -> None:
    run = scene.check(LIST)
    scene.commit(run)
    withdraw_invite(Invite.objects.get(email="bo@example.org"), by=scene.by, now=scene.now)
    found = {invite.email: link for _line, invite, link in links_of(run, now=scene.now)}
    assert "/join/" in found["ana@example.org"]
    assert found["bo@example.org"] == ""


def test_lists_are_forgotten_and_invitations_stay(scene: Scene) -> None:
    unused, done, working = scene.check(LIST), scene.check(LIST), scene.check("cam@example.org,Cam,Cole")
    scene.commit(done)
    commit_run(working, by=scene.by, is_mailed=False, renews=False, now=scene.now)
    assert forget_old_runs(scene.now + timedelta(days=1)) == 0
    assert forget_old_runs(scene.now + timedelta(days=3)) == 1
    assert not BulkRun.objects.filter(pk=unused.pk).exists()
    assert forget_old_runs(scene.now + timedelta(days=8)) == 1
    assert list(BulkRun.objects.values_list("pk", flat=True)) == [working.pk]
    assert Invite.objects.count() == 2


def test_no_address_is_in_the_log(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", logger="invites")
    make_settings(scene.entry.tenant, restrict_new_user_domains=["campus.edu"])
    scene.commit(scene.check(f"{LIST}\nx@campus.edu,X,Y"), is_mailed=True)
    assert "@" not in caplog.text
