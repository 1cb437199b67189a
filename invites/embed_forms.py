"""The console's list of hosts that entries may show media from."""

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from invites.settings_fields import LinesField
from rooms.policy.media import MOST_HOSTS, host_in


class EmbedHostsForm(forms.Form):
    """A small form of its own on the tab `theming`."""

    embedHosts = LinesField(  # noqa: N815 - named as the other fields of the console
        label="embedHosts",
        required=False,
        rows=6,
        help_text=gettext_lazy(
            "Hosts that videos and webcasts may be shown from, one in a line, such as video.example.edu. "
            "Each means itself and everything below it."
        ),
    )

    def clean_embedHosts(self) -> list[str]:  # noqa: N802 - Django finds it by the field's name
        """Every line a host, once.

        Raises:
            ValidationError: one is none, or there are too many.
        """
        lines = [line.strip() for line in self.cleaned_data["embedHosts"] if line.strip()]
        for line in lines:
            if not host_in(line):
                raise forms.ValidationError(
                    _("“%(line)s” is not a host. Write it like video.example.edu, without https://.")
                    % {"line": line[:100]}
                )
        hosts = list(dict.fromkeys(host_in(line) for line in lines))
        if len(hosts) > MOST_HOSTS:
            raise forms.ValidationError(_("These are too many: %(most)d is the most.") % {"most": MOST_HOSTS})
        return hosts
