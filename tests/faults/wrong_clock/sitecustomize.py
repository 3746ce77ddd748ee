"""Loaded by every Python that finds this folder on its path: its wall clock is wrong.

The monotonic clock stays right, as on a host whose time was never set.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import time_machine

_OFF_BY = timedelta(seconds=float(os.environ["CLOCK_OFF_BY_S"]))
time_machine.travel(datetime.now(UTC) + _OFF_BY, tick=True).start()
