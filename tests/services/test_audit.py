"""Every write leaves a note: who, by which door, what, when."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from tasks import services
from tasks.models import AuditEntry, Task
from tasks.services import api_keys, audit, batches, steering, templates, webhooks
from tasks.services.audit import Actor, acting, prune_audit
from tasks.services.batch_items import items_of_list
from tasks.services.bulk import BulkAction, act_on_all
from tasks.vocabulary import Door, Scope

pytestmark = pytest.mark.django_db


def actions() -> list[str]:
    return list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))


def test_every_write_is_noted(owner, operator, make_task):
    task = make_task()
    services.change(owner, task.pk, {"priority": 9})
    services.cancel(owner, task.pk)
    services.retry(owner, task.pk)
    services.cancel(owner, task.pk)
    services.clone(owner, task.pk)
    services.delete(owner, task.pk)
    act_on_all(owner, BulkAction.SET_PRIORITY, {}, priority=3)
    batches.create_batch(owner, iter(items_of_list([{"prompt": "one"}, {"prompt": "two"}])))
    row, _ = api_keys.create_api_key(owner, name="k", scope=Scope.READ)
    api_keys.revoke_api_key(row)
    api_keys.revoke_api_key(row)  # changes nothing, and is not noted
    steering.pause("openai")
    steering.resume("openai")
    steering.force_breaker("openai", "open")
    hook = webhooks.create_webhook(owner, {"url": "https://example.org/"})
    webhooks.change_webhook(owner, hook.pk, {"enabled": False})
    webhooks.delete_webhook(owner, hook.pk)
    made = templates.create_template(owner, {"name": "t", "prompt": "hello"})
    templates.edit_template(owner, made.pk, {"prompt": "hello there"})
    templates.delete_template(owner, made.pk)

    assert actions() == [
        "task.submit", "task.change", "task.cancel", "task.retry", "task.cancel", "task.submit",
        "task.delete", "tasks.set_priority", "batch.submit", "key.create", "key.revoke",
        "provider.pause", "provider.resume", "provider.breaker", "webhook.create",
        "webhook.change", "webhook.delete", "template.create", "template.edit", "template.delete",
    ]  # fmt: skip
    change = AuditEntry.objects.get(action="task.change")
    assert (change.actor, change.door, change.subject, change.details) == (
        "owner", "shell", f"task {task.pk}", {"priority": 9},
    )  # fmt: skip
    assert timezone.now() - change.at < timedelta(minutes=1)


def test_staff_who_move_somebodys_task_are_named(operator, make_task):
    task = make_task()
    with acting(Actor(door=Door.MCP, user=operator)):
        services.cancel(operator, task.pk)

    entry = AuditEntry.objects.get(action="task.cancel")
    assert (entry.actor, entry.actor_id, entry.door) == ("operator", operator.pk, "mcp")


def test_what_was_refused_or_undone_is_not_noted(owner):
    with transaction.atomic():
        services.submit(owner, {"prompt": "hello"})
        transaction.set_rollback(True)
    assert (actions(), Task.objects.count()) == ([], 0)


def test_no_secret_is_noted(owner):
    _, key = api_keys.create_api_key(owner, name="k", scope=Scope.READ)
    secret = webhooks.create_webhook(owner, {"url": "https://example.org/?token=abc"}).secret
    text = " ".join(str(entry.details) + entry.subject for entry in AuditEntry.objects.all())
    assert not any(word in text for word in (key, secret, "token"))


def test_entries_are_kept_for_a_year(owner, make_task):
    make_task()
    AuditEntry.objects.update(at=timezone.now() - timedelta(days=audit.KEPT_DAYS + 1))
    make_task()
    assert prune_audit() == 1
    assert len(actions()) == 1
