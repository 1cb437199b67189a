"""Launches whose cookie does not come back: by the platform's storage, or not at all."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from lti_tool.claims import LaunchRefusedError
from lti_tool.identity import KEPT_COOKIE, TAB_COOKIE, live_tab
from lti_tool.models import Platform, Tab
from lti_tool.services.launch import StorageQuestion, _answer_key, accept_launch, finish_launch
from practice_lms.behaviour import FrameManners
from practice_lms.people import INSTRUCTOR, LEARNER, SEMINAR_ROOM
from tests.factories.launches import LAUNCH, LOGIN, Attempt, Browser, Reply, Stage

FINISH = "/lti/launch/finish/"


def ask(stage: Stage, attempt: Attempt, **put: object) -> Reply:
    """Deliver a token with a browser that has kept no cookie."""
    return stage.deliver(Browser(), attempt, stage.token(attempt, put=put or None))


def finish(handle: str, value: str, *, origin: str | None = None) -> Reply:
    """Answer as our own page would, or as a page of another origin."""
    sent_from = settings.PUBLIC_URL if origin is None else origin
    return Browser().post(FINISH, {"handle": handle, "value": value}, Origin=sent_from)


def handle_on(question: Reply) -> str:
    """The handle on the page that asks the storage."""
    assert question.status == 200, question.text
    return question.data["handle"]


# --- Login ----------------------------------------------------------------------------------------------


def test_the_page_gives_the_secret_to_the_origin_of_the_authentication_address(
    stage: Stage, browser: Browser
) -> None:
    stage.lms.platform.frame = FrameManners(storage_frame="post_message_forwarding")
    Platform.objects.update(auth_url="https://sso.lms.example:8443/auth?x=1")
    begun = stage.lms.initiate(INSTRUCTOR, SEMINAR_ROOM)
    reply = browser.post(LOGIN, begun.fields)
    assert reply.status == 200
    assert reply.data["origin"] == "https://sso.lms.example:8443"
    assert reply.data["target"] == "post_message_forwarding"
    assert reply.data["next"].startswith("https://sso.lms.example:8443/auth?x=1&scope=openid")
    # The same secret as in the cookie, under a key that no other login has, small and without the state.
    cookies = browser.cookies_for(LAUNCH)
    assert reply.data["value"] == cookies[reply.data["key"]]
    state = parse_qs(urlsplit(reply.data["next"]).query)["state"][0]
    assert state not in reply.data["key"] + reply.data["value"]
    assert len(reply.data["key"] + reply.data["value"]) < 100
    assert "frame-ancestors *" in reply.headers["Content-Security-Policy"]
    assert reply.headers["Cache-Control"].count("no-store")


def test_keys_of_two_logins_differ(stage: Stage) -> None:
    first, second = (stage.log_in(Browser(), embedded=True).stored for _ in range(2))
    assert first["key"] != second["key"]
    assert first["value"] != second["value"]


def test_a_browser_that_keeps_cookies_goes_straight_on(stage: Stage, browser: Browser) -> None:
    assert stage.log_in(browser, embedded=True).stored
    assert KEPT_COOKIE in browser.cookies_for(LOGIN)
    assert stage.log_in(browser, embedded=True).stored == {}


def test_without_a_promise_of_storage_nobody_waits_for_one(stage: Stage, browser: Browser) -> None:
    assert stage.log_in(browser, embedded=False).stored == {}
    assert KEPT_COOKIE not in browser.cookies_for(LOGIN)


def test_a_promise_that_was_broken_is_not_believed_again(stage: Stage, browser: Browser) -> None:
    stage.log_in(browser, embedded=True)
    second = stage.log_in(browser, embedded=True)
    browser.jar = {place: value for place, value in browser.jar.items() if place[0] == KEPT_COOKIE}
    assert stage.deliver(browser, second, stage.token(second)).code == "no_browser_binding"
    assert stage.log_in(browser, embedded=True).stored


# --- Launch ---------------------------------------------------------------------------------------------


def test_a_cookie_makes_the_question_needless(stage: Stage, browser: Browser) -> None:
    attempt = stage.log_in(browser, embedded=True)
    assert stage.deliver(browser, attempt, stage.token(attempt)).status == 303


def test_the_secret_out_of_the_storage_opens_the_tab(stage: Stage, browser: Browser) -> None:
    attempt = stage.log_in(browser, embedded=True)
    question = ask(stage, attempt)
    assert question.data["key"] == attempt.stored["key"]
    assert question.data["origin"] == attempt.stored["origin"] == stage.lms.origin
    assert attempt.stored["value"] not in question.text
    assert f"frame-ancestors {stage.lms.origin}" in question.headers["Content-Security-Policy"]
    assert Tab.objects.count() == 0
    reply = finish(handle_on(question), attempt.stored["value"])
    assert reply.status == 200
    assert "no-store" in reply.headers["Cache-Control"]
    told = reply.json
    assert told["home"] == f"/~{told['handle']}/"
    tab = live_tab(told["handle"], told["bearer"])
    assert tab is not None
    assert tab.person.sub == INSTRUCTOR.sub
    assert told["bearer"] not in told["home"]


def test_a_handle_is_good_once(stage: Stage, browser: Browser) -> None:
    attempt = stage.log_in(browser, embedded=True)
    handle = handle_on(ask(stage, attempt))
    assert finish(handle, attempt.stored["value"]).status == 200
    assert finish(handle, attempt.stored["value"]).code == "replay"
    assert Tab.objects.count() == 1


def test_a_wrong_value_spends_the_handle_and_keeps_the_state(stage: Stage, browser: Browser) -> None:
    attempt = stage.log_in(browser, embedded=True)
    handle = handle_on(ask(stage, attempt))
    assert finish(handle, "guess").code == "no_browser_binding"
    assert finish(handle, attempt.stored["value"]).code == "replay"
    assert finish(handle_on(ask(stage, attempt)), attempt.stored["value"]).status == 200


@pytest.mark.parametrize("handle", ["", "forged", "é", "x" * 100_000])
def test_a_forged_handle(stage: Stage, browser: Browser, handle: str) -> None:
    attempt = stage.log_in(browser, embedded=True)
    ask(stage, attempt)
    assert finish(handle, attempt.stored["value"]).code == "replay"


def test_the_value_of_another_login(stage: Stage) -> None:
    first, second = (stage.log_in(Browser(), embedded=True) for _ in range(2))
    handle = handle_on(ask(stage, first))
    assert finish(handle, second.stored["value"]).code == "no_browser_binding"


@pytest.mark.parametrize("value", ["", "é", "\x00", "x" * 100_000])
def test_nothing_in_the_storage_leads_to_a_new_tab(stage: Stage, browser: Browser, value: str) -> None:
    attempt = stage.log_in(browser, embedded=True)
    reply = finish(handle_on(ask(stage, attempt)), value)
    assert (reply.status, reply.code) == (403, "no_browser_binding")
    assert "Open in a new tab" in reply.text
    assert Tab.objects.count() == 0


def test_two_pages_with_one_token_open_one_tab(stage: Stage, browser: Browser) -> None:
    """The platform's form was sent twice: two handles, one state."""
    attempt = stage.log_in(browser, embedded=True)
    token = stage.token(attempt)
    handles = [handle_on(stage.deliver(Browser(), attempt, token)) for _ in range(2)]
    assert finish(handles[0], attempt.stored["value"]).status == 200
    assert finish(handles[1], attempt.stored["value"]).code == "replay"
    assert Tab.objects.count() == 1


