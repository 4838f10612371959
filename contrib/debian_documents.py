"""Writes `copyright` and `changelog.gz` of the Debian package: run by contrib/package.

Usage: python contrib/debian_documents.py CHECKOUT SITE-PACKAGES DIR VERSION MAINTAINER
Formats: Debian's "Machine-readable debian/copyright file" 1.0, and deb-changelog(5).
"""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from email.utils import format_datetime
from importlib.metadata import Distribution, distributions
from pathlib import Path, PurePosixPath

_FORMAT = "https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/"
_COMMENT = """\
The Python packages below are those of requirements.lock, unchanged.
Compiled ones contain libraries that their licence texts name."""
_CLASSIFIED = {"BSD License": "BSD-3-Clause", "MIT License": "Expat"}
_NAMES = {"MIT": "Expat", "MIT License": "Expat", "BSD": "BSD-3-Clause"}  # as Debian calls them
_LICENCE_FILES = re.compile(r"(LICEN[CS]E|COPYING|NOTICE)", re.IGNORECASE)
_COPYRIGHT = re.compile(r"^[^\w\n]*(?:Copyright|\(c\)|©)\W.*\d{4}.*$", re.IGNORECASE | re.MULTILINE)
_HEADING = re.compile(r"^## (?P<version>\S+)(?: \((?P<date>\d{4}-\d\d-\d\d)\))?$", re.MULTILINE)


def copyright_file(licence: str, bundled: list[Distribution]) -> str:
    """Whose everything in the package is, with the text of every licence."""
    head = [
        f"Format: {_FORMAT}",
        "Upstream-Name: Paradux",
        "Source: the folder from which contrib/package built this package",
    ]
    own = ["Files: *", "Copyright: 2026 the Paradux authors", "License: AGPL-3.0-or-later", _indented(licence)]
    parts = ["\n".join([*head, f"Comment: {_folded(_COMMENT)}"]), "\n".join(own)]
    return "\n\n".join([*parts, *map(_paragraph, bundled)]) + "\n"


def _paragraph(package: Distribution) -> str:
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in _licence_files(package)]
    if not texts:
        raise SystemExit(f"{package.name} comes without the text of its licence")
    holders = list(dict.fromkeys(holder for text in texts for holder in _holders(text)))
    lines = [
        f"Files: {' '.join(_files(package))}",
        f"Copyright: {_folded(chr(10).join(holders) or f'the authors of {package.name}')}",
        f"License: {_licence_name(package)}",
        *map(_indented, texts),
        f"Comment: {package.name} {package.version}",
    ]
    return "\n".join(lines)


def _holders(text: str) -> Iterator[str]:
    for found in _COPYRIGHT.findall(text):
        if "Free Software Foundation" not in found:  # theirs is the text of the licence
            yield found.strip(" #*\t.")


def _licence_files(package: Distribution) -> Iterator[Path]:
    for file in package.files or []:
        if file.parts[0].endswith(".dist-info") and _LICENCE_FILES.match(file.name):
            yield Path(str(file.locate()))


def _files(package: Distribution) -> list[str]:
    tops = sorted({file.parts[0] for file in package.files or [] if file.parts[0] not in ("..", "__pycache__")})
    folder = PurePosixPath("usr/lib/paradux/lib/python3*/site-packages")
    return [f"{folder}/{top}" + ("" if PurePosixPath(top).suffix in (".py", ".so") else "/*") for top in tops]


def _licence_name(package: Distribution) -> str:
    metadata = package.metadata
    classified = [
        each.rpartition(":: ")[2] for each in metadata.get_all("Classifier", []) if each.startswith("License")
    ]
    name = metadata.get("License-Expression") or metadata.get("License") or ""
    name = (
        name
        if name and "\n" not in name
        else next((_CLASSIFIED[each] for each in classified if each in _CLASSIFIED), "")
    )
    name = _NAMES.get(name, name).replace(" OR ", " or ").replace(" AND ", " and ")
    return name or f"{package.name}-licence"


def changelog(changes: str, suffix: str, maintainer: str, today: date) -> str:
    """CHANGES.md as Debian writes it, each version with the `suffix` of this package; a version without a date is of today."""
    headings = list(_HEADING.finditer(changes))
    ends = [*(heading.start() for heading in headings[1:]), len(changes)]
    return "\n".join(
        _release(heading, changes[heading.end() : end], suffix, maintainer, today)
        for heading, end in zip(headings, ends, strict=True)
    )


def _release(heading: re.Match[str], text: str, suffix: str, maintainer: str, today: date) -> str:
    day = date.fromisoformat(heading["date"]) if heading["date"] else today
    entries = [" ".join(each.split()) for each in re.split(r"^\* ", text, flags=re.MULTILINE)[1:]]
    wrapped = [textwrap.fill(each, 78, initial_indent="  * ", subsequent_indent="    ") for each in entries]
    signed = f" -- {maintainer}  {format_datetime(datetime.combine(day, time(12), UTC))}"
    return "\n".join([f"paradux ({heading['version']}{suffix}) unstable; urgency=medium", "", *wrapped, "", signed, ""])


def _today(checkout: Path) -> date:
    """The day of the source: SOURCE_DATE_EPOCH, the last commit, or now."""
    command = ["git", "-C", str(checkout), "log", "-1", "--format=%ct"]
    try:
        commit = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except FileNotFoundError:
        commit = ""
    seconds = os.environ.get("SOURCE_DATE_EPOCH") or commit
    return (datetime.fromtimestamp(int(seconds), UTC) if seconds else datetime.now(UTC)).date()


def _folded(text: str) -> str:
    return "\n ".join(line.strip() or "." for line in text.splitlines())


def _indented(text: str) -> str:
    return "\n".join(f" {line.rstrip()}" if line.strip() else " ." for line in text.strip("\n").splitlines())


def main(checkout: str, site: str, target: str, version: str, maintainer: str) -> None:
    """See the module."""
    root, folder = Path(checkout), Path(target)
    folder.mkdir(parents=True, exist_ok=True)
    bundled = sorted(
        (each for each in distributions(path=[site]) if each.name != "paradux"), key=lambda each: each.name.lower()
    )
    text = copyright_file((root / "LICENSE").read_text(encoding="utf-8"), bundled)
    (folder / "copyright").write_text(text, encoding="utf-8")
    suffix = version[version.index("+") :]
    log = changelog((root / "CHANGES.md").read_text(encoding="utf-8"), suffix, maintainer, _today(root))
    (folder / "changelog.gz").write_bytes(gzip.compress(log.encode(), 9, mtime=0))


if __name__ == "__main__":
    main(*sys.argv[1:])
