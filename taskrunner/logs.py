"""Logging: structlog renders every record of every library, as text or as JSON, to stderr."""

from __future__ import annotations

import logging
import logging.config
from typing import Any

import structlog

from tasks.vocabulary import LogFormat, LogLevel

_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.stdlib.PositionalArgumentsFormatter(),
]


class WithoutInfo(logging.Filter):
    """For a library that calls news what is none."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno != logging.INFO


def logging_config(level: LogLevel, fmt: LogFormat) -> dict[str, Any]:
    """The `dictConfig` of the project. stderr only: on stdio MCP, stdout is the wire."""
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if fmt is LogFormat.JSON
        # Plain tracebacks: the pretty ones print local variables, keys and passwords among them.
        else structlog.dev.ConsoleRenderer(
            colors=False, pad_event_to=0, exception_formatter=structlog.dev.plain_traceback
        )
    )
    ending: list[Any] = [structlog.processors.format_exc_info] if fmt is LogFormat.JSON else []
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": [*_SHARED, structlog.stdlib.ExtraAdder()],
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    *ending,
                    renderer,
                ],
            }
        },
        "filters": {"without_info": {"()": WithoutInfo}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "structured"},
        },
        "root": {"handlers": ["stderr"], "level": level.upper()},
        "loggers": {
            # django-q2 would bring a handler of its own; one voice is enough.
            "django-q": {"handlers": [], "level": level.upper(), "propagate": True},
            # It says at every call over HTTP that a session has ended, and there are none.
            "mcp.server.streamable_http": {"filters": ["without_info"]},
        },
    }


def configure(config: dict[str, Any]) -> None:
    """Django's LOGGING_CONFIG: set up the standard library, then structlog over it."""
    logging.config.dictConfig(config)
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
