"""The table of what each process took, at the end of the session."""

from __future__ import annotations

import pytest

from tests.hostile.measured import CASES


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line for each attack: place and attack, peak of each program in MiB, what was said."""
    if not CASES:
        return
    terminalreporter.section("hostile places: peak memory in MiB")
    for case in CASES:
        terminalreporter.write_line(case.line())
