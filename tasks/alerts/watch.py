"""The chore: look at every rule, note what changed, tell the channels that do not know yet."""

from __future__ import annotations

from datetime import UTC, datetime

import structlog
from django.db import transaction

from tasks.alerts.channels import Channel, open_channels
from tasks.alerts.rules import Reading, take_readings
from tasks.conf import get_conf
from tasks.models import Alert
from tasks.policy.alerting import Change, Standing
from tasks.querysets import database_now

log = structlog.get_logger(__name__)

WATCH_EVERY_S = 15.0


def watch() -> None:
    """One look. A channel that cannot be reached is tried again at the next."""
    channels, now = open_channels(), database_now()
    readings = list(take_readings(now))
    for reading in readings:
        _note(reading, now, list(channels))
    Alert.objects.exclude(key__in=[reading.key for reading in readings]).delete()
    for alert in Alert.objects.exclude(untold=[]):
        _tell(alert, channels)


@transaction.atomic
def _note(reading: Reading, now: datetime, channels: list[str]) -> None:
    alert, _ = Alert.objects.select_for_update().get_or_create(key=reading.key)
    standing, change = Standing(
        is_firing=alert.is_firing,
        turning_since=alert.turning_since.timestamp() if alert.turning_since else None,
    ).step(
        is_bad=reading.is_bad,
        is_clear=reading.is_clear,
        now=now.timestamp(),
        for_s=get_conf().alerts.for_s,
    )
    alert.is_firing, alert.message = standing.is_firing, reading.message
    since = standing.turning_since
    alert.turning_since = None if since is None else datetime.fromtimestamp(since, UTC)
    if change is Change.FIRED:
        alert.changed_at, alert.untold = now, channels
    elif change is Change.RESOLVED:  # who never heard of it need not hear that it is over
        alert.changed_at = now
        alert.untold = [name for name in channels if name not in alert.untold]
    if change is not None:
        log.warning("alert changed", alert=alert.key, change=change, message=alert.message)
    alert.save()


def _tell(alert: Alert, channels: dict[str, Channel]) -> None:
    """Each channel once. A process that dies in between leaves a message told twice, never lost."""
    change = Change.FIRED if alert.is_firing else Change.RESOLVED
    for name in list(alert.untold):
        if name in channels:
            try:
                channels[name](alert, change)
            except Exception as error:  # noqa: BLE001 - whatever it is, the other one is told
                log.warning("alert not told, tried again", channel=name, error=str(error)[:200])
                continue
        alert.untold = [other for other in alert.untold if other != name]
        Alert.objects.filter(key=alert.key, changed_at=alert.changed_at).update(untold=alert.untold)
