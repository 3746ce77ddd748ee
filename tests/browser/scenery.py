"""A day's work of a busy installation, the same at every run: runs inside the deployment."""

from __future__ import annotations

import random
import uuid
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone

from tasks.models import Attempt, ProviderState, QueueSample, Task, WebhookDelivery, Worker
from tasks.policy.breaker import Breaker, BreakerState
from tasks.services import submit
from tasks.services.batch_items import items_of_list
from tasks.services.batches import create_batch
from tasks.services.saved_views import save_view
from tasks.services.templates import create_template, edit_template
from tasks.services.webhooks import create_webhook
from tasks.stats.rollup import rebuild

_PROMPTS = (
    "Summarise this support ticket in two sentences.",
    "Translate the product description into French.",
    "Write a friendly reminder about the unpaid invoice.",
    "Extract all dates and amounts from this contract.",
    "Suggest three subject lines for the spring newsletter.",
    "Classify this review as positive, neutral or negative.",
)
_SERVED = (
    ("deepseek", "deepseek-flash", 1.8), ("openai", "gpt-6-luna", 1.1),
    ("anthropic", "claude-haiku-5-5", 1.4),
)  # fmt: skip
_FAILURES = (
    ("timeout", "No complete answer within 60 s.", None),
    ("server_error", "The provider answered 503: overloaded.", 503),
    ("request_refused", "The provider answered 400: context length exceeded.", 400),
)
HOSTILE = "<script>document.title='owned'</script> {% debug %} {{ settings.SECRET_KEY }}"


def paint(count: int = 900) -> None:
    """Finished tasks over 24 hours, then one of each kind that a reader should recognise."""
    with transaction.atomic():  # one fsync, not thousands
        _paint(count)
    rebuild()


def _paint(count: int) -> None:
    dice = random.Random(7)
    now = timezone.now()
    owner = get_user_model().objects.get(username="admin")
    for n in range(count):
        _finished(dice, now, owner, hours_ago=24 * (1 - n / count) ** 1.2)
    _others(now, owner)
    _batches(now, owner)
    _template(owner)
    _webhook(now, owner)
    _saved_view(owner)
    _paint_queue(dice, now)
    _open_breaker(now)
    for n in (1, 2):
        Worker.objects.create(
            name=f"app-1:{4100 + n}", host="app-1", pid=4100 + n, slots=128, in_flight=n,
            beat_at=now + timedelta(minutes=5), started_at=now - timedelta(hours=9),
        )  # fmt: skip


def _paint_queue(dice: random.Random, now: datetime) -> None:
    """A sample every five minutes; at noon of the day there was more to do than slots."""
    minute = int(now.timestamp()) // 60
    samples = []
    for ago in range(5, 24 * 60, 5):
        rush = max(0.0, 1 - abs(ago - 420) / 180)
        due = int(dice.random() * 4 + 90 * rush**2)
        samples.append(QueueSample(
            minute=minute - ago, due=due, waiting=2, running=min(due, 40), live_workers=2,
            oldest_s=due * 0.4 if due else None, slots=256,
        ))  # fmt: skip
    QueueSample.objects.bulk_create(samples)


def _open_breaker(now: datetime) -> None:
    breaker = Breaker(
        state=BreakerState.OPEN, reason="6 of 8 calls failed", until=now.timestamp() + 3600
    )
    ProviderState.objects.create(name="anthropic", breaker_json=breaker.to_json())


