"""Our own keys: made once, rotated with an overlap."""

import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

from lti_tool.own_keys import own_keys, rotate_own_keys, signing_key

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)


def test_the_first_key_is_made_on_first_need(own_keys_dir: Path) -> None:
    [key] = own_keys()
    assert stat.S_IMODE(own_keys_dir.stat().st_mode) == 0o700
    assert stat.S_IMODE(key.path.stat().st_mode) == 0o600
    assert key.private_pem.startswith("-----BEGIN PRIVATE")
    assert own_keys() == [key]
    assert signing_key(now=NOW - timedelta(days=365)) == key, "the only key signs at once"


def test_many_at_once_make_one_key(own_keys_dir: Path) -> None:
    together = threading.Barrier(6)

    def need(_number: int) -> str:
        together.wait()
        return own_keys()[0].path.name

    with ThreadPoolExecutor(6) as crowd:
        names = set(crowd.map(need, range(6)))
    assert len(names) == len(list(own_keys_dir.glob("*.pem"))) == 1


def test_a_new_key_is_published_a_day_before_it_signs(own_keys_dir: Path) -> None:
    first = own_keys()[0]
    start = first.made_at + timedelta(days=100)
    second, removed = rotate_own_keys(now=start)
    assert removed == []
    assert own_keys() == [first, second]
    assert signing_key(now=start + timedelta(hours=23)) == first
    assert signing_key(now=start + timedelta(hours=24)) == second
    third, removed = rotate_own_keys(now=start + timedelta(days=9))
    assert removed == [first]
    assert own_keys() == [second, third]


def test_files_of_others_in_the_folder_are_left_alone(own_keys_dir: Path) -> None:
    own_keys_dir.mkdir()
    (own_keys_dir / "README.md").write_text("hello")
    (own_keys_dir / "signing-half.new").write_text("half a key")
    assert len(own_keys()) == 1
