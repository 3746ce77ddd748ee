"""GET /api/providers/."""

from __future__ import annotations

from tasks.conf import get_conf


def ask(api):
    body = api.get("/api/providers/").json()
    return body, {entry["name"]: entry for entry in body["results"]}


def configure(settings, **providers):
    given = {name: dict(one) for name, one in settings.TASKRUNNER_PROVIDERS.items()}
    for name, values in providers.items():
        given[name].update(values)
    settings.TASKRUNNER_PROVIDERS = given
    get_conf.cache_clear()


def test_without_keys_the_mock_answers_for_all(api):
    body, found = ask(api)
    assert (body["default_provider"], body["mock"]) == ("mock", "auto")
    assert list(found) == ["deepseek", "openai", "anthropic", "local", "mock"]
    assert [name for name, one in found.items() if one["configured"]] == ["mock"]
    assert all(one["accepts_tasks"] for one in found.values())
    assert found["openai"]["variable"] == "OPENAI_API_KEY"
    assert found["local"]["variable"] == "LOCAL_BASE_URL"


def test_a_configured_provider_shows_models_and_host_and_never_its_key(api, settings):
    configure(
        settings,
        openai={"api_keys": ["sk-very-secret"], "models": ["my-model"],
                "base_url": "https://user:hidden@proxy.example:8443/v1/token-in-path"},
        local={"base_url": "http://127.0.0.1:9000/v1"},
    )  # fmt: skip
    body, found = ask(api)
    assert body["default_provider"] == "openai"
    assert found["openai"]["configured"] is True
    assert found["openai"]["host"] == "proxy.example:8443"
    assert {"my-model", "gpt-6-luna", "gpt-4"} <= set(found["openai"]["models"])
    assert found["openai"]["default_model"] == "gpt-6-luna"
    assert found["local"]["host"] == "127.0.0.1:9000"
    assert found["local"]["models"] == []
    assert found["deepseek"] | {"configured": False, "accepts_tasks": False} == found["deepseek"]
    for secret in ("sk-very-secret", "hidden", "token-in-path"):
        assert secret not in str(body)


def test_what_it_says_is_what_a_submit_accepts(api):
    _, found = ask(api)
    for name, entry in found.items():
        for model in entry["models"][:3]:
            order = {"prompt": "x", "provider": name, "model": model}
            assert api.post("/api/tasks/", order).status_code == 201, order
