"""Whatever happens to an invite, in whatever order (design §6, §7, §10): hosts, guests, the clock at random.

What must hold is asked of the database after each step. A small model beside it says each time whether the
link should let this device in, so that the promises are not kept by letting nobody in.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from common.errors import RefusedError, ThrottledError
from invites.links import LinkClaim, mailbox_code
from invites.models import Invite, MailboxCode, ModuleSettings, Redemption
from invites.services.asking import Answer, ask_new_link
from invites.services.codes import Purpose, ask_to_move, enter_code, send_code
from invites.services.issue import Wish, give_new_link, issue_invite
from invites.services.lifecycle import change_role, withdraw_invite
from invites.services.redeem import CodeNeededError, Device, knock
from invites.services.restore import restore_invites
from rooms.access import viewer_by_tab
from rooms.models import Participant, Pass
from rooms.policy.roles import INVITABLE, Role
from tests.factories.invites import make_settings
from tests.factories.lti import make_course, make_member, make_tab, make_tenant
from tests.factories.rooms import make_placed_entry

ADDRESSES = ("ana@example.org", "bo@example.net")
DEVICES = tuple(Device(f"{number:043}") for number in range(4))
ADDRESS = "192.0.2.1"


@dataclass
class Link:
    """One generation of an invite's link, as the model has it. `inside`: devices that hold a place."""

    limit: int | None
    ends_at: object
    inside: set[int] = field(default_factory=set)


