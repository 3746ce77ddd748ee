"""The form of a new task. It only turns text into types; the rules are those of `submit`."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms

from tasks.conf import get_conf
from tasks.services.choosing import accepted_models
from tasks.vocabulary import DEFAULT_PRIORITY, MAX_PRIORITY, MIN_PRIORITY, Provider

_FIELDSETS = [
    (None, {"fields": ["prompt", "system"]}),
    ("Who answers", {"fields": [("provider", "model"), "failover"]}),
    (
        "When and how",
        {
            "fields": [
                ("priority", "run_after"), ("max_tokens", "temperature"), "tags", "form_id"
            ]
        },
    ),
]  # fmt: skip


class SubmitForm(forms.Form):
    """Fields of a submit. `form_id` makes a double click one task, not two."""

    prompt = forms.CharField(
        strip=False,
        widget=forms.Textarea(attrs={"rows": 6, "class": "vLargeTextField", "autofocus": True}),
    )
    system = forms.CharField(
        strip=False,
        required=False,
        label="System text",
        widget=forms.Textarea(attrs={"rows": 2, "class": "vLargeTextField"}),
        help_text="How the model should behave. May be left empty.",
    )
    provider = forms.ChoiceField(required=False)
    model = forms.CharField(
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"list": "model-names", "class": "vTextField"}),
        help_text="Empty: the provider's default. Names are suggested as you type.",
    )
    failover = forms.BooleanField(
        required=False,
        initial=True,
        label="Another provider may answer if this one is out",
    )
    priority = forms.IntegerField(
        initial=DEFAULT_PRIORITY,
        widget=forms.NumberInput(
            attrs={"min": MIN_PRIORITY, "max": MAX_PRIORITY, "class": "vIntegerField"}
        ),
        help_text="10 is called first, 1 last.",
    )
    run_after = forms.DateTimeField(
        required=False,
        label="Not before (UTC)",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    max_tokens = forms.IntegerField(
        required=False,
        widget=forms.NumberInput(attrs={"min": 1, "class": "vIntegerField"}),
        help_text="Cap on the length of the answer.",
    )
    temperature = forms.FloatField(
        required=False,
        widget=forms.NumberInput(attrs={"min": 0, "max": 2, "step": 0.1, "class": "vIntegerField"}),
        help_text="Sent only if given.",
    )
    tags = forms.CharField(
        required=False,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
        help_text="Separated by commas.",
    )
    form_id = forms.CharField(max_length=64, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault("form_id", f"admin-form-{uuid.uuid4()}")
        self.fields["provider"].choices = _provider_choices()  # type: ignore[attr-defined]
        limit = get_conf().prompt_max_chars
        self.fields["prompt"].help_text = f"1 to {limit:,} characters."

    @property
    def admin_fieldsets(self) -> list[Any]:
        return list(_FIELDSETS)

    @property
    def model_names(self) -> list[str]:
        """Every name that some provider accepts, for the model field's suggestions."""
        return list(dict.fromkeys(name for p in Provider for name in _names(p)))

    def as_submission(self) -> dict[str, Any]:
        """What was filled in, as a submit takes it: empty fields are left out.

        Browsers send CRLF for each line break that a person sees as one.
        """
        data = {
            name: value.replace("\r\n", "\n") if isinstance(value, str) else value
            for name, value in self.cleaned_data.items()
            if name != "form_id" and value not in (None, "")
        }
        if "tags" in data:
            data["tags"] = [tag.strip() for tag in data["tags"].split(",") if tag.strip()]
        return data


def _names(provider: Provider) -> list[str]:
    return [] if provider is Provider.AUTO else accepted_models(provider)


def _provider_choices() -> list[tuple[str, str]]:
    conf = get_conf()
    labels = [("", "as configured")]
    for provider in Provider:
        own = conf.providers.get(provider)
        is_out = own is not None and not own.is_configured and not conf.is_mock_standing_in
        note = f" – not configured: set {own.variable}" if own and is_out else ""
        labels.append((provider.value, provider.value + note))
    return labels
