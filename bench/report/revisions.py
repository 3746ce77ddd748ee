"""Which state of the code the figures belong to."""

from __future__ import annotations

import subprocess

from bench.probe import ROOT

_MEASURED = ("tasks", "taskrunner", "bench", "tests/fakes", "requirements.txt")


def revisions(first: str, last: str) -> str:
    """The commit that the measuring began on, and those that came in before it ended.

    first, last: ISO times at which the first and the last row were done. Empty outside git. What
    nobody has committed is not told.
    """
    began = _git("rev-list", "-1", f"--before={first}", "HEAD")
    if not began:
        return ""
    span = (f"--since={first}", f"--until={last}", "--format=%h %s", "--", *_MEASURED)
    later = _git("log", *span).splitlines()
    if not later:
        return f"All of it on commit {began[:7]}."
    listed = "; ".join(later)
    return f"Begun on commit {began[:7]}. The code changed before the last row: {listed}."


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()
