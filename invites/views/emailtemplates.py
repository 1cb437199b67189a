"""The console's tab `emailtemplates`: the templates there are, their names and languages.

What they say is written in `template_text`.
"""

from typing import Final

from django.conf import settings as django_settings
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from invites.access import Console, ConsoleRequest, for_console
from invites.languages import shown_language
from invites.letters import supported_language, write_letter
from invites.models import EmailTemplate
from invites.queries import settings_for, template_for, templates_of
from invites.services.templates import (
    LanguageError,
    TemplateInUseError,
    TemplateNameTakenError,
    add_language,
    change_details,
    copy_template,
    delete_template,
    make_template,
    remove_language,
    use_template,
)
from invites.template_forms import DetailsForm, LanguageForm, NameForm, NewTemplateForm, languages_shown
from invites.views.console_page import console_page, saved
from invites.views.mail_preview import frame_for, sample_invitation

PAGES: Final = "invites/console/"


def emailtemplates(request: ConsoleRequest) -> HttpResponse:
    """The tenant's templates, and the shipped mail with made-up names in it."""
    console = request.console
    language = supported_language(request.GET.get("language", translation.get_language() or ""))
    stored = settings_for(console.tenant)
    letter = write_letter(sample_invitation(console, language), language=language)
    here = console.url("emailtemplates")
    link = "&" if "?" in here else "?"
    rows = list(templates_of(console.tenant))
    chosen = stored.invite_email_template_id
    context = {
        "stored": stored,
        "rows": [
            {
                "template": row,
                "languages": languages_shown(row),
                "is_chosen": row.pk == chosen,
                **_addresses(console, row),
            }
            for row in rows
        ],
        "is_shipped_chosen": stored.sends_mail and chosen not in {row.pk for row in rows},
        "new_url": console.address("invites:template-new"),
        "rules_url": console.url("invitetomedia"),
        "letter": letter,
        "frame_url": frame_for(letter, console),
        "language": language,
        "language_links": [
            (shown_language(code), f"{here}{link}language={code}#shipped", code == language)
            for code, _name in django_settings.LANGUAGES
        ],
    }
    return console_page(request, console, "emailtemplates", context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_console
def template_new(request: ConsoleRequest) -> HttpResponse:
    """Make a template; it starts with what the shipped mail says."""
    console = request.console
    if request.method != "POST":
        form = NewTemplateForm(initial={"language": supported_language(translation.get_language() or "")})
        return _form_page(request, "emailtemplates_new", form)
    form = NewTemplateForm(request.POST)
    if not form.is_valid():
        return _form_page(request, "emailtemplates_new", form, status=422)
    data = form.cleaned_data
    try:
        made = make_template(
            console.tenant, data["name"], data["language"], by=console.actor, now=timezone.now()
        )
    except TemplateNameTakenError:
        return _taken(request, "emailtemplates_new", form)
    return saved(console.address("invites:template-text", made.pk, data["language"]))


@require_safe
@for_console
def template(request: ConsoleRequest, template_id: int) -> HttpResponse:
    """A template: on to its text for everybody else.

    Raises:
        MissingError: there is no such template, or it is another tenant's.
    """
    stored = template_for(request.console.tenant, template_id)
    return redirect(request.console.address("invites:template-text", stored.pk, stored.fallback_language))


@require_http_methods(["GET", "HEAD", "POST"])
@for_console
def template_details(request: ConsoleRequest, template_id: int) -> HttpResponse:
    """A template's name, and the language for everybody else.

    Raises:
        MissingError: there is no such template, or it is another tenant's.
    """
    console, page = request.console, "emailtemplates_details"
    stored = template_for(console.tenant, template_id)
    initial = {"name": stored.name, "fallback_language": stored.fallback_language}
    if request.method != "POST":
        return _form_page(request, page, DetailsForm(template=stored, initial=initial), stored)
    form = DetailsForm(request.POST, template=stored, initial=initial)
    if not form.is_valid():
        return _form_page(request, page, form, stored, status=422)
    data = form.cleaned_data
    try:
        change_details(stored, data["name"], data["fallback_language"], by=console.actor, now=timezone.now())
    except TemplateNameTakenError:
        return _taken(request, page, form, stored)
    except LanguageError as error:
        form.add_error("fallback_language", error.message)
        return _form_page(request, page, form, stored, status=422)
    return saved(console.url("emailtemplates"))


@require_http_methods(["GET", "HEAD", "POST"])
@for_console
def template_copy(request: ConsoleRequest, template_id: int) -> HttpResponse:
    """Make another template of one, under a name of its own.

    Raises:
        MissingError: there is no such template, or it is another tenant's.
    """
    console, page = request.console, "emailtemplates_copy"
    stored = template_for(console.tenant, template_id)
    if request.method != "POST":
        name = (_("Copy of %(name)s") % {"name": stored.name})[:100]
        return _form_page(request, page, NameForm(initial={"name": name}), stored)
    form = NameForm(request.POST)
    if not form.is_valid():
        return _form_page(request, page, form, stored, status=422)
    try:
        copy = copy_template(stored, form.cleaned_data["name"], by=console.actor, now=timezone.now())
    except TemplateNameTakenError:
        return _taken(request, page, form, stored)
    return saved(console.address("invites:template-text", copy.pk, copy.fallback_language))


@require_POST
@for_console
def template_use(request: ConsoleRequest, template_id: int) -> HttpResponse:
    """Let invitations say what this template says.

    Raises:
        MissingError: there is no such template, or it is another tenant's.
    """
    console = request.console
    use_template(template_for(console.tenant, template_id), by=console.actor, now=timezone.now())
    return saved(console.url("emailtemplates"))


@require_http_methods(["GET", "HEAD", "POST"])
@for_console
def template_delete(request: ConsoleRequest, template_id: int) -> HttpResponse:
    """Ask whether a template shall go; a POST deletes it, unless invitations say what it says.

    Raises:
        MissingError: there is no such template, or it is another tenant's.
    """
    console = request.console
    stored = template_for(console.tenant, template_id)
    is_chosen = settings_for(console.tenant).invite_email_template_id == stored.pk
    if request.method == "POST":
        try:
            delete_template(stored, by=console.actor, now=timezone.now())
        except TemplateInUseError:
            is_chosen = True
        else:
            return saved(console.url("emailtemplates"))
    context = {
        "template": stored,
        "languages": languages_shown(stored),
        "is_chosen": is_chosen,
        "rules_url": console.url("invitetomedia"),
        "templates_url": console.url("emailtemplates"),
        **_addresses(console, stored),
    }
    status = 409 if request.method == "POST" else 200
    page = f"{PAGES}emailtemplates_delete.html"
    return console_page(request, console, "emailtemplates", context, template=page, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@for_console
def template_language_new(request: ConsoleRequest, template_id: int) -> HttpResponse:
    """Give a template a text in one more language.

    Raises:
        MissingError: there is no such template, or it is another tenant's.
    """
    console, page = request.console, "emailtemplates_language"
    stored = template_for(console.tenant, template_id)
    if request.method != "POST":
        return _form_page(request, page, LanguageForm(template=stored), stored)
    form = LanguageForm(request.POST, template=stored)
    if not form.is_valid():
        return _form_page(request, page, form, stored, status=422)
    data = form.cleaned_data
    try:
        add_language(stored, data["language"], like=data["like"], by=console.actor, now=timezone.now())
    except LanguageError as error:
        form.add_error("language", error.message)
        return _form_page(request, page, form, stored, status=422)
    return saved(console.address("invites:template-text", stored.pk, data["language"]))


@require_http_methods(["GET", "HEAD", "POST"])
@for_console
def template_language_delete(request: ConsoleRequest, template_id: int, language: str) -> HttpResponse:
    """Ask whether a language shall go from a template; a POST takes it away.

    Raises:
        MissingError: there is no such template or text, or it is another tenant's.
    """
    console = request.console
    stored = template_for(console.tenant, template_id)
    error: LanguageError | None = None
    if request.method == "POST":
        try:
            remove_language(stored, language, by=console.actor, now=timezone.now())
        except LanguageError as refused:
            error = refused
        else:
            return saved(console.address("invites:template-text", stored.pk, stored.fallback_language))
    context = {
        "template": stored,
        "language_name": shown_language(language),
        "fallback_name": shown_language(stored.fallback_language),
        "is_fallback": error is not None or stored.fallback_language == language,
        "back_url": console.address("invites:template-text", stored.pk, language),
        "here_url": console.address("invites:template-language-delete", stored.pk, language),
        **_addresses(console, stored),
    }
    status = 409 if error else 200
    page = f"{PAGES}emailtemplates_language_delete.html"
    return console_page(request, console, "emailtemplates", context, template=page, status=status)


def _addresses(console: Console, stored: EmailTemplate) -> dict[str, str]:
    """The pages of one template."""
    names = ("details", "copy", "use", "delete", "language-new")
    pages = {
        f"{name.replace('-', '_')}_url": console.address(f"invites:template-{name}", stored.pk)
        for name in names
    }
    return {"template_url": console.address("invites:template", stored.pk), **pages}


def _taken(
    request: ConsoleRequest, page: str, form: NameForm, stored: EmailTemplate | None = None
) -> HttpResponse:
    form.add_error("name", _("Another template is called so. Choose another name."))
    return _form_page(request, page, form, stored, status=422)


def _form_page(
    request: ConsoleRequest,
    page: str,
    form: NameForm | LanguageForm,
    stored: EmailTemplate | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    console = request.console
    context = {
        "form": form,
        "template": stored,
        "templates_url": console.url("emailtemplates"),
        **(_addresses(console, stored) if stored else {"new_url": console.address("invites:template-new")}),
    }
    template_name = f"{PAGES}{page}.html"
    return console_page(request, console, "emailtemplates", context, template=template_name, status=status)
