"""Register a platform by its issuer, client id and addresses."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from common.errors import AppError
from lti_tool.models import Platform
from lti_tool.services.registration import (
    KEYS_PATH,
    LAUNCH_PATH,
    LOGIN_PATH,
    Registration,
    RegistrationExistsError,
    register_platform,
)
from lti_tool.services.renaming import rename_platform


class Command(BaseCommand):
    """Doing it twice changes nothing; `--update` changes what differs."""

    help = "Register an LMS (LTI 1.3 platform). Running it again with the same values changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The values that the LMS shows to its administrator."""
        parser.add_argument("--issuer", required=True)
        parser.add_argument("--client-id", required=True)
        parser.add_argument("--auth-url", required=True, help="OpenID Connect authentication endpoint")
        parser.add_argument("--token-url", required=True, help="OAuth2 access token URL")
        parser.add_argument("--jwks-url", required=True, help="keyset URL of the LMS")
        parser.add_argument("--audience", default="", help="OAuth2 audience, where it is not the token URL")
        parser.add_argument(
            "--deployment-id",
            action="append",
            default=[],
            help="may be given several times; without it deployments are accepted as they come",
        )
        parser.add_argument("--name", default="", help="how this LMS is called here")
        parser.add_argument(
            "--tenancy",
            default="",
            choices=["", *Platform.Tenancy.values],
            help="whether the registration is one tenant, or each deployment is",
        )
        parser.add_argument("--update", action="store_true", help="change a registration that exists")
        parser.add_argument(
            "--rename-from",
            default="",
            metavar="OLD_ISSUER",
            help="the LMS moved to another host: give it the new issuer and addresses, keep its rooms",
        )

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401 - as Django has it
        """Register, and say what the LMS must store in turn."""
        registration = Registration(
            issuer=options["issuer"],
            client_id=options["client_id"],
            auth_url=options["auth_url"],
            token_url=options["token_url"],
            jwks_url=options["jwks_url"],
            audience=options["audience"],
            name=options["name"],
            deployment_ids=tuple(options["deployment_id"]),
            tenancy=options["tenancy"],
        )
        if options["rename_from"]:
            self.stdout.write(_renamed(options["rename_from"], registration))
            return
        try:
            registered = register_platform(registration, may_update=options["update"])
        except RegistrationExistsError as error:
            differing = ", ".join(error.differing)
            raise CommandError(f"{error.message} Differing: {differing}. --update changes them.") from error
        except AppError as error:
            raise CommandError(str(error.message)) from error
        self.stdout.write(_outcome(registered.platform, registered.changed, is_new=registered.is_new))


def _renamed(old_issuer: str, registration: Registration) -> str:
    try:
        platform = rename_platform(old_issuer, registration)
    except AppError as error:
        raise CommandError(str(error.message)) from error
    return f"{platform.name}: goes by {platform.issuer} from now on. Its rooms and people are as they were."


def _outcome(platform: Platform, changed: tuple[str, ...], *, is_new: bool) -> str:
    if not is_new:
        what = f"updated: {', '.join(changed)}" if changed else "already registered, nothing differs"
        return f"{platform.name}: {what}."
    base = settings.PUBLIC_URL
    return (
        f"{platform.name}: registered.\n"
        "Store in the LMS:\n"
        f"  OpenID Connect Login URL  {base}{LOGIN_PATH}\n"
        f"  Redirect URL              {base}{LAUNCH_PATH}\n"
        f"  Target Link URI           {base}{LAUNCH_PATH}\n"
        f"  Keyset URL                {base}{KEYS_PATH}"
    )
