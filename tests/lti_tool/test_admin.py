"""The operators' pages."""

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from lti_tool.models import Deployment, Platform
from lti_tool.services.console_keys import make_console_claim, redeem_console_claim
from lti_tool.services.registration_invitation import make_registration_invitation
from tests.factories.lti import (
    make_course,
    make_deployment,
    make_member,
    make_placement,
    make_platform,
    make_tenant,
)

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


def test_waiting_registrations_are_confirmed(operator: Client) -> None:
    waiting, disabled = make_platform(state="waiting"), make_platform(state="disabled")
    chosen = {"action": "confirm", "_selected_action": [waiting.pk, disabled.pk]}
    reply = operator.post("/operator/lti_tool/platform/", chosen, follow=True)
    assert "1 registration may launch now" in reply.content.decode()
    states = dict(Platform.objects.values_list("pk", "state"))
    assert states == {waiting.pk: "active", disabled.pk: "disabled"}


def test_an_operator_vouches_for_another_host_and_withdraws(operator: Client) -> None:
    invitation = make_registration_invitation(by="person:1", now=timezone.now()).invitation
    page = f"/operator/lti_tool/registrationinvitation/{invitation.pk}/change/"
    assert operator.get(page).status_code == 200
    operator.post(page, {"note": "Tidewater", "allows_other_host": "on"})
    invitation.refresh_from_db()
    assert (invitation.note, invitation.allows_other_host) == ("Tidewater", True)
    chosen = {"action": "withdraw", "_selected_action": [invitation.pk]}
    operator.post("/operator/lti_tool/registrationinvitation/", chosen)
    invitation.refresh_from_db()
    assert invitation.expires_at <= timezone.now()


def test_an_operator_takes_a_console_away(operator: Client) -> None:
    tenant = make_tenant()
    make_console_claim(tenant.platform, secret="c" * 43, now=timezone.now())
    key = redeem_console_claim("c" * 43, browser="Firefox", now=timezone.now()).key
    assert operator.get(f"/operator/lti_tool/consolekey/{key.pk}/change/").status_code == 200
    operator.post("/operator/lti_tool/consolekey/", {"action": "end", "_selected_action": [key.pk]})
    key.refresh_from_db()
    assert key.ended_at is not None
    assert key.ended_by.startswith("operator:")


def test_nobody_else_gets_in(db: None) -> None:
    reply = Client(SERVER_NAME="127.0.0.1").get("/operator/lti_tool/person/")
    assert reply.status_code == 302
