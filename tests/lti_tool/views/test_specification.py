"""The tables of the specification, case by case: real tokens by real HTTP.

The id of a case is its name in tests/lti_tool/cases.py, with a word behind it where a row has several.
"""

import base64
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from django.utils.html import escape

from lti_tool.claims import DEEP_LINKING
from lti_tool.identity import HERE_COOKIE, TAB_COOKIE
from lti_tool.models import Person, Tab
from practice_lms.keys import SigningKey
from practice_lms.people import GUEST_LECTURE, INSTRUCTOR, LEARNER
from practice_lms.people import Person as LmsPerson
from practice_lms.tokens import Claims
from tests.factories.launches import Browser, Reply, Stage, register, tab_behind

YEAR = 365 * 86_400
LIS = "http://purl.imsglobal.org/vocab/lis/v2"
TEACHER, STUDENT = f"{LIS}/membership#Instructor", f"{LIS}/membership#Learner"
NAMES = ("name", "given_name", "family_name")
PICKER: Claims = {"lti:message_type": "LtiDeepLinkingRequest"}


@dataclass(frozen=True)
class Case:
    """One launch, honest but for this."""

    code: str = ""  # empty where it must open
    put: Callable[["Facts"], Claims] = lambda _facts: {}
    without: tuple[str, ...] = ()
    headers: Claims = field(default_factory=dict)
    algorithm: str = "RS256"


@dataclass(frozen=True)
class Facts:
    """What an honest token would say."""

    issuer: str
    client: str
    target: str
    now: int


def case(
    name: str, code: str = "", put: Callable[[Facts], Claims] | Claims | None = None, **more: object
) -> object:
    said = put if callable(put) else (lambda _facts: put or {})
    return pytest.param(Case(code, said, **more), id=name)  # type: ignore[arg-type]


def settings(**put: object) -> Callable[[Facts], Claims]:
    """A request of a content picker whose settings say this; None leaves a setting out."""

    def said(facts: Facts) -> Claims:
        honest: Claims = {"deep_link_return_url": f"{facts.issuer}/back", "accept_types": ["ltiResourceLink"]}
        return {**PICKER, DEEP_LINKING: {k: v for k, v in (honest | put).items() if v is not None}}

    return said


def present(browser: Browser, stage: Stage, one: Case, *, person: LmsPerson = INSTRUCTOR) -> Reply:
    attempt = stage.log_in(browser, person=person)
    facts = Facts(
        stage.lms.origin, stage.platform.client_id, stage.lms.tool.target_link_uri, int(time.time())
    )
    claims = stage.lms.claims(
        person,
        GUEST_LECTURE,
        nonce=attempt.nonce,
        put=one.put(facts),
        without=one.without,
    )
    token = stage.lms.sign(claims, headers=one.headers, algorithm=one.algorithm)
    return stage.deliver(browser, attempt, token)


