"""`.env`: a key of its own, and nothing else touched."""

from __future__ import annotations

import stat
from pathlib import Path

import environ
import pytest

from taskrunner.supervisor.dotenv import ensure_secret_key


def _read(path: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    original, environ.Env.ENVIRON = environ.Env.ENVIRON, found
    try:
        environ.Env.read_env(path)
    finally:
        environ.Env.ENVIRON = original
    return found


def test_missing_file_is_made_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    assert ensure_secret_key(path, {})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(_read(path)["SECRET_KEY"]) >= 50


def test_two_projects_get_different_keys(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    ensure_secret_key(first, {})
    ensure_secret_key(second, {})
    assert first.read_text() != second.read_text()


def test_key_in_the_environment_needs_no_file(tmp_path: Path) -> None:
    assert not ensure_secret_key(tmp_path / ".env", {"SECRET_KEY": "mine"})
    assert not (tmp_path / ".env").exists()


@pytest.mark.parametrize(
    "text", ["SECRET_KEY=mine\n", "A=1\nexport SECRET_KEY='mine'\n", "SECRET_KEY = mine # note\n"]
)
def test_key_in_the_file_is_kept_to_the_letter(tmp_path: Path, text: str) -> None:
    path = tmp_path / ".env"
    path.write_text(text)
    assert not ensure_secret_key(path, {})
    assert path.read_text() == text


@pytest.mark.parametrize("empty", ["SECRET_KEY=\n", 'SECRET_KEY=""\n', "SECRET_KEY=  # none yet\n"])
def test_empty_key_is_filled_where_it_stands(tmp_path: Path, empty: str) -> None:
    path = tmp_path / ".env"
    path.write_text(f"DEBUG=true\n{empty}LOG_LEVEL=info\n")
    assert ensure_secret_key(path, {"SECRET_KEY": ""})
    lines = path.read_text().splitlines()
    assert [lines[0], lines[2]] == ["DEBUG=true", "LOG_LEVEL=info"]
    assert len(_read(path)["SECRET_KEY"]) >= 50


def test_key_is_added_to_a_file_without_one_and_the_file_closed_to_others(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("OPENAI_API_KEY=secret")
    path.chmod(0o644)
    assert ensure_secret_key(path, {})
    assert set(_read(path)) == {"OPENAI_API_KEY", "SECRET_KEY"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_linked_file_stays_a_link(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.symlink_to(tmp_path / "shared.env")
    assert ensure_secret_key(path, {})
    assert path.is_symlink()
    assert "SECRET_KEY" in _read(tmp_path / "shared.env")
