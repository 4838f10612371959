"""An installation that is prepared once; every test gets it as it was then, at the same place."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.rig import Installation, fill, running


class Prepared:
    """`prepare` brings a running installation below `root` to where the tests begin. `own_workers` as of an installation."""

    def __init__(self, root: Path, prepare: Callable[[Installation], object], *, own_workers: bool = False) -> None:
        self._root = root
        self._own_workers = own_workers
        self._kept = root.with_name(f"{root.name}.kept")
        with running(root) as installation:
            prepare(installation)
            installation.stop()
        shutil.rmtree(root / "run")
        root.rename(self._kept)

    @contextlib.contextmanager
    def again(self) -> Iterator[Installation]:
        """As it was, and started."""
        shutil.rmtree(self._root, ignore_errors=True)
        subprocess.run(["cp", "--archive", self._kept, self._root], check=True)
        with running(self._root, own_workers=self._own_workers) as installation:
            yield installation


def backed_up(root: Path, files: int) -> Prepared:
    """One dataset of so many files on folders, set up and backed up once."""

    def prepare(installation: Installation) -> None:
        fill(root / "source", files)
        installation.setup()
        installation.ctl("backup")

    return Prepared(root, prepare)
