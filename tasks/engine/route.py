"""Route: what settings, catalogue and limits say of the providers, put before the pure policy."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from tasks.conf import Conf, get_conf
from tasks.engine.budget import Budget, Reservation
from tasks.engine.claimed import DueTask
from tasks.engine.lanes import Lanes
from tasks.engine.limits import Limits
from tasks.engine.merits import Merits, Scores
from tasks.engine.parking import Hold
from tasks.engine.refused_keys import Keys
from tasks.errors import ProviderError, provider_error_class
from tasks.models import Attempt
from tasks.policy.routing import Call, Defer, Lane, Rules, Wish, route
from tasks.providers.catalogue import load_catalogue
from tasks.vocabulary import MockMode, Outcome, Provider

# A provider that failed a task so often has had its chance; the next in the order gets one.
_FAILURES_BEFORE_FAILOVER = 2

Asked = tuple[str, str, bool, bool]
Failures = Mapping[int, list[tuple[Provider, type[ProviderError]]]]


@dataclass(frozen=True, kw_only=True)
class Routed:
    """Call this provider for this model. has_alternative: somebody else could still serve the
    task. is_probe: this is the one call that an open breaker lets through. reserved_tokens: what
    was taken for it from the provider's minute; None: not counted. reserved: the same of the day's
    budget."""

    provider: Provider
    model: str
    is_fallback: bool
    is_probe: bool
    has_alternative: bool
    keys: Keys
    reserved_tokens: int | None = None
    reserved: Reservation | None = None


class Router:
    """One claim's view of the providers; made anew for each claim."""

    def __init__(
        self,
        tasks: Iterable[DueTask],
        lanes: Lanes,
        limits: Limits,
        budget: Budget,
        now: datetime,
    ) -> None:
        self._conf = get_conf()
        self._now = now.timestamp()
        self._shared = lanes
        self._limits = limits
        self._budget = budget
        self._scores = Scores(now)
        self._failures = _failures_of(tasks)
        self._chosen: dict[Asked, Call | Defer] = {}
        self._rules = Rules(
            failover=self._conf.failover, auto=self._conf.auto, mock=self._conf.mock
        )

    def route(self, task: DueTask) -> Routed | Defer | Hold:
        """Whom to call for this task now, or until when and for what it waits."""
        tokens = self._limits.tokens_of(task)
        while isinstance(way := self._choose(task, tokens), Call):
            reserved = self._budget.quote(task, way)
            if isinstance(reserved, Hold):
                return reserved
            is_admitted, is_probe = self._shared.admit(way.provider)
            if is_probe or not is_admitted:
                self._chosen.clear()  # the lane is another one now
            if not is_admitted:
                continue
            self._scores.note_call(way.provider)
            return Routed(
                provider=way.provider,
                model=way.model,
                is_fallback=way.is_fallback,
                is_probe=is_probe,
                has_alternative=self._has_alternative(task, way.provider),
                keys=self._shared.keys(way.provider),
                reserved_tokens=self._limits.take(way.provider, tokens),
                reserved=self._budget.take(reserved),
            )
        return self._held(task, way, tokens) if way.limited else way

    def _held(self, task: DueTask, way: Defer, tokens: int) -> Hold:
        """Wait in the line of the limit; `auto` in the common one of several."""
        for provider in way.limited:
            self._limits.close_line(provider, task)
        gate = way.limited[0] if len(way.limited) == 1 else Provider.AUTO
        return Hold(by=gate.value, needs=tokens, until=way.until, reason=way.reason)

    def _choose(self, task: DueTask, tokens: int) -> Call | Defer:
        """Most tasks of a claim ask for the same, and have no past that would tell them apart."""
        is_own_case = task.attempts or task.provider == Provider.AUTO or self._limits.are_any
        if is_own_case:
            return self._choice(task, tokens)
        asked = (task.provider, task.model, task.failover, task.temperature is None)
        if asked not in self._chosen:
            self._chosen[asked] = self._choice(task, tokens)
        return self._chosen[asked]

    def _choice(self, task: DueTask, tokens: int) -> Call | Defer:
        asked = Provider(task.provider)
        if asked is not Provider.MOCK and not self._conf.configured:
            return route(Wish(provider=asked), {}, self._rules, now=self._now)
        if self._conf.mock is MockMode.FALLBACK and task.attempts >= task.max_attempts:
            return route(Wish(provider=Provider.MOCK), {}, self._rules, now=self._now)
        wish = Wish(
            provider=asked,
            may_failover=task.failover,
            failed_on=self._failed_on(task),
        )
        return route(wish, self._lanes(task, asked, tokens), self._rules, now=self._now)

    def _has_alternative(self, task: DueTask, chosen: Provider) -> bool:
        """Whether somebody else could still serve this task if `chosen` cannot."""
        if not task.failover:
            return False
        candidates = {*self._conf.failover, Provider(task.provider)} & {*self._conf.configured}
        return bool(candidates - self._failed_on(task) - {chosen})

    def _failed_on(self, task: DueTask) -> frozenset[Provider]:
        """The providers that have had their chance with this task."""
        failures = self._failures.get(task.id)
        if not failures:
            return frozenset()
        counts: dict[Provider, int] = defaultdict(int)
        for provider, error in failures:
            counts[provider] += 1 if error.is_retryable else _FAILURES_BEFORE_FAILOVER
        return frozenset(p for p, count in counts.items() if count >= _FAILURES_BEFORE_FAILOVER)

    def _lanes(self, task: DueTask, asked: Provider, tokens: int) -> dict[Provider, Lane]:
        return {
            provider: self._lane(provider, task, asked, tokens)
            for provider in self._conf.configured
        }

    def _lane(self, provider: Provider, task: DueTask, asked: Provider, tokens: int) -> Lane:
        until, reason = self._shared.block(provider) or (None, "")
        model = _model_at(provider, task, asked, self._conf)
        is_choice = asked is Provider.AUTO
        merits = self._scores.merits(provider, model, task) if is_choice else Merits()
        return Lane(
            model=model,
            blocked_until=until,
            reason=reason,
            is_out=self._shared.is_out(provider),
            limit=self._limits.hindrance(provider, task, tokens),
            p50_s=merits.p50_s,
            failure_share=merits.failure_share,
            estimated_usd=merits.estimated_usd,
        )