REFUSED = [
    # --- the validation list ---
    case("R1 typ", "bad_jwt", headers={"typ": "at+jwt"}),
    case("R1 crit", "bad_jwt", headers={"crit": ["exp"]}),
    case("R2 none", "bad_alg", algorithm="none"),
    case("R2 HS256 with the public key", "bad_alg", algorithm="HS256"),
    case("R2 HS256 that claims to be RS256", "bad_signature", algorithm="HS256", headers={"alg": "RS256"}),
    case("R2 RS512", "bad_alg", headers={"alg": "RS512"}),
    case("R3", "no_kid", headers={"kid": None}),
    case("R3 number", "no_kid", headers={"kid": 5}),
    case("R5", "unknown_kid", headers={"kid": "made-up"}),
    case("R8 slash", "bad_iss", lambda facts: {"iss": f"{facts.issuer}/"}),
    case("R8 case", "bad_iss", lambda facts: {"iss": facts.issuer.upper()}),
    case("R8 list", "bad_iss", lambda facts: {"iss": [facts.issuer]}),
    case("R9 other", "bad_aud", {"aud": "somebody-else"}),
    case("R9 empty list", "bad_aud", {"aud": []}),
    case("R9 stranger beside us", "bad_aud", lambda facts: {"aud": [facts.client, "stranger"]}),
    case("R10 other", "bad_azp", {"azp": "somebody-else"}),
    case("R10 several", "bad_aud", lambda facts: {"aud": [facts.client, "x"], "azp": facts.client}),
    case("R11 absent", "expired", without=("exp",)),
    case("R11 text", "expired", lambda facts: {"exp": str(facts.now + 600)}),
    case("R11 past", "expired", lambda facts: {"exp": facts.now - 90}),
    case("R12 absent", "bad_iat", without=("iat", "nbf")),
    case("R12 future", "bad_iat", lambda facts: {"iat": facts.now + 600}),
    case("R12 old", "bad_iat", lambda facts: {"iat": facts.now - 2 * 3600}),
    case("R12 nbf", "bad_iat", lambda facts: {"nbf": facts.now + 600}),
    case("R13 absent", "bad_nonce", without=("nonce",)),
    case("R13 list", "bad_nonce", {"nonce": ["x"]}),
    case("R13 made up", "bad_nonce", {"nonce": "made-up"}),
    case("R14", "bad_version", {"lti:version": "1.3"}),
    case("R15", "bad_message_type", {"lti:message_type": "LtiStartProctoring"}),
    case("R16 absent", "no_deployment", without=("lti:deployment_id",)),
    case("R16 long", "no_deployment", {"lti:deployment_id": "d" * 256}),
    case("R16 unknown", "unknown_deployment", {"lti:deployment_id": "unknown"}),
    case("R17 absent", "bad_target", without=("lti:target_link_uri",)),
    case("R17 foreign", "bad_target", {"lti:target_link_uri": "https://evil.example/lti/launch/"}),
    case("R17 another", "bad_target", lambda facts: {"lti:target_link_uri": f"{facts.target}other/"}),
    case("R18 absent", "no_roles", without=("lti:roles",)),
    case("R18 text", "no_roles", {"lti:roles": TEACHER}),
    case("R19 null", "no_resource_link", {"lti:resource_link": None}),
    case("R19 long", "no_resource_link", {"lti:resource_link": {"id": "l" * 300}}),
    case("R20 absent", "no_user", without=("sub",)),
    case("R20 long", "no_user", {"sub": "s" * 300}),
    case("R21 absent", "bad_dl_settings", PICKER),
    case("R21 no way back", "bad_dl_settings", settings(deep_link_return_url=None)),
    case("R21 unsafe way back", "bad_dl_settings", settings(deep_link_return_url="http://lms.example/")),
    case("R21 no types", "bad_dl_settings", settings(accept_types=None)),
    case("R22 context", "bad_payload", {"lti:context": "course"}),
    case("R22 context id", "bad_payload", {"lti:context": {"id": "c" * 300}}),
    case("R22 lis", "bad_payload", {"lti:lis": "x"}),
    case("R22 presentation", "bad_payload", {"lti:launch_presentation": [1]}),
    case("R22 custom", "bad_payload", {"lti:custom": "a=b"}),
    case("R22 platform", "bad_payload", {"lti:tool_platform": True}),
    # --- the certification's known bad payloads ---
    case("B1", "no_kid", headers={"kid": None}),
    case("B2", "unknown_kid", headers={"kid": "imstester_66067"}),
    case("B3", "bad_version", {"lti:version": "11.3"}),
    case("B4", "bad_version", without=("lti:version",)),
    case("B6", "bad_iss", without=("aud", "iss", "sub", "lti:deployment_id", "lti:roles")),
    case("B7", "expired", {"iat": 11111, "exp": 22222}),
    case("B8", "bad_message_type", without=("lti:message_type",)),
    case("B9", "no_roles", without=("lti:roles",)),
    case("B10", "no_deployment", without=("lti:deployment_id",)),
    case("B11", "no_resource_link", without=("lti:resource_link",)),
    case("B11 without id", "no_resource_link", {"lti:resource_link": {"title": "A link"}}),
    case("B12", "no_user", without=("sub",)),
    # --- what PyLTI1p3 accepts, or crashes at ---
    case("P typ", "bad_jwt", headers={"typ": "at+jwt"}),
    case("P malformed nonce", "bad_nonce", {"nonce": ["x", "y"]}),
    case("P malformed aud", "bad_aud", {"aud": []}),
    case("P aud several without azp", "bad_aud", lambda facts: {"aud": [facts.client, "other"]}),
    case("P azp text", "bad_azp", {"azp": "other"}),
    case("P azp list", "bad_azp", lambda facts: {"aud": [facts.client], "azp": "other"}),
    case("P exp absent", "expired", without=("exp",)),
    case("P exp far", "bad_iat", lambda facts: {"exp": facts.now + 10 * YEAR, "iat": facts.now - 4000}),
    case("P iat old", "bad_iat", lambda facts: {"iat": facts.now - YEAR, "exp": facts.now + 600}),
    case("P iat absent", "bad_iat", without=("iat",)),
    case("P target absent", "bad_target", without=("lti:target_link_uri",)),
    case("P target foreign", "bad_target", {"lti:target_link_uri": "https://evil.example/"}),
    case("P target other", "bad_target", lambda facts: {"lti:target_link_uri": f"{facts.target}x/"}),
    case("P roles text", "no_roles", {"lti:roles": "Instructor"}),
    case("P sub long", "no_user", {"sub": "s" * 10_000}),
    case("P picker way back absent", "bad_dl_settings", settings(deep_link_return_url=None)),
]