def test_a_handle_waits_for_a_minute(stage: Stage, browser: Browser) -> None:
    attempt = stage.log_in(browser, embedded=True)
    handle = handle_on(ask(stage, attempt))
    assert 0 < _seconds_left(_answer_key(handle)) <= 60
    cache.delete(_answer_key(handle))
    assert finish(handle, attempt.stored["value"]).code == "replay"


def _seconds_left(key: str) -> float:
    """How long the cache still keeps it, whichever cache it is."""
    if hasattr(cache, "ttl"):
        return float(cache.ttl(key))
    expiry: float = cache._expire_info[cache.make_key(key)]  # type: ignore[attr-defined]
    return expiry - timezone.now().timestamp()


def test_a_token_that_expires_meanwhile(stage: Stage, browser: Browser) -> None:
    attempt = stage.log_in(browser, embedded=True)
    now = timezone.now()
    token = stage.token(attempt, put={"exp": int(now.timestamp()) + 5})
    question = accept_launch(state=attempt.state, id_token=token, cookies={}, now=now)
    assert isinstance(question, StorageQuestion)
    with pytest.raises(LaunchRefusedError) as caught:
        finish_launch(handle=question.handle, proof=attempt.stored["value"], now=now + timedelta(minutes=2))
    assert caught.value.code == "expired"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "", "http://127.0.0.1:8002"])
