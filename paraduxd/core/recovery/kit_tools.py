"""Which formats the tools on a kit can read, told by their own bytes: they name each format that they know.

An upgrade of Paradux does not reach kits: what places hold from then on may be of a format that an older page on a kit does not know.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from paraduxd.core.plan.model import Plan

TOOLS = ("recover.html", "recover.py")

ARCHIVE = "paradux-archive/2"
"""What encrypted archives are written in. The page reads it; by hand every format of them is read in the same way."""

_FORMAT = re.compile(rb"paradux[-.][a-z]{1,20}/[0-9]{1,9}")
_MOST = 100


def reads(files: Mapping[str, bytes]) -> tuple[str, ...]:
    """The formats that the tools among these files of a kit know."""
    found = {name.decode() for tool in TOOLS for name in _FORMAT.findall(files.get(tool, b""))}
    return tuple(sorted(found))[:_MOST]


def needed(plan: Plan) -> frozenset[str]:
    """The formats that the page on a kit must know, so that all that the places hold can be had back with it."""
    encrypted = any(place.encryption != "none" for dataset in plan.datasets for place in dataset.destinations)
    return frozenset({ARCHIVE}) if encrypted else frozenset()
