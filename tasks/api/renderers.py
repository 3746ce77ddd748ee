"""The browsable API, without what our strict query strings and page policy would break."""

from __future__ import annotations

from typing import Any

from rest_framework.renderers import BrowsableAPIRenderer, JSONRenderer


class BrowsableRenderer(BrowsableAPIRenderer):
    """DRF's pages. The filter form is left out: it sends every empty field as a filter."""

    def get_context(self, data: Any, media_type: Any, renderer_context: Any) -> dict[str, Any]:
        """Without the inline style sheet for code samples, of which there are none."""
        context: dict[str, Any] = super().get_context(data, media_type, renderer_context)
        return context | {"code_style": ""}

    def get_filter_form(self, data: Any, view: Any, request: Any) -> None:
        return None


class NdjsonRenderer(JSONRenderer):
    """For doors that stream JSON lines: it renders their refusals to those who ask for lines."""

    media_type = "application/x-ndjson"
    format = "jsonl"
