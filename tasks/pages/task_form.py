"""The form of a new task for people outside the admin. The rules are those of `submit`."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms

from tasks.conf import get_conf
from tasks.models import TemplateVersion
from tasks.services.choosing import accepted_models
from tasks.vocabulary import DEFAULT_PRIORITY, MAX_PRIORITY, MIN_PRIORITY, Provider

_VARIABLE = "variable_"


class TaskForm(forms.Form):
    """It only turns text into types. `form_id` makes a double click one task, not two.

    With a template's version, its variables stand in place of the prompt.
    """

    prompt = forms.CharField(strip=False, widget=forms.Textarea(attrs={"rows": 5}))
    provider = forms.ChoiceField(required=False)
    model = forms.CharField(
        required=False, widget=forms.TextInput(attrs={"list": "model-names"}), max_length=100
    )
    priority = forms.IntegerField(
        initial=DEFAULT_PRIORITY,
        widget=forms.NumberInput(attrs={"min": MIN_PRIORITY, "max": MAX_PRIORITY}),
    )
    max_tokens = forms.IntegerField(
        required=False, label="Token cap", widget=forms.NumberInput(attrs={"min": 1})
    )
    form_id = forms.CharField(max_length=64, widget=forms.HiddenInput)

    def __init__(self, *args: Any, version: TemplateVersion | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.version = version
        self.initial.setdefault("form_id", f"page-form-{uuid.uuid4()}")
        self.fields["provider"].choices = _choices()  # type: ignore[attr-defined]
        limit = get_conf().prompt_max_chars
        self.fields["prompt"].help_text = f"1 to {limit:,} characters."
        self.fields["model"].help_text = "Empty: the provider's default."
        self.fields["priority"].help_text = "10 is called first, 1 last."
        self.fields["max_tokens"].help_text = "Cap on the length of the answer."
        if version is not None:
            del self.fields["prompt"]
            fields = {_VARIABLE + one["name"]: _variable_field(one) for one in version.variables}
            self.fields = fields | self.fields

    @property
    def model_names(self) -> list[str]:
        """Every name that some provider accepts, as suggestions."""
        names = [name for provider, _ in _choices()[1:] for name in _models(provider)]
        return list(dict.fromkeys(names))

    def as_submission(self) -> dict[str, Any]:
        """What was filled in. Browsers send CRLF for each line break that a person sees as one."""
        data = {
            name: value.replace("\r\n", "\n") if isinstance(value, str) else value
            for name, value in self.cleaned_data.items()
            if name != "form_id" and value not in (None, "")
        }
        plain = {name: value for name, value in data.items() if not name.startswith(_VARIABLE)}
        if self.version is None:
            return plain
        names = [one["name"] for one in self.version.variables]
        values = {name: data[_VARIABLE + name] for name in names if _VARIABLE + name in data}
        return plain | {"template": str(self.version), "variables": values}

    def field_of(self, rule_on: str) -> str | None:
        """The field beside which a broken rule is told; None: above them all."""
        name = rule_on.replace("variables.", _VARIABLE, 1)
        return name if name in self.fields else None


def _variable_field(variable: dict[str, Any]) -> forms.CharField:
    return forms.CharField(
        strip=False, required=variable["default"] is None, initial=variable["default"],
        label=variable["name"], help_text=variable["description"],
        widget=forms.Textarea(attrs={"rows": 2}),
    )  # fmt: skip


def _models(provider: str) -> list[str]:
    return [] if provider == Provider.AUTO else accepted_models(Provider(provider))


def _choices() -> list[tuple[str, str]]:
    """Providers that would answer; while the mock stands in, all of them."""
    conf = get_conf()
    usable = list(Provider) if conf.is_mock_standing_in else [*conf.configured, Provider.AUTO]
    return [("", "as configured"), *((name.value, name.value) for name in usable)]
