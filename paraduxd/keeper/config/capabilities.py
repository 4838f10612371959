"""Protocol plugins as the config sees them."""

from __future__ import annotations

from collections.abc import Mapping

from paraduxd.core.config.capabilities import Shape
from paraduxd.protocols.base import Protocol

SELF_ENCRYPTING = frozenset({"restic"})
"""Protocols that encrypt by themselves, under a password that Paradux generates."""


def shapes_of(protocols: Mapping[str, Protocol]) -> dict[str, Shape]:
    """The shape of every protocol, by name."""
    return {name: shape_of(protocol) for name, protocol in protocols.items()}


def shape_of(protocol: Protocol) -> Shape:
    """What one protocol can do; nothing of it is run."""
    return Shape(
        name=protocol.name,
        settings=protocol.settings,
        source=protocol.source is not None,
        destination=protocol.destination is not None,
        blobs=protocol.blobs is not None,
        archive=protocol.blobs is not None,
        generates_secret=protocol.name in SELF_ENCRYPTING,
    )
