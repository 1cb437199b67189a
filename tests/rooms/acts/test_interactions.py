"""Polls, ratings, open questions and quizzes over real sockets: who asks, who answers, who sees what when."""

import time
from typing import Any

import pytest
from django.test import Client

from rooms.models import Interaction, Vote
from rooms.queries.interactions import results_for_report
from tests.factories.rooms import make_entry
from tests.rooms.stage import Stage, stage
from tests.rooms.talking import Page
from tests.servers import tool_inside

__all__ = ["stage", "tool_inside"]

pytestmark = pytest.mark.django_db(transaction=True)

ROLES = ("host", "moderator", "speaker", "viewer", "learner")
MODERATORS = ("host", "moderator")
POLL: dict[str, Any] = {"kind": "poll", "question": "Which core?", "answers": ["First", "Second"]}
QUIZ: dict[str, Any] = {**POLL, "kind": "quiz", "question": "Blue ice?", "right": ["1"]}
RATING: dict[str, Any] = {"kind": "rating", "question": "How was it?", "highest": "5"}
OPEN: dict[str, Any] = {"kind": "open", "question": "What was new to you?"}
TOPIC = "interactions"


def drafted(page: Page, draft: dict[str, Any] = POLL, **more: object) -> str:
    answer = page.do("interactions.draft", **{**draft, **more})
    assert answer["kind"] == "done", answer
    return str(answer["result"]["id"])


def running(page: Page, draft: dict[str, Any] = POLL) -> str:
    return drafted(page, draft, is_started=True)


def choice(interaction: str, at: int = 0) -> str:
    return str(Interaction.objects.get(pk=interaction).choices.all()[at].pk)


def state(page: Page) -> dict[str, Any]:
    page.say("state")
    found: dict[str, Any] = page.hears("state")["state"]["topics"][TOPIC]
    return found


def hears_results(page: Page, interaction: str, voters: int) -> dict[str, Any]:
    """The running total that counts so many."""
    while True:
        results = page.hears_change(TOPIC)["change"].get("results", {}).get(interaction)
        if results and results["voters"] == voters:
            return dict(results)


# --- Who


@pytest.mark.parametrize("who", ROLES)
def test_who_drafts_starts_shows_closes_and_deletes(stage: Stage, who: str) -> None:
    host, page = stage.arrived("host"), stage.arrived(who)
    other, rest = drafted(host), drafted(host, RATING)
    acts: list[tuple[str, dict[str, Any]]] = [
        ("draft", OPEN),
        ("draft", {**RATING, "id": rest}),
        ("start", {"id": other}),
        ("show", {"id": other, "is_shared": True}),
        ("close", {"id": other}),
        ("delete", {"id": rest}),
    ]
    answers = [page.do(f"interactions.{verb}", **values) for verb, values in acts]
    if who in MODERATORS:
        assert [answer["kind"] for answer in answers] == ["done"] * len(acts)
        assert sorted(Interaction.objects.values_list("state", flat=True)) == ["closed", "draft"]
    else:
        assert {answer["reason"] for answer in answers} == {"not_your_role"}
        assert set(Interaction.objects.values_list("state", flat=True)) == {"draft"}


@pytest.mark.parametrize("who", ROLES)
@pytest.mark.parametrize("draft", [POLL, QUIZ, RATING, OPEN], ids=lambda draft: draft["kind"])
def test_everybody_inside_answers(stage: Stage, who: str, draft: dict[str, Any]) -> None:
    interaction = running(stage.arrived("host"), draft)
    values: dict[str, Any] = {"rating": "4"} if draft is RATING else {"text": "All of it."}
    if draft in (POLL, QUIZ):
        values = {"choices": [choice(interaction)]}
    answer = stage.arrived(who).do("interactions.vote", id=interaction, **values)
    assert answer["kind"] == "done", answer
    assert Vote.objects.filter(interaction_id=interaction).count() == 1


def test_the_muted_answer_too(stage: Stage) -> None:
    host, viewer = stage.arrived("host"), stage.arrived("viewer")
    interaction = running(host)
    host.do("people.mute", id=str(stage.viewer.pk), is_muted=True)
    assert viewer.do("interactions.vote", id=interaction, choices=[choice(interaction)])["kind"] == "done"


