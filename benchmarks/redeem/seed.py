"""What stands in the database before the first device knocks; and a redemption for pgbench.

Everything that pgbench has to name (invites, devices, new rows) has an id or a hash that follows from a
number: MD5 and SHA-256 of a word and the number, which SQL can compute too.
"""

import os
import sys
from datetime import timedelta
from hashlib import md5
from pathlib import Path
from typing import Any
from uuid import UUID

ROOT = Path(__file__).resolve().parent.parent.parent
SINGLE = 200_000  # links for one device each: numbers from 1; pgbench has the upper half
SHARED = 100  # links for many devices: `thousand` and `unlimited`, numbers from 0
PGBENCH_DEVICES = 1_000_000_000


def id_of(word: str, number: int) -> UUID:
    """As `md5('word' || number)::uuid` in SQL."""
    return UUID(md5(f"{word}{number}".encode()).hexdigest())  # noqa: S324 - guards nothing


def email_of(word: str, number: int) -> str:
    """Whom an invite was made for."""
    return f"{word}{number}@guests.example.org"


def seed(folder: Path) -> None:
    """Make links of all kinds, and write `single.sql` and `shared.sql` into the folder."""
    sys.path.insert(0, str(ROOT))
    import django  # noqa: PLC0415

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import connection  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    entry = _make_entry()
    for word, count, devices in (
        ("single", SINGLE, 1),
        ("thousand", SHARED, 1000),
        ("unlimited", SHARED, None),
        ("pgbench", 16, PGBENCH_DEVICES),
        ("template", 1, 1),
    ):
        _make_invites(entry, word, count, devices)
    for number in range(16):
        _let_somebody_in("pgbench", number)
    first = _captured_redemption("template", 0, "first device")
    second = _captured_redemption("pgbench", 0, "second device")
    numbers = "\\set d random(1, 9000000000000000000)\n"
    turn = f"\\set i :i + 1\n\\set k {SINGLE // 2} + :i\n"
    (folder / "single.sql").write_text(turn + numbers + _script(first, "single"))
    (folder / "shared.sql").write_text("\\set k :client_id % :links\n" + numbers + _script(second, "pgbench"))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _make_entry() -> Any:  # noqa: ANN401 - models can be imported only after Django is set up
    from django.utils import timezone  # noqa: PLC0415

    from lti_tool.models import Platform, Tenant  # noqa: PLC0415
    from rooms.models import Entry  # noqa: PLC0415

    platform = Platform.objects.create(
        issuer="https://lms.example.edu", client_id="benchmark", state="active"
    )
    tenant = Tenant.objects.create(platform=platform, name="Benchmark University")
    now = timezone.now()
    return Entry.objects.create(
        tenant=tenant,
        title="Guest lecture",
        starts_at=now + timedelta(hours=1),
        ends_at=now + timedelta(hours=3),
    )


def _make_invites(entry: Any, word: str, count: int, devices: int | None) -> None:  # noqa: ANN401 - as above
    from django.utils import timezone  # noqa: PLC0415

    from invites.models import Invite  # noqa: PLC0415

    now = entry.created_at
    Invite.objects.bulk_create(
        (
            Invite(
                id=id_of(word, number),
                tenant=entry.tenant,
                entry=entry,
                email=email_of(word, number),
                normalised_email=email_of(word, number),
                first_name="Ana",
                last_name="Guest",
                role="speaker",
                expires_at=now + timedelta(days=1),
                max_devices=devices,
                made_at=timezone.now(),
            )
            for number in range(count)
        ),
        batch_size=2000,
    )


# --- The statements ---------------------------------------------------------------------------------------


def _let_somebody_in(word: str, number: int) -> None:
    """So that the next device is not the first, under ids that SQL can compute."""
    from invites.models import Invite  # noqa: PLC0415
    from rooms.models import Guest, Participant  # noqa: PLC0415

    invite = Invite.objects.get(pk=id_of(word, number))
    guest = Guest.objects.create(
        id=id_of("guest", number), tenant_id=invite.tenant_id, normalised_email=email_of(word, number)
    )
    Participant.objects.create(
        id=id_of("participant", number),
        entry_id=invite.entry_id,
        guest=guest,
        granted_role=invite.role,
        granted_until=invite.expires_at,
    )
    Invite.objects.filter(pk=invite.pk).update(participant=id_of("participant", number))


def _captured_redemption(word: str, number: int, device: str) -> list[tuple[str, Any]]:
    """The statements of a real redemption, each with its values, and what the values are at the end."""
    from django.db import connection  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    from invites.links import LinkClaim  # noqa: PLC0415
    from invites.models import Invite, Redemption  # noqa: PLC0415
    from invites.queries import door_of  # noqa: PLC0415
    from invites.services.redeem import Device, knock  # noqa: PLC0415

    taken: list[tuple[str, Any]] = []

    def take(execute: Any, sql: str, values: Any, many: bool, context: Any) -> Any:  # noqa: ANN401, FBT001
        taken.append((sql, list(values or ())))
        return execute(sql, values, many, context)

    claim, phone = LinkClaim(id_of(word, number), 1), Device(device)
    with connection.execute_wrapper(take):
        door = door_of(claim, phone.hash)
        knock(claim, email_of(word, number), device=phone, address="192.0.2.1", now=timezone.now(), door=door)
    redemption = Redemption.objects.select_related("issued_pass__participant__guest").get(
        invite_id=claim.invite_id, device_hash=phone.hash
    )
    issued = redemption.issued_pass
    participant, invite = issued.participant, Invite.objects.get(pk=claim.invite_id)
    guest = participant.guest
    assert guest is not None  # noqa: S101 - nobody here is known by an LMS
    shown = {
        redemption.device_hash: "encode(sha256(('device' || :d)::bytea), 'hex')",
        issued.secret_hash: "encode(sha256(('secret' || :d)::bytea), 'hex')",
        redemption.pk: "md5('redemption' || :d)::uuid",
        issued.pk: "md5('pass' || :d)::uuid",
        invite.pk: "md5('{word}' || :k)::uuid",
        invite.normalised_email: "'{word}' || :k || '@guests.example.org'",
        participant.guest.search_text
        if participant.guest
        else "": "'ana guest {word}' || :k || '@guests.example.org'",
        participant.pk: "md5('participant' || :k)::uuid",
        guest.pk: "md5('guest' || :k)::uuid",
    }
    return [*taken, ("", shown)]


def _script(taken: list[tuple[str, Any]], word: str) -> str:
    """Those statements with pgbench's variables in the place of what is another one each time."""
    from psycopg import sql  # noqa: PLC0415

    *statements, (_nothing, shown) = taken
    lines = []
    for text, values in statements:
        parts = text.split("%s")
        for number, value in enumerate(values):
            known = shown.get(value)
            meant = known.replace("{word}", word) if known else sql.Literal(value).as_string(None)
            parts[number] += f"({meant})"
        lines.append(" ".join("".join(parts).split()) + ";")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    os.environ["FOYER_INTERFACE"] = "wsgi"
    seed(Path(sys.argv[1]))
