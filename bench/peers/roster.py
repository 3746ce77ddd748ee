"""Who is measured beside the project, and how each is started."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Peer:
    """`folder`: its application under bench/peers. `worker`, `prepare`: programs of bench/.venv
    with their arguments; the worker is started `worker_processes` times. slots: calls that all of
    them can have in flight."""

    name: str
    folder: str
    slots: int
    worker: tuple[str, ...]
    worker_processes: int = 1
    prepare: tuple[str, ...] = ()
    has_redis: bool = False
    settings: str


PEERS = (
    Peer(
        name="Celery",
        folder="celery_threads",
        slots=256,
        worker=(
            "celery", "-A", "bench.peers.celery_threads.app", "worker", "--pool=threads",
            "--concurrency=256", "-O", "fair", "--without-gossip", "--without-mingle",
            "--without-heartbeat", "--loglevel=WARNING",
        ),
        has_redis=True,
        settings="one process of 256 threads over Redis, `-O fair`, prefetch 1, late "
        "acknowledgement, no result backend, no gossip, mingle or heartbeat",
    ),
    Peer(
        name="dramatiq",
        folder="dramatiq_threads",
        slots=256,
        worker=(
            "dramatiq", "bench.peers.dramatiq_threads.app", "--processes", "2",
            "--threads", "128",
        ),
        has_redis=True,
        settings="2 processes of 128 threads over Redis",
    ),
    Peer(
        name="Procrastinate",
        folder="procrastinate_async",
        slots=256,
        worker=(
            "procrastinate", "--app", "bench.peers.procrastinate_async.app.app", "worker",
            "--concurrency", "128",
        ),
        worker_processes=2,
        prepare=(
            "procrastinate", "--app", "bench.peers.procrastinate_async.app.app", "schema",
            "--apply",
        ),
        settings="asynchronous tasks (aiohttp), 2 processes of 128 (better here than one of 256), "
        "LISTEN/NOTIFY, its queue in PostgreSQL, submitted with `batch_defer`",
    ),
    Peer(
        name="django-q2",
        folder="django_q2_stock",
        slots=4,
        worker=("django-admin", "qcluster"),
        prepare=("django-admin", "migrate", "-v0"),
        settings="stock, ORM broker on PostgreSQL, 4 worker processes, `save_limit=-1`",
    ),
)  # fmt: skip