def test_nobody_answers_before_the_start_after_the_end_or_outside(stage: Stage) -> None:
    host, viewer = stage.arrived("host"), stage.arrived("viewer")
    interaction = drafted(host)
    values: dict[str, Any] = {"id": interaction, "choices": [choice(interaction)]}
    assert viewer.do("interactions.vote", **values)["reason"] == "missing"
    host.do("interactions.start", id=interaction)
    host.do("interactions.close", id=interaction)
    assert viewer.do("interactions.vote", **values)["reason"] == "closed"
    again = running(host, OPEN)
    stage.change(doors="closed")
    assert viewer.do("interactions.vote", id=again, text="Late")["reason"] == "closed"
    assert not Vote.objects.exists()


# --- Who sees what when


@pytest.mark.parametrize("who", ["speaker", "viewer", "learner"])
def test_drafts_are_for_moderators_alone(stage: Stage, who: str) -> None:
    host, moderator, page = stage.arrived("host"), stage.arrived("moderator"), stage.arrived(who)
    drafted(host)
    managed = moderator.hears_change(TOPIC)["change"]["managed"]
    assert (managed["question"], managed["state"]) == ("Which core?", "draft")
    assert [each["state"] for each in state(moderator)["moderators"]] == ["draft"]
    found = state(page)
    assert (found["shared"], "moderators" in found) == ([], False)
    assert "Which core?" not in str(page.heard)


def test_speakers_miss_no_number_of_what_is_for_moderators(stage: Stage) -> None:
    host, speaker = stage.arrived("host"), stage.arrived("speaker")
    drafted(host)
    heard = speaker.hears_change(TOPIC)
    assert (heard["audience"], heard["revision"], heard["change"]) == ("team", 1, {})


def test_results_are_for_moderators_until_they_are_shared(stage: Stage) -> None:
    host, moderator, viewer = (stage.arrived(who) for who in ("host", "moderator", "viewer"))
    others = [stage.arrived(who) for who in ("speaker", "learner")]
    interaction = running(host)
    for page in (viewer, *others):
        assert page.hears_change(TOPIC)
    viewer.do("interactions.vote", id=interaction, choices=[choice(interaction, 1)])
    results = hears_results(moderator, interaction, 1)
    assert [bar["votes"] for bar in results["bars"]] == [0, 1]
    assert [bar["percent"] for bar in results["bars"]] == [0, 100]
    for page in (viewer, *others):
        assert state(page)["shared"][0]["results"] is None
        assert "voters" not in str(page.heard)

    host.do("interactions.show", id=interaction, is_shared=True)
    for page in (viewer, *others):
        while not (told := page.hears_change(TOPIC)["change"].get("interaction")):
            pass
        assert told["results"]["voters"] == 1
    others[0].do("interactions.vote", id=interaction, choices=[choice(interaction, 1)])
    assert [bar["votes"] for bar in hears_results(viewer, interaction, 2)["bars"]] == [0, 2]

    host.do("interactions.show", id=interaction, is_shared=False)
    host.do("interactions.close", id=interaction)
    assert state(viewer)["shared"][0]["results"] is None
    assert state(host)["moderators"][0]["results"]["voters"] == 2


def test_right_answers_are_told_to_nobody_else_before_the_quiz_is_closed_and_shared(stage: Stage) -> None:
    host, moderator = stage.arrived("host"), stage.arrived("moderator")
    others = [stage.arrived(who) for who in ("speaker", "viewer", "learner")]
    interaction = running(host, QUIZ)
    right = int(choice(interaction, 1))
    assert state(moderator)["moderators"][0]["right"] == [right]
    for page in others:
        assert page.do("interactions.vote", id=interaction, choices=[str(right)])["kind"] == "done"
    host.do("interactions.show", id=interaction, is_shared=True)
    for page in others:
        assert state(page)["shared"][0]["right"] == []
    host.do("interactions.show", id=interaction, is_shared=False)
    host.do("interactions.close", id=interaction)
    for page in others:
        assert state(page)["shared"][0]["right"] == []
        told = [frame["change"] for frame in page.heard if frame["kind"] == "changed"]
        assert {str(each["interaction"]["right"]) for each in told if "interaction" in each} == {"[]"}
        assert not any("managed" in each for each in told)
    host.do("interactions.show", id=interaction, is_shared=True)
    for page in others:
        assert state(page)["shared"][0]["right"] == [right]


