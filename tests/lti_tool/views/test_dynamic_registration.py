"""Dynamic registration against a running LMS, in Brightspace's manner and in Moodle's."""

import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connections
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from common.errors import RefusedError
from lti_tool.models import ConsoleClaim, ConsoleKey, Deployment, Platform, RegistrationInvitation
from lti_tool.pylti import ServiceError, access_token
from lti_tool.services.console_keys import end_console_key
from lti_tool.services.registration import confirm_platform
from lti_tool.services.registration_invitation import make_registration_invitation
from practice_lms.people import GUEST_LECTURE, INSTRUCTOR
from practice_lms.self_registration import PLATFORM_CONFIGURATION, TOOL_CONFIGURATION, Manner, configuration
from practice_lms.server import RunningLms
from tests.factories.launches import Browser, Stage, register, tab_behind
from tests.factories.lti import make_tenant
from tests.factories.registering import Visit, invite_lms, open_registration, path_of

BOTH = pytest.mark.parametrize("manner", [Manner.BRIGHTSPACE, Manner.MOODLE])
ROSTER_SCOPE = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"


@pytest.fixture(autouse=True)
def own_keys_at_home(lms: RunningLms, own_keys_dir: object) -> None:
    """Keys of our own behind our public address, where the LMS fetches them."""


# --- Through to a launch -------------------------------------------------------------------------------


@BOTH
def test_from_an_invitation_to_a_launch(lms: RunningLms, manner: Manner) -> None:
    visit = open_registration(lms, invite_lms(), manner=manner)
    assert visit.reply.status == 200
    assert lms.origin in visit.reply.text

    done = visit.say_yes()
    assert done.reply.status == 200, done.reply.text
    assert "Foyer is registered" in done.reply.text
    assert "It waits for the operator" in done.reply.text
    platform = Platform.objects.get()
    registered = lms.platform.toolbox.tools[platform.client_id]
    assert platform.state == Platform.State.WAITING
    assert platform.issuer == lms.origin
    assert platform.token_audience == lms.registration.audience
    assert platform.tenants.count() == 1
    assert list(platform.deployments.values_list("deployment_id", flat=True)) == list(
        registered.tool.deployment_ids
    )

    # The LMS lets it in; we do not, before an operator has confirmed it.
    lms.platform.toolbox.enable(platform.client_id)
    lms.platform.tool = registered.tool
    stage, deployment_id = Stage(lms, platform), registered.tool.deployment_ids[0]
    begun = lms.initiate(INSTRUCTOR, GUEST_LECTURE, deployment_id=deployment_id)
    assert Browser().post(begun.action, begun.fields).code == "platform_disabled"

    confirm_platform(platform, by="operator:1")
    browser = Browser()
    reply = stage.launch(browser, deployment_id=deployment_id)
    assert tab_behind(browser, reply).tenant == platform.tenants.get()


@BOTH
def test_the_services_answer_to_the_new_registration(lms: RunningLms, manner: Manner) -> None:
    open_registration(lms, invite_lms(), manner=manner).say_yes()
    platform = Platform.objects.get()
    with pytest.raises(ServiceError):  # not before it has been enabled
        access_token(platform, [ROSTER_SCOPE], now=timezone.now())
    lms.platform.toolbox.enable(platform.client_id)
    assert access_token(platform, [ROSTER_SCOPE], now=timezone.now())


def test_who_waits_does_not_disturb_those_who_launch(lms: RunningLms) -> None:
    """A login without client id means the only registration of its issuer that has been confirmed."""
    known = register(lms)
    open_registration(lms, invite_lms()).say_yes()
    assert Platform.objects.filter(issuer=lms.origin).count() == 2
    begun = lms.initiate(INSTRUCTOR, GUEST_LECTURE, embedded=False)
    unnamed = {k: v for k, v in begun.fields.items() if k not in {"client_id", "lti_deployment_id"}}
    reply = Browser().post(begun.action, unnamed)
    assert reply.status == 303
    assert f"client_id={known.client_id}" in reply.location