def _finished(dice: random.Random, now: datetime, owner: Any, *, hours_ago: float) -> None:
    asked, model, mean_s = dice.choice(_SERVED)
    run_s, wait_s = dice.lognormvariate(0, 0.4) * mean_s, dice.expovariate(8)
    end = now - timedelta(hours=hours_ago * (0.85 + 0.15 * dice.random()), seconds=1)
    start = end - timedelta(seconds=run_s)
    values: dict[str, Any] = {
        "provider": asked,
        "model": model,
        "priority": dice.choice([3, 5, 5, 8]),
    }
    roll = dice.random()
    if roll < 0.04:
        code, message, http_status = dice.choice(_FAILURES)
        values |= {"status": "FAILED", "error_code": code, "error_message": message}
    elif roll < 0.05:
        values |= {"status": "CANCELLED"}
    else:
        served = ("openai", "gpt-6-luna") if roll > 0.96 else (asked, model)
        source = "fallback" if served[0] != asked else "provider"
        values |= _answer(dice, source, *served)
    task = _save(
        owner, dice.choice(_PROMPTS), start - timedelta(seconds=wait_s), start, end, values
    )
    if task.status == "FAILED":
        _attempt(task, 1, start, end, outcome="failed", error_code=code, message=message,
                 http_status=http_status)  # fmt: skip
    elif task.status == "COMPLETED":
        _attempt(task, 1, start, end, outcome="succeeded", cost_usd=task.cost_usd,
                 prompt_tokens=task.prompt_tokens, completion_tokens=task.completion_tokens,
                 provider=task.served_provider, model=task.served_model)  # fmt: skip


def _answer(dice: random.Random, source: str, provider: str, model: str) -> dict[str, Any]:
    return {
        "status": "COMPLETED", "result": "Done: the text is short and friendly.",
        "result_source": source, "served_provider": provider, "served_model": model,
        "finish_reason": "stop", "prompt_tokens": dice.randint(80, 400),
        "completion_tokens": dice.randint(60, 500),
        "cost_usd": Decimal(dice.randint(40, 900)) / 1_000_000,
    }  # fmt: skip


def _others(now: datetime, owner: Any) -> None:
    ago = lambda seconds: now - timedelta(seconds=seconds)  # noqa: E731
    mock = {"status": "COMPLETED", "result": "[mock] You asked: hello", "result_source": "mock",
            "served_provider": "mock", "served_model": "mock-1", "provider": "openai",
            "model": "gpt-6-luna"}  # fmt: skip
    _save(owner, "Say hello.", ago(42), ago(41), ago(40), mock)
    cached = {"status": "COMPLETED", "result": "Bonjour", "result_source": "cache",
              "served_provider": "deepseek", "served_model": "deepseek-flash"}  # fmt: skip
    _save(owner, "Translate hello.", ago(32), ago(32), ago(32), cached)
    retried = {"provider": "anthropic", "model": "claude-haiku-5-5", "attempts": 2,
               "waiting_reason": "server_error from anthropic",
               "wake_at": now + timedelta(minutes=20)}  # fmt: skip
    task = _save(owner, _PROMPTS[3], ago(25), ago(24), None, retried)
    for number in (1, 2):
        _attempt(task, number, ago(30 - 8 * number), ago(28 - 8 * number), outcome="failed",
                 error_code="server_error", http_status=529, message="Overloaded, try again later.",
                 request_id=f"req_011C{number}")  # fmt: skip
    hostile = {"status": "FAILED", "error_code": "request_refused", "error_message": HOSTILE,
               "tags": [HOSTILE[:40]]}  # fmt: skip
    task = _save(owner, HOSTILE, ago(22), ago(21), ago(20), hostile)
    _attempt(task, 1, ago(21), ago(20), outcome="failed", message=HOSTILE, http_status=400)
    for n in range(3):
        running = {"status": "PROCESSING", "attempts": 1, "lease_token": uuid.uuid4(),
                   "lease_expires_at": now + timedelta(hours=1)}  # fmt: skip
        task = _save(owner, _PROMPTS[n], ago(6), ago(5), None, running)
        _attempt(task, 1, ago(5), None)
    scheduled = {"wake_at": now + timedelta(hours=3), "run_after": now + timedelta(hours=3),
                 "waiting_reason": "scheduled"}  # fmt: skip
    _save(owner, _PROMPTS[4], ago(4), None, None, scheduled)
    for n in range(4):
        _save(owner, _PROMPTS[n], ago(3 - n / 2), None, None, {"priority": 9 - n})


