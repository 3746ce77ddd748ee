"""The browsable API, without what our strict query strings and page policy would break."""

from __future__ import annotations

from typing import Any

from rest_framework.renderers import BrowsableAPIRenderer


class BrowsableRenderer(BrowsableAPIRenderer):
    """DRF's pages. The filter form is left out: it sends every empty field as a filter."""

    def get_filter_form(self, data: Any, view: Any, request: Any) -> None:
        return None