def test_an_operator_may_let_it_in_at_once(lms: RunningLms) -> None:
    done = open_registration(lms, invite_lms(confirms_itself=True)).say_yes()
    assert "On our side it is active" in done.reply.text
    assert Platform.objects.get().state == Platform.State.ACTIVE


def test_without_a_deployment_the_first_one_is_accepted_as_it_comes(lms: RunningLms) -> None:
    offer = lms.platform.toolbox.offer(Manner.BRIGHTSPACE, makes_deployment=False)
    open_registration(lms, invite_lms(confirms_itself=True), offer=offer).say_yes()
    platform = Platform.objects.get()
    assert not platform.has_listed_deployments
    registered = lms.platform.toolbox.enable(platform.client_id)
    assert registered is not None
    lms.platform.tool = registered.tool
    browser = Browser()
    reply = Stage(lms, platform).launch(browser, deployment_id=registered.tool.deployment_ids[0])
    assert tab_behind(browser, reply).deployment.state == Deployment.State.ACTIVE


@BOTH
def test_what_the_lms_stores_of_us(lms: RunningLms, manner: Manner, settings: Settings) -> None:
    settings.POLICY_URL, settings.CONTACT = "https://campus.example/privacy", "lti@campus.example"
    open_registration(lms, invite_lms(), manner=manner).say_yes(client_name="Foyer for all")
    asked = dict(next(iter(lms.platform.toolbox.tools.values())).asked)
    part = asked.pop(TOOL_CONFIGURATION)
    base = settings.PUBLIC_URL
    assert asked == {
        "application_type": "web",
        "response_types": ["id_token"],
        "grant_types": ["implicit", "client_credentials"],
        "initiate_login_uri": f"{base}/lti/login/",
        "redirect_uris": [f"{base}/lti/launch/"],
        "client_name": "Foyer for all",
        "client_uri": f"{base}/",
        "jwks_uri": f"{base}/lti/jwks.json",
        "logo_uri": f"{base}/static/img/favicon.png",
        "policy_uri": "https://campus.example/privacy",
        "contacts": ["lti@campus.example"],
        "token_endpoint_auth_method": "private_key_jwt",
        "scope": ROSTER_SCOPE,
    }
    custom = {
        "Context.id.history": "$Context.id.history",
        "ResourceLink.id.history": "$ResourceLink.id.history",
    }
    message = {
        "target_link_uri": f"{base}/lti/launch/",
        "label": "Foyer for all",
        "icon_uri": f"{base}/static/img/favicon.png",
        "custom_parameters": custom,
    }
    assert part == {
        "domain": base.removeprefix("http://"),  # with its port
        "description": "Rooms in a course, and secure links for guests from outside it.",
        "target_link_uri": f"{base}/lti/launch/",
        "custom_parameters": custom,
        "claims": ["iss", "sub", "name", "given_name", "family_name", "email"],
        "messages": [
            {"type": "LtiResourceLinkRequest", **message},
            {"type": "LtiDeepLinkingRequest", **message, "placements": ["ContentArea"]},
        ],
    }


def test_what_is_not_ticked_is_not_asked_for(lms: RunningLms) -> None:
    without = {"wants_names": None, "wants_email": None, "wants_roster": None, "has_picker": None}
    open_registration(lms, invite_lms()).say_yes(**without)
    asked = next(iter(lms.platform.toolbox.tools.values())).asked
    part = asked[TOOL_CONFIGURATION]
    assert asked["scope"] == ""
    assert isinstance(part, dict)
    assert part["claims"] == ["iss", "sub"]
    assert [one["type"] for one in part["messages"]] == ["LtiResourceLinkRequest"]


