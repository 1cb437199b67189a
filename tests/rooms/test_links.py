"""The hint that travels in a link of a course."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rooms.links import EntryHint, Hint, WishHint, seal, unseal

KEYS = [b"new" * 11, b"old" * 11]
ENTRY = EntryHint(uuid4(), uuid4())
WISH = WishHint(
    tenant_id=uuid4(),
    title="Gletscherkunde – 氷河",
    description="Bring <boots>.\nAnd a rope.",
    starts_at=datetime(2030, 3, 2, 13, tzinfo=UTC),
    ends_at=datetime(2030, 3, 2, 14, tzinfo=UTC),
    time_zone="Europe/Oslo",
    has_chat=False,
)


@pytest.mark.parametrize("hint", [ENTRY, WISH], ids=["entry", "wish"])
def test_a_hint_comes_back_as_it_was(hint: Hint) -> None:
    text = seal(hint, keys=KEYS)
    assert unseal(text, keys=KEYS) == hint
    assert set(text) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")


def test_keys_rotate() -> None:
    old = seal(WISH, keys=KEYS[1:])
    assert unseal(old, keys=KEYS) == WISH
    assert unseal(old, keys=KEYS[:1]) is None


@pytest.mark.parametrize("hint", [ENTRY, WISH], ids=["entry", "wish"])
def test_a_changed_hint_is_none(hint: Hint) -> None:
    text = seal(hint, keys=KEYS)
    for at in range(0, len(text), 3):
        other = "A" if text[at] != "A" else "B"
        changed = f"{text[:at]}{other}{text[at + 1 :]}"
        # The last letter of each part has bits that mean nothing: such a text is the same hint.
        assert unseal(changed, keys=KEYS) in {None, hint}
    assert unseal(seal(hint, keys=[b"stranger" * 4]), keys=KEYS) is None


@given(st.text(max_size=200))
def test_no_text_is_a_crash(text: str) -> None:
    assert unseal(text, keys=KEYS) is None


def test_the_longest_wish_fits_a_custom_parameter() -> None:
    longest = WishHint(
        tenant_id=uuid4(), title="氷" * 200, description="".join(map(chr, range(0x4E00, 0x51E8)))
    )
    assert len(seal(longest, keys=KEYS)) <= 8000
