"""Which options of a remote are passwords: what the installed rclone says, once."""

from __future__ import annotations

from pathlib import Path

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.effects.process import run
from paraduxd.effects.tools import rclone

_KNOWS = '[{"Name": "webdav", "Prefix": "webdav", "Options": [{"Name": "%s", "IsPassword": true}]}]'


def other(folder: Path, password: str) -> Path:
    """A folder with an rclone that has one password; it notes what it is asked."""
    folder.mkdir()
    program = folder / "rclone"
    program.write_text(
        f'#!/bin/sh\necho "$*" >>{folder}/asked\n'
        f"case \"$*\" in *providers) echo '{_KNOWS % password}' ;; *) echo hidden ;; esac\n"
    )
    program.chmod(0o755)
    return folder


def test_an_rclone_is_asked_once_and_another_one_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"type": "webdav", "pass": "x", "token": "y"}
    first, second = other(tmp_path / "first", "pass"), other(tmp_path / "second", "token")
    monkeypatch.setattr(run, "PATH", f"{first}:{run.PATH}")
    for _ in range(3):
        assert rclone.obscured(options) == {**options, "pass": "hidden"}
    assert (first / "asked").read_text().count("providers") == 1
    monkeypatch.setattr(run, "PATH", f"{second}:{run.PATH}")
    assert rclone.obscured(options) == {**options, "token": "hidden"}


def test_what_it_did_not_know_it_is_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = other(tmp_path / "folder", "pass")
    monkeypatch.setattr(run, "PATH", f"{folder}:{run.PATH}")
    for _ in range(2):
        with pytest.raises(ParaduxError, match="knows no remote"):
            rclone.obscured({"type": "another"})
    assert (folder / "asked").read_text().count("providers") == 2