def test_what_the_lms_does_not_list_is_neither_offered_nor_asked_for(lms: RunningLms) -> None:
    offer = lms.platform.toolbox.offer(Manner.BRIGHTSPACE)
    document = configuration(lms.origin, offer)
    document |= {"scopes_supported": ["openid"], "claims_supported": ["sub", "email"]}
    document[PLATFORM_CONFIGURATION] = {"messages_supported": [{"type": "LtiResourceLinkRequest"}]}
    lms.behaviour.configuration.body = json.dumps(document).encode()
    visit = open_registration(lms, invite_lms(), offer=offer)
    assert "Email addresses of people" in visit.reply.text
    for absent in ("Names of people", "Lists of course members", "Choose a room while adding content"):
        assert absent not in visit.reply.text
    visit.say_yes()  # which ticks them all the same
    asked = next(iter(lms.platform.toolbox.tools.values())).asked
    part = asked[TOOL_CONFIGURATION]
    assert isinstance(part, dict)
    assert (asked["scope"], part["claims"], part["custom_parameters"]) == ("", ["sub", "email"], {})
    assert [one["type"] for one in part["messages"]] == ["LtiResourceLinkRequest"]


def test_the_page_says_what_the_lms_did_not_grant(lms: RunningLms) -> None:
    lms.behaviour.registration.body = json.dumps(
        {"client_id": 17, "scope": "", TOOL_CONFIGURATION: {"claims": ["sub"], "deployment_id": "d-1"}}
    ).encode()
    done = open_registration(lms, invite_lms()).say_yes()
    assert "granted less than was asked" in done.reply.text
    assert "given_name" in done.reply.text
    assert ROSTER_SCOPE in done.reply.text
    assert Platform.objects.get().client_id == "17"


@pytest.mark.parametrize(
    ("manner", "words"),
    [(Manner.BRIGHTSPACE, "tick Enabled"), (Manner.MOODLE, "Show in activity chooser")],
)
def test_the_last_page_says_what_to_switch_on(lms: RunningLms, manner: Manner, words: str) -> None:
    done = open_registration(lms, invite_lms(), manner=manner).say_yes()
    assert words in done.reply.text
    assert f'data-close-registration="{lms.origin}"' in done.reply.text


def canvas(lms: RunningLms, **answer: object) -> Visit:
    """One issuer for all institutions, on another host than the configuration; an operator vouches for it."""
    offer = lms.platform.toolbox.offer(Manner.MOODLE)
    document = configuration(lms.origin, offer)
    document |= {"issuer": "https://canvas.instructure.com"}
    placements = ["https://canvas.instructure.com/lti/course_navigation", "link_selection"]
    messages = [
        {"type": "LtiResourceLinkRequest", "placements": placements[:1]},
        {"type": "LtiDeepLinkingRequest", "placements": placements[1:]},
    ]
    document[PLATFORM_CONFIGURATION] = {"product_family_code": "canvas", "messages_supported": messages}
    lms.behaviour.configuration.body = json.dumps(document).encode()
    lms.behaviour.registration.body = json.dumps({"client_id": "10000000000001", **answer}).encode()
    return open_registration(lms, invite_lms(allows_other_host=True), offer=offer)


def test_behind_a_shared_issuer_the_console_comes_with_the_first_deployment(lms: RunningLms) -> None:
    visit = canvas(lms)
    assert "course navigation" in visit.reply.text  # the place, in words
    # Canvas frames from the school's own host, which nobody names.
    assert (
        f"frame-ancestors https://canvas.instructure.com {lms.origin} https:"
        in (visit.reply.headers["Content-Security-Policy"])
    )
    done = visit.say_yes(picker_placements=["link_selection"])
    assert "Developer Keys" in done.reply.text
    assert 'data-close-registration="*"' in done.reply.text
    platform = Platform.objects.get()
    assert platform.tenancy == Platform.Tenancy.DEPLOYMENT
    assert platform.tenants.count() == 0

    client = Client(SERVER_NAME="127.0.0.1")
    for reply in (client.get(done.claim_path), client.post(done.claim_path)):
        assert reply.status_code == 409
        assert b"There is no console yet" in reply.content
    tenant = make_tenant(platform=platform)
    assert client.post(done.claim_path).status_code == 303
    assert ConsoleKey.objects.get().tenant == tenant


