import pytest
from django.test import Client
from pytest_django import Settings


@pytest.mark.django_db
def test_the_health_pages_answer(client: Client) -> None:
    assert client.get("/healthz").content == b"ok\n"
    assert client.get("/readyz").json() == {"database": "ok", "cache": "ok"}


@pytest.mark.django_db
def test_metrics_are_for_this_machine_or_for_whoever_has_the_token(
    client: Client, settings: Settings
) -> None:
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="203.0.113.9").status_code == 404
    settings.METRICS_TOKEN = "prometheus-only"
    assert client.get("/metrics").status_code == 404
    answer = client.get("/metrics", headers={"authorization": "Bearer prometheus-only"})
    assert b"python_info" in answer.content
