"""Packages of this checkout, each built once for all the tests of a session, whichever process asks first."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).parents[2]


def run(*command: str | Path, check: bool = True, **options: Any) -> str:
    """All that a command says; it must succeed."""
    words = [str(each) for each in command]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=800, **options)
    if check and done.returncode:
        raise AssertionError(f"{command[0]} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout + done.stderr


def once(factory: pytest.TempPathFactory, name: str, build: Callable[[Path], object]) -> Path:
    """The folder `name` of this session, filled by `build`."""
    base = factory.getbasetemp()
    shared = base.parent if base.name.startswith("popen-") else base  # that of all workers of pytest-xdist
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder = shared / name
        if not folder.exists():
            unfinished = shared / f"{name}.unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            build(unfinished)
            unfinished.rename(folder)
    return folder


def wheel(factory: pytest.TempPathFactory) -> Path:
    """What contrib/wheel makes, with the packages that are here."""
    script = f". '{CHECKOUT}/contrib/common.sh'; build_wheel '{sys.executable}' '' "
    (found,) = once(factory, "wheel", lambda folder: run("bash", "-euc", f"{script} '{folder}'")).glob("*.whl")
    return found


def package(factory: pytest.TempPathFactory, *options: str) -> Path:
    """What contrib/package makes with these options."""
    name = "-".join(["package", *(each.strip("-") for each in options)])
    folder = once(factory, name, lambda folder: run(CHECKOUT / "contrib/package", *options, folder))
    (found,) = folder.glob("paradux_*.deb")
    return found
