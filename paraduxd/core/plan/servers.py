"""The servers that stashes lie on: which keys and certificates are pinned, and which are still to be asked for."""

from __future__ import annotations

from collections.abc import Iterator

from paraduxd.core.config.addresses import kit_settings, settings_of
from paraduxd.core.config.capabilities import ProtocolCapabilities
from paraduxd.core.config.managed import Managed
from paraduxd.core.config.models import Config, MetadataStash, Stash
from paraduxd.core.config.protocol_settings import ProtocolSettings


def needed_hosts(config: Config, capabilities: ProtocolCapabilities) -> tuple[str, ...]:
    """The SSH servers, "host:port", whose keys are not pinned yet, in the order of the config, each once."""
    pinned = config.managed.hosts if config.managed else {}
    hosts = (host for stash in _stashes(config) for host in ssh_servers(stash, capabilities))
    return tuple(dict.fromkeys(host for host in hosts if host not in pinned))


def needed_tls_hosts(config: Config, capabilities: ProtocolCapabilities) -> tuple[tuple[str, int, str], ...]:
    """The TLS servers (host, port, how) without a pinned certificate; they need none if an authority vouches for theirs."""
    pinned = config.managed.hosts if config.managed else {}
    hosts = (host for stash in _stashes(config) for each in _reached(stash, capabilities) for host in each.tls_hosts())
    return tuple(dict.fromkeys(host for host in hosts if f"{host[0]}:{host[1]}" not in pinned))


def _stashes(config: Config) -> Iterator[Stash]:
    for dataset in config.datasets:
        yield dataset.source
        yield from dataset.destinations
    yield from config.metadata_stashes


def ssh_servers(stash: Stash, capabilities: ProtocolCapabilities) -> list[str]:
    """The SSH servers that a worker may meet at this stash, its kit access included."""
    return [f"{host}:{port}" for each in _reached(stash, capabilities) for host, port in each.ssh_hosts()]


def _reached(stash: Stash, capabilities: ProtocolCapabilities) -> Iterator[ProtocolSettings]:
    """The settings with which the stash is reached: its own, and those of its kit access."""
    yield settings_of(stash, capabilities)
    if isinstance(stash, MetadataStash) and stash.kit_access is not None:
        yield _kit(stash, capabilities)


def pinned_hosts(stash: Stash, managed: Managed, capabilities: ProtocolCapabilities) -> dict[str, tuple[str, ...]]:
    """The pinned keys and certificates of the servers of this stash, by "host:port"."""
    tls = (f"{host}:{port}" for each in _reached(stash, capabilities) for host, port, _ in each.tls_hosts())
    return {
        host: tuple(managed.hosts[host]) for host in (*ssh_servers(stash, capabilities), *tls) if host in managed.hosts
    }


def _kit(stash: MetadataStash, capabilities: ProtocolCapabilities) -> ProtocolSettings:
    return capabilities[stash.protocol].settings.model_validate(kit_access(stash, capabilities))


def kit_access(stash: MetadataStash, capabilities: ProtocolCapabilities) -> dict[str, object] | None:
    """The settings with which kits reach a metadata stash; `None`: they are its own."""
    if stash.kit_access is None:
        return None
    return kit_settings(stash.settings, stash.kit_access.model_dump(mode="json"), capabilities[stash.protocol].settings)
