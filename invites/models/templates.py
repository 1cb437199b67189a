"""What invitation mails say."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from lti_tool.models import Tenant


class EmailTemplate(models.Model):
    """What an invitation's mail says, in any number of languages: its `texts`.

    A template without texts is the shipped one: `templates/mail/invitation/` speaks for it, in the
    language of the mail.
    """

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="email_templates")
    name = models.CharField(_("name"), max_length=100)
    fallback_language = models.CharField(
        _("language for everybody else"),
        max_length=10,
        default="en",
        help_text=_("Used where the mail's language has no text."),
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("email template")
        verbose_name_plural = _("email templates")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "name"], name="email_template_once_per_tenant")
        ]

    def __str__(self) -> str:
        return self.name


class TemplateText(models.Model):
    """A template's words in one language. Tokens such as `{URL}` are filled in when the mail is sent."""

    template = models.ForeignKey(EmailTemplate, on_delete=models.CASCADE, related_name="texts")
    language = models.CharField(_("language"), max_length=10)
    subject = models.CharField(_("subject"), max_length=200)
    text = models.TextField(_("text"))
    html = models.TextField(_("HTML"), blank=True)

    class Meta:
        verbose_name = _("text of an email template")
        verbose_name_plural = _("texts of email templates")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["template", "language"], name="template_text_once_per_language")
        ]

    def __str__(self) -> str:
        return f"{self.template} ({self.language})"
