import pytest
from django.test import RequestFactory

from common.htmx import part_or_redirect, wants_part


@pytest.mark.parametrize(
    ("headers", "is_part"),
    [
        ({}, False),
        ({"HX-Request": "true"}, True),
        ({"HX-Request": "true", "HX-Boosted": "true"}, False),
        ({"HX-Request": "true", "HX-History-Restore-Request": "true"}, False),
    ],
)
def test_only_a_plain_htmx_request_gets_a_part(
    headers: dict[str, str], is_part: bool, rf: RequestFactory
) -> None:
    assert wants_part(rf.get("/", headers=headers)) is is_part


def test_everybody_else_is_sent_to_the_page_after_a_change(rf: RequestFactory) -> None:
    answer = part_or_redirect(rf.post("/"), "errors/404.html", "none", {}, to="/media/1/")
    assert (answer.status_code, answer["Location"]) == (303, "/media/1/")
