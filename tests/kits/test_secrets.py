"""Building a kit leaves no trace of a secret outside memory: not in files, arguments, environments or logs."""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path

import pytest

from tests import canaries
from tests.kits.kit_rig import Family


def test_building_a_kit_writes_no_file_and_starts_no_program_with_a_secret(
    family: Family, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    shares = family.document["managed"]["shares"]
    secrets = {family.document["managed"]["recovery"]["secret"].encode()}
    secrets |= {words.encode() for words in shares["words"]}
    secrets |= {words.upper().encode() for words in shares["words"]}
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    seen: dict[str, set[bytes]] = {}
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.005):
            seen.update({str(path): hits for path, hits in canaries.in_files([tmp_path], secrets).items()})

    watcher = threading.Thread(target=watch)
    watcher.start()
    with caplog.at_level(logging.DEBUG), canaries.CommandLines(secrets) as programs:
        files = family.kit("alice")
    done.set()
    watcher.join()
    assert files and not seen and not programs.seen
    assert not canaries.in_files([tmp_path], secrets)
    assert not [secret for secret in secrets if secret.decode() in caplog.text]


def test_documents_are_made_without_opening_a_file_for_writing(family: Family, monkeypatch: pytest.MonkeyPatch) -> None:
    from paraduxd.keeper.kits.documents.build import build

    family.kit("alice")
    written: list[str] = []
    opened = os.open

    def watched(path: object, flags: int, *rest: object, **named: object) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            written.append(str(path))
        return opened(path, flags, *rest, **named)  # type: ignore[arg-type]

    def audit(event: str, arguments: tuple[object, ...]) -> None:
        if active and event == "open" and str(arguments[1] or "")[:1] in ("w", "a", "x"):
            written.append(str(arguments[0]))

    import sys

    active = True
    sys.addaudithook(audit)
    monkeypatch.setattr(os, "open", watched)
    build(family.inputs("alice"), lambda data: b"signature")
    active = False
    assert written == []
