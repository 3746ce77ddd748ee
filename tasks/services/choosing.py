"""Which provider and model a submit means, judged at submit so that nobody waits for a refusal."""

from __future__ import annotations

from typing import Any

from tasks.conf import Conf, get_conf
from tasks.errors import InvalidInput
from tasks.providers.catalogue import Catalogue, load_catalogue
from tasks.vocabulary import REAL_PROVIDERS, MockMode, Provider


def choose_provider(fields: dict[str, Any]) -> tuple[Provider, str]:
    """The provider and the model name that the task will carry; the name stays as asked.

    Raises:
        InvalidInput: an unknown model, a provider that is not configured (with the variable to
            set), or a parameter that the model refuses.
    """
    conf, catalogue = get_conf(), load_catalogue()
    model: str = fields.get("model", "")
    provider = _requested(fields.get("provider"), model, conf, catalogue)
    _require_configured(provider, conf)
    if provider is Provider.AUTO:
        _require_known_anywhere(model, conf, catalogue)
        _require_accepted_anywhere(fields, conf, catalogue)
        return provider, model
    model = model or _default_model(provider, conf, catalogue)
    _require_known(provider, model, conf, catalogue)
    _require_accepted(provider, fields, catalogue)
    return provider, model


def accepted_models(provider: Provider) -> list[str]:
    """The names that a submit to `provider` may carry; empty means that any name will do."""
    conf = get_conf()
    if provider is Provider.LOCAL:
        return []
    extra = conf.providers[provider].extra_models if provider in conf.providers else ()
    return [*load_catalogue().model_names(provider), *extra]


def _requested(asked: str | None, model: str, conf: Conf, catalogue: Catalogue) -> Provider:
    if asked is not None:
        return Provider(asked)
    if model and (implied := catalogue.find_provider(model)):
        return implied
    if conf.default_provider:
        return Provider(conf.default_provider)
    return conf.configured[0] if conf.configured else Provider.MOCK


def _require_configured(provider: Provider, conf: Conf) -> None:
    if conf.is_mock_standing_in:
        return
    if provider in conf.providers and not conf.providers[provider].is_configured:
        variable = conf.providers[provider].variable
        raise InvalidInput(
            {"provider": [f"{provider} is not configured. Set {variable} and restart."]}
        )
    if provider is Provider.MOCK and conf.mock is not MockMode.FALLBACK:
        raise InvalidInput(
            {"provider": ["The mock is off. Set TASKRUNNER_MOCK=always to let it answer."]}
        )
    if provider is Provider.AUTO and not conf.configured:
        raise InvalidInput(
            {"provider": ["No provider is configured. Set one, for example DEEPSEEK_API_KEY."]}
        )


def _default_model(provider: Provider, conf: Conf, catalogue: Catalogue) -> str:
    own = conf.providers[provider].default_model if provider in conf.providers else ""
    return own or catalogue.default_model(provider)


def _require_known(provider: Provider, model: str, conf: Conf, catalogue: Catalogue) -> None:
    if provider is Provider.LOCAL or model in accepted_models(provider):
        return
    if provider in conf.providers and model == conf.providers[provider].default_model:
        return
    known = ", ".join(catalogue.model_names(provider))
    raise InvalidInput({"model": [f"{provider} has no model {model[:60]!r}. Known: {known}."]})


def _require_known_anywhere(model: str, conf: Conf, catalogue: Catalogue) -> None:
    if not model or any(model in accepted_models(p) for p in REAL_PROVIDERS):
        return
    if Provider.LOCAL in conf.configured or model in catalogue.model_names(Provider.MOCK):
        return
    known = ", ".join(name for p in REAL_PROVIDERS for name in catalogue.model_names(p))
    raise InvalidInput({"model": [f"No provider has a model {model[:60]!r}. Known: {known}."]})


def _require_accepted(provider: Provider, fields: dict[str, Any], catalogue: Catalogue) -> None:
    if "temperature" in fields and not catalogue.accepts_temperature(provider):
        raise InvalidInput(
            {"temperature": [f"{provider} takes no temperature any more. Remove it."]}
        )


def _require_accepted_anywhere(fields: dict[str, Any], conf: Conf, catalogue: Catalogue) -> None:
    """`auto` keeps to those that take what the task asks for; one of them must be configured."""
    if "temperature" not in fields or conf.is_mock_standing_in or not conf.configured:
        return
    if not any(catalogue.accepts_temperature(provider) for provider in conf.configured):
        names = ", ".join(conf.configured)
        raise InvalidInput({"temperature": [f"{names} takes no temperature any more. Remove it."]})