def _batches(now: datetime, owner: Any) -> None:
    for name, ends in (("spring newsletter", 41), ("ticket summaries", 60), (HOSTILE[:60], 12)):
        items = items_of_list([{"prompt": _PROMPTS[n % 6]} for n in range(60)])
        batch = create_batch(owner, items, options={"name": name}).batch
        for n, key in enumerate(batch.tasks.order_by("pk").values_list("pk", flat=True)[:ends]):
            Task.objects.filter(pk=key).update(
                status="FAILED" if n % 20 == 7 else "COMPLETED", cost_usd=Decimal("0.00031"),
                error_code="timeout" if n % 20 == 7 else "", result_source="provider",
                served_provider="deepseek", served_model="deepseek-flash",
                finished_at=now, started_at=now - timedelta(seconds=2), result="Done.",
            )  # fmt: skip


def _template(owner: Any) -> None:
    order = {"name": "summarise", "published": True, "description": "A text in a few words.",
             "prompt": "Summarise this text in {{ language }}:\n\n{{ text }}",
             "variables": [{"name": "language", "default": "English"}]}  # fmt: skip
    template = create_template(owner, order)
    for n in range(12):
        made = submit(owner, {"template": "summarise", "variables": {"text": f"News {n}"}}).task
        end = made.created_at + timedelta(seconds=1 + n / 10)
        Task.objects.filter(pk=made.pk).update(
            status="FAILED" if n == 5 else "COMPLETED", started_at=made.created_at,
            error_code="timeout" if n == 5 else "", result=None if n == 5 else "Briefly: yes.",
            finished_at=end, truncated=n == 3, cost_usd=Decimal("0.0002"),
        )  # fmt: skip
    prompt = "Summarise this text in {{ language }}, in {{ count }} sentences:\n\n{{ text }}"
    edit_template(owner, template.pk, {"prompt": prompt})


def _webhook(now: datetime, owner: Any) -> None:
    order = {"url": "https://hooks.example.org/tasks", "description": "the shop's back office"}
    endpoint = create_webhook(owner, order)
    for n, error in enumerate((None, None, HOSTILE, "Answered 500.", None), start=1):
        at = now - timedelta(minutes=6 - n)
        tried = {"number": 1, "at": at.isoformat(), "http_status": 500 if error else 204,
                 "error": error, "duration_ms": 40 + n}  # fmt: skip
        WebhookDelivery.objects.create(
            endpoint=endpoint, event_id=n, type="task.completed", created_at=at, tries=1,
            log=[tried], state="failed" if error else "delivered", finished_at=at,
            body=f'{{"type":"task.completed","data":{{"id":{n}}}}}',
        )  # fmt: skip


def _saved_view(owner: Any) -> None:
    save_view(owner, "Timeouts at openai", "error=timeout&failed_at=openai")


@transaction.atomic
def fail_many(count: int) -> None:
    """So many tasks that FAILED in the same way a moment ago."""
    now, owner = timezone.now(), get_user_model().objects.get(username="admin")
    for _ in range(count):
        values = {"provider": "mock", "model": "mock-1", "status": "FAILED",
                  "error_code": "bad_response", "error_message": "No JSON."}  # fmt: skip
        _save(owner, _PROMPTS[0], now, now, now, values)


def _save(
    owner: Any, prompt: str, created: datetime, start: datetime | None, end: datetime | None,
    values: dict[str, Any],
) -> Task:  # fmt: skip
    fields = {"provider": "deepseek", "model": "deepseek-flash", "max_attempts": 5,
              "attempts": 1 if end else 0}  # fmt: skip
    fields |= values
    fields["claims"] = fields["attempts"]  # which number the attempts, also those to come
    task = Task.objects.create(
        owner=owner, prompt=prompt, started_at=start, finished_at=end, **fields
    )
    Task.objects.filter(pk=task.pk).update(created_at=created)
    return task


def _attempt(task: Task, number: int, start: datetime, end: datetime | None, **values: Any) -> None:
    called = {"provider": task.provider, "model": task.model} | values
    Attempt.objects.create(
        task=task, number=number, worker="app-1:4101", lease_token=uuid.uuid4(), started_at=start,
        finished_at=end, **called,
    )  # fmt: skip
