"""From a config to what the workers of each stash need, by the name of its transport file: that stash's secrets and no other's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from paraduxd.core.config.addresses import settings_of
from paraduxd.core.config.capabilities import ProtocolCapabilities
from paraduxd.core.config.managed import Managed
from paraduxd.core.config.models import Config, Dataset, Destination, Source, Stash
from paraduxd.core.plan.data_keys import archive_keys, data_key, wants_secret
from paraduxd.core.plan.servers import kit_access, pinned_hosts
from paraduxd.core.plan.transport import Hooks, Transport, destination_file, metadata_file, notify_file, source_file
from paraduxd.core.primitives.left_out_rules import LeftOut


def transports(config: Config, managed: Managed, capabilities: ProtocolCapabilities) -> Iterator[tuple[str, Transport]]:
    """One for each source, destination, metadata stash and address for notices."""
    for dataset in config.datasets:
        source = replace(_limited(dataset.source, managed, capabilities), hooks=_hooks(dataset.source))
        yield source_file(dataset.id), source
        for destination in dataset.destinations:
            yield destination_file(dataset.id, destination.id), _to(dataset, destination, managed, capabilities)
    for stash in config.metadata_stashes:
        access = kit_access(stash, capabilities)
        yield metadata_file(stash.id), replace(_transport(stash, managed, capabilities), kit_access=access)
    for name, url in {**notice_addresses(config), **heartbeat_addresses(config)}.items():
        yield notify_file(name), Transport(address=url)


def notice_addresses(config: Config) -> dict[str, str]:
    """Addresses for notices by what they are called: "mailto-1" is the first one, and a mailto."""
    kinds = (re.sub(r"[^a-z0-9]+", "-", address.partition(":")[0]) for address in config.notify)
    return {f"{kind}-{number}": config.notify[number - 1] for number, kind in enumerate(kinds, 1)}


def heartbeat_addresses(config: Config) -> dict[str, str]:
    """Addresses of watchdogs by what they are called."""
    return {f"heartbeat-{number}": address for number, address in enumerate(config.heartbeat, 1)}


def _to(dataset: Dataset, destination: Destination, managed: Managed, capabilities: ProtocolCapabilities) -> Transport:
    key = data_key(managed, dataset.id, destination.id)
    has_archives = key is not None and key.archive is not None and destination.encryption == "gpg"
    return replace(
        _limited(destination, managed, capabilities),
        left_out=_left_out(dataset, capabilities),
        secret=key.password if key and wants_secret(destination, capabilities) else "",
        key_file=key.repository.key_file if key and key.repository else "",
        archive=archive_keys(key.archive) if key and key.archive and has_archives else None,
    )


def _left_out(dataset: Dataset, capabilities: ProtocolCapabilities) -> LeftOut:
    """What a push of a source as it lies leaves out."""
    return settings_of(dataset.source, capabilities).left_out() if dataset.staging is None else LeftOut()


def _hooks(source: Source) -> Hooks:
    """What is run before and after a pull (`worker/transfer/hooks.py`)."""
    if source.before is None and source.after is None:
        return Hooks()
    return Hooks(source.before or "", source.after or "", source.hooks_within)


def _limited(stash: Source | Destination, managed: Managed, capabilities: ProtocolCapabilities) -> Transport:
    return replace(_transport(stash, managed, capabilities), bandwidth=stash.bandwidth, memory=stash.memory)


def _transport(stash: Stash, managed: Managed, capabilities: ProtocolCapabilities) -> Transport:
    return Transport(stash.protocol, stash.settings, pinned_hosts(stash, managed, capabilities))
