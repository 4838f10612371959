"""What is remembered of the restic processes of a destination, while several workers look at it at once."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from paraduxd.protocols.restic.running.locks import Running


def test_one_that_is_just_beginning_is_not_forgotten(tmp_path: Path) -> None:
    """Its file was taken for that of a dead one, or could not be locked while another worker looked at it."""
    over = threading.Event()

    def forget() -> None:
        while not over.is_set():
            Running(tmp_path).forget()

    with ThreadPoolExecutor() as pool:
        forgetting = [pool.submit(forget) for _ in range(2)]
        try:
            for _ in range(300):
                with Running(tmp_path).one() as note:
                    note.began(os.getpid())
                    (kept,) = note.inherited
                    assert os.fstat(kept).st_nlink, "it still has its name"
        finally:
            over.set()
        for each in forgetting:
            each.result()
