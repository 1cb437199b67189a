"""`manage.py rotate_keys`."""

from io import StringIO
from pathlib import Path

from django.core.management import call_command
from django.utils import timezone

from lti_tool.own_keys import own_keys, signing_key


def test_the_new_key_is_published_and_the_old_one_signs(own_keys_dir: Path) -> None:
    old = own_keys()[0]
    out = StringIO()
    call_command("rotate_keys", stdout=out)
    assert len(own_keys()) == 2
    assert signing_key(now=timezone.now()) == old
    assert "signs from" in out.getvalue()