def _model_at(provider: Provider, task: DueTask, asked: Provider, conf: Conf) -> str | None:
    """What the task runs at `provider`: the model asked for where it is known, else the default.

    A retired name becomes its successor. None: `auto` with a model that this provider lacks, or a
    temperature that it refuses.
    """
    own, catalogue = conf.providers[provider], load_catalogue()
    is_refused = task.temperature is not None and not catalogue.accepts_temperature(provider)
    if asked is Provider.AUTO and is_refused:
        return None
    default = own.default_model or catalogue.default_model(provider)
    if not task.model:
        return default
    if task.model in own.extra_models or task.model == own.default_model:
        return task.model
    if entry := catalogue.resolve(provider, task.model):
        is_any_name = provider is Provider.LOCAL and asked is not Provider.LOCAL
        return default if is_any_name and asked is not Provider.AUTO else entry.name
    return None if asked is Provider.AUTO else default


def _failures_of(tasks: Iterable[DueTask]) -> Failures:
    """The failed attempts of those tasks that were tried before, oldest first."""
    tried = [task.id for task in tasks if task.attempts > 0]
    found: dict[int, list[tuple[Provider, type[ProviderError]]]] = defaultdict(list)
    if not tried:
        return found
    rows = Attempt.objects.filter(task_id__in=tried, outcome=Outcome.FAILED).values_list(
        "task_id", "provider", "error_code"
    )
    for task_id, provider, code in rows.order_by("number"):
        found[task_id].append((Provider(provider), provider_error_class(code)))
    return found
