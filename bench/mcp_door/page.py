"""The table of docs/mcp.md, between its two marks."""

from __future__ import annotations

from tests.deployment import ROOT

_PAGE = ROOT / "docs" / "mcp.md"
_BEGIN, _END = "<!-- bench.mcp_door: begin -->\n", "<!-- bench.mcp_door: end -->"


def write_table(table: str) -> None:
    """Put `table` where the old one was. Raises ValueError if the marks are gone."""
    text = _PAGE.read_text()
    begin, end = text.index(_BEGIN) + len(_BEGIN), text.index(_END)
    _PAGE.write_text(f"{text[:begin]}{table}\n{text[end:]}")