def test_behind_a_shared_issuer_a_deployment_that_comes_along_is_a_tenant(lms: RunningLms) -> None:
    done = canvas(lms, **{TOOL_CONFIGURATION: {"deployment_id": "7:abc"}}).say_yes(picker_placements=[])
    tenant = Platform.objects.get().tenants.get()
    assert list(tenant.deployments.values_list("deployment_id", "state")) == [("7:abc", "active")]
    assert Client(SERVER_NAME="127.0.0.1").post(done.claim_path).status_code == 303


def test_an_issuer_may_end_with_a_slash_when_the_platform_says_so(lms: RunningLms) -> None:
    offer = lms.platform.toolbox.offer(Manner.MOODLE)
    document = {**configuration(lms.origin, offer), "issuer": f"{lms.origin}/"}
    lms.behaviour.configuration.body = json.dumps(document).encode()
    assert open_registration(lms, invite_lms(), offer=offer).say_yes().reply.status == 200
    assert Platform.objects.get().issuer == f"{lms.origin}/"


# --- Once, and byte for byte --------------------------------------------------------------------------------


@BOTH
def test_reload_and_back_read_what_was_fetched_once(lms: RunningLms, manner: Manner) -> None:
    offer = lms.platform.toolbox.offer(manner)
    path = path_of(lms, offer, invite_lms())
    browser = Browser()
    first = browser.get(path)
    assert first.status == 303
    for _ in range(3):
        assert browser.get(path).location == first.location
        assert browser.get(first.location).status == 200
    assert lms.behaviour.configuration.calls == 1


def test_two_requests_at_once_fetch_once(lms: RunningLms, transactional_db: None) -> None:
    path = path_of(lms, lms.platform.toolbox.offer(Manner.BRIGHTSPACE), invite_lms())
    lms.behaviour.configuration.delay = 0.5

    def visit() -> str:
        try:
            return Browser().get(path).location
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        locations = {future.result() for future in [pool.submit(visit) for _ in range(4)]}
    assert len(locations) == 1
    assert lms.behaviour.configuration.calls == 1


def test_a_failed_fetch_is_not_tried_again(lms: RunningLms) -> None:
    path = path_of(lms, lms.platform.toolbox.offer(Manner.BRIGHTSPACE), invite_lms())
    lms.behaviour.configuration.status = 503
    browser = Browser()
    page = browser.get(path).location
    assert browser.get(page).status == 422
    lms.behaviour.configuration.status = None
    assert browser.get(browser.get(path).location).status == 422
    assert lms.behaviour.configuration.calls == 1


def test_the_address_behind_the_key_holds_no_token_of_the_platform(lms: RunningLms) -> None:
    visit = open_registration(lms, invite_lms(), manner=Manner.MOODLE)
    offer = lms.platform.toolbox.offers[-1]
    assert offer.token not in visit.path
    assert offer.token not in visit.reply.text
    assert visit.reply.headers["Referrer-Policy"] == "no-referrer"


def test_after_an_hour_nothing_is_kept(lms: RunningLms) -> None:
    visit = open_registration(lms, invite_lms())
    cache.clear()
    reply = visit.browser.get(visit.path)
    assert reply.status == 410
    assert "open for too long" in reply.text


def test_a_head_request_fetches_nothing(lms: RunningLms) -> None:
    path = path_of(lms, lms.platform.toolbox.offer(Manner.BRIGHTSPACE), invite_lms())
    assert Client(SERVER_NAME="127.0.0.1").head(path).status_code == 405
    assert lms.behaviour.configuration.calls == 0


# --- Invitations -----------------------------------------------------------------------------------------


def test_without_an_invitation_the_page_explains_and_refuses(lms: RunningLms) -> None:
    reply = Browser().get("/lti/register/")
    assert reply.status == 403
    assert "needs an invitation" in reply.text
    visit = open_registration(lms, "/lti/register/guessed-guessed-guessed/")
    assert (visit.reply.status, visit.reply.code) == (404, "no_invitation")
    assert lms.behaviour.configuration.calls == 0


