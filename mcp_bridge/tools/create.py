"""create_task: one prompt, accepted for the workers. Its rules are the submit's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser
from rest_framework import serializers

from mcp_bridge.results import Done
from mcp_bridge.schemas import Schema, WordField
from mcp_bridge.tools.base import Call, Tool, in_database, schema_of
from tasks.conf import get_conf
from tasks.providers.catalogue import load_catalogue
from tasks.services import submit
from tasks.services.choosing import accepted_models
from tasks.services.fields import Reference, StrictText, Text
from tasks.services.submission import SubmissionSerializer
from tasks.vocabulary import REAL_PROVIDERS, Provider


class CreateArguments(SubmissionSerializer):
    """A submit's fields that a model has use for, and the key of a repeated call."""

    shown_as_required: ClassVar[tuple[str, ...]] = ("prompt",)

    provider = WordField(
        [p.value for p in Provider],
        required=False,
        help_text="Who should answer; `auto` leaves the choice to the router. "
        "Leave it out for the default.",
    )
    idempotency_key = StrictText(
        max_length=255,
        required=False,
        help_text="Any text of your own. Reuse the same key when you repeat a call: "
        "the task is not made twice.",
    )
    template = Reference(
        max_length=100,
        required=False,
        help_text="A stored template that makes the prompt: its name, or name@version. "
        "Leave `prompt` out then.",
    )
    variables = serializers.DictField(
        child=Text(allow_blank=True),
        required=False,
        help_text="A text for each of the template's variables, by name.",
    )
    temperature = None  # type: ignore[assignment]
    metadata = None  # type: ignore[assignment]
    expires_at = None  # type: ignore[assignment]
    max_attempts = None  # type: ignore[assignment]
    failover = None  # type: ignore[assignment]
    custom_id = None  # type: ignore[assignment]


def limits() -> Mapping[str, Schema]:
    """What the settings and the catalogue allow now."""
    most = get_conf().prompt_max_chars
    return {
        "prompt": {
            "maxLength": most,
            "description": f"What to ask: 1 to {most} characters.",
        },
        "system": {"maxLength": most},
        "model": {
            "enum": known_models(),
            "description": "A model's name; it also chooses its provider. "
            "Leave it out for the default.",
        },
        "tags": {"description": "Words to find the task by."},
    }


def known_models() -> list[str]:
    """Every name that some provider accepts, each once, current ones before retired ones."""
    conf, catalogue = get_conf(), load_catalogue()
    own = [conf.providers[p].default_model for p in REAL_PROVIDERS]
    own += [name for p in REAL_PROVIDERS for name in conf.providers[p].extra_models]
    shelves = [
        (catalogue.shelves[p], accepted_models(p)) for p in Provider if p in catalogue.shelves
    ]
    current = [name for shelf, names in shelves for name in names if name not in shelf.retired]
    retired = [name for shelf, names in shelves for name in names if name in shelf.retired]
    return list(dict.fromkeys(name for name in (*current, *own, *retired) if name))


def create_task(user: AbstractBaseUser, call: Call) -> Done:
    fields: dict[str, Any] = dict(call.given)
    submitted = submit(user, fields, idempotency_key=fields.pop("idempotency_key", None))
    task = submitted.task
    did = "was submitted by an earlier call with this key" if submitted.is_replay else "is accepted"
    return Done(
        success=True,
        task_id=task.pk,
        status=task.state,
        message=f"Task {task.pk} {did}. Call wait_for_task with its id for the answer.",
    )


CREATE_TASK = Tool(
    name="create_task",
    title="Submit a prompt",
    icon="plus",
    description=(
        "Submit a prompt as a background task and return its id at once. "
        "Then call wait_for_task with the id; the answer comes from an AI provider, may take "
        "seconds to minutes and may cost money."
    ),
    arguments=CreateArguments,
    output_schema=schema_of(Done),
    run=in_database(create_task),
    is_read_only=False,
    is_idempotent=False,
    is_open_world=True,
    limits=limits,
)
