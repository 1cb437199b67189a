"""The facts of this tool as JSON."""

import json

from tests.factories.launches import Browser


def test_config_json_has_canvas_form(browser: Browser, db: None) -> None:
    facts = json.loads(browser.get("/lti/config.json").text)
    assert facts["oidc_initiation_url"] == "http://127.0.0.1:8001/lti/login/"
    assert facts["target_link_uri"] == "http://127.0.0.1:8001/lti/launch/"
    assert facts["public_jwk_url"] == "http://127.0.0.1:8001/lti/jwks.json"
    [extension] = facts["extensions"]
    assert (extension["platform"], extension["domain"]) == ("canvas.instructure.com", "127.0.0.1:8001")
    assert [one["message_type"] for one in extension["settings"]["placements"]] == [
        "LtiResourceLinkRequest",
        "LtiDeepLinkingRequest",
    ]
    assert facts["custom_fields"]["Context.id.history"] == "$Context.id.history"
