"""What a fault of the program says: enough for a report, and nothing that was given to it."""

from __future__ import annotations

import errno

from paraduxd.api.errors import unforeseen

SECRET = "canary-of-an-exception"


def _fails(problem: Exception) -> None:
    raise problem


def _caught(problem: Exception) -> str:
    try:
        _fails(problem)
    except type(problem) as raised:
        error = unforeseen("the keeper failed", raised)
    assert SECRET not in error.message + error.hint and "log" not in error.hint
    return error.message


def test_kind_and_places_are_told_and_no_text() -> None:
    told = _caught(ValueError(SECRET))
    assert told.startswith("the keeper failed: ValueError in test_errors.py, line ")
    assert " from test_errors.py, line " in told


def test_what_the_system_said_is_told() -> None:
    assert "OSError (No space left on device) in " in _caught(OSError(errno.ENOSPC, SECRET, SECRET))
    assert "PermissionError (Permission denied) in " in _caught(PermissionError(errno.EACCES, SECRET))
    assert "OSError in " in _caught(OSError(SECRET))
