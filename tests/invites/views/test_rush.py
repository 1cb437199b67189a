"""Everybody at the same instant, at several server processes (design §10, number 2)."""

import os
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from http import HTTPStatus
from selectors import EVENT_READ, BaseSelector, DefaultSelector
from typing import cast
from urllib.parse import urlencode, urlsplit

import pytest

from invites.links import form_key, token_for
from invites.models import Invite, Redemption
from rooms.models import Guest, Participant, Pass
from tests.factories.invites import make_invite
from tests.servers import RunningTool, run_tool

pytestmark = pytest.mark.django_db(transaction=True)

DEVICES, LIMIT = 200, 5


def post_of(invite: Invite, device: str) -> bytes:
    """The lobby's form, as the browser sends it that was given it."""
    token = token_for(invite)
    body = urlencode({"key": form_key(device, token), "email": invite.email}).encode()
    head = [
        f"POST /join/{token} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Cookie: foyer-device={device}",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body)}",
        "Connection: close",
    ]
    return "\r\n".join([*head, "", ""]).encode() + body


def all_at_once(tool: RunningTool, posts: list[bytes]) -> list[int]:
    """Send them so that only the last byte of each is missing, then those; the status of each answer."""
    where = urlsplit(tool.url)
    with ExitStack() as open_ones, DefaultSelector() as answers:
        for post in posts:
            line = socket.create_connection((where.hostname, where.port), timeout=60)
            open_ones.enter_context(line).sendall(post[:-1])
            answers.register(line, EVENT_READ)
        for each, post in zip(list(answers.get_map().values()), posts, strict=True):
            os.write(each.fd, post[-1:])
        return [int(answer.split()[1]) for answer in _as_they_come(answers)]


def _as_they_come(answers: BaseSelector) -> Iterator[bytes]:
    """The beginning of each answer. Whoever has one hangs up, as browsers do: a server waits for that."""
    while answers.get_map():
        came = answers.select(timeout=60)
        assert came, "no answer for a minute"
        for key, _event in came:
            line = cast("socket.socket", key.fileobj)
            yield line.recv(100)
            answers.unregister(line)
            line.close()


def test_two_hundred_devices_at_once_at_several_processes_five_are_in() -> None:
    invite = make_invite(max_devices=LIMIT)
    with run_tool(workers=2) as tool:
        statuses = all_at_once(tool, [post_of(invite, f"{number:043}") for number in range(DEVICES)])
    assert Counter(statuses) == {HTTPStatus.SEE_OTHER: LIMIT, HTTPStatus.FORBIDDEN: DEVICES - LIMIT}
    invite.refresh_from_db()
    assert invite.devices_used == Redemption.objects.count() == Pass.objects.count() == LIMIT
    assert Guest.objects.count() == Participant.objects.count() == 1
