"""What a test of a registration found, in words: what is wrong, and what to do about it."""

from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from lti_tool.models import Platform
from lti_tool.services.probe import ADVICE, Finding, Step, Tried

_NAMES: Final[dict[Step, Promise]] = {
    Step.KEYS: gettext_lazy("Fetch the LMS’s keys"),
    Step.TOKEN: gettext_lazy("Ask for an access token"),
    Step.ROSTER: gettext_lazy("Read a page of a course’s roster"),
}
_PLACES: Final[dict[Step, Promise]] = {
    Step.KEYS: gettext_lazy("keyset URL"),
    Step.TOKEN: gettext_lazy("access token URL"),
    Step.ROSTER: gettext_lazy("roster’s address"),
}


@dataclass(frozen=True, slots=True)
class Remark:
    """One finding: what there is, and what to do; `is_advice` where it works all the same."""

    what: str
    todo: str = ""
    is_advice: bool = False


@dataclass(frozen=True, slots=True)
class Trial:
    """One step as the page shows it. `state` is good, bad or untried."""

    name: str
    state: str
    remarks: tuple[Remark, ...]
    said: str = ""
    status: int = 0


def name_of(step: Step) -> str:
    """What is tried."""
    return str(_NAMES[step])


def trial_of(tried: Tried, platform: Platform) -> Trial:
    """A step in words."""
    state = "good" if tried.is_good else "bad" if tried.was_tried else "untried"
    remarks = [_good(tried)] if tried.is_good else []
    remarks += [_remark(one, tried, platform) for one in tried.findings if one is not Finding.FINE]
    return Trial(name_of(tried.step), state, tuple(remarks), said=tried.words, status=tried.status)


def remarks_on_keys(tried: Tried) -> tuple[Remark, ...]:
    """The first step alone, for the field of the keyset URL."""
    if tried.is_good:
        return (_good(tried),)
    return tuple(_remark(one, tried, None) for one in tried.findings)


def _good(tried: Tried) -> Remark:
    number = {"number": tried.count}
    if tried.step is Step.KEYS:
        return Remark(ngettext("%(number)s usable key.", "%(number)s usable keys.", tried.count) % number)
    if tried.step is Step.TOKEN:
        return Remark(_("The LMS gave a token."))
    return Remark(
        ngettext("%(number)s person on the page.", "%(number)s people on the page.", tried.count) % number
    )


def _remark(finding: Finding, tried: Tried, platform: Platform | None) -> Remark:
    values = {
        "place": _PLACES[tried.step],
        "status": tried.status,
        "target": tried.target,
        "audience": platform.audience if platform else "",
        "keyset": f"{settings.PUBLIC_URL}/lti/jwks.json",
    }
    what, todo = _WORDS[finding]
    return Remark(str(what) % values, str(todo) % values, is_advice=finding in ADVICE)


_COMPARE: Final = gettext_lazy("Copy the address once more from the registration in your LMS.")

