"""Which periodic chores there are, and how often each is done. Importing registers them."""

from __future__ import annotations

from tasks.alerts.watch import WATCH_EVERY_S, watch
from tasks.engine.batch_ends import LOOK_EVERY_S, tell_of_ended_batches
from tasks.engine.housekeeping import register_chore, register_companion
from tasks.services.audit import PRUNE_EVERY_S as PRUNE_AUDIT_EVERY_S
from tasks.services.audit import prune_audit
from tasks.stats.rollup import ROLL_EVERY_S, roll_up
from tasks.stats.samples import SAMPLE_EVERY_S, take_sample
from tasks.webhooks.messages import PRUNE_EVERY_S, prune_deliveries
from tasks.webhooks.postman import carry_mail

register_chore("rollup", interval_s=ROLL_EVERY_S, do=roll_up)
register_chore("sample", interval_s=SAMPLE_EVERY_S, do=take_sample)
register_chore("batch-ends", interval_s=LOOK_EVERY_S, do=tell_of_ended_batches)
register_chore("alerts", interval_s=WATCH_EVERY_S, do=watch)
register_chore("webhook-log", interval_s=PRUNE_EVERY_S, do=prune_deliveries)
register_chore("audit-log", interval_s=PRUNE_AUDIT_EVERY_S, do=prune_audit)
register_companion("webhooks", carry_mail)