def test_another_site_cannot_bring_its_launch_into_a_browser(
    stage: Stage, browser: Browser, origin: str
) -> None:
    attempt = stage.log_in(browser, embedded=True)
    handle = handle_on(ask(stage, attempt))
    reply = finish(handle, attempt.stored["value"], origin=origin)
    assert (reply.status, reply.code) == (403, "no_browser_binding")
    assert reply.cookies == {}
    assert finish(handle, attempt.stored["value"]).status == 200  # its own page is not in the way


def test_rows_before_and_after_the_binding_keep_their_codes(stage: Stage, browser: Browser) -> None:
    for put, code in (
        ({"iss": "https://other.example"}, "bad_iss"),
        ({"exp": 1}, "expired"),
        ({"aud": "other"}, "bad_aud"),
    ):
        assert ask(stage, stage.log_in(Browser(), embedded=True), **put).code == code
    attempt = stage.log_in(browser, embedded=True)
    handle = handle_on(ask(stage, attempt, nonce="another"))
    assert finish(handle, attempt.stored["value"]).code == "bad_nonce"


def test_a_platform_that_was_switched_off_meanwhile(stage: Stage, browser: Browser) -> None:
    attempt = stage.log_in(browser, embedded=True)
    handle = handle_on(ask(stage, attempt))
    Platform.objects.update(state=Platform.State.DISABLED)
    assert finish(handle, attempt.stored["value"]).code == "platform_disabled"


def test_only_a_post_finishes(db: None) -> None:
    assert Client().get(FINISH).status_code == 405


# --- The tab's bearer -----------------------------------------------------------------------------------


def launched(stage: Stage, **who: object) -> dict[str, str]:
    attempt = stage.log_in(Browser(), embedded=True, **who)  # type: ignore[arg-type]
    token = stage.token(attempt, **who)  # type: ignore[arg-type]
    told: dict[str, str] = finish(
        handle_on(stage.deliver(Browser(), attempt, token)), attempt.stored["value"]
    ).json
    return told


def bearing(told: dict[str, str], **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {told['bearer']}", **more}


def test_a_header_does_for_the_cookie(stage: Stage) -> None:
    told = launched(stage)
    strict = Client(SERVER_NAME="127.0.0.1", enforce_csrf_checks=True)
    page = strict.get(told["home"], headers=bearing(told))
    assert page.status_code == 200
    assert f"frame-ancestors {stage.lms.origin}" in page.headers["Content-Security-Policy"]
    assert told["bearer"] not in page.content.decode()
    token = page.context["csrf_token"]
    strict.cookies.clear()
    posted = {"csrfmiddlewaretoken": str(token), "kind": "room", "title": "Made without cookies"}
    made = strict.post(f"{told['home']}setup/", posted, headers=bearing(told, Origin=settings.PUBLIC_URL))
    assert made.status_code in {303, 422}  # either way the form was let through


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer ", "Bearer wrong", "Basic {bearer}", "{bearer}"]
)
def test_another_header_does_not(stage: Stage, authorization: str) -> None:
    told = launched(stage)
    header = {"Authorization": authorization.format(**told)}
    reply = Client(SERVER_NAME="127.0.0.1").get(told["home"], headers=header)
    assert reply.status_code == 403
    assert 'name="foyer-come-back"' in reply.content.decode()
    assert f"frame-ancestors {stage.lms.origin}" in reply.headers["Content-Security-Policy"]


