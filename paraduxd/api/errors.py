"""The one public error type of Paradux and the exit codes of `paraductl`.

An error says what failed, why, and what to do next, once. It never carries the input that caused it, because that
may be a secret.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from enum import IntEnum


class ExitCode(IntEnum):
    """What `paraductl` returns to the shell."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NOT_AUTHORIZED = 3
    UNREACHABLE = 4
    INVALID_CONFIG = 5
    WARNING = 10
    CRITICAL = 20


class ParaduxError(Exception):
    """A failure that a user can meet.

    `code` is a stable word for programs ("wrong-passphrase"), `message` one lower-case sentence without a full stop
    that says what and why, `hint` what to do next. `details` are plain dictionaries (config problems, for example).
    """

    def __init__(
        self,
        code: str,
        message: str,
        hint: str = "",
        exit_code: ExitCode = ExitCode.FAILED,
        details: tuple[dict[str, object], ...] = (),
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.exit_code = exit_code
        self.details = details

    def to_wire(self) -> dict[str, object]:
        """The error as plain values."""
        return {
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "exit_code": int(self.exit_code),
            "details": list(self.details),
        }

    @classmethod
    def from_wire(cls, untrusted: Mapping[str, object]) -> ParaduxError:
        """The error that the other side sent; whatever is missing or odd becomes a plain failure."""
        try:
            exit_code = ExitCode(int(str(untrusted.get("exit_code", 1))))
        except ValueError:
            exit_code = ExitCode.FAILED
        details = untrusted.get("details")
        return cls(
            str(untrusted.get("code", "failed")),
            str(untrusted.get("message", "the daemon sent an error without a message")),
            str(untrusted.get("hint", "")),
            exit_code,
            tuple(d for d in details if isinstance(d, dict)) if isinstance(details, list) else (),
        )


def unforeseen(what: str, problem: BaseException) -> ParaduxError:
    """The error for a fault of the program: its kind, place, and what the system said; not its text, which may repeat a secret."""
    kind, number = type(problem).__name__, getattr(problem, "errno", None)
    if isinstance(problem, OSError) and isinstance(number, int):
        kind += f" ({os.strerror(number)})"
    hint = "this is a fault of Paradux: report it with this sentence"
    return ParaduxError("internal", f"{what}: {kind}{_place(problem)}", hint)


_FRAMES = 3
"""So many calls are named."""


def _place(problem: BaseException) -> str:
    """The innermost calls, the last one first."""
    trace, places = problem.__traceback__, list[str]()
    while trace is not None:
        places.append(f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}, line {trace.tb_lineno}")
        trace = trace.tb_next
    return "".join(f" {'in' if not n else 'from'} {place}" for n, place in enumerate(places[: -_FRAMES - 1 : -1]))


class TransientError(ParaduxError):
    """A failure that may pass: an unreachable host, a cut connection, a full disk."""


class HeldError(Exception):
    """The guard stopped a pull: nothing was removed. Counts are files."""

    def __init__(self, reason: str, text: str, removed: int = 0, changed: int = 0, files: int = 0) -> None:
        super().__init__(text)
        self.reason = reason
        self.text = text
        self.removed = removed
        self.changed = changed
        self.files = files