class LifeOfAnInvite(RuleBasedStateMachine):
    """Two addresses, four devices, one host, a clock that only goes on.

    There are three rules only, each with many acts: Hypothesis leaves some rules out of each run, and without
    guests or hosts not much would happen.
    """

    def __init__(self) -> None:
        super().__init__()
        self.rolled_back = transaction.atomic()
        self.rolled_back.__enter__()
        cache.clear()
        self.now = timezone.now()
        course = make_course(make_tenant())
        self.entry, placement = make_placed_entry(course)
        tab, _secret = make_tab(make_member(course), placement)
        host = viewer_by_tab(self.entry, tab)
        assert host is not None
        self.host = host
        make_settings(course.tenant, link_duration=60, quota_per_inviter_hour=10_000, quota_per_entry=10_000)
        self.links: dict[str, list[Link]] = {}
        self.withdrawn: set[str] = set()
        self.removed: set[str] = set()
        for address in ADDRESSES:
            self.somebody_is_invited(address, Role.SPEAKER)

    def teardown(self) -> None:
        """Leave nothing behind for the next life."""
        transaction.set_rollback(True)
        self.rolled_back.__exit__(None, None, None)

    # --- Hosts

    @rule(
        address=st.sampled_from(ADDRESSES),
        act=st.sampled_from(
            ["invite", "role", "link", "link", "withdraw", "restore", "restore", "show out", "rules", "rules"]
        ),
        role=st.sampled_from(sorted(INVITABLE)),
        limit=st.sampled_from([1, 2, 3, -1]),
        verify=st.sampled_from(["nobody", "nobody", "hosting", "everybody"]),
    )
    def a_host_acts(self, address: str, act: str, role: Role, limit: int, verify: str) -> None:
        match act:
            case "invite":
                self.somebody_is_invited(address, role)
            case "role":
                change_role(self._invite(address), role, by=self.host, now=self.now)
            case "link":
                self.a_new_link_is_given(address)
            case "withdraw":
                withdraw_invite(self._invite(address), by=self.host, now=self.now)
                self.withdrawn.add(address)
                self.now += timedelta(seconds=1)  # the clock tells withdrawals apart
            case "restore":
                self.a_withdrawal_is_taken_back(address)
            case "show out":
                if Participant.objects.filter(invites__normalised_email=address).update(removed_at=self.now):
                    self.removed.add(address)
            case "rules":
                ModuleSettings.objects.update(link_reusability=limit, verify_mailbox=verify)

    def somebody_is_invited(self, address: str, role: Role) -> None:
        typed = {0: str.lower, 1: str.upper, 2: str.title, 3: " {} ".format}[len(role) % 4](address)
        wish = Wish(email=typed, first_name="", last_name="Guest", role=role)
        issued = issue_invite(self.entry, wish, by=self.host, course=None, language="en", now=self.now)
        assert issued.is_new is (address not in self.links)
        self.removed.discard(address)
        if issued.is_new:
            self.links[address] = [self._link(issued.invite)]

    def a_new_link_is_given(self, address: str) -> None:
        invite = self._invite(address)
        given = give_new_link(
            invite, replacing=invite.generation, by=self.host, is_mailed=False, language="en", now=self.now
        )
        if address in self.withdrawn:  # what the withdrawal ended stays ended
            for link in self.links[address]:
                link.inside.clear()
        self.links[address].append(self._link(given))
        self.withdrawn.discard(address)
        self.removed.discard(address)

    def a_withdrawal_is_taken_back(self, address: str) -> None:
        invite = self._invite(address)
        if invite.withdrawn_at is not None:
            at = invite.withdrawn_at
            restore_invites(self.entry, [invite], withdrawn_at=at, by=self.host, now=self.now)
            self.withdrawn.discard(address)

    # --- The clock

    @rule(minutes=st.sampled_from([1, 9, 16, 16, 70]))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    # --- Guests

    @rule(
        address=st.sampled_from(ADDRESSES),
        act=st.sampled_from(["knock", "knock", "all knock", "move", "move", "ask"]),
        device=st.integers(0, len(DEVICES) - 1),
        back=st.sampled_from([0, 0, 0, 1, 2]),
    )
    def a_guest_acts(self, address: str, act: str, device: int, back: int) -> None:
        match act:
            case "knock":
                self.a_device_knocks(address, device, back)
            case "all knock":
                for each in range(len(DEVICES)):
                    self.a_device_knocks(address, (device + each) % len(DEVICES), 0)
            case "move":
                self.a_device_asks_for_a_place(address, device, back)
            case "ask":
                self.the_guest_asks_for_a_new_link(address, back)

    def a_device_knocks(self, address: str, device: int, back: int) -> None:
        claim, link = self._claim(address, back)
        is_expected = self._lets_in(address, claim, link, device)
        try:
            knock(claim, address, device=DEVICES[device], address=ADDRESS, now=self.now)
        except CodeNeededError:
            assert is_expected
            if not self._types_the_code(claim, device):
                return
        except RefusedError:
            assert not is_expected
            return
        assert is_expected
        self._is_in(address, claim, device)

    def a_device_asks_for_a_place(self, address: str, device: int, back: int) -> None:
        claim, link = self._claim(address, back)
        is_expected = self._may_move(address, claim, link)
        try:
            ask_to_move(claim, address, device=DEVICES[device], address=ADDRESS, language="en", now=self.now)
        except ThrottledError:
            return  # three codes a quarter of an hour: that is tested elsewhere
        except RefusedError:
            assert not is_expected
            return
        self._enter(claim, device)
        assert is_expected
        if device not in link.inside and link.limit is not None and len(link.inside) >= link.limit:
            link.inside.remove(self._who_went(claim, link))
        self._is_in(address, claim, device)

    def the_guest_asks_for_a_new_link(self, address: str, back: int) -> None:
        claim, _link = self._claim(address, back)
        before = self._invite(address).generation
        try:
            answer = ask_new_link(claim, address, address=ADDRESS, language="en", now=self.now)
        except RefusedError:
            assert address in self.withdrawn | self.removed
            return
        assert address not in self.withdrawn | self.removed
        assert answer == Answer.MAILED
        invite = self._invite(address)
        assert invite.generation - before in {0, 1}
        if invite.generation > before:
            self.links[address].append(self._link(invite))

    # --- What must hold

    @invariant()
    def every_promise_is_kept(self) -> None:
        living = self._living()
        for (address, generation), count in living.items():
            limit = self.links[address][generation - 1].limit
            assert limit is None or count <= limit, "more devices than the link allows"
            assert address not in self.withdrawn, "withdrawn, and in"
            beside = [other for one, other in living if one == address and other != generation]
            assert beside == [], "an old pass beside one of a newer link"
        for address, links in self.links.items():
            for generation, link in enumerate(links, start=1):
                expected = 0 if address in self.withdrawn else len(link.inside)
                assert living[address, generation] == expected, "not the devices that should be in"

    @invariant()
    def nobody_withdrawn_keeps_a_role_and_an_address_is_invited_once(self) -> None:
        invites = Invite.objects.values_list("normalised_email", "withdrawn_at", "participant__granted_role")
        assert sorted(email for email, _at, _role in invites) == sorted(self.links)
        assert not [email for email, at, role in invites if at is not None and role]

    # --- The model

    def _lets_in(self, address: str, claim: LinkClaim, link: Link, device: int) -> bool:
        if address in self.withdrawn | self.removed:
            return False
        if device in link.inside:
            return True
        is_newest = claim.generation == len(self.links[address])
        is_full = link.limit is not None and len(link.inside) >= link.limit
        return is_newest and self.now < link.ends_at and not is_full  # type: ignore[operator]

    def _may_move(self, address: str, claim: LinkClaim, link: Link) -> bool:
        is_newest = claim.generation == len(self.links[address])
        is_open = is_newest and self.now < link.ends_at  # type: ignore[operator]
        return is_open and address not in self.withdrawn | self.removed

    def _is_in(self, address: str, claim: LinkClaim, device: int) -> None:
        links = self.links[address]
        if device not in links[claim.generation - 1].inside:  # its first use ends what older links gave
            for older in links[: claim.generation - 1]:
                older.inside.clear()
        links[claim.generation - 1].inside.add(device)

    def _who_went(self, claim: LinkClaim, link: Link) -> int:
        living = Redemption.objects.filter(
            invite_id=claim.invite_id, generation=claim.generation, issued_pass__ended_at__isnull=True
        )
        hashes = set(living.values_list("device_hash", flat=True))
        went = [each for each in link.inside if DEVICES[each].hash not in hashes]
        assert len(went) == 1
        return went[0]

    # --- Underneath

    def _invite(self, address: str) -> Invite:
        found = Invite.objects.select_related("entry__tenant__platform", "made_by", "participant", "tenant")
        return found.get(normalised_email=address)

    def _link(self, invite: Invite) -> Link:
        return Link(limit=invite.max_devices, ends_at=invite.expires_at)

    def _claim(self, address: str, back: int) -> tuple[LinkClaim, Link]:
        """The newest link, or one that far back."""
        generation = max(1, len(self.links[address]) - back)
        return LinkClaim(self._invite(address).pk, generation), self.links[address][generation - 1]

    def _types_the_code(self, claim: LinkClaim, device: int) -> bool:
        try:
            send_code(claim, Purpose.VERIFY, device=DEVICES[device], language="en", now=self.now)
            self._enter(claim, device)
        except ThrottledError:
            return False
        return True

    def _enter(self, claim: LinkClaim, device: int) -> None:
        mine = MailboxCode.objects.filter(
            invite_id=claim.invite_id,
            generation=claim.generation,
            device_hash=DEVICES[device].hash,
            used_at__isnull=True,
        )
        digits = mailbox_code(mine.latest("made_at").pk)
        enter_code(claim, digits, device=DEVICES[device], address=ADDRESS, now=self.now)

    def _living(self) -> Counter[tuple[str, int]]:
        alive = Pass.objects.filter(ended_at__isnull=True, redemption__isnull=False)
        return Counter(alive.values_list("redemption__invite__normalised_email", "redemption__generation"))


@pytest.mark.django_db
def test_no_life_of_an_invite_breaks_a_promise() -> None:
    run_state_machine_as_test(
        LifeOfAnInvite,
        settings=settings(
            max_examples=18,
            stateful_step_count=30,
            deadline=None,
            # The first life that breaks a promise is told as it is: to find a shorter one takes minutes.
            phases=[Phase.reuse, Phase.generate],
            report_multiple_bugs=False,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
