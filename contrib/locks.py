"""The lock files: what they are made from, and whether they still fit pyproject.toml. contrib/lock makes them.

Usage: python contrib/locks.py needs NAME     the requirements of one lock file, for a resolver
       python contrib/locks.py header NAME    the first lines of one
       python contrib/locks.py pins PYTHON MACHINE   what is for this Python (3.13) and machine (aarch64), with its hashes, for pip
       python contrib/locks.py check [DIR]    say what is wrong with those of a checkout; asks no package index

A new version at the index makes no lock file stale; a changed requirement in pyproject.toml does.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.markers import Marker, default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
LOCKS = {"runtime": "requirements.lock", "build": "requirements-build.lock", "test": "requirements-test.lock"}
PYTHONS = ("3.11", "3.13")  # Debian 12 and 13
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_HEADER = """\
# {what}, and the SHA-256 of every file that may be installed for it.
# Written by contrib/lock from pyproject.toml; do not edit.
# requirements: sha256:{digest}
"""
_WHAT = {
    "runtime": "What Paradux needs to run",
    "build": "What Paradux is built with",
    "test": "What the tests of Paradux need, with all that it needs itself",
}


@dataclass(frozen=True)
class Pin:
    """One package of a lock file."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]

    def meant_for(self, python: str, machine: str = "") -> bool:
        """Is it installed on Linux with this Python, on such a machine?"""
        other = {"platform_machine": machine} if machine else {}
        return not self.marker or Marker(self.marker).evaluate({**_environment(python), **other})

    def __str__(self) -> str:
        return " ".join([f"{self.name}=={self.version}", *(f"--hash=sha256:{each}" for each in self.hashes)])


Pins = Mapping[str, list[Pin]]


def needs(project: dict[str, Any], name: str) -> list[str]:
    """The requirements of pyproject.toml that a lock file is made from."""
    extras = project["project"]["optional-dependencies"]
    build = [*project["build-system"]["requires"], *extras["install"]]
    runtime = project["project"]["dependencies"]
    test = [each for each in extras["test"] if not each.startswith("paradux[")]
    return sorted({"runtime": runtime, "build": build, "test": [*runtime, *build, *test]}[name])


def header(project: dict[str, Any], name: str) -> str:
    """The first lines of a lock file: they name the requirements by their hash."""
    wanted = json.dumps([needs(project, name), project["project"]["requires-python"]])
    return _HEADER.format(what=_WHAT[name], digest=hashlib.sha256(wanted.encode()).hexdigest())


def faults(root: Path) -> Iterator[str]:
    """What is wrong with the lock files of a checkout, a sentence each."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    everything: dict[str, Pins] = {}
    for name, file in LOCKS.items():
        text = (root / "contrib" / file).read_text(encoding="utf-8")
        if not text.startswith(header(project, name)):
            yield f"{file}: pyproject.toml has other requirements than it was made from"
        pins = everything[name] = defaultdict(list)
        for entry in entries(text):
            pin = parse_pin(entry)
            if pin is None:
                yield f"{file}: not one version of a package with its hashes: {entry[0]}"
            elif not pin.hashes:
                yield f"{file}: {pin.name} has no hash"
            else:
                pins[pin.name].append(pin)
        yield from (f"{file}: {each}" for each in _unmet(needs(project, name), pins))
    for name in ("runtime", "build"):
        yield from (f"{LOCKS['test']}: {each}" for each in _differences(everything[name], everything["test"]))


def _unmet(wanted: list[str], pins: Pins) -> Iterator[str]:
    """Requirements that no pin meets: those of pyproject.toml, and those of each pinned package that is installed here."""
    for python in PYTHONS:
        todo = [(Requirement(each), "pyproject.toml") for each in wanted]
        seen: set[tuple[str, str]] = set()
        while todo:
            requirement, who = todo.pop()
            name = canonicalize_name(requirement.name)
            pin = next((each for each in pins.get(name, []) if each.meant_for(python)), None)
            if pin is None:
                yield f"{who} needs {name}, which is not there for Python {python}"
                continue
            if not requirement.specifier.contains(Version(pin.version), prereleases=True):
                yield f"{who} needs {requirement}, but {pin.version} is there"
            for extra in ["", *requirement.extras]:
                if (name, extra) not in seen:
                    seen.add((name, extra))
                    todo += [(each, name) for each in _own(pin, python, extra)]


def _own(pin: Pin, python: str, extra: str) -> Iterator[Requirement]:
    for each in _requirements_of(pin.name, pin.version):
        if each.marker is None or each.marker.evaluate({**_environment(python), "extra": extra}):
            yield each


@functools.cache
def _requirements_of(name: str, version: str) -> list[Requirement]:
    try:
        found = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return []
    return [Requirement(each) for each in found.requires or []] if found.version == version else []


def _differences(some: Pins, everything: Pins) -> Iterator[str]:
    for name, pins in some.items():
        if {(pin.version, *pin.hashes) for pin in pins} != {(pin.version, *pin.hashes) for pin in everything[name]}:
            yield f"{name} is not the same as in the other lock files"


def entries(text: str) -> Iterator[list[str]]:
    """The lines of each entry, without comments and continuation signs."""
    entry: list[str] = []
    for line in text.splitlines():
        content = line.split(" #")[0].strip() if not line.strip().startswith("#") else ""
        if not content:
            continue
        if not line[0].isspace() and entry:
            yield entry
            entry = []
        entry.append(content.removesuffix("\\").strip())
    if entry:
        yield entry


def parse_pin(entry: list[str]) -> Pin | None:
    found = re.fullmatch(r"([A-Za-z0-9._-]+)==([^\s;]+)(?:\s*;\s*(.+))?", entry[0])
    hashes = [HASH.fullmatch(each) for each in entry[1:]]
    if found is None or None in hashes:
        return None
    return Pin(canonicalize_name(found[1]), found[2], found[3] or "", tuple(each[1] for each in hashes if each))


@functools.cache
def _environment(python: str) -> dict[str, str]:
    return {**default_environment(), "python_version": python, "python_full_version": f"{python}.0"}  # type: ignore[dict-item]


def main(command: str, name: str = "", machine: str = "") -> int:
    """See the module."""
    if command == "pins":
        found = map(parse_pin, entries((ROOT / "contrib" / LOCKS["runtime"]).read_text(encoding="utf-8")))
        print(*(pin for pin in found if pin and pin.meant_for(name, machine)), sep="\n")
        return 0
    if command == "check":
        found = sorted(set(faults(Path(name or ROOT))))
        print(*found, "Run contrib/lock." if found else "The lock files fit pyproject.toml.", sep="\n")
        return 1 if found else 0
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    print(header(project, name) if command == "header" else "\n".join(needs(project, name)))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
