"""The facts of this tool as JSON."""

import json

from tests.factories.launches import Browser


def test_config_json_has_canvas_form(browser: Browser, foyer: str) -> None:
    facts = json.loads(browser.get("/lti/config.json").text)
    assert facts["oidc_initiation_url"] == f"{foyer}/lti/login/"
    assert facts["target_link_uri"] == f"{foyer}/lti/launch/"
    assert facts["public_jwk_url"] == f"{foyer}/lti/jwks.json"
    [extension] = facts["extensions"]
    assert (extension["platform"], extension["domain"]) == (
        "canvas.instructure.com",
        foyer.removeprefix("http://"),
    )
    assert [one["message_type"] for one in extension["settings"]["placements"]] == [
        "LtiResourceLinkRequest",
        "LtiDeepLinkingRequest",
    ]
    assert facts["custom_fields"]["Context.id.history"] == "$Context.id.history"