@pytest.mark.parametrize("one", REFUSED)
def test_is_refused(stage: Stage, browser: Browser, one: Case) -> None:
    """A page with the code and a 4xx; nobody is let in, nothing is stored."""
    reply = present(browser, stage, one)
    assert reply.code == one.code
    assert 400 <= reply.status < 500
    assert (Tab.objects.count(), Person.objects.count()) == (0, 0)
    assert not {TAB_COOKIE, HERE_COOKIE} & set(reply.cookies)


OPENED = [
    case("R4", headers={"jku": "https://evil.example/keys", "x5u": "https://evil.example/x"}),
    case("R9 list", "", lambda facts: {"aud": [facts.client]}),
    case("R10", "", lambda facts: {"azp": facts.client}),
    case("R12 a fast clock", "", lambda facts: {"iat": facts.now + 30, "nbf": facts.now + 30}),
    case("R18 empty", "", {"lti:roles": []}),
    case("R18 other than texts", "", {"lti:roles": [None, 5, "", {"a": 1}, TEACHER]}),
    case("R21", "", settings(), without=("lti:resource_link",)),
    case("R22", "", {f"lti:{name}": None for name in ("context", "lis", "custom", "tool_platform")}),
    case("R22 empty", "", {f"lti:{name}": {} for name in ("context", "lis", "custom", "tool_platform")}),
    case("R23", "", {"https://vendor.example/claim": [1, {"x": None}], "unknown": True}),
    case("P aud list", "", lambda facts: {"aud": [facts.client]}),
    case("P iat a fast clock", "", lambda facts: {"iat": facts.now + 3, "nbf": facts.now + 3}),
    case("P exp a slow clock", "", lambda facts: {"exp": facts.now - 1}),
    case("P picker link type", "", settings(accept_types=["link"]), without=("lti:resource_link",)),
]


@pytest.mark.parametrize("one", OPENED)
def test_opens(stage: Stage, browser: Browser, one: Case) -> None:
    assert tab_behind(browser, present(browser, stage, one)).person.sub == INSTRUCTOR.sub


def roles(*texts: str) -> Claims:
    return {"lti:roles": list(texts)}


TEACHERS = [
    case("T1"),
    case("T2", "", roles(TEACHER, f"{LIS}/institution/person#Staff", f"{LIS}/institution/person#Other")),
    case("T3", "", roles("Instructor")),
    case("T6", "", without=NAMES),
    case("T7", "", without=("email",)),
    case("T8", "", without=(*NAMES, "email")),
    case("T9", "", without=(*NAMES, "lti:context")),
]


