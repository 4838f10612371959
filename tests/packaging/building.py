"""Packages of this checkout, each built once for all the tests of a session, whichever process asks first."""

from __future__ import annotations

import fcntl
import hashlib
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.system.guest_image import cache, locked

CHECKOUT = Path(__file__).parents[2]
MARKS = (pytest.mark.long, pytest.mark.beside, pytest.mark.timeout(1800))
"""Of tests that build packages: what goes in comes over the network, and beside virtual machines they get little of the processors."""

_NOT_INSTALLED = ("quickstart", "test")
"""Of `contrib`: what makes no difference to a program."""


def run(*command: str | Path, check: bool = True, **options: Any) -> str:
    """All that a command says; it must succeed."""
    words = [str(each) for each in command]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=1500, **options)
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
    if not options:
        folder = once(factory, name, own_package)
    else:
        folder = once(factory, name, lambda folder: run(CHECKOUT / "contrib/package", *options, folder))
    (found,) = folder.glob("paradux_*.deb")
    return found


def own_package(folder: Path) -> Path:
    """What contrib/package makes for this machine, put into a folder; kept in the cache until something that goes into it changes."""
    kept = cache() / f"package-{digest(platform.platform() + sys.version, *program(), *_documents())}"
    with locked("package.lock"):
        if not kept.exists():
            for outdated in cache().glob("package-*/"):
                shutil.rmtree(outdated)
            unfinished = cache() / "making-package"
            shutil.rmtree(unfinished, ignore_errors=True)
            run(CHECKOUT / "contrib/package", unfinished)
            unfinished.rename(kept)
        (found,) = kept.glob("paradux_*.deb")
        return Path(shutil.copy(found, folder))


def quick(package: Path, folder: Path) -> tuple[Path, Path]:
    """For a slow machine: the same package, packed for speed, and an archive of what its postinst compiles, made by the same Python."""
    tree, archive = folder / "tree", folder / "compiled.tar"
    run("dpkg-deb", "--raw-extract", package, tree)
    packed = folder / "quick.deb"
    run("dpkg-deb", "--root-owner-group", "-Zzstd", "--build", tree, packed)
    run("/usr/bin/python3", "-I", "-m", "compileall", "-q", "-s", tree, "-p", "/", tree / "usr/lib/paradux/lib")
    caches = sorted(path.relative_to(tree) for path in tree.rglob("__pycache__"))
    run("tar", "--create", "--file", archive, "--directory", tree, *caches)
    shutil.rmtree(tree)
    return packed, archive


def program() -> list[Path]:
    """The files of the checkout that decide what an installed program does."""
    below = [path for folder in ("paraduxd", "paraductl", "contrib") for path in (CHECKOUT / folder).rglob("*")]
    files = [path for path in below if path.is_file() and path.suffix != ".pyc" and path.name not in _NOT_INSTALLED]
    return sorted([*files, CHECKOUT / "pyproject.toml"])


def _documents() -> list[Path]:
    """What else is in a package."""
    schemas = sorted((CHECKOUT / "schema").rglob("*.json"))
    return [*schemas, *(CHECKOUT / name for name in ("README.md", "LICENSE", "CHANGES.md"))]


def digest(text: str, *files: Path) -> str:
    """What changes with the text, and with the name or content of a file."""
    summed = hashlib.sha256(text.encode())
    for path in files:
        summed.update(f"{path.relative_to(CHECKOUT)} {path.stat().st_size}\n".encode() + path.read_bytes())
    return summed.hexdigest()[:16]
