"""The form of a template. It only turns text into values; the rules are those of the service."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms

from tasks.conf import get_conf

_FIELDSETS = [(None, {"fields": ["name", "description", "prompt", "variables", "published"]})]


class TemplateForm(forms.Form):
    """`variables`: a line each, `name = default # description`; without `=` it must be given."""

    name = forms.CharField(
        max_length=64, help_text="Small letters, digits, - and _. It cannot be changed later."
    )
    description = forms.CharField(
        required=False, max_length=500, widget=forms.TextInput(attrs={"class": "vTextField"})
    )
    prompt = forms.CharField(
        strip=False, widget=forms.Textarea(attrs={"rows": 8, "class": "vLargeTextField"})
    )
    variables = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"}),
        help_text="One a line: name = default # description. Without “=” it must be given at each "
        "use, as must every name that is not listed.",
    )
    published = forms.BooleanField(
        required=False, label="Published: the owner's MCP clients see it as a prompt"
    )

    def __init__(self, *args: Any, is_new: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        limit = get_conf().prompt_max_chars
        self.fields[
            "prompt"
        ].help_text = f"{{{{ name }}}} stands for a variable. 1 to {limit:,} characters."
        self.fields["name"].disabled = not is_new

    @property
    def admin_fieldsets(self) -> list[Any]:
        return list(_FIELDSETS)

    def as_order(self) -> dict[str, Any]:
        """What was filled in, as the service takes it."""
        data = {
            name: value.replace("\r\n", "\n") if isinstance(value, str) else value
            for name, value in self.cleaned_data.items()
        }
        return {**data, "variables": [_variable(line) for line in _lines(data["variables"])]}


def as_lines(variables: Iterable[Mapping[str, Any]]) -> str:
    """The variables as the form shows them."""
    return "\n".join(
        one["name"]
        + ("" if one["default"] is None else f" = {one['default']}")
        + (f" # {one['description']}" if one["description"] else "")
        for one in variables
    )


def _lines(text: str) -> list[str]:
    return [line for line in text.split("\n") if line.strip()]


def _variable(line: str) -> dict[str, Any]:
    said, _, description = line.partition(" # ")
    name, equals, default = said.partition("=")
    return {
        "name": name.strip(),
        "default": default.strip() if equals else None,
        "description": description.strip(),
    }
