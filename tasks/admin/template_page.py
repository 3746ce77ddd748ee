"""The page of a template: the form, a preview of what it says now, and all versions compared."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.contrib.admin.helpers import AdminErrorList, AdminForm
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from tasks.admin.template_form import TemplateForm
from tasks.errors import InvalidInput
from tasks.models import PromptTemplate, TemplateVersion
from tasks.policy.placeholders import names_in
from tasks.services.templates import preview
from tasks.stats.templates import VersionFigures, version_figures
from tasks.stats.wording import duration, plain

if TYPE_CHECKING:
    from tasks.admin.templates import TemplateAdmin

_VALUE = "value_"
_RULE_ON = "variables."
_KINDS = {"+ ": "ins", "- ": "del", "  ": "same"}


def show_page(
    model_admin: TemplateAdmin,
    request: HttpRequest,
    form: Any,
    template: PromptTemplate | None,
) -> HttpResponse:
    may_save = template is None or model_admin.has_change_permission(request, template)
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": "Make a template" if template is None else f"Template {template.name}",
        "original": template,
        "adminform": AdminForm(form, form.admin_fieldsets, {}, (), model_admin),
        "errors": AdminErrorList(form, []),
        "inline_admin_formsets": [],
        "media": model_admin.media + form.media,
        "add": template is None,
        "change": template is not None,
        "is_popup": False,
        "has_view_permission": True,
        "may_save": may_save,
        "can_delete": template is not None and model_admin.has_delete_permission(request, template),
        "values": list(_values(request, form)),
        "versions": [] if template is None else list(_versions(template)),
        **_preview(request, form),
    }
    return TemplateResponse(request, "admin/tasks/prompttemplate/edit.html", context)


def _values(request: HttpRequest, form: TemplateForm) -> Iterator[tuple[str, str]]:
    """Name and value of each variable that stands in the form's prompt."""
    for name in names_in(str(form["prompt"].value() or "")):
        yield name, request.POST.get(_VALUE + name, "")


def _preview(request: HttpRequest, form: TemplateForm) -> dict[str, Any]:
    if "_preview" not in request.POST or not form.is_valid():
        return {}
    given = {name: value for name, value in _values(request, form) if value}
    try:
        return {"preview": preview(form.as_order(), given)}
    except InvalidInput as error:
        rules = error.fields.items()
        return {"refusals": [(name.removeprefix(_RULE_ON), " ".join(said)) for name, said in rules]}


def _versions(template: PromptTemplate) -> Iterator[dict[str, Any]]:
    """The latest first, each with its figures and what it changed in the one before."""
    figures = version_figures(template)
    versions = list(template.versions.order_by("-number"))
    for version, before in zip(versions, [*versions[1:], None], strict=True):
        yield {
            "version": version,
            "diff": _diff(before, version),
            "figures": _cells(figures.get(version.number, VersionFigures())),
        }


def _diff(before: TemplateVersion | None, after: TemplateVersion) -> list[tuple[str, str]]:
    old = [] if before is None else before.prompt.splitlines()
    lines = difflib.ndiff(old, after.prompt.splitlines())
    return [(_KINDS[line[:2]], line[2:]) for line in lines if line[:2] in _KINDS]


def _cells(figures: VersionFigures) -> list[str]:
    return [
        f"{figures.tasks:,}",
        _percent(figures.failed_percent),
        _percent(figures.truncated_percent),
        duration(figures.mean_run_seconds),
        "–" if figures.cost_usd is None else f"${plain(figures.cost_usd)}",
        "–" if figures.mean_cost_usd is None else f"${plain(figures.mean_cost_usd)}",
    ]


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:g} %"