def test_a_bearer_is_good_for_its_own_tab_only(stage: Stage) -> None:
    one, other = launched(stage), launched(stage, person=LEARNER)
    assert Client(SERVER_NAME="127.0.0.1").get(one["home"], headers=bearing(other)).status_code == 403


def test_forms_of_a_tab_need_the_token_of_that_tab(stage: Stage) -> None:
    one, other = launched(stage), launched(stage, person=LEARNER)
    strict = Client(SERVER_NAME="127.0.0.1", SERVER_PORT="8001", enforce_csrf_checks=True)

    def post(told: dict[str, str], token: str) -> str:
        cookies = {TAB_COOKIE: told["bearer"]}
        strict.cookies.load(cookies)
        answer = strict.post(
            f"{told['home']}setup/", {"csrfmiddlewaretoken": token}, headers={"Origin": settings.PUBLIC_URL}
        )
        return answer.content.decode()

    def token_of(told: dict[str, str]) -> str:
        return str(strict.get(told["home"], headers=bearing(told)).context["csrf_token"])

    assert "could not be checked" not in post(one, token_of(one))
    assert "could not be checked" in post(one, token_of(other))
    assert "could not be checked" in post(one, "")


# --- The hand-over --------------------------------------------------------------------------------------

OPEN_TAB = "/lti/tab/"


def offer(told: dict[str, str], at: str = "/setup/") -> str:
    page = Client(SERVER_NAME="127.0.0.1").post(
        f"{told['home']}lti/hand-over/", {"at": at}, headers=bearing(told)
    )
    assert page.status_code == 200
    assert page.context["address"] == OPEN_TAB
    return str(page.context["code"])


def take(code: str, *, origin: str | None = None) -> Reply:
    return Browser().post(OPEN_TAB, {"code": code}, Origin=settings.PUBLIC_URL if origin is None else origin)


def test_a_tab_is_handed_over_with_its_person_roles_and_end(stage: Stage) -> None:
    told = launched(stage)
    reply = take(offer(told))
    assert reply.status == 303
    handle = reply.location[2:].partition("/")[0]
    assert reply.location == f"/~{handle}/setup/"
    new = live_tab(handle, reply.cookies[TAB_COOKIE].value)
    old = Tab.objects.get(pk=told["handle"])
    assert new is not None
    assert new.pk != old.pk
    for field in Tab._meta.concrete_fields:
        if field.attname not in {"handle", "secret_hash"}:
            assert getattr(new, field.attname) == getattr(old, field.attname), field.attname
    assert live_tab(told["handle"], told["bearer"]) is not None  # the frame goes on as well


def test_a_hand_over_is_good_once(stage: Stage) -> None:
    code = offer(launched(stage))
    assert take(code).status == 303
    assert take(code).status == 410


@pytest.mark.parametrize("code", ["", "forged"])
def test_a_forged_hand_over(stage: Stage, code: str) -> None:
    offer(launched(stage))
    assert take(code).status == 410


@pytest.mark.parametrize("origin", ["https://evil.example", "null", ""])
def test_another_site_cannot_hand_its_tab_to_a_browser(stage: Stage, origin: str) -> None:
    code = offer(launched(stage))
    assert take(code, origin=origin).status == 410
    assert take(code).status == 303


def test_an_ended_tab_is_not_handed_over(stage: Stage) -> None:
    code = offer(launched(stage))
    Tab.objects.update(ended_at=timezone.now())
    assert take(code).status == 410


@pytest.mark.parametrize(
    "at", ["https://evil.example/", "//evil.example/", "/nowhere/", "", "\\\\evil.example"]
)
def test_a_hand_over_leads_to_a_page_of_ours(stage: Stage, at: str) -> None:
    reply = take(offer(launched(stage), at=at))
    handle = reply.location[2:].partition("/")[0]
    assert reply.location == f"/~{handle}/"


def test_only_a_tab_makes_a_hand_over(db: None) -> None:
    assert Client().post("/lti/hand-over/").status_code == 403
