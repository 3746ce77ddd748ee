"""Lines of a batch: too many are refused before the first is judged, where that can be told."""

from __future__ import annotations

import io

import pytest

from tasks.errors import InvalidInput
from tasks.services import batch_items
from tasks.services.batch_items import items_of_lines


@pytest.fixture(autouse=True)
def _short_batches(monkeypatch):
    monkeypatch.setattr(batch_items, "MOST_LINES", 2)


def _file(lines: int) -> io.BytesIO:
    return io.BytesIO(b"".join(b'\n{"prompt": "%d"}\n' % n for n in range(lines)))


def test_too_many_lines_are_refused_before_the_first_is_handed_on():
    file = _file(3)
    with pytest.raises(InvalidInput, match="2 tasks"):
        next(items_of_lines(file, lambda: file.seek(0)))


def test_lines_of_what_cannot_be_read_twice_are_refused_at_the_first_too_many():
    items = items_of_lines(_file(3))
    assert [next(items).value, next(items).value] == [{"prompt": "0"}, {"prompt": "1"}]
    with pytest.raises(InvalidInput, match="2 tasks"):
        next(items)


def test_lines_that_were_counted_are_all_handed_on_with_their_numbers():
    file = _file(2)
    items = list(items_of_lines(file, lambda: file.seek(0)))
    assert [item.place for item in items] == ["lines.2", "lines.4"]
