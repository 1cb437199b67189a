"""Questions over real sockets: who may ask, answer and publish, and who hears of it (design §8)."""

from typing import Any

import pytest

from rooms.models import Question
from tests.rooms.stage import Stage, stage
from tests.rooms.talking import Page
from tests.servers import tool_inside

__all__ = ["stage", "tool_inside"]

pytestmark = pytest.mark.django_db(transaction=True)

ROLES = ("host", "moderator", "speaker", "viewer", "learner")
TEAM = ("host", "moderator", "speaker")


def asked(page: Page, text: str = "Why is ice blue?", **values: object) -> str:
    """Ask; gives the question's id."""
    answer = page.do("questions.ask", text=text, **values)  # type: ignore[arg-type]
    assert answer["kind"] == "done"
    return str(answer["result"]["id"])


@pytest.mark.parametrize("who", ROLES)
def test_everybody_asks_and_only_the_team_works_on_it(stage: Stage, who: str) -> None:
    page = stage.arrived(who)
    question = asked(page)
    done = {
        verb
        for verb, values in {
            "questions.claim": {"is_claimed": True},
            "questions.answer": {"text": "Because."},
            "questions.publish": {"is_published": True},
            "questions.dismiss": {"is_dismissed": True},
        }.items()
        if page.do(verb, id=question, **values)["kind"] == "done"  # type: ignore[arg-type]
    }
    assert done == (
        {"questions.claim", "questions.answer", "questions.publish", "questions.dismiss"}
        if who in TEAM
        else set()
    )


@pytest.mark.parametrize("who", ROLES)
def test_who_lets_others_ask_in_public(stage: Stage, who: str) -> None:
    answer = stage.arrived(who).do("questions.allow", is_allowed=False)
    assert answer["kind"] == ("done" if who in {"host", "moderator"} else "refused")


def test_a_question_to_the_team_is_read_by_the_team_and_its_asker_alone(stage: Stage) -> None:
    asker, speaker, other = stage.arrived("viewer"), stage.arrived("speaker"), stage.arrived("learner")
    question = asked(asker, "Just for you: is this true?")
    heard = speaker.hears_change("questions")
    assert (heard["audience"], heard["change"]["queued"]["id"]) == ("team", question)
    assert (
        any(frame["kind"] == "changed" and frame["audience"] == "you" for frame in asker.heard)
        or asker.hears_change("questions")["audience"] == "you"
    )
    other.say("state")
    other.hears("state")
    assert "Just for you" not in str(other.heard)


def test_an_answer_is_published_with_its_question(stage: Stage) -> None:
    asker, speaker, other = stage.arrived("viewer"), stage.arrived("speaker"), stage.arrived("learner")
    question = asked(asker)
    speaker.do("questions.answer", id=question, text="It swallows red light.", is_published=True)
    published = other.hears_change("questions")["change"]["question"]
    assert (published["text"], published["answer"]) == ("Why is ice blue?", "It swallows red light.")
    assert published["answered_by"] == stage.speaker.shown_name
    late = stage.as_moderator().hello()["state"]["topics"]["questions"]
    assert [each["id"] for each in late["shared"]] == [question]
    assert [each["state"] for each in late["team"]] == ["answered"]


def test_an_answer_to_the_asker_alone_stays_with_them(stage: Stage) -> None:
    asker, speaker, other = stage.arrived("viewer"), stage.arrived("speaker"), stage.arrived("learner")
    question = asked(asker)
    speaker.do("questions.answer", id=question, text="Only to you.")
    while asker.hears_change("questions")["change"].get("own", {}).get("answer") != "Only to you.":
        pass
    other.say("state")
    other.hears("state")
    assert "Only to you." not in str(other.heard)


def test_one_of_the_team_claims_a_question(stage: Stage) -> None:
    question = asked(stage.arrived("viewer"))
    speaker, host = stage.arrived("speaker"), stage.arrived("host")
    assert speaker.do("questions.claim", id=question, is_claimed=True)["kind"] == "done"
    assert host.do("questions.claim", id=question, is_claimed=True)["reason"] == "claimed"
    assert host.do("questions.claim", id=question, is_claimed=False)["kind"] == "done"
    assert host.do("questions.claim", id=question, is_claimed=True)["kind"] == "done"


def test_a_dismissed_question_is_gone_for_everybody_else(stage: Stage) -> None:
    asker, host, other = stage.arrived("viewer"), stage.arrived("host"), stage.arrived("learner")
    question = asked(asker, is_public=True)
    assert other.hears_change("questions")["change"]["question"]["id"] == question
    host.do("questions.dismiss", id=question, is_dismissed=True)
    assert other.hears_change("questions")["change"] == {"gone": question}
    host.do("questions.dismiss", id=question, is_dismissed=False)
    assert other.hears_change("questions")["change"]["question"]["id"] == question


def test_public_questions_are_voted_for_once_each_and_the_total_is_told(stage: Stage) -> None:
    pages = [stage.arrived(who) for who in ROLES]
    question = asked(pages[3], is_public=True)
    for page in pages:
        for _again in range(2):
            assert page.do("questions.vote", id=question, is_wanted=True)["kind"] == "done"
    while pages[4].hears_change("questions")["change"].get("votes") != {question: 5}:
        pass
    assert Question.objects.get(pk=question).votes == 5
    pages[4].do("questions.vote", id=question, is_wanted=False)
    assert Question.objects.get(pk=question).votes == 4


def test_nobody_votes_for_a_question_that_they_may_not_read(stage: Stage) -> None:
    question = asked(stage.arrived("viewer"))
    assert stage.arrived("learner").do("questions.vote", id=question, is_wanted=True)["reason"] == (
        "not_your_role"
    )


def test_a_question_that_was_put_aside_takes_no_votes_of_others(stage: Stage) -> None:
    question = asked(stage.arrived("viewer"), is_public=True)
    host, learner = stage.arrived("host"), stage.arrived("learner")
    host.do("questions.dismiss", id=question, is_dismissed=True)
    vote: dict[str, Any] = {"id": question, "is_wanted": True}
    assert learner.do("questions.vote", **vote)["reason"] == "not_your_role"
    learner.heard.clear()
    assert host.do("questions.vote", **vote)["kind"] == "done"
    while host.hears_change("questions")["change"].get("votes") != {question: 1}:
        pass
    learner.say("ping")
    learner.hears("pong")
    assert question not in str([each for each in learner.heard if "votes" in str(each)])


def test_where_questions_go_to_the_team_only_nobody_asks_in_public(stage: Stage) -> None:
    stage.change(allows_public_questions=False)
    viewer = stage.arrived("viewer")
    assert viewer.do("questions.ask", text="All?", is_public=True)["reason"] == "not_in_public"
    assert viewer.do("questions.ask", text="Team?")["kind"] == "done"


def test_a_question_sent_twice_is_asked_once(stage: Stage) -> None:
    page = stage.arrived("viewer")
    answers = [page.do("questions.ask", client_key="same", text="Once?") for _again in range(2)]
    assert answers[0] == answers[1]
    assert Question.objects.count() == 1


@pytest.mark.parametrize(("text", "reason"), [(" ", "empty"), ("x" * 1001, "too_long")])
def test_bad_questions_are_refused_in_words(stage: Stage, text: str, reason: str) -> None:
    answer = stage.arrived("viewer").do("questions.ask", text=text)
    assert (answer["reason"], bool(answer["text"])) == (reason, True)
