"""Of a process that ended too early, what it wrote is told unless it may repeat a secret."""

from __future__ import annotations

import pytest

from paraduxd.effects.process import last_words

SECRET = "correct horse battery staple"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("ModuleNotFoundError: No module named 'pydantic'", "ModuleNotFoundError: No module named 'pydantic'"),
        (
            "ImportError: cannot import name 'a' from 'b' (/x/b.py)",
            "ImportError: cannot import name 'a' from 'b' (/x/b.py)",
        ),
        ("/opt/paradux/bin/python3: No module named paraduxd", "No module named paraduxd"),
        (
            "/opt/python3: Error while finding module specification for 'paraduxd.worker.main' (ModuleNotFoundError: x)",
            "Error while finding module specification for 'paraduxd.worker.main' (ModuleNotFoundError: x)",
        ),
        (
            "/usr/bin/python3: error while loading shared libraries: libz.so.1: cannot open shared object file",
            "error while loading shared libraries: libz.so.1: cannot open shared object file",
        ),
        ("Fatal Python error: init_fs_encoding: no codec", "Fatal Python error: init_fs_encoding: no codec"),
        ("MemoryError", "MemoryError"),
        (f"ValueError: bad passphrase {SECRET}", "ValueError"),
        (f"json.decoder.JSONDecodeError: {SECRET}", "json.decoder.JSONDecodeError"),
        (f"OSError: [Errno 28] No space left on device: '/{SECRET}'", "OSError: No space left on device"),
        (f"{SECRET}: No such thing", ""),
        (SECRET, ""),
        ("", ""),
    ],
)
def test_the_reason_repeats_no_secret(line: str, reason: str) -> None:
    assert last_words.reason(f"Traceback (most recent call last):\n{line}\n\n".encode()) == reason


def test_the_last_line_is_bounded_and_printable() -> None:
    assert last_words.last_line(b"first\n\x1b[2Jred\n\n") == "?[2Jred"
    assert len(last_words.last_line(b"x" * 100_000)) == 300
    assert last_words.last_line(b"\n") == ""