def test_an_invitation_by_itself_says_where_to_paste_it() -> None:
    reply = Browser().get(invite_lms())
    assert reply.status == 200
    assert "Manage Extensibility" in reply.text


def test_an_invitation_is_good_for_one_registration(lms: RunningLms) -> None:
    invitation = invite_lms()
    done = open_registration(lms, invitation).say_yes()
    again = open_registration(lms, invitation)
    assert (again.reply.status, again.reply.code) == (410, "invitation_used")
    assert Platform.objects.count() == 1
    # Who registered may look at the outcome again.
    assert done.browser.get(done.path).text.count(done.claim_path) >= 1


def test_two_who_began_with_one_invitation_cannot_both_register(lms: RunningLms) -> None:
    invitation = invite_lms()
    one, other = open_registration(lms, invitation), open_registration(lms, invitation)
    assert one.say_yes().reply.status == 200
    late = other.say_yes(client_name="Foyer again")
    assert "has been used already" in late.reply.text
    assert Platform.objects.count() == 1


def test_an_invitation_ends(lms: RunningLms) -> None:
    invitation = invite_lms()
    begun = open_registration(lms, invitation)
    RegistrationInvitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    late = open_registration(lms, invitation)
    assert (late.reply.status, late.reply.code) == (410, "invitation_expired")
    assert "has expired" in begun.say_yes().reply.text
    assert Platform.objects.count() == 0


def test_the_form_must_be_ours_and_fresh(lms: RunningLms) -> None:
    visit = open_registration(lms, invite_lms())
    other = open_registration(lms, invite_lms())
    for proof in (None, "made-up", other.proof):
        assert visit.say_yes(proof=proof).reply.status == 422
    assert Platform.objects.count() == 0


def test_a_form_sent_twice_registers_once(lms: RunningLms, transactional_db: None) -> None:
    visit = open_registration(lms, invite_lms())
    lms.behaviour.registration.delay = 0.5

    def send() -> str:
        try:
            return visit.say_yes().reply.text
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        pages = [future.result() for future in [pool.submit(send) for _ in range(2)]]
    assert ["Foyer is registered" in page for page in pages] == [True, True]
    assert lms.behaviour.registration.calls == 1
    assert Platform.objects.count() == 1


# --- What must not happen --------------------------------------------------------------------------------


def test_a_strangers_document_changes_nothing(lms: RunningLms) -> None:
    """The stranger's server names an LMS that is registered here, and its client id."""
    with RunningLms(tool_url="http://127.0.0.1:1") as stranger:
        known = register(lms)
        before = Platform.objects.values().get()
        offer = stranger.platform.toolbox.offer(Manner.BRIGHTSPACE)
        document = {**configuration(stranger.origin, offer), "issuer": lms.origin}
        stranger.behaviour.configuration.body = json.dumps(document).encode()
        stranger.behaviour.registration.body = json.dumps({"client_id": known.client_id}).encode()

        refused = open_registration(stranger, invite_lms(), offer=offer)
        assert (refused.reply.status, refused.reply.code) == (403, "other_host")

        # Even with an operator's word for the host: what exists is not touched.
        offer = stranger.platform.toolbox.offer(Manner.BRIGHTSPACE)
        vouched = open_registration(stranger, invite_lms(allows_other_host=True), offer=offer)
        assert "on another host than the issuer" in vouched.reply.text
        tried = vouched.say_yes()
        assert tried.reply.status == 409
        assert "registered here already" in tried.reply.text
    assert Platform.objects.values().get() == before
    assert ConsoleClaim.objects.count() == 0


