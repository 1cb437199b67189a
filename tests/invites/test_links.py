"""Link tokens: only we can make one, and everybody else's is refused without asking the database."""

import base64
import re
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries, Settings

from invites.links import (
    LinkClaim,
    form_key,
    link_for,
    mailbox_code,
    make_token,
    read_link,
    token_for,
    verify_token,
)
from tests.factories.invites import make_invite

OLD, NEW, OTHER = b"old" * 12, b"new" * 12, b"other" * 8
CLAIM = LinkClaim(UUID("6f0c9cbe-6b5a-4c0e-9d83-6a4cc9f0f6a1"), 3)


@given(st.uuids(), st.integers(min_value=1, max_value=2**24 - 1))
def test_a_token_says_what_went_into_it(invite_id: UUID, generation: int) -> None:
    claim = LinkClaim(invite_id, generation)
    assert verify_token(make_token(claim, key=NEW), keys=[NEW]) == claim


def test_a_token_is_short_safe_in_an_address_and_always_the_same() -> None:
    token = make_token(CLAIM, key=NEW)
    assert token == make_token(CLAIM, key=NEW)
    assert len(token) == 48
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@given(st.integers(min_value=0, max_value=287))
def test_no_changed_bit_passes(bit: int) -> None:
    data = bytearray(base64.urlsafe_b64decode(make_token(CLAIM, key=NEW)))
    data[bit // 8] ^= 1 << bit % 8
    assert verify_token(base64.urlsafe_b64encode(bytes(data)).decode(), keys=[NEW]) is None


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        make_token(CLAIM, key=NEW)[:-1],
        make_token(CLAIM, key=NEW) + "A",
        make_token(CLAIM, key=NEW) + "\n",
        make_token(CLAIM, key=NEW).replace("-", "+"),
        make_token(CLAIM, key=OTHER),
        "А" * 48,  # noqa: RUF001 - Cyrillic letters
        "A" * 48,
    ],
)
def test_what_is_not_ours_is_refused(token: str) -> None:
    if token == make_token(CLAIM, key=NEW):
        token = token.swapcase()
    assert verify_token(token, keys=[NEW]) is None


def test_old_keys_still_verify_and_the_first_signs(settings: Settings) -> None:
    before = make_token(CLAIM, key=OLD)
    assert verify_token(before, keys=[NEW, OLD]) == CLAIM
    assert verify_token(before, keys=[NEW]) is None
    settings.LINK_KEYS = [NEW, OLD]
    assert read_link(before) == CLAIM
    assert read_link(make_token(CLAIM, key=NEW)) == CLAIM


def test_generations_have_different_tokens() -> None:
    assert make_token(CLAIM, key=NEW) != make_token(LinkClaim(CLAIM.invite_id, 4), key=NEW)


@pytest.mark.django_db
def test_a_link_is_made_again_from_the_invite_and_the_keys(settings: Settings) -> None:
    settings.LINK_KEYS = [NEW, OLD]
    invite = make_invite()
    assert link_for(invite) == f"{settings.PUBLIC_URL}/join/{token_for(invite)}"
    assert read_link(token_for(invite)) == LinkClaim(invite.pk, 1)
    assert token_for(invite) == make_token(LinkClaim(invite.pk, 1), key=NEW)


@pytest.mark.django_db
def test_a_forged_token_is_refused_without_asking_the_database(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_num_queries(0):
        assert read_link(make_token(LinkClaim(uuid4(), 1), key=OTHER)) is None


def test_a_form_key_is_of_one_device_and_one_link() -> None:
    keys = {form_key(device, token) for device in ("a", "b") for token in ("t", "u")}
    assert len(keys) == 4
    assert form_key("a", "t") == form_key("a", "t")


def test_a_mailbox_code_is_six_digits_that_only_our_newest_key_makes(settings: Settings) -> None:
    code_id = uuid4()
    settings.LINK_KEYS = [NEW, OLD]
    code = mailbox_code(code_id)
    assert code == mailbox_code(code_id)
    assert re.fullmatch(r"[0-9]{6}", code)
    settings.LINK_KEYS = [NEW]
    assert mailbox_code(code_id) == code
    codes = {mailbox_code(uuid4()) for _each in range(200)}
    assert len(codes) > 190
    assert all(len(each) == 6 for each in codes)  # leading zeros are kept


def test_a_mailbox_code_is_another_one_under_another_key(settings: Settings) -> None:
    ids = [uuid4() for _each in range(20)]
    settings.LINK_KEYS = [NEW]
    before = [mailbox_code(each) for each in ids]
    settings.LINK_KEYS = [OTHER]
    assert [mailbox_code(each) for each in ids] != before
