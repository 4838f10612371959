"""Passwords in addresses of stashes. A settings model may take one for a part of something else: `sftp:fred:pw@host:/x` for a path."""

from __future__ import annotations

from collections.abc import Iterator

from paraduxd.api.typed.passwords_in_addresses import REFUSAL, passwords_in
from paraduxd.core.config.capabilities import ProtocolCapabilities
from paraduxd.core.config.diagnostics import Diagnostic, Path
from paraduxd.core.config.model_introspection import secret_keys
from paraduxd.core.config.models import Config, MetadataStash, Stash

_HINT = "put it into credentials, and leave it out here"


def warnings(config: Config, capabilities: ProtocolCapabilities) -> Iterator[Diagnostic]:
    """A warning for each."""
    for path, _ in _written(config, capabilities):
        yield Diagnostic("warning", path, REFUSAL, _HINT)


def refusals(config: Config, old: Config | None, capabilities: ProtocolCapabilities) -> Iterator[Diagnostic]:
    """An error for each that is new; what is in the vault already is not refused: it could not be opened any more."""
    kept = {text for _, text in _written(old, capabilities)} if old else set[str]()
    for path, text in _written(config, capabilities):
        if text not in kept:
            yield Diagnostic("error", path, REFUSAL, _HINT)


def _written(config: Config, capabilities: ProtocolCapabilities) -> Iterator[tuple[Path, str]]:
    """Where each such address stands, and the address."""
    for path, stash in _stashes(config):
        known = capabilities.get(stash.protocol)
        hidden = secret_keys([known.settings] if known else []) | {"credentials"}
        yield from _texts(path, stash.settings, hidden)
        if isinstance(stash, MetadataStash) and stash.kit_access:
            yield from _texts((*path, "kit_access"), {"url": stash.kit_access.url}, hidden)


def _stashes(config: Config) -> Iterator[tuple[Path, Stash]]:
    for index, stash in enumerate(config.metadata_stashes):
        yield ("metadata_stashes", index), stash
    for index, dataset in enumerate(config.datasets):
        yield ("datasets", index, "source"), dataset.source
        for number, destination in enumerate(dataset.destinations):
            yield ("datasets", index, "destinations", number), destination


def _texts(path: Path, value: object, hidden: frozenset[str]) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str) and passwords_in(value):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key not in hidden:
                yield from _texts((*path, key), inner, hidden)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _texts((*path, index), inner, hidden)
