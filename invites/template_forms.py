"""The forms of email templates. What is wrong with a text is told at its place."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from invites.languages import KNOWN, is_right_to_left, language_choices, shown_language
from invites.letters import Texts
from invites.markup import DEEPEST, LONGEST, CleanHtml, MarkupError, clean_html
from invites.models import EmailTemplate
from invites.services.templates import Words
from invites.settings_fields import dress
from invites.tokens import Finding, Flaw, Token, check_html, check_subject, check_text

SHOWN_FINDINGS: Final = 12

MEANINGS: Final[dict[Token, Promise]] = {
    Token.URL: gettext_lazy("the guest’s personal link; every text needs it"),
    Token.FIRSTNAME: gettext_lazy("the guest’s first name; may be empty"),
    Token.LASTNAME: gettext_lazy("the guest’s last name"),
    Token.EMAIL: gettext_lazy("the invited address, which the guest types to get in"),
    Token.INVITER: gettext_lazy("the name of whoever invites; an answer to the mail goes to them"),
    Token.ROLE: gettext_lazy("what the guest may do: viewer, moderator or speaker"),
    Token.TITLE: gettext_lazy("the title of the session"),
    Token.COURSE: gettext_lazy("the title of the course; may be empty"),
    Token.START: gettext_lazy("when it starts, with the time zone; empty without a schedule"),
    Token.END: gettext_lazy("when it ends; empty without a schedule"),
    Token.EXPIRES: gettext_lazy("until when the link is valid"),
    Token.QRCODE: gettext_lazy("in HTML a picture of the link, for a phone’s camera; in plain text nothing"),
}


class NameForm(forms.Form):
    """What a template is called."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=100,
        help_text=gettext_lazy("Only administrators see it, for example “Guest lectures”."),
        error_messages={"required": gettext_lazy("Give the template a name.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as Django has it
        super().__init__(*args, **kwargs)
        dress(self)

    def clean_name(self) -> str:
        """One line, each gap one space."""
        return " ".join(str(self.cleaned_data["name"]).split())


class NewTemplateForm(NameForm):
    """A new template: its name and its first language."""

    language = forms.ChoiceField(
        label=gettext_lazy("Language"),
        help_text=gettext_lazy("It is also the one for everybody else; more can be added."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as Django has it
        super().__init__(*args, **kwargs)
        _choices(self, "language", language_choices(KNOWN))


class DetailsForm(NameForm):
    """A template's name and the language for everybody else."""

    fallback_language = forms.ChoiceField(
        label=gettext_lazy("Language for everybody else"),
        help_text=gettext_lazy("Guests whose language has no text get this one."),
    )

    def __init__(self, *args: Any, template: EmailTemplate, **kwargs: Any) -> None:  # noqa: ANN401 - as Django has it
        super().__init__(*args, **kwargs)
        _choices(self, "fallback_language", language_choices(_languages_of(template)))


class LanguageForm(forms.Form):
    """One more language for a template, and what its text starts with."""

    language = forms.ChoiceField(label=gettext_lazy("Language"))
    like = forms.ChoiceField(
        label=gettext_lazy("Start with"),
        required=False,
        help_text=gettext_lazy("Foyer’s own words are there in English, French, Spanish and German."),
    )

    def __init__(self, *args: Any, template: EmailTemplate, **kwargs: Any) -> None:  # noqa: ANN401 - as Django has it
        super().__init__(*args, **kwargs)
        there = _languages_of(template)
        _choices(self, "language", language_choices(KNOWN - there))
        written = [
            (code, _("The text in %(language)s") % {"language": name})
            for code, name in language_choices(there)
        ]
        _choices(self, "like", [("", _("Foyer’s own words")), *written])
        dress(self)


def _choices(form: forms.Form, name: str, choices: Sequence[tuple[str, str]]) -> None:
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)  # noqa: S101 - tells mypy what stands above
    field.choices = list(choices)


def _languages_of(template: EmailTemplate) -> frozenset[str]:
    return frozenset(text.language for text in template.texts.all())


# --- A text -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """Something wrong in a field, in words, and where it stands; `length` is that of the word."""

    words: str
    line: int
    column: int
    length: int


class TextForm(forms.Form):
    """What a template says in one language.

    Attributes:
        places: by field, everything that is wrong in it.
        clean: the HTML as a mail may carry it, and what was taken out; None where it cannot be read.
    """

    subject = forms.CharField(
        label=gettext_lazy("Subject"),
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": gettext_lazy("A mail needs a subject.")},
    )
    text = forms.CharField(
        label=gettext_lazy("Text"),
        max_length=LONGEST,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 18}),
        help_text=gettext_lazy("For mail programs that show no HTML, and for screens that prefer it."),
        error_messages={"required": gettext_lazy("Every mail has a plain text: write what it says.")},
    )
    html = forms.CharField(
        label=gettext_lazy("HTML"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 22, "spellcheck": "false"}),
        help_text=gettext_lazy("May be left empty: then the mail is plain text."),
    )

    def __init__(self, *args: Any, language: str, **kwargs: Any) -> None:  # noqa: ANN401 - as Django has it
        super().__init__(*args, **kwargs)
        dress(self)
        for field in self.fields.values():
            field.widget.attrs |= {"lang": language, "dir": "rtl" if is_right_to_left(language) else "ltr"}
        self.fields["html"].widget.attrs |= {"class": "input input--code", "dir": "ltr"}
        self.language = language
        self.places: dict[str, list[Place]] = {}
        self.clean_markup: CleanHtml | None = None

    def clean_subject(self) -> str:
        """One line, in which every token is known."""
        return self._checked("subject", " ".join(str(self.cleaned_data["subject"]).split()), check_subject)

    def clean_text(self) -> str:
        """A text with the link in it."""
        return self._checked("text", _lines(self.cleaned_data["text"]).rstrip() + "\n", check_text)

    def clean_html(self) -> str:
        """HTML with the link in it, as it was typed; what is sent of it is in `clean_markup`."""
        source = _lines(self.cleaned_data["html"])
        if not source.strip():
            self.clean_markup = CleanHtml("", (), has_moved_style=False)
            return ""
        try:
            self.clean_markup = clean_html(source)
        except MarkupError:
            raise forms.ValidationError(
                _("Too much for a mail: at most %(signs)s signs, and %(depth)s elements in each other.")
                % {"signs": LONGEST, "depth": DEEPEST}
            ) from None
        self._checked("html", source, check_html)
        if "html" not in self.places and (left := check_html(self.clean_markup.html)):
            # What was taken out held it, or held it together.
            self._add_places("html", [Finding(each.flaw, each.word) for each in left])
        return source

    def _checked(self, name: str, text: str, check: Callable[[str], tuple[Finding, ...]]) -> str:
        self._add_places(name, check(text))
        return text

    def _add_places(self, name: str, findings: Sequence[Finding]) -> None:
        if not findings:
            return
        shown = [
            Place(told(finding, has_lines=name != "subject"), finding.line, finding.column, len(finding.word))
            for finding in findings[:SHOWN_FINDINGS]
        ]
        self.places[name] = shown
        self.add_error(name, [place.words for place in shown])

    @property
    def question(self) -> str:
        """What a confirmation answers: to save this HTML without what a mail cannot carry; empty for none."""
        clean = self.clean_markup
        if clean is None or not clean.removed:
            return ""
        return sha256(repr((self.data.get("html"), clean.removed)).encode()).hexdigest()[:16]

    def read(self) -> Words:
        """The checked words; call it on a valid form."""
        html = self.clean_markup.html if self.clean_markup else ""
        return Words(self.cleaned_data["subject"], self.cleaned_data["text"], html and f"{html}\n")

    def as_typed(self) -> Texts:
        """What stands in the fields, good or not, for a preview: what cannot be read is left out."""
        typed = {name: _lines(self[name].value() or "") for name in self.fields}
        html = self.clean_markup.html if self.clean_markup else ""
        return Texts(subject=typed["subject"], text=typed["text"], html=html, language=self.language)


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


