"""One table: a line for each measure, a column for each contestant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bench.figure import Figure


def cells(figures: Sequence[Figure]) -> list[list[str]]:
    """Head and lines: measure, unit, goal, and each contestant's median."""
    contestants = list(dict.fromkeys(figure.contestant for figure in figures))
    measures = list(dict.fromkeys(figure.measure for figure in figures))
    found = {(figure.measure, figure.contestant): figure for figure in figures}
    lines = [["measure", "goal", *contestants]]
    for measure in measures:
        row = [found.get((measure, contestant)) for contestant in contestants]
        own = next(figure for figure in row if figure)
        lines.append([f"{measure}, {own.unit}", _goal(row), *(_cell(figure) for figure in row)])
    return lines


def as_text(lines: Sequence[Sequence[str]]) -> str:
    """Columns side by side, for a terminal."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def as_markdown(lines: Sequence[Sequence[str]]) -> str:
    head, *rest = lines
    rows = [head, ["---"] + ["---:"] * (len(head) - 1), *rest]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _goal(row: Iterable[Figure | None]) -> str:
    for figure in row:
        if figure and figure.goal is not None:
            return f"{'≥' if figure.is_rate else '≤'} {_number(figure.goal)}"
    return ""


def _cell(figure: Figure | None) -> str:
    if figure is None:
        return ""
    text = _number(figure.median)
    if figure.ideal and figure.unit == "s":
        text += f" ({figure.median / figure.ideal:.2f}×)"
    return text if figure.is_met is not False else f"{text} ✗"


def _number(value: float) -> str:
    """Three digits that count; no more were measured."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:.{digits}f}"