@pytest.mark.parametrize("one", TEACHERS)
def test_opens_for_a_teacher(stage: Stage, browser: Browser, one: Case) -> None:
    tab = tab_behind(browser, present(browser, stage, one))
    assert (tab.right, tab.application_role) == ("owner", 2)
    assert (tab.course is None) == ("lti:context" in one.without)
    assert browser.get(f"/~{tab.handle}/").status in {200, 303}


NO_RIGHTS = [
    case("T4", "", roles(f"{LIS}/unknown/unknown#Helper")),
    case("T5", "", roles("")),
    case("T5 as the text has it", "", roles()),
    case("S1", "", roles(STUDENT)),
    case("S2", "", roles(STUDENT, f"{LIS}/institution/person#Student", f"{LIS}/institution/person#Mentor")),
    case("S3", "", roles("Learner")),
    case("S4", "", roles(STUDENT, f"{LIS}/uknownrole/unknown#Unknown")),
    case("S5", "", roles("")),
    case("S5 as the text has it", "", roles()),
    case("S6", "", roles(STUDENT), without=NAMES),
    case("S7", "", roles(STUDENT), without=("email",)),
    case("S8", "", roles(STUDENT), without=(*NAMES, "email")),
    case("S9", "", roles(STUDENT), without=(*NAMES, "lti:context")),
]


@pytest.mark.parametrize("one", NO_RIGHTS)
def test_opens_without_rights(
    stage: Stage, browser: Browser, request: pytest.FixtureRequest, one: Case
) -> None:
    person = INSTRUCTOR if request.node.callspec.id.startswith("T") else LEARNER
    tab = tab_behind(browser, present(browser, stage, one, person=person))
    assert (tab.right, tab.application_role, tab.person.sub) == ("none", 0, person.sub)


# --- Keys, and launches that need more than one step ----------------------------------------------------


def test_an_unknown_kid_is_looked_up_once_more(stage: Stage, browser: Browser) -> None:
    assert stage.launch(browser).status == 303
    asked = stage.lms.behaviour.keys.calls
    for _turn in range(3):
        assert present(browser, stage, Case(headers={"kid": "made-up"})).code == "unknown_kid"
    assert stage.lms.behaviour.keys.calls == asked + 1


def test_a_key_that_was_rotated_between_two_launches(stage: Stage, browser: Browser) -> None:
    assert stage.launch(browser).status == 303
    withdrawn = stage.lms.keys.signing
    stage.lms.keys.rotate()
    assert stage.launch(browser).status == 303
    attempt = stage.log_in(browser)
    claims = stage.lms.claims(INSTRUCTOR, GUEST_LECTURE, nonce=attempt.nonce)
    assert stage.deliver(browser, attempt, stage.lms.sign(claims, key=withdrawn)).code == "unknown_kid"


@pytest.mark.parametrize(
    "key",
    [SigningKey.make(bits=1024, kid="weak"), SigningKey.make(kid="enc", use="enc")],
    ids=["short", "for encryption"],
)
def test_a_published_key_that_is_no_good(stage: Stage, browser: Browser, key: SigningKey) -> None:
    stage.lms.keys.rotate(key=key)
    assert stage.launch(browser).code == "unknown_kid"


def test_a_secret_among_the_published_keys_spoils_nothing(stage: Stage, browser: Browser) -> None:
    stage.lms.keys.publish({"kty": "oct", "kid": "oct", "k": "c2VjcmV0", "alg": "HS256"})
    assert stage.launch(browser).status == 303
    reply = present(browser, stage, Case(headers={"kid": "oct"}))
    assert reply.code == "unknown_kid"


@pytest.mark.parametrize("body", [b'{"error": "down"}', b"[]", b"<html>"], ids=["error", "list", "page"])
def test_a_bad_answer_of_the_key_server_is_not_kept(stage: Stage, browser: Browser, body: bytes) -> None:
    stage.lms.behaviour.keys.body = body
    reply = stage.launch(browser)
    assert (reply.status, reply.code) == (503, "keys_unavailable")
    stage.lms.behaviour.reset()
    time.sleep(0.2)
    assert stage.launch(browser).status == 303