def test_the_invitation_of_a_registration_that_failed_may_be_used_again(lms: RunningLms) -> None:
    known = register(lms)
    lms.behaviour.registration.body = json.dumps({"client_id": known.client_id}).encode()
    invitation = invite_lms()
    assert open_registration(lms, invitation).say_yes().reply.status == 409
    lms.behaviour.registration.body = None
    assert open_registration(lms, invitation).say_yes(client_name="Foyer 2").reply.status == 200
    assert Platform.objects.count() == 2


def test_an_operator_may_vouch_for_another_host_while_the_page_is_open(lms: RunningLms) -> None:
    offer = lms.platform.toolbox.offer(Manner.BRIGHTSPACE)
    document = {**configuration(lms.origin, offer), "issuer": "https://school.example"}
    lms.behaviour.configuration.body = json.dumps(document).encode()
    visit = open_registration(lms, invite_lms(), offer=offer)
    assert visit.reply.code == "other_host"
    RegistrationInvitation.objects.update(allows_other_host=True)
    assert visit.browser.get(visit.path).status == 200
    assert lms.behaviour.configuration.calls == 1


@pytest.mark.parametrize(
    "address",
    [
        "https://10.0.0.1/openid",
        "https://169.254.169.254/latest/meta-data",
        "https://[::ffff:10.0.0.1]/openid",
        "http://lms.example/openid",
        "ftp://lms.example/openid",
        "https://user:pass@lms.example/openid",
        "file:///etc/passwd",
        "nonsense",
    ],
)
def test_private_and_odd_addresses_are_not_asked(address: str) -> None:
    browser = Browser()
    reply = browser.get(browser.get(invite_lms(), openid_configuration=address).location)
    assert (reply.status, reply.code) == (422, "bad_address")


def test_loopback_is_for_the_demo_alone(lms: RunningLms, settings: Settings) -> None:
    settings.ALLOW_LOOPBACK_PLATFORMS = False
    visit = open_registration(lms, invite_lms())
    assert visit.reply.code == "bad_address"
    assert lms.behaviour.configuration.calls == 0


@pytest.mark.parametrize(
    "member", ["issuer", "authorization_endpoint", "token_endpoint", "jwks_uri", "registration_endpoint"]
)
def test_private_addresses_inside_the_document_are_refused(lms: RunningLms, member: str) -> None:
    offer = lms.platform.toolbox.offer(Manner.BRIGHTSPACE)
    document = {**configuration(lms.origin, offer), member: "https://192.168.0.1/x"}
    lms.behaviour.configuration.body = json.dumps(document).encode()
    assert open_registration(lms, invite_lms(), offer=offer).reply.code == "bad_address"
    assert lms.behaviour.registration.calls == 0


def test_redirects_are_not_followed(lms: RunningLms) -> None:
    lms.behaviour.configuration.redirect_to = f"{lms.origin}/elsewhere"
    assert open_registration(lms, invite_lms()).reply.code == "unreachable"
    lms.behaviour.reset()
    visit = open_registration(lms, invite_lms())
    lms.behaviour.registration.redirect_to = f"{lms.origin}/elsewhere"
    tried = visit.say_yes()
    assert tried.reply.status == 422
    assert "HTTP 302" in tried.reply.text
    assert Platform.objects.count() == 0


def test_a_document_that_is_too_long_or_too_slow(lms: RunningLms) -> None:
    lms.behaviour.configuration.size = 300 * 1024
    assert open_registration(lms, invite_lms()).reply.code == "unreachable"
    lms.behaviour.reset()
    lms.behaviour.configuration.drip = 2
    assert open_registration(lms, invite_lms()).reply.code == "unreachable"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda _document: b"<html>Sign in</html>", "no_document"),
        (lambda _document: b"[]", "no_document"),
        (lambda document: {**document, "issuer": None}, "incomplete"),
        (lambda document: {k: v for k, v in document.items() if k != "jwks_uri"}, "incomplete"),
        (lambda document: {**document, "id_token_signing_alg_values_supported": ["ES256"]}, "unsupported"),
        (
            lambda document: {**document, "token_endpoint_auth_methods_supported": ["client_secret_post"]},
            "unsupported",
        ),
    ],
)
def test_documents_that_are_no_use(
    lms: RunningLms, change: Callable[[dict[str, object]], bytes | dict[str, object]], code: str
) -> None:
    offer = lms.platform.toolbox.offer(Manner.BRIGHTSPACE)
    changed = change(configuration(lms.origin, offer))
    lms.behaviour.configuration.body = changed if isinstance(changed, bytes) else json.dumps(changed).encode()
    reply = open_registration(lms, invite_lms(), offer=offer).reply
    assert (reply.status, reply.code) == (422, code)


