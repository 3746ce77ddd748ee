"""The MCP server: `manage.py runmcp`."""

from __future__ import annotations

import gc
import json
import logging
import socket
from functools import partial
from typing import Any

import anyio
from django.core.management.base import BaseCommand, CommandError, CommandParser

from mcp_bridge.caller import Caller
from mcp_bridge.database import threads
from mcp_bridge.http import http_app, listen, serve_http
from mcp_bridge.preflight import check_database, check_settings, require_user
from mcp_bridge.server import build_server
from mcp_bridge.stdio import serve_stdio
from tasks.desktop_config import desktop_config
from tasks.vocabulary import LogLevel


class Command(BaseCommand):
    help = "Serve tasks to AI clients by the Model Context Protocol, on stdio or over HTTP."
    requires_system_checks: list[str] = []  # they would write on the wire

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--transport", choices=["stdio", "http"], default="stdio")
        parser.add_argument("--host", default="127.0.0.1", help="for http (127.0.0.1)")
        parser.add_argument("--port", type=_port, default=8001, help="for http (8001)")
        parser.add_argument(
            "--user",
            help="whom stdio acts as (TASKRUNNER_MCP_USER, else admin); over HTTP the key says",
        )
        parser.add_argument("--read-only", action="store_true", help="offer reading tools alone")
        parser.add_argument(
            "--validate-only", action="store_true", help="check that it could start, and leave"
        )
        parser.add_argument(
            "--print-config", action="store_true", help="print claude_desktop_config.json"
        )
        parser.add_argument(
            "--log-level", type=str.lower, choices=[level.value for level in LogLevel]
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["print_config"]:
            self.stdout.write(json.dumps(desktop_config(_kept(options)), indent=2))
            return
        if options["log_level"]:
            logging.getLogger().setLevel(options["log_level"].upper())
        check_settings()
        check_database()
        is_http = options["transport"] == "http"
        user = None if is_http and not options["user"] else require_user(options["user"])
        if options["validate_only"]:
            who = f"acting as {user.get_username()}" if user else "acting as each key's user"
            self.stdout.write(f"OK: settings, database and migrations are ready, {who}.")
            return
        gc.freeze()  # what is loaded stays: to look through it for garbage delays calls and the end
        if is_http:
            listener = _listen(options["host"], options["port"])
            anyio.run(serve_http, http_app(is_read_only=options["read_only"]), listener)
        else:
            assert user is not None  # noqa: S101 - stdio has required one
            caller = Caller(user_id=user.pk, can_write=not options["read_only"])
            anyio.run(partial(serve_stdio, build_server(lambda ctx: caller)))
        threads.end()


def _listen(host: str, port: int) -> socket.socket:
    try:
        return listen(host, port)
    except OSError as fault:
        raise CommandError(f"Cannot listen on {host} port {port}: {fault.strerror}.") from fault


def _kept(options: dict[str, Any]) -> list[str]:
    """The options that the printed configuration shall start the server with."""
    if options["transport"] != "stdio":
        raise CommandError("--print-config is for stdio; over HTTP a client needs address and key.")
    kept = []
    if options["user"]:
        kept += ["--user", options["user"]]
    if options["read_only"]:
        kept.append("--read-only")
    if options["log_level"]:
        kept += ["--log-level", options["log_level"]]
    return kept


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65_535:
        raise ValueError(text)
    return port