_WORDS: Final[dict[Finding, tuple[Promise, str | Promise]]] = {
    Finding.FORBIDDEN: (
        gettext_lazy("This server does not ask the %(place)s: it is not https, or not on a public address."),
        gettext_lazy("An LMS in a private network must be allowed by the operator (OUTGOING_ALLOW)."),
    ),
    Finding.UNKNOWN_NAME: (
        gettext_lazy("There is no server of the name that stands in the %(place)s."),
        _COMPARE,
    ),
    Finding.UNREACHABLE: (
        gettext_lazy("The server of the %(place)s cannot be reached."),
        gettext_lazy("It is down, or a firewall keeps this server out. Let it through, or try again later."),
    ),
    Finding.TOO_SLOW: (
        gettext_lazy("The %(place)s did not answer within a few seconds."),
        gettext_lazy("Try again. If it stays slow, some launches will be refused: tell your LMS’s support."),
    ),
    Finding.TOO_LONG: (
        gettext_lazy("The answer of the %(place)s is far too long."),
        _COMPARE,
    ),
    Finding.NO_TLS: (
        gettext_lazy("The certificate of the server behind the %(place)s is not valid."),
        gettext_lazy("Have the certificate renewed, or its chain completed."),
    ),
    Finding.NO_ANSWER: (
        gettext_lazy("The %(place)s gave no usable answer."),
        _COMPARE,
    ),
    Finding.REDIRECTED: (
        gettext_lazy("The %(place)s leads on to another address, at %(target)s."),
        gettext_lazy("No redirects are followed. Put the address in that answers by itself."),
    ),
    Finding.NOT_FOUND: (
        gettext_lazy("There is nothing at the %(place)s (status %(status)s)."),
        gettext_lazy(
            "Copy the address once more from your LMS. Moodle also answers so when it cannot fetch our keys: "
            "it must be able to reach %(keyset)s."
        ),
    ),
    Finding.BAD_STATUS: (
        gettext_lazy("The %(place)s answered with an error (status %(status)s)."),
        gettext_lazy(
            "If copying the address once more does not help, the LMS’s support can look into its log."
        ),
    ),
    Finding.UNREADABLE: (
        gettext_lazy("What the %(place)s answered is not what belongs there."),
        gettext_lazy("Often a sign-in page answers instead. Copy the address once more from your LMS."),
    ),
    Finding.NO_USABLE_KEY: (
        gettext_lazy("The key set holds no key that a launch could be signed with (RSA, 2048 bits or more)."),
        gettext_lazy("See whether this is the keyset URL of the LMS, and not the one of this tool."),
    ),
    Finding.BAD_AUDIENCE: (
        gettext_lazy("The LMS does not accept the audience that we name: %(audience)s"),
        gettext_lazy(
            "Put the value in that your LMS shows as “OAuth2 Audience”. If it shows none, leave it empty."
        ),
    ),
    Finding.OUR_KEYS: (
        gettext_lazy("The LMS could not check our signature."),
        gettext_lazy("It must know our keyset URL and be able to reach it: %(keyset)s"),
    ),
    Finding.BAD_CLIENT: (
        gettext_lazy("The LMS does not accept us as this client."),
        gettext_lazy(
            "Compare the client id. See that the registration is enabled in the LMS, that its keyset URL is "
            "%(keyset)s, and that the audience is right: %(audience)s"
        ),
    ),
    Finding.SCOPE_REFUSED: (
        gettext_lazy("The LMS gives us no right to read rosters."),
        gettext_lazy(
            "Tick “Names and Role Provisioning Services” in registration and deployment. Rooms work "
            "without it; suggestions then show only people who have launched."
        ),
    ),
    Finding.NOBODY_LAUNCHED: (
        gettext_lazy("No course has opened this tool yet, so there is no roster to ask for."),
        gettext_lazy("Open the tool once from a course, then test again."),
    ),
    Finding.NO_SERVICE: (
        gettext_lazy("Launches pass, but none of them names a roster."),
        gettext_lazy(
            "Tick “Names and Role Provisioning Services” in registration and deployment, then open "
            "the tool once from a course."
        ),
    ),
    Finding.NO_TOKEN: (
        gettext_lazy("Without a token there is nothing to ask with."),
        gettext_lazy("Mend the step before this one first."),
    ),
    Finding.TOKEN_REFUSED: (
        gettext_lazy("The LMS gave a token, but does not accept it here (status %(status)s)."),
        gettext_lazy("The token is for something else: compare the access token URL and the audience."),
    ),
    Finding.ROSTER_REFUSED: (
        gettext_lazy("The LMS refuses the roster of the course that launched last (status %(status)s)."),
        gettext_lazy(
            "The extension “Names and Role Provisioning Services” is needed in the deployment, too, not only "
            "in the registration."
        ),
    ),
    Finding.COURSE_GONE: (
        gettext_lazy("The roster of the course that launched last is gone (status %(status)s)."),
        gettext_lazy("Course or deployment were removed. Open the tool from another course, and test again."),
    ),
    Finding.EMPTY_ROSTER: (
        gettext_lazy("Nobody is on the list."),
        gettext_lazy("Tick “Classlist including users not known to this deployment” in the deployment."),
    ),
    Finding.ONE_PERSON: (
        gettext_lazy("Only one person is on the list."),
        gettext_lazy(
            "If the course has more people, tick “Classlist including users not known to this deployment” in "
            "the deployment."
        ),
    ),
    Finding.NO_NAMES: (
        gettext_lazy("Nobody on the list has a name."),
        gettext_lazy("Allow names in the security settings of the deployment, if your rules permit it."),
    ),
    Finding.NO_ADDRESSES: (
        gettext_lazy("Nobody on the list has an email address."),
        gettext_lazy(
            "Allow addresses in the security settings of the deployment: without them an invited colleague "
            "cannot be recognised as one of your people."
        ),
    ),
}
