"""The same tasks through other task systems, each a tiny application with its best settings.

`roster`, `environment`, `redis_server`, `installation` and `measure` run in the project's
environment; `job`, `produce` and each peer's own folder run in bench/.venv.
"""