@BOTH
def test_a_refusal_of_the_lms_is_shown_in_its_own_words(lms: RunningLms, manner: Manner) -> None:
    open_registration(lms, invite_lms(), manner=manner).say_yes()
    tried = open_registration(lms, invite_lms(), manner=manner).say_yes(client_name="Foyer")
    assert tried.reply.status == 422
    assert "Your LMS refused the registration" in tried.reply.text
    assert "The name “Foyer” is used already." in tried.reply.text.replace("\\u201c", "“").replace(
        "\\u201d", "”"
    )
    # Another name is enough: the form is still there.
    assert tried.say_yes(client_name="Foyer for guests").reply.status == 200


def test_what_the_lms_says_is_escaped(lms: RunningLms) -> None:
    visit = open_registration(lms, invite_lms())
    lms.behaviour.registration.body = b'{"client_id": "", "note": "<script>alert(1)</script>\\u0007"}'
    tried = visit.say_yes()
    assert "&lt;script&gt;alert(1)" in tried.reply.text
    assert "<script>alert(1)" not in tried.reply.text


def test_pages_may_be_framed_by_the_platform_alone(lms: RunningLms) -> None:
    visit = open_registration(lms, invite_lms(), manner=Manner.MOODLE)
    done = visit.say_yes()
    for reply in (visit.reply, done.reply):
        assert f"frame-ancestors {lms.origin};" in f"{reply.headers['Content-Security-Policy']};"
    claim = visit.browser.get(done.claim_path)
    assert "frame-ancestors 'none'" in claim.headers["Content-Security-Policy"]


def test_nothing_of_it_is_written_into_a_log(lms: RunningLms, caplog: pytest.LogCaptureFixture) -> None:
    visit = open_registration(lms, invite_lms(), manner=Manner.MOODLE)
    done = visit.say_yes()
    lms.behaviour.configuration.status = 500
    open_registration(lms, invite_lms(), manner=Manner.MOODLE)
    said = caplog.text
    assert "registered by invitation" in said
    secrets = [offer.token for offer in lms.platform.toolbox.offers]
    secrets += [part for part in f"{visit.path}{done.claim_path}".split("/") if len(part) > 30]
    assert [secret for secret in secrets if secret in said] == []


def test_what_the_lms_says_of_secrets_is_not_written_into_a_log(
    lms: RunningLms, caplog: pytest.LogCaptureFixture
) -> None:
    visit = open_registration(lms, invite_lms())
    lms.behaviour.registration.body = b'{"registration_access_token": "seventh-seal"}'
    assert "seventh-seal" in visit.say_yes().reply.text, "who registers may need to know"
    offer = lms.platform.toolbox.offer(Manner.BRIGHTSPACE)
    address = "https://me:seventh-seal@192.168.0.1/seventh-seal?token=seventh-seal"
    document = {**configuration(lms.origin, offer), "registration_endpoint": address}
    lms.behaviour.configuration.body = json.dumps(document).encode()
    assert open_registration(lms, invite_lms(), offer=offer).reply.code == "bad_address"
    assert "code=no_client_id" in caplog.text
    assert "192.168.0.1" in caplog.text
    assert "seventh-seal" not in caplog.text


