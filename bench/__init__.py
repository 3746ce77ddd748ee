"""Speed and memory, measured from outside: real clusters, real databases, a fake provider.

`bench/run` measures every row on SQLite and on PostgreSQL, then the peers, prints one table and
writes docs/benchmarks.md. Nothing in here is imported by the project or by its tests.
"""