def test_a_key_server_that_leads_elsewhere_is_not_followed(stage: Stage, browser: Browser) -> None:
    stage.lms.behaviour.keys.redirect_to = "/elsewhere"
    assert stage.launch(browser).code == "keys_unavailable"


@pytest.mark.parametrize(
    ("header", "body"), [([1], b"{}"), ({"alg": "RS256", "kid": "k"}, b"[1]")], ids=["header", "payload"]
)
def test_a_list_where_an_object_belongs(stage: Stage, browser: Browser, header: object, body: bytes) -> None:
    attempt = stage.log_in(browser)
    reply = stage.deliver(browser, attempt, unsigned(header, body))
    assert (reply.status, reply.code) in {(400, "bad_jwt"), (403, "unknown_kid")}


def unsigned(header: object, body: bytes) -> str:
    parts = (json.dumps(header).encode(), body, b"nothing")
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def test_a_used_nonce_in_a_new_token_and_login(stage: Stage, browser: Browser) -> None:
    first = stage.log_in(browser)
    assert stage.deliver(browser, first, stage.token(first)).status == 303
    second = stage.log_in(browser)
    reply = stage.deliver(browser, second, stage.token(second, put={"nonce": first.nonce}))
    assert reply.code == "bad_nonce"


def test_a_used_token_opens_nothing_in_another_browser(stage: Stage, browser: Browser) -> None:
    """Neither replayed by a stranger nor slipped to a victim whose own login has begun."""
    attempt = stage.log_in(browser)
    token = stage.token(attempt)
    assert stage.deliver(browser, attempt, token).status == 303
    stage.log_in(victim := Browser())
    for other in (Browser(), victim):
        assert stage.deliver(other, attempt, token).code == "replay"
        assert not {TAB_COOKIE, HERE_COOKIE} & {name for name, _path in other.jar}


def test_texts_that_are_shown_are_cut_and_cleaned(stage: Stage, browser: Browser) -> None:
    put = {"name": "A\u202eb\x00c\n" + "d" * 1000, "lti:context": {"id": "1", "title": "\u2066T\x07"}}
    tab = tab_behind(browser, stage.launch(browser, put=put))
    assert tab.person.name.startswith("Abc d")
    assert len(tab.person.name) == 255
    assert str(tab.course) == "T"


def test_a_key_that_is_known_serves_while_the_server_is_down(stage: Stage, browser: Browser) -> None:
    assert stage.launch(browser).status == 303
    stage.lms.behaviour.keys.status = 503
    assert stage.launch(browser).status == 303
    reply = present(browser, stage, Case(headers={"kid": "new"}))
    assert (reply.status, reply.code) == (503, "keys_unavailable")


def test_a_key_set_of_more_than_64_kilobytes(stage: Stage, browser: Browser) -> None:
    stage.lms.keys.crowd(300)
    assert stage.launch(browser).status == 303


def test_two_registrations_of_one_issuer(stage: Stage, browser: Browser) -> None:
    """A token for the one does not open a login of the other, though one key has signed both."""
    second = register(stage.lms, client_id="second-client", deployment_ids=())
    attempt = stage.log_in(browser)
    token = stage.token(attempt, put={"aud": second.client_id})
    assert stage.deliver(browser, attempt, token).code == "bad_aud"


@pytest.mark.parametrize("tail", ["?a=\"'><script>alert(1)</script>", "?a=%22%3E&b=<c>"])
def test_the_way_back_from_the_picker_is_escaped(stage: Stage, browser: Browser, tail: str) -> None:
    back = f"{stage.lms.origin}/back{tail}"
    one = Case(put=settings(deep_link_return_url=back))
    page = present(browser, stage, one)
    while page.status == 303:
        page = browser.get(page.location)
    ticket = page.text.partition('name="ticket" value="')[2].partition('"')[0]
    answer = browser.post("/picker/cancel/", {"ticket": ticket})
    assert answer.status == 200, answer.text
    assert f'action="{escape(back)}"' in answer.text
    assert "<script>alert" not in answer.text
