"""Aging: what waits long moves up a little, so that a steady stream of urgent work starves nobody.

Capped, so that a patient task never overtakes one that is urgent by much; off with
TASKRUNNER_AGING=0.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction

from tasks.conf import get_conf
from tasks.models import Task
from tasks.querysets import database_now

MOST_BOOST = 3
LOOK_EVERY_S = 30.0
_AT_ONCE = 2_000


def age() -> int:
    """Add one to the boost of due tasks for each TASKRUNNER_AGING seconds since they last moved,
    at most three. Returns how many moved up."""
    step_s = get_conf().aging_s
    if not step_s:
        return 0
    moved = 0
    for boost in range(1, MOST_BOOST + 1):
        still_since = database_now() - timedelta(seconds=boost * step_s)
        waiting = Task.objects.all().due().filter(boost__lt=boost, updated_at__lt=still_since)
        if not waiting.is_any():
            return moved
        with transaction.atomic():
            ids = list(waiting.for_me_alone().values_list("pk", flat=True)[:_AT_ONCE])
            moved += Task.objects.filter(pk__in=ids).update(boost=boost)
    return moved
