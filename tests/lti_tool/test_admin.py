"""The operators' pages."""

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from lti_tool.models import Deployment
from tests.factories.lti import make_course, make_deployment, make_member, make_placement, make_tenant

PAGES = ["platform", "deployment", "tenant", "person", "course", "membership", "placement"]


@pytest.fixture
def operator(db: None) -> Client:
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(get_user_model().objects.create_superuser("operator", password="x"))
    return client


@pytest.mark.parametrize("page", PAGES)
def test_lists_and_rows_open(operator: Client, page: str) -> None:
    course = make_course(make_tenant())
    make_member(course)
    make_placement(course)
    assert operator.get(f"/operator/lti_tool/{page}/").status_code == 200
    listed = operator.get(f"/operator/lti_tool/{page}/").context["cl"].queryset
    assert operator.get(f"/operator/lti_tool/{page}/{listed.get().pk}/change/").status_code == 200


def test_pending_deployments_are_approved(operator: Client) -> None:
    waiting = make_deployment(make_tenant(), state="pending")
    chosen = {"action": "approve", "_selected_action": [waiting.pk]}
    reply = operator.post("/operator/lti_tool/deployment/", chosen, follow=True)
    assert "may launch now" in reply.content.decode()
    assert Deployment.objects.get().state == "active"


def test_nobody_else_gets_in(db: None) -> None:
    reply = Client(SERVER_NAME="127.0.0.1").get("/operator/lti_tool/person/")
    assert reply.status_code == 302