def test_texts_are_read_by_moderators_and_by_everybody_once_shared(stage: Stage) -> None:
    host, viewer, learner = (stage.arrived(who) for who in ("host", "viewer", "learner"))
    interaction = running(host, OPEN)
    viewer.do("interactions.vote", id=interaction, text="The \u202eblue\u0007 layers")
    assert [each["text"] for each in hears_results(host, interaction, 1)["texts"]] == ["The blue layers"]
    state(learner)
    assert "blue" not in str(learner.heard)
    host.do("interactions.show", id=interaction, is_shared=True)
    assert [each["text"] for each in state(learner)["shared"][0]["results"]["texts"]] == ["The blue layers"]
    assert "participant" not in str(state(host))


def test_an_answer_is_hidden_from_everybody_and_shown_again(stage: Stage) -> None:
    host, moderator, viewer, learner = (
        stage.arrived(who) for who in ("host", "moderator", "viewer", "learner")
    )
    interaction = running(host, OPEN)
    viewer.do("interactions.vote", id=interaction, text="Rude words")
    stage.arrived("speaker").do("interactions.vote", id=interaction, text="The blue layers")
    host.do("interactions.show", id=interaction, is_shared=True)
    rude = next(
        each["key"]
        for each in state(moderator)["moderators"][0]["results"]["texts"]
        if each["text"] == "Rude words"
    )
    state(learner)
    learner.heard.clear()
    moderator.do("interactions.hide", id=interaction, answer=rude, is_hidden=True)
    viewer.do("interactions.vote", id=interaction, text="Rude words, again")  # changing it shows it to nobody
    shared = state(learner)["shared"][0]["results"]
    assert ([each["text"] for each in shared["texts"]], shared["voters"]) == (["The blue layers"], 2)
    assert "Rude" not in str(learner.heard)
    managed = state(host)["moderators"][0]["results"]["texts"]
    assert {each["text"]: each.get("is_hidden", False) for each in managed} == {
        "Rude words, again": True,
        "The blue layers": False,
    }
    assert len(results_for_report(stage.entry.pk)[0].texts) == 2  # reports keep it
    host.do("interactions.hide", id=interaction, answer=rude, is_hidden=False)
    assert len(state(learner)["shared"][0]["results"]["texts"]) == 2


def test_only_an_answer_in_words_is_hidden_and_only_here(stage: Stage) -> None:
    host, viewer = stage.arrived("host"), stage.arrived("viewer")
    poll, question = running(host), running(host, OPEN)
    viewer.do("interactions.vote", id=poll, choices=[choice(poll)])
    viewer.do("interactions.vote", id=question, text="The ice")
    votes = {str(each.interaction_id): each.pk for each in Vote.objects.all()}
    for interaction, answer in ((poll, votes[poll]), (poll, votes[question]), (question, 999_999)):
        refused = host.do("interactions.hide", id=interaction, answer=answer, is_hidden=True)
        assert refused["reason"] == "missing"
    assert host.do("interactions.hide", id=question, answer="x", is_hidden=True)["reason"] == "bad_answer"


# --- One vote each


def test_one_vote_each_whatever_the_number_of_tabs(stage: Stage) -> None:
    host = stage.arrived("host")
    tabs = [stage.arrived("viewer"), stage.arrived("viewer")]
    interaction = running(host)
    for at, tab in enumerate(tabs):
        answer = tab.do("interactions.vote", id=interaction, choices=[choice(interaction, at)])
        assert answer["kind"] == "done"
    own = {"choices": [int(choice(interaction, 1))], "rating": None, "text": ""}
    while tabs[0].hears_change(TOPIC)["change"].get("own") != {interaction: own}:
        pass  # the other tab knows
    assert state(tabs[0])["own"] == {interaction: own}
    assert [bar["votes"] for bar in hears_results(host, interaction, 1)["bars"]] == [0, 1]


