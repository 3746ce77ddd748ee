"""Icons as clients show them beside a name: line drawings, carried in the address itself."""

from __future__ import annotations

import base64

from mcp_types import Icon

_PATHS = {
    "queue": "M4 6h16M4 12h16M4 18h10",
    "plus": "M12 5v14M5 12h14",
    "eye": "M2 12s4-7 10-7 10 7 10 7-4 7-10 7-10-7-10-7zM12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6z",
    "page": "M6 3h9l4 4v14H6zM9 12h7M9 16h7",
    "clock": "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 7v5l3 3",
    "stop": "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM9 9l6 6M15 9l-6 6",
    "again": "M20 12a8 8 0 1 1-3-6M20 3v5h-5",
    "chart": "M4 20V10M10 20V4M16 20v-7M22 20H2",
}


def icon(name: str) -> list[Icon]:
    """One drawing, grey enough for light and for dark backgrounds."""
    drawing = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" '
        f'stroke="#6b7280" stroke-width="2"><path d="{_PATHS[name]}"/></svg>'
    )
    data = base64.b64encode(drawing.encode()).decode()
    return [Icon(src=f"data:image/svg+xml;base64,{data}", mime_type="image/svg+xml", sizes=["any"])]
