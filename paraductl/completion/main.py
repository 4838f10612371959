"""`paraductl --complete SHELL ...`: answers a shell, within a second, without an error and without a question."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Iterator, Sequence
from types import FrameType

from paraductl.command_loader import Commands
from paraductl.completion.command_line import offer
from paraductl.completion.live_names import LiveNames
from paraductl.completion.shells import Line, answer, split_bash
from paraductl.context import Daemon, SocketDaemon
from paraduxd.api.contract import SupervisorCalls, ask_supervisor
from paraduxd.api.paths import run_directory

SECONDS = 1.0
"""For everything that the daemon is asked. A person who has pressed TAB waits."""


def main(arguments: Sequence[str], daemon: Daemon | None = None) -> int:
    """Print what can stand at the cursor. `arguments`: the shell; then for bash COMP_WORDBREAKS and the line, for others its words."""
    with contextlib.suppress(Exception):
        shell, *rest = arguments
        line = split_bash(rest[1], rest[0]) if shell == "bash" else Line(tuple(rest))
        with contextlib.ExitStack() as connections:

            def connect(run: str | None) -> SupervisorCalls:
                place = daemon or SocketDaemon(run_directory(run))
                return ask_supervisor(connections.enter_context(place.supervisor()).call)

            connections.enter_context(_time_limit())
            found = offer(line.words, Commands(warn=lambda _: None), LiveNames(connect).sources())
        sys.stdout.write("".join(f"{each}\n" for each in answer(shell, found, line)))
        sys.stdout.flush()
    return 0


@contextlib.contextmanager
def _time_limit() -> Iterator[None]:
    """Interrupt whatever waits longer than `SECONDS`."""

    def over(_number: int, _frame: FrameType | None) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