def test_votes_are_told_in_totals_and_never_one_by_one(stage: Stage) -> None:
    host = stage.arrived("host")
    interaction = running(host, {**POLL, "answers": ["A", "B", "C"]})
    choices = [choice(interaction, at) for at in range(3)]
    pages = [stage.arrived(who) for who in ("moderator", "speaker", "viewer", "learner")]
    began = time.monotonic()
    for chosen in choices:  # they change their minds
        for page in pages:
            answer = page.do("interactions.vote", id=interaction, choices=[chosen])
            assert answer["kind"] == "done", answer
    took = time.monotonic() - began
    while [bar["votes"] for bar in hears_results(host, interaction, 4)["bars"]] != [0, 0, 4]:
        pass
    changes = [each["change"] for each in host.heard if each["kind"] == "changed"]
    told = [each for each in changes if not each.keys() & {"interaction", "managed"}]  # how it began
    assert len(told) <= took / 0.5 + 2


def test_in_a_quiz_the_first_answer_counts(stage: Stage) -> None:
    interaction = running(stage.arrived("host"), QUIZ)
    viewer = stage.arrived("viewer")
    for _again in range(2):  # the same once more, after a lost connection
        answer = viewer.do("interactions.vote", id=interaction, choices=[choice(interaction, 0)])
        assert answer["kind"] == "done"
    refused = viewer.do("interactions.vote", id=interaction, choices=[choice(interaction, 1)])
    assert (refused["reason"], bool(refused["text"])) == ("answered", True)
    assert [each.pk for each in Vote.objects.get().choices.all()] == [int(choice(interaction, 0))]


def test_several_may_be_chosen_where_that_is_allowed(stage: Stage) -> None:
    host, viewer = stage.arrived("host"), stage.arrived("viewer")
    interaction = drafted(host, POLL, answers=["A", "B", "C"], most="2", is_started=True)
    choices = [choice(interaction, at) for at in range(3)]
    assert viewer.do("interactions.vote", id=interaction, choices=choices)["reason"] == "too_many_chosen"
    assert viewer.do("interactions.vote", id=interaction, choices=choices[1:])["kind"] == "done"
    assert [bar["percent"] for bar in hears_results(host, interaction, 1)["bars"]] == [0, 100, 100]


@pytest.mark.parametrize(
    ("draft", "values", "reason"),
    [
        (POLL, {}, "nothing_chosen"),
        (POLL, {"choices": ["0"]}, "not_offered"),
        (POLL, {"choices": ["x"]}, "not_offered"),
        (POLL, {"choices": [7]}, "bad_choices"),
        (RATING, {}, "nothing_chosen"),
        (RATING, {"rating": "6"}, "not_on_the_scale"),
        (OPEN, {"text": " \u202e "}, "empty"),
        (OPEN, {"text": "x" * 1001}, "too_long"),
    ],
)
def test_what_does_not_answer_is_refused_in_words(
    stage: Stage, draft: dict[str, Any], values: dict[str, Any], reason: str
) -> None:
    interaction = running(stage.arrived("host"), draft)
    answer = stage.arrived("viewer").do("interactions.vote", id=interaction, **values)
    assert (answer["reason"], bool(answer["text"])) == (reason, True)
    assert not Vote.objects.exists()


