"""The log has one line for the start and one for the end of a run, and journald gets the same facts as fields."""

from __future__ import annotations

import logging
import socket
from pathlib import Path

import pytest

from paraduxd.core.runs.orders import Failed
from paraduxd.core.runs.queue import Request
from paraduxd.effects.journal.journal import Ending
from paraduxd.effects.process import journald
from paraduxd.supervisor.runs import run_log

REQUEST = Request(17, "photos", "push", "friend", uid=1000)
FAILED = Ending("failed", "2026-11-23T12:01:30Z", Failed("unreachable", 'no "answer"\nX=1'), None, 5)


def test_a_line_for_the_start_and_one_for_the_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "paradux.runs")
    run_log.started(REQUEST, "manual")
    run_log.ended(REQUEST, FAILED, "2026-11-23T12:00:00Z")
    assert caplog.messages[0] == ("Run 17 started: step=push dataset=photos location=friend trigger=manual uid=1000")
    assert caplog.messages[1].startswith(
        "Run 17 ended: step=push dataset=photos location=friend uid=1000 state=failed seconds=90 bytes=5 code=unreachable"
    )
    assert [record.levelname for record in caplog.records] == ["INFO", "WARNING"]


def test_journald_gets_fields_that_no_message_can_forge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journald, "SOCKET", str(tmp_path / "socket"))
    logger = logging.getLogger("test.journald")
    logger.propagate = False
    logger.addHandler(handler := journald.JournalHandler())
    monkeypatch.setattr(run_log, "log", logger)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.bind(journald.SOCKET)
        run_log.ended(REQUEST, FAILED, None)
        data = journal.recv(1 << 16)
    logger.removeHandler(handler)
    lines = data.split(b"\n")
    assert {b"PARADUX_RUN=17", b"PARADUX_DATASET=photos", b"PARADUX_UID=1000", b"PRIORITY=4"} <= set(lines)
    value = b'no "answer"\nX=1'
    assert b"PARADUX_ERROR\n" + len(value).to_bytes(8, "little") + value + b"\n" in data
