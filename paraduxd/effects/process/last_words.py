"""Why a process of ours ended too early, from what it wrote on standard error.

Once it may have seen a secret, only what cannot repeat one is told: what Python and the loader say of the program itself, and the kind of
any other error with what the system said. Before that, its last line.
"""

from __future__ import annotations

import os
import re

KEPT = 4096
"""Bytes at the end of what it wrote that are looked at."""

_LONGEST = 300

_OF_THE_PROGRAM = re.compile(
    r"(?:.*?: )??("
    r"(?:ImportError|ModuleNotFoundError|SyntaxError|IndentationError|MemoryError|Fatal Python error)\b.*"
    r"|No module named .*"
    r"|Error while finding module specification for .*"
    r"|error while loading shared libraries: .*"
    r"|symbol lookup error: .*"
    r")"
)
_KIND = re.compile(r"([A-Za-z_.]{1,80}(?:Error|Exception))\b(?:: \[Errno ([0-9]{1,3})\])?.*")


def reason(errors: bytes) -> str:
    """Of a process that may have seen secrets; "" where nothing can be told."""
    line = last_line(errors)
    if found := _OF_THE_PROGRAM.fullmatch(line):
        return found[1]
    if found := _KIND.fullmatch(line):
        return f"{found[1]}: {os.strerror(int(found[2]))}" if found[2] else found[1]
    return ""


def last_line(errors: bytes) -> str:
    """Of a process that has seen no secret; "" where it wrote nothing."""
    lines = errors[-KEPT:].decode(errors="replace").split("\n")
    said = [line.strip() for line in lines if line.strip()]
    return "".join(each if each.isprintable() else "?" for each in said[-1])[:_LONGEST] if said else ""