# --- Flaws in words -----------------------------------------------------------------------------------------

_FLAWS: Final[dict[Flaw, Promise]] = {
    Flaw.UNKNOWN: gettext_lazy("There is no token %(word)s. “Tokens” shows all that there are."),
    Flaw.NO_URL: gettext_lazy(
        "{URL} is missing: without the link nobody gets in. Write it where it shall stand."
    ),
    Flaw.NOT_IN_SUBJECT: gettext_lazy(
        "%(word)s cannot stand in a subject: mail servers write subjects into their logs."
    ),
    Flaw.IN_LINK: gettext_lazy(
        "%(word)s cannot stand in an address: its value comes from people, and could lead anywhere. "
        "Only {URL} can, as a whole href."
    ),
    Flaw.LINK_NOT_ALONE: gettext_lazy(
        '{URL} is a whole link: nothing may touch it. In HTML write href="{URL}" or the word by itself.'
    ),
    Flaw.GLUED: gettext_lazy(
        "%(word)s touches an address, and its value would become a part of it. Put a space between the two."
    ),
    Flaw.IN_TAG: gettext_lazy(
        "%(word)s cannot stand inside a tag. Write it between tags, where words stand."
    ),
    Flaw.IN_STYLE: gettext_lazy("%(word)s cannot stand in style: its value is words."),
}


def told(finding: Finding, *, has_lines: bool) -> str:
    """A flaw in words, with its place."""
    says = str(_FLAWS[finding.flaw]) % {"word": finding.word}
    if finding.suggestion:
        says = _("There is no token %(word)s. Did you mean %(token)s?") % {
            "word": finding.word,
            "token": finding.suggestion,
        }
    if not finding.line:
        return says
    place = {"line": finding.line, "column": finding.column, "says": says}
    if has_lines:
        return _("Line %(line)s, column %(column)s: %(says)s") % place
    return _("Sign %(column)s: %(says)s") % place


def languages_shown(template: EmailTemplate) -> list[str]:
    """The names of a template's languages."""
    return [shown_language(code) for code, _name in language_choices(_languages_of(template))]
