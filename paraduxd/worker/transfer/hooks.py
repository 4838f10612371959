"""What the administrator has run before and after a pull: executables in `/etc/paradux/hooks.d`, found by their names alone.

A hook is started without a shell, shut in as the transfer is, with an environment that says what it is for and nothing else. One that
others could have written is not started. What it prints is read to its end, and only the last of it kept.
"""

from __future__ import annotations

import contextlib
import logging
import os
import selectors
import time
from collections.abc import Iterator
from dataclasses import dataclass

from paraduxd.api.errors import ParaduxError
from paraduxd.core.plan.transport import Hooks
from paraduxd.core.primitives import durations, quoting
from paraduxd.effects.installation import hook_programs
from paraduxd.effects.process import run
from paraduxd.protocols.base import HeldError
from paraduxd.worker import redaction

DONE, FAILED, HELD, CANCELLED = "done", "failed", "held", "cancelled"
"""How a pull ended, as the hook after it is told."""

log = logging.getLogger("paradux.hooks")

_LAST_LINES = 3
_TAIL = 4096
"""Bytes of what a hook has printed."""

_PIECE = 1 << 16
"""Bytes: as much as a pipe holds, so that one piece is all that was said before the end."""

_WHEN_CANCELLED = 4
"""Seconds: what does not end soon after a cancellation is killed."""


@dataclass
class Ended:
    """`trouble`: why the hook after a pull that went well has failed; "" when it has not."""

    trouble: str = ""


@contextlib.contextmanager
def around(dataset: str, hooks: Hooks) -> Iterator[Ended]:
    """Run the first hook, then what is inside, then, whatever happened, the second.

    Raises `ParaduxError` "hook-failed" or "untrusted-hook" for the first one. A failure of the second is only told: the data are there.
    """
    ended, outcome = Ended(), FAILED
    try:
        if hooks.before:
            _run(hooks.before, {"PARADUX_HOOK": "before", "PARADUX_DATASET": dataset}, hooks.within)
        yield ended
        outcome = DONE
    except HeldError:
        outcome = HELD
        raise
    except Exception:
        raise
    except BaseException:
        outcome = CANCELLED
        raise
    finally:
        if hooks.after:
            ended.trouble = _after(hooks, dataset, outcome)


def _after(hooks: Hooks, dataset: str, outcome: str) -> str:
    told = {"PARADUX_HOOK": "after", "PARADUX_DATASET": dataset, "PARADUX_OUTCOME": outcome}
    within = min(hooks.within, _WHEN_CANCELLED) if outcome == CANCELLED else hooks.within
    try:
        _run(hooks.after, told, within)
    except ParaduxError as problem:
        log.warning("After the pull of %s, which ended as %s: %s", dataset, outcome, problem.message)
        return redaction.redacted(problem.message)
    return ""


def _run(name: str, told: dict[str, str], within: int) -> None:
    """One hook, to its end; raises `ParaduxError`."""
    path = hook_programs.path_of(name)
    if reason := hook_programs.distrusted(name):
        raise ParaduxError(
            "untrusted-hook",
            f"the hook {path} is not run: {reason}",
            "see docs/how-to/hooks.md: it is an executable file of root's that nobody else may write",
        )
    code, said = _to_its_end([str(path)], told, within)
    lines = said.decode(errors="replace").splitlines()[-_LAST_LINES:]
    if code is None:
        limit = durations.describe(within)
        raise _failed(name, f"did not end within {limit}", lines, "see what it waits for, or allow more: hooks_within")
    if code:
        how = f"ended with exit code {code}" if code > 0 else f"was killed by signal {-code}"
        raise _failed(name, how, lines, f"see why, and try it by hand: {path}")


def _failed(name: str, how: str, lines: list[str], hint: str) -> ParaduxError:
    return ParaduxError("hook-failed", f"the hook {name} {how}{quoting.says(lines)}", hint)


def _to_its_end(command: list[str], told: dict[str, str], within: int) -> tuple[int | None, bytes]:
    """Exit code (`None`: it was killed after so many seconds) and the last of what it printed, errors and output as they came.

    What it leaves running is killed with it.
    """
    heard, speaks = os.pipe()
    try:
        try:
            hook = run.start(command, extra_env=told, stdout=speaks, stderr=speaks)
        except OSError as problem:
            return 126, f"it cannot be started: {problem.strerror}".encode()
        finally:
            os.close(speaks)
        try:
            said, ended = _heard(heard, hook.pid, time.monotonic() + within)
        finally:
            run.kill_group(hook)
        return (hook.returncode if ended else None), said
    finally:
        os.close(heard)


def _heard(pipe: int, pid: int, deadline: float) -> tuple[bytes, bool]:
    """The last of what comes until the program has ended, and whether it has ended in time."""
    kept, process = b"", os.pidfd_open(pid)
    os.set_blocking(pipe, False)
    try:
        with selectors.DefaultSelector() as ready:
            ready.register(pipe, selectors.EVENT_READ)
            ready.register(process, selectors.EVENT_READ)
            while (left := deadline - time.monotonic()) > 0:
                events = {key.fd for key, _ in ready.select(left)}
                with contextlib.suppress(BlockingIOError):
                    if not (piece := os.read(pipe, _PIECE)) and pipe in events:
                        ready.unregister(pipe)
                    kept = (kept + piece)[-_TAIL:]
                if process in events:
                    return kept, True
    finally:
        os.close(process)
    return kept, False
