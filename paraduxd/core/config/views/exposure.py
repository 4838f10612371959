"""The exposure report: which shares are out, what they could open, and which credentials stand in that. It names, and shows nothing.

Pure, from the config as plain JSON.
"""

from __future__ import annotations

from collections.abc import Iterator

from paraduxd.api.calls import JsonObject
from paraduxd.api.replies.rotations import ExposedEpoch, Exposure
from paraduxd.core.config.capabilities import ProtocolCapabilities
from paraduxd.core.config.managed import Managed, PastEpoch
from paraduxd.core.config.views.masking import mask


def report(document: JsonObject, managed: Managed, capabilities: ProtocolCapabilities) -> Exposure:
    """Oldest epoch first. `holders` are stewards who have a share, `former` those who had one and may still."""
    past = [_past(epoch) for epoch in managed.past_epochs if epoch.holders]
    present = [_present(managed)] if managed.kits_written else []
    return Exposure((*past, *present), tuple(credentials(document, managed, capabilities)))


def _past(past: PastEpoch) -> ExposedEpoch:
    return ExposedEpoch(past.epoch, past.threshold, (), past.holders, past.serial, past.ended)


def _present(managed: Managed) -> ExposedEpoch:
    shares = managed.shares
    former = tuple(former.steward for former in shares.former)
    return ExposedEpoch(managed.recovery.epoch, shares.threshold, tuple(shares.issued), former)


def credentials(document: JsonObject, managed: Managed, capabilities: ProtocolCapabilities) -> Iterator[str]:
    """Where in the config a secret stands that should be changed once the config may have been read, as paths that `show` takes.

    Of what Paradux generates these are the keys of the data; what belongs to the rotation itself is replaced by it.
    """
    for key, value in document.items():
        if key != "managed":
            yield from _secrets(key, value, mask({key: value}, capabilities)[key])
    keys = managed.data_keys.items()
    yield from (f"managed.data_keys.{uid}" + (f" ({key.name})" if key.name else "") for uid, key in keys)


def _secrets(path: str, value: object, shown: object) -> Iterator[str]:
    """The paths of what is covered in `shown`."""
    if isinstance(value, dict) and isinstance(shown, dict):
        for key, inner in value.items():
            yield from _secrets(f"{path}.{key}", inner, shown[key])
    elif isinstance(value, list) and isinstance(shown, list):
        for index, inner in enumerate(value):
            name = inner.get("id") if isinstance(inner, dict) else None
            yield from _secrets(f"{path}.{name}" if name else f"{path}[{index}]", inner, shown[index])
    elif value != shown:
        yield path