@pytest.mark.parametrize(("confirms_itself", "allows_other_host"), [(True, False), (False, True)])
def test_only_an_operator_vouches(*, confirms_itself: bool, allows_other_host: bool) -> None:
    with pytest.raises(RefusedError):
        make_registration_invitation(
            by="person:1",
            now=timezone.now(),
            confirms_itself=confirms_itself,
            allows_other_host=allows_other_host,
        )
    assert RegistrationInvitation.objects.count() == 0


# --- The claim link ---------------------------------------------------------------------------------------


def claim_form(client: Client, path: str) -> str:
    page = client.get(path).content.decode()
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert found, page
    return found[1]


def test_the_claim_link_gives_one_browser_the_console(lms: RunningLms) -> None:
    path = open_registration(lms, invite_lms()).say_yes().claim_path
    client = Client(SERVER_NAME="127.0.0.1", enforce_csrf_checks=True, HTTP_USER_AGENT="Firefox 150")
    # With less, a browser would say "Origin: null" when it posts, which the check of the form refuses.
    assert client.get(path)["Referrer-Policy"] == "same-origin"
    tokens = [claim_form(client, path) for _ in range(3)]  # looking at it uses nothing up
    reply = client.post(path, {"csrfmiddlewaretoken": tokens[-1]})
    assert reply.status_code == 303
    cookie = next(one for name, one in reply.cookies.items() if name.startswith("foyer-console-"))
    assert (cookie["path"], cookie["secure"], cookie["httponly"], cookie["samesite"]) == (
        "/admin/config/",
        True,
        True,
        "None",
    )
    page = client.get(reply["Location"])
    assert page.status_code == 200
    assert b"Console" in page.content
    key = ConsoleKey.objects.get()
    assert (key.browser, key.tenant) == ("Firefox 150", Platform.objects.get().tenants.get())
    assert cookie.value not in {key.secret_hash, *ConsoleKey.objects.values_list("browser", flat=True)}

    # Nobody else, and not again.
    again = Client(SERVER_NAME="127.0.0.1").post(path)
    assert again.status_code == 410
    assert Client(SERVER_NAME="127.0.0.1").get("/admin/config/tab/invitetomedia").status_code == 302


def test_two_who_race_for_a_claim_link(lms: RunningLms, transactional_db: None) -> None:
    path = open_registration(lms, invite_lms()).say_yes().claim_path

    def redeem() -> int:
        try:
            return Client(SERVER_NAME="127.0.0.1").post(path).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        statuses = sorted(future.result() for future in [pool.submit(redeem) for _ in range(6)])
    assert statuses == [303, 410, 410, 410, 410, 410]
    assert ConsoleKey.objects.count() == 1


def test_a_claim_link_ends(lms: RunningLms) -> None:
    path = open_registration(lms, invite_lms()).say_yes().claim_path
    ConsoleClaim.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    for reply in (Client(SERVER_NAME="127.0.0.1").get(path), Client(SERVER_NAME="127.0.0.1").post(path)):
        assert reply.status_code == 410
    assert Client(SERVER_NAME="127.0.0.1").get("/lti/claim/guessed/").status_code == 404


def test_a_key_opens_its_own_console_until_it_is_ended(lms: RunningLms) -> None:
    path = open_registration(lms, invite_lms()).say_yes().claim_path
    client = Client(SERVER_NAME="127.0.0.1")
    console = client.post(path)["Location"]
    other = make_tenant()
    assert client.get(f"/admin/config/tab/invitetomedia?tenant={other.pk}").status_code == 404
    assert client.get("/admin/config/tab/invitetomedia").status_code == 200  # it has one only
    key = ConsoleKey.objects.get()
    assert end_console_key(key, by="operator:1", now=timezone.now())
    assert client.get(console).status_code == 302


def test_a_disabled_registration_has_no_console(lms: RunningLms) -> None:
    path = open_registration(lms, invite_lms()).say_yes().claim_path
    client = Client(SERVER_NAME="127.0.0.1")
    console = client.post(path)["Location"]
    Platform.objects.update(state=Platform.State.DISABLED)
    assert client.get(console).status_code == 302
