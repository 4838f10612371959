"""The exposure report: which shares are out, what they could open, and which credentials stand in that. It names, and shows nothing.

Pure, from the config as plain JSON.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from paraduxd.api.replies.rotation import ExposedEpoch, Exposure
from paraduxd.core.config.capabilities import ProtocolCapabilities
from paraduxd.core.config.views.masking import mask

Json = dict[str, Any]


def report(document: Json, capabilities: ProtocolCapabilities) -> Exposure:
    """Oldest epoch first. `holders` are stewards who have a share, `former` those who had one and may still."""
    managed = document["managed"]
    past = [_past(epoch) for epoch in managed.get("past_epochs", []) if epoch["holders"]]
    present = [_present(managed)] if managed.get("kits_written") else []
    return Exposure((*past, *present), tuple(credentials(document, capabilities)))


def _past(epoch: Json) -> ExposedEpoch:
    return ExposedEpoch(
        epoch=epoch["epoch"],
        threshold=epoch["threshold"],
        former=tuple(epoch["holders"]),
        up_to_serial=epoch["serial"],
        before=epoch["ended"],
    )


def _present(managed: Json) -> ExposedEpoch:
    shares = managed["shares"]
    return ExposedEpoch(
        epoch=managed["recovery"]["epoch"],
        threshold=shares["threshold"],
        holders=tuple(shares["issued"]),
        former=tuple(former["steward"] for former in shares.get("former", [])),
    )


def credentials(document: Json, capabilities: ProtocolCapabilities) -> Iterator[str]:
    """Where in the config a secret stands that should be changed once the config may have been read, as paths that `show` takes.

    Of what Paradux generates these are the keys of the data; what belongs to the rotation itself is replaced by it.
    """
    for key, value in document.items():
        if key != "managed":
            yield from _secrets(key, value, mask({key: value}, capabilities)[key])
    keys = document["managed"].get("data_keys", {})
    yield from (
        f"managed.data_keys.{name}" + (f" ({key['name']})" if key.get("name") else "") for name, key in keys.items()
    )


def _secrets(path: str, value: Any, shown: Any) -> Iterator[str]:
    """The paths of what is covered in `shown`."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _secrets(f"{path}.{key}", inner, shown[key])
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            name = inner.get("id") if isinstance(inner, dict) else None
            yield from _secrets(f"{path}.{name}" if name else f"{path}[{index}]", inner, shown[index])
    elif value != shown:
        yield path
