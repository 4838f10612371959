"""Protocol plugins as the config sees them."""

from __future__ import annotations

from collections.abc import Mapping

from paraduxd.core.config.capabilities import Capabilities
from paraduxd.protocols.base import Protocol


def capabilities_of(protocols: Mapping[str, Protocol]) -> dict[str, Capabilities]:
    """The capability of every protocol, by name."""
    return {name: shape_of(protocol) for name, protocol in protocols.items()}


def shape_of(protocol: Protocol) -> Capabilities:
    """What one protocol can do; nothing of it is run."""
    return Capabilities(
        name=protocol.name,
        settings=protocol.settings,
        source=protocol.source is not None,
        destination=protocol.destination is not None,
        blobs=protocol.blobs is not None,
        archive=protocol.blobs is not None,
        traits=protocol.traits,
        setup=protocol.setup,
    )
