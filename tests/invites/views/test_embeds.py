"""The console's list of hosts that entries may show media from."""

import pytest
from django.test import Client

from invites.models import AuditEvent
from rooms.policy.media import USUAL_HOSTS
from rooms.queries.media import embed_hosts_of
from tests.factories.console import launched_tab
from tests.factories.lti import make_tenant

pytestmark = pytest.mark.django_db
THEMING = "/admin/config/tab/theming"


def test_the_list_is_shown_changed_and_logged(client: Client) -> None:
    tenant, other = make_tenant(), make_tenant()
    address = f"/~{launched_tab(client, tenant).handle}{THEMING}"
    assert "youtube-nocookie.com" in client.get(address).content.decode()
    typed = "video.uni.example\r\n\r\nVidéo.example.\r\nvideo.uni.example"
    answer = client.post(address, {"embedHosts": typed})
    assert answer.status_code == 303
    assert embed_hosts_of(tenant) == ("video.uni.example", "xn--vido-dpa.example")
    assert embed_hosts_of(other) == USUAL_HOSTS
    event = AuditEvent.objects.get(tenant=tenant)
    assert event.action == "theming.changed"
    assert "Hosts to show media from" in client.get(address.replace("theming", "audit")).content.decode()
    client.post(address, {"embedHosts": ""})
    assert embed_hosts_of(tenant) == (), "nothing is a list, too"


@pytest.mark.parametrize(
    "line", ["https://video.example", "video", "a b.example", "video.example/path", "*.example"]
)
def test_a_line_that_is_no_host_is_refused_and_kept(client: Client, line: str) -> None:
    tenant = make_tenant()
    address = f"/~{launched_tab(client, tenant).handle}{THEMING}"
    answer = client.post(address, {"embedHosts": f"good.example\n{line}"})
    assert answer.status_code == 422
    text = answer.content.decode()
    assert "is not a host" in text
    assert f"good.example\n{line}" in text
    assert embed_hosts_of(tenant) == USUAL_HOSTS


def test_the_other_form_of_the_tab_leaves_it_alone(client: Client) -> None:
    tenant = make_tenant()
    address = f"/~{launched_tab(client, tenant).handle}{THEMING}"
    client.post(address, {"embedHosts": "video.example"})
    assert client.post(address, {"mediapage": "No"}).status_code == 303
    assert embed_hosts_of(tenant) == ("video.example",)