# --- Drafts and their way


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"kind": "song"}, "bad_kind"),
        ({**POLL, "question": " "}, "no_question"),
        ({**POLL, "answers": ["One", " "]}, "too_few_choices"),
        ({**POLL, "answers": [str(at) for at in range(11)]}, "too_many_choices"),
        ({**POLL, "answers": ["Ice", "ice "]}, "same_choices"),
        ({**QUIZ, "right": []}, "nothing_right"),
        ({**QUIZ, "right": ["0", "1"]}, "too_many_right"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_words(stage: Stage, values: dict[str, Any], reason: str) -> None:
    answer = stage.arrived("host").do("interactions.draft", **values)
    assert (answer["reason"], bool(answer["text"])) == (reason, True)
    assert not Interaction.objects.exists()


def test_a_draft_sent_twice_is_made_once(stage: Stage) -> None:
    host = stage.arrived("host")
    first = host.do("interactions.draft", client_key="same", is_started=True, **POLL)
    assert host.do("interactions.draft", client_key="same", is_started=True, **POLL) == first
    assert Interaction.objects.count() == 1


def test_a_draft_is_written_anew_until_it_starts(stage: Stage) -> None:
    host = stage.arrived("host")
    interaction = drafted(host)
    drafted(host, QUIZ, id=interaction, answers=["One", "Two", "Three"])
    found = Interaction.objects.get()
    assert (found.kind, [(each.text, each.is_right) for each in found.choices.all()]) == (
        "quiz",
        [("One", False), ("Two", True), ("Three", False)],
    )
    host.do("interactions.start", id=interaction)
    assert host.do("interactions.draft", id=interaction, **POLL)["reason"] == "started"
    assert host.do("interactions.delete", id=interaction)["reason"] == "started"


def test_what_is_over_is_not_started_again(stage: Stage) -> None:
    host = stage.arrived("host")
    interaction = drafted(host)
    assert host.do("interactions.close", id=interaction)["reason"] == "not_started"
    assert host.do("interactions.show", id=interaction, is_shared=True)["reason"] == "not_started"
    for verb in ("start", "start", "close", "close"):
        assert host.do(f"interactions.{verb}", id=interaction)["kind"] == "done"
    assert host.do("interactions.start", id=interaction)["reason"] == "closed"


def test_three_run_at_the_same_time_and_no_more(stage: Stage) -> None:
    host = stage.arrived("host")
    first, *_others = [running(host, OPEN) for _each in range(3)]
    waiting = drafted(host)
    assert host.do("interactions.start", id=waiting)["reason"] == "too_many_running"
    assert host.do("interactions.draft", is_started=True, **POLL)["reason"] == "too_many_running"
    assert Interaction.objects.count() == 4
    host.do("interactions.close", id=first)
    assert host.do("interactions.start", id=waiting)["kind"] == "done"


def test_nothing_of_another_room_is_reached(stage: Stage) -> None:
    host = stage.arrived("host")
    interaction = running(host)
    elsewhere = Interaction.objects.get()
    elsewhere.entry = make_entry()
    elsewhere.save()
    for verb in ("start", "close", "show", "delete", "vote"):
        values: dict[str, Any] = {"id": interaction, "choices": [choice(interaction)]}
        assert host.do(f"interactions.{verb}", **values)["reason"] == "missing"


def test_without_javascript(stage: Stage) -> None:
    tab, secret = stage.host_tab
    client = Client(headers={"cookie": f"foyer-tab={secret}"})
    address = f"/~{tab.handle}/media/{stage.entry.pk}/"
    form = {
        "kind": "quiz",
        "question": "Blue?",
        "answers": ["Yes", "", "No"],
        "right": "2",
        "is_started": "true",
    }
    made = client.post(f"{address}act/interactions.draft/", form)
    assert (made.status_code, made["Location"].endswith("#interactions")) == (303, True)
    interaction = Interaction.objects.get()
    assert [each.text for each in interaction.choices.all() if each.is_right] == ["No"]
    page = client.get(address).text
    assert "Blue?" in page
    picked = interaction.choices.all()[1].pk
    voted = client.post(f"{address}act/interactions.vote/", {"id": interaction.pk, "choices": picked})
    assert voted.status_code == 303
    assert Vote.objects.get().choices.get().pk == picked


def test_the_report_has_totals_and_no_names(stage: Stage) -> None:
    host, viewer = stage.arrived("host"), stage.arrived("viewer")
    drafted(host)
    quiz, rating, question = running(host, QUIZ), running(host, RATING), running(host, OPEN)
    viewer.do("interactions.vote", id=quiz, choices=[choice(quiz, 1)])
    viewer.do("interactions.vote", id=rating, rating="4")
    host.do("interactions.vote", id=rating, rating="5")
    viewer.do("interactions.vote", id=question, text="First")
    host.do("interactions.vote", id=question, text="Second")
    report = results_for_report(stage.entry.pk)
    assert [(each.kind, each.voters) for each in report] == [("quiz", 1), ("rating", 2), ("open", 2)]
    assert [(line.text, line.votes, line.percent, line.is_right) for line in report[0].lines] == [
        ("First", 0, 0, False),
        ("Second", 1, 100, True),
    ]
    assert [line.votes for line in report[1].lines] == [0, 0, 0, 1, 1]
    assert (report[1].average, report[2].texts) == (4.5, ("First", "Second"))
