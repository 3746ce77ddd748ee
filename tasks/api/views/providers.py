"""Who can be asked: what is configured, and which models there are. Keys never show."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tasks.api.provider_state import ProviderStateSerializer, render_state
from tasks.api.schema import failures
from tasks.api.views.base import ApiView
from tasks.conf import Conf, get_conf
from tasks.engine.budget import committed_usd
from tasks.models import ProviderState
from tasks.providers.catalogue import load_catalogue
from tasks.providers.registry import DEFAULT_BASE_URLS
from tasks.querysets import database_now
from tasks.services.choosing import accepted_models
from tasks.stats.snapshot import paid_since_midnight
from tasks.stats.wording import plain
from tasks.vocabulary import REAL_PROVIDERS, MockMode, Provider


class LimitsSerializer(serializers.Serializer[Any]):
    """What it may be asked in a minute, by all workers together. Null: no limit."""

    requests_per_minute = serializers.IntegerField(allow_null=True)
    tokens_per_minute = serializers.IntegerField(allow_null=True)


class ProviderSerializer(serializers.Serializer[Any]):
    """One provider as this installation knows it, and how it is doing."""

    name = serializers.ChoiceField([p.value for p in Provider if p is not Provider.AUTO])
    configured = serializers.BooleanField(help_text="Tasks for it are really sent to it.")
    accepts_tasks = serializers.BooleanField(help_text="By itself, or the mock answers for it.")
    variable = serializers.CharField(help_text="The environment variable that configures it.")
    host = serializers.CharField(allow_null=True, help_text="Where calls go.")
    default_model = serializers.CharField(allow_null=True)
    models = serializers.ListField(
        child=serializers.CharField(), help_text="Names accepted at submit; empty: any name."
    )
    limits = LimitsSerializer()
    cost_today_usd = serializers.CharField(
        help_text="Of your calls since midnight UTC, of everybody's for staff; unpriced ones are "
        "not in it."
    )
    state = ProviderStateSerializer(allow_null=True, help_text="Null: it is never called.")


class BudgetSerializer(serializers.Serializer[Any]):
    """What all calls of this UTC day may cost together, running ones by their estimates."""

    limit_usd = serializers.CharField()
    committed_usd = serializers.CharField()


class ProvidersSerializer(serializers.Serializer[Any]):
    """All providers, and what a submit that names none means."""

    default_provider = serializers.ChoiceField([p.value for p in Provider])
    failover = serializers.ListField(child=serializers.CharField())
    mock = serializers.ChoiceField([mode.value for mode in MockMode])
    daily_budget = BudgetSerializer(allow_null=True, help_text="Null: none, or not for you to see.")
    results = ProviderSerializer(many=True)


class ProvidersView(ApiView):
    """The providers of this installation."""

    @extend_schema(
        operation_id="providers_list",
        summary="List providers",
        responses={200: ProvidersSerializer, **failures()},
        tags=["providers"],
    )
    def get(self, request: Request) -> Response:
        """Which providers are configured, which models they take, and who is called just now."""
        conf, now = get_conf(), database_now()
        paid = paid_since_midnight(None if request.user.is_staff else request.user.pk, now)
        states = ProviderState.objects.in_bulk()
        return Response(
            {
                "default_provider": conf.default_provider or _first(conf),
                "failover": [name.value for name in conf.failover],
                "mock": conf.mock.value,
                "daily_budget": _budget(conf, now) if request.user.is_staff else None,
                "results": [
                    _describe(name, conf)
                    | {"cost_today_usd": plain(paid.get(name.value, Decimal(0)))}
                    | {"state": render_state(name, states.get(name.value), now)}
                    for name in REAL_PROVIDERS
                ]
                + [_describe(Provider.MOCK, conf) | {"cost_today_usd": "0", "state": None}],
            }
        )


def _first(conf: Conf) -> str:
    return (conf.configured[0] if conf.configured else Provider.MOCK).value


def _describe(name: Provider, conf: Conf) -> dict[str, Any]:
    own = conf.providers.get(name)
    is_mock_on = conf.is_mock_standing_in or conf.mock is MockMode.FALLBACK
    is_configured = own.is_configured if own else is_mock_on
    default = (own.default_model if own else "") or load_catalogue().default_model(name)
    return {
        "name": name.value,
        "configured": is_configured,
        "accepts_tasks": is_configured or conf.is_mock_standing_in,
        "variable": own.variable if own else "TASKRUNNER_MOCK",
        "host": _host(own.base_url or DEFAULT_BASE_URLS.get(name, "")) if own else None,
        "default_model": default or None,
        "models": accepted_models(name),
        "limits": {
            "requests_per_minute": own.quota.requests if own else None,
            "tokens_per_minute": own.quota.tokens if own else None,
        },
    }


def _budget(conf: Conf, now: datetime) -> dict[str, str] | None:
    if conf.daily_budget_usd is None:
        return None
    return {"limit_usd": plain(conf.daily_budget_usd), "committed_usd": plain(committed_usd(now))}


def _host(url: str) -> str | None:
    """The host and port alone: an address may carry a password or a token in its path."""
    parts = urlsplit(url)
    if parts.hostname is None:
        return None
    return parts.hostname if parts.port is None else f"{parts.hostname}:{parts.port}"
