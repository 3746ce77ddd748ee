from __future__ import annotations

from decimal import Decimal

import pytest

from tasks.stats.wording import dollars, duration, plain


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "–"), (0, "0 ms"), (0.0421, "42 ms"), (1, "1.0 s"), (9.99, "10.0 s"), (59.9, "59 s"),
     (60, "1 min"), (7199, "1 h"), (86_400 * 9, "9 d")],
)  # fmt: skip
def test_durations_have_the_unit_that_people_would_use(seconds, words):
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("amount", "words"),
    [("0", "$0"), ("1234.5", "$1,234.50"), ("0.1635", "$0.1635"), ("0.000045", "$0.000045"),
     ("0.00000123", "$0.0000012"), ("0E-10", "$0")],
)  # fmt: skip
def test_small_amounts_keep_digits_that_matter(amount, words):
    assert dollars(Decimal(amount)) == words


def test_money_has_no_exponent():
    assert plain(Decimal("0.0000001000")) == "0.0000001"
    assert plain(Decimal("0E-10")) == "0"
