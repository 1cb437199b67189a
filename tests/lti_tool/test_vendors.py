"""What is known of each LMS."""

import pytest

from lti_tool.vendors import (
    Ancestry,
    Vendor,
    ancestry_of,
    default_audience,
    frames_from_elsewhere,
    has_shared_issuer,
    rosters_know_roles,
    usual_placements,
    vendor_of,
    vendor_of_product,
)


@pytest.mark.parametrize(
    ("issuer", "auth_url", "token_url", "vendor"),
    [
        (
            "https://courses.school.example",
            "https://courses.school.example/d2l/lti/authenticate",
            "https://auth.brightspace.com/core/connect/token",
            Vendor.BRIGHTSPACE,
        ),
        (
            "https://moodle.example/sub",
            "https://moodle.example/sub/mod/lti/auth.php",
            "https://moodle.example/sub/mod/lti/token.php",
            Vendor.MOODLE,
        ),
        (
            "https://canvas.instructure.com",
            "https://sso.canvaslms.com/api/lti/authorize_redirect",
            "https://sso.canvaslms.com/login/oauth2/token",
            Vendor.CANVAS,
        ),
        (
            "https://blackboard.com",
            "https://developer.blackboard.com/a",
            "https://b.example",
            Vendor.BLACKBOARD,
        ),
        ("https://lms.example", "https://lms.example/auth", "https://lms.example/token", Vendor.OTHER),
    ],
)
def test_an_lms_is_told_by_its_addresses(issuer: str, auth_url: str, token_url: str, vendor: Vendor) -> None:
    assert vendor_of(issuer=issuer, auth_url=auth_url, token_url=token_url) is vendor


def test_brightspace_wants_an_audience_of_its_own() -> None:
    token_url = "https://auth.brightspace.com/core/connect/token"
    assert default_audience(token_url) == "https://api.brightspace.com/auth/token"
    assert default_audience("https://lms.example/token") == ""
    assert default_audience("https://auth.brightspace.com.evil.example/token") == ""


def test_behind_a_shared_issuer_each_deployment_is_a_tenant() -> None:
    assert has_shared_issuer("https://canvas.instructure.com")
    assert has_shared_issuer("https://blackboard.com")
    assert not has_shared_issuer("https://lms.example")


def test_a_roster_of_moodle_does_not_say_who_teaches() -> None:
    assert not rosters_know_roles(Vendor.MOODLE)
    assert rosters_know_roles(Vendor.BRIGHTSPACE)


@pytest.mark.parametrize(
    ("vendor_claim", "custom", "ancestry"),
    [
        (None, {}, Ancestry()),
        ("text", {}, Ancestry()),
        ({"Context.id.history": "6512,6400", "ResourceLink.id.history": ""}, {}, Ancestry(("6512", "6400"))),
        ({"ResourceLink.id.history": "a-31_6512, a-2_1"}, {}, Ancestry((), ("a-31_6512", "a-2_1"))),
        ({}, {"Context.id.history": "4%2C5,4%2C5,7"}, Ancestry(("4,5", "7"))),
        ({}, {"Context.id.history": "$Context.id.history"}, Ancestry()),
        ({"Context.id.history": 7}, {"Context.id.history": "8"}, Ancestry(("8",))),
        ({"Context.id.history": f"{'x' * 256},,\x00,9"}, {}, Ancestry(("9",))),
    ],
)
def test_what_was_copied_from_what(vendor_claim: object, custom: dict[str, str], ancestry: Ancestry) -> None:
    assert ancestry_of({"http://www.brightspace.com": vendor_claim}, custom) == ancestry


@pytest.mark.parametrize(
    ("code", "vendor"),
    [
        ("desire2learn", Vendor.BRIGHTSPACE),
        ("Canvas", Vendor.CANVAS),
        ("moodle", Vendor.MOODLE),
        ("BlackboardLearn", Vendor.BLACKBOARD),
        ("sakai", Vendor.OTHER),
        ("", Vendor.OTHER),
    ],
)
def test_an_lms_is_told_by_what_it_calls_itself(code: str, vendor: Vendor) -> None:
    assert vendor_of_product(code) is vendor


def test_rooms_are_offered_where_a_course_lists_its_activities() -> None:
    canvas = ["https://canvas.instructure.com/lti/course_navigation", "editor_button", "link_selection"]
    assert usual_placements(canvas, is_picker=False) == (canvas[0],)
    assert usual_placements(canvas, is_picker=True) == ("link_selection",)
    assert usual_placements(["ContentArea", "RichTextEditor"], is_picker=True) == ("ContentArea",)


def test_behind_a_shared_issuer_frames_have_hosts_that_nobody_names() -> None:
    assert frames_from_elsewhere("https://canvas.instructure.com")
    assert not frames_from_elsewhere("https://lms.example")
