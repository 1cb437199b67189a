"""What a template says in one language: written, looked at, tried on oneself, and saved."""

from dataclasses import dataclass
from typing import Final

from django.contrib.auth.models import User
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from common.errors import MissingError, ThrottledError
from invites.access import ConsoleRequest, for_console
from invites.languages import language_choices, shown_language
from invites.letters import Letter, write_letter
from invites.mail import SendError, can_send_mail
from invites.models import EmailTemplate, OutboxMail, TemplateText
from invites.queries import settings_for, template_for
from invites.services.templates import save_text
from invites.services.trial_mail import send_trial_mail
from invites.template_forms import MEANINGS, TextForm
from invites.views.console_page import console_page, saved
from invites.views.mail_preview import frame_for, sample_invitation

TEMPLATE: Final = "invites/console/emailtemplates_text.html"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a test mail went, for people."""

    is_good: bool
    title: str
    words: str = ""


@require_http_methods(["GET", "HEAD", "POST"])
@for_console
def template_text(request: ConsoleRequest, template_id: int, language: str) -> HttpResponse:
    """One text of a template. A POST saves it, or shows (`do=preview`) or mails (`do=test`) what was typed.

    Raises:
        MissingError: there is no such template or text, or it is another tenant's.
    """
    console = request.console
    template = template_for(console.tenant, template_id)
    stored = next((text for text in template.texts.all() if text.language == language), None)
    if stored is None:
        raise MissingError
    if request.method != "POST":
        return _page(request, template, stored, _form_of(stored))
    form = TextForm(request.POST, language=language)
    is_good, do = form.is_valid(), request.POST.get("do")
    if do == "preview":
        return _page(request, template, stored, form, part="result")
    if do == "test":
        outcome = _try_out(request, form) if is_good else _mend_first()
        return _page(request, template, stored, form, part="result", outcome=outcome)
    if not is_good:
        return _page(request, template, stored, form, status=422)
    if form.question and request.POST.get("confirmed") != form.question:
        return _page(request, template, stored, form, asks=True)
    save_text(template, language, form.read(), by=console.actor, now=timezone.now())
    return saved(console.address("invites:template-text", template.pk, language))


def _form_of(stored: TemplateText) -> TextForm:
    """The form with what is stored, checked as well: what was allowed once may be wrong by now."""
    values = {"subject": stored.subject, "text": stored.text, "html": stored.html}
    form = TextForm(values, language=stored.language)
    form.is_valid()
    return form


def _page(
    request: ConsoleRequest,
    template: EmailTemplate,
    stored: TemplateText,
    form: TextForm,
    *,
    status: int = 200,
    part: str = "",
    outcome: Outcome | None = None,
    asks: bool = False,
) -> HttpResponse:
    console, language = request.console, stored.language
    letter = _letter(request, form)
    address, _name = _own_address(request)
    context = {
        "template": template,
        "language_name": shown_language(language),
        "is_fallback": language == template.fallback_language,
        "is_chosen": settings_for(console.tenant).invite_email_template_id == template.pk,
        "languages": [
            (
                name,
                console.address("invites:template-text", template.pk, code),
                code == language,
                code == template.fallback_language,
            )
            for code, name in language_choices([text.language for text in template.texts.all()])
        ],
        "form": form,
        "tokens": [(token.written, meaning) for token, meaning in MEANINGS.items()],
        "letter": letter,
        "frame_url": frame_for(letter, console),
        "flaw_count": sum(map(len, form.errors.values())),
        "asks": asks,
        "outcome": outcome,
        "test_address": address if can_send_mail() else "",
        "can_send_mail": can_send_mail(),
        "action_url": console.address("invites:template-text", template.pk, language),
        "templates_url": console.url("emailtemplates"),
        "details_url": console.address("invites:template-details", template.pk),
        "language_new_url": console.address("invites:template-language-new", template.pk),
        "language_delete_url": console.address("invites:template-language-delete", template.pk, language),
        "use_url": console.address("invites:template-use", template.pk),
    }
    return console_page(
        request, console, "emailtemplates", context, template=TEMPLATE, part=part, status=status
    )


def _letter(request: ConsoleRequest, form: TextForm) -> Letter:
    sample = sample_invitation(request.console, form.language)
    return write_letter(sample, language=form.language, texts=form.as_typed())


# --- A test mail --------------------------------------------------------------------------------------------


def _own_address(request: ConsoleRequest) -> tuple[str, str]:
    """Where somebody gets a test mail, and their name: as their launch or login tells, never as typed."""
    console = request.console
    if console.tab is not None:
        return console.tab.person.email, console.tab.person.shown_name
    if console.operator_id is not None and isinstance(request.user, User):
        return request.user.email, request.user.get_full_name()
    return "", ""  # a claim link says nothing about who holds it


def _try_out(request: ConsoleRequest, form: TextForm) -> Outcome:
    console = request.console
    address, name = _own_address(request)
    if not address or not can_send_mail():
        return Outcome(is_good=False, title=_("We know no address of yours to send a test to."))
    try:
        send_trial_mail(
            _letter(request, form),
            settings_for(console.tenant),
            to=address,
            to_name=name,
            language=form.language,
            by=console.actor,
        )
    except ThrottledError as error:
        return Outcome(is_good=False, title=error.message, words=error.next_step)
    except SendError as error:
        ours = dict(OutboxMail.Unsent.choices).get(error.problem.value, "")
        title = _("The test mail did not go out.")
        return Outcome(is_good=False, title=title, words=error.words or str(ours))
    return Outcome(
        is_good=True,
        title=_("The mail server took the test mail."),
        words=_("It goes to %(address)s. Nothing was saved yet.") % {"address": address},
    )


def _mend_first() -> Outcome:
    return Outcome(
        is_good=False,
        title=_("The test mail was not sent."),
        words=_("Mend what is marked first: guests could not get a mail like this either."),
    )
