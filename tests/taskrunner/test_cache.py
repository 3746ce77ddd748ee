"""A real Redis that goes away and comes back: nothing that uses the cache breaks."""

from __future__ import annotations

import socket

import pytest
from django.core.cache import caches
from django.test import Client

import taskrunner.cache
from bench.peers.redis_server import redis_server


def _settings(url):
    options = {"socket_connect_timeout": 0.5, "socket_timeout": 1.0}
    return {
        "default": {
            "BACKEND": "taskrunner.cache.FallbackRedisCache", "LOCATION": url, "OPTIONS": options
        }
    }  # fmt: skip


@pytest.fixture
def nobody():
    """The address of a Redis that is not there."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    return f"redis://127.0.0.1:{port}/0"


@pytest.fixture
def logged(monkeypatch):
    lines = []

    class Log:
        def warning(self, text, **_):
            lines.append(text)

        info = warning

    monkeypatch.setattr(taskrunner.cache, "log", Log())
    return lines


def test_the_stats_page_and_the_throttles_go_on_without_redis(settings, nobody, logged, operator):
    settings.CACHES = _settings(nobody)
    client = Client()
    client.force_login(operator)
    for path in ("/stats/", "/stats/figures/?range=24h", "/api/stats/", "/api/tasks/"):
        assert client.get(path).status_code == 200
    assert logged == ["redis is away, memory stands in"]


def test_redis_is_used_again_once_it_is_back(settings, tmp_path, logged, monkeypatch):
    with redis_server(tmp_path) as redis:
        settings.CACHES = _settings(redis.url)
        cache = caches["default"]
        cache.set("kept", 1)
        monkeypatch.setattr(cache, "_away_until", 0.5)  # as after an outage that is over
        assert cache.get("kept") == 1
    cache.set("kept", 2)
    assert cache.get("kept") == 2
    assert logged == ["redis is back", "redis is away, memory stands in"]
