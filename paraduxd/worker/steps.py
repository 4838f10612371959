"""What a worker can do, one function per step: open the stash that the order names, do one thing, give the result as plain values.

A worker does one step: what only some of them need is imported by these, since imports are most of the work of a small transfer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from paraduxd.api.dataclass_json import from_json_value, to_json_value
from paraduxd.api.errors import ParaduxError
from paraduxd.api.replies.results import Listed, Published, Pulled, Pushed, Rehearsal, RestoredVersion, Verified
from paraduxd.core.config.capabilities import Role
from paraduxd.core.config.protocol_settings import ProtocolSettings
from paraduxd.core.plan.terms import LOCKED, UNPROTECTED
from paraduxd.core.plan.transport import Transport
from paraduxd.core.primitives import timestamps
from paraduxd.core.runs.guard.holds import Approval
from paraduxd.core.runs.keeper_results import Fetched, StashContent, Trial
from paraduxd.core.runs.order_arguments import (
    PullArguments,
    PushArguments,
    Reach,
    TrialArguments,
    VerifyArguments,
    VersionsArguments,
)
from paraduxd.core.runs.orders import Order, Report, Step
from paraduxd.effects.files import transport_files
from paraduxd.effects.process import memory_limits
from paraduxd.protocols import registry
from paraduxd.protocols.base import (
    BlobStore,
    Context,
    Destination,
    Protocol,
    PullRequest,
    PushRequest,
    PushResult,
)
from paraduxd.worker import identity, redaction
from paraduxd.worker.stash_settings import settings_of
from paraduxd.worker.transfer import staged_data

if TYPE_CHECKING:
    from paraduxd.worker.browse.listing_pages import Looked

Reporter = Callable[[Report], None]


def pull(order: Order, report: Reporter) -> Pulled:
    """Source to staging, under the guard."""
    from paraduxd.worker.transfer import hooks

    told, index = order.read(PullArguments), order.read(Reach).index
    allowed = told.allowed or Approval()
    request = PullRequest(
        guard=told.guard,
        known_files=told.known_files,
        allowed_removed=allowed.removed,
        allowed_changed=allowed.changed,
        in_place=order.in_place,
        index=Path(index) if index else None,
        since=timestamps.moment(told.since).timestamp() + 1 if told.since else None,
        known_mounts=told.mounts or (),
        mounts_looked=told.mounts_looked,
    )
    protocol, settings, context, transport = _open(order, report)
    if protocol.source is None:
        raise _cannot(protocol, "be a source")
    with hooks.around(order.dataset, transport.hooks) as ended:
        pulled = protocol.source(settings, context).pull(staged_data.to_pull_into(order), request)
    return Pulled(**asdict(pulled), staging=order.staging, after=ended.trouble)


def push(order: Order, report: Reporter) -> Pushed:
    """Staging to one destination, as a new version."""
    from paraduxd.protocols.pulling import left_out_paths
    from paraduxd.worker.browse import contents
    from paraduxd.worker.transfer import shrunk_staging_guard

    told, request = order.read(PushArguments), _push_request(order)
    staging = staged_data.to_read(order)
    protocol, settings, context, transport = _open(order, report)
    destination = _kept(protocol, settings, context, transport, order)
    if transport.left_out and not destination.leaves_out:
        raise _cannot(protocol, "leave anything out of a source without staging")
    request = replace(request, omitted=left_out_paths.found(transport.left_out, staging))
    allowed = shrunk_staging_guard.checked(staging, request, destination, told.guard, pushed_before=told.pushed_before)
    result = destination.push(staging, allowed)
    contents.remember_push(order, staging, result.version, result.versions, request.omitted.paths)
    return replace(_pushed(result), pulled=told.pulled)


def _pushed(result: PushResult) -> Pushed:
    version = result.version
    return Pushed(
        version.id,
        result.versions,
        result.added_bytes,
        result.pruned,
        result.kept_because,
        result.removed,
        result.unread,
        result.marked,
        result.protected_until,
        files=version.files,
        bytes=version.bytes,
    )


def _push_request(order: Order) -> PushRequest:
    told = order.read(PushArguments)
    return PushRequest(
        keep=told.keep,
        now=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        known_versions=told.known_versions or (),
        held=told.held,
        prune=told.prune,
        grace=told.grace,
        protected_until=told.protected_until,
        read_back=told.read_back,
        unread=told.unread or (),
        unread_count=told.unread_count,
        suspect=told.suspect,
        staging=order.staging,
    )


def prune(order: Order, report: Reporter) -> Pushed:
    """Remove from one destination what `keep` does not want."""
    request = replace(_push_request(order), grace=0, protected_until=None, read_back=True, prune=True)
    return _pushed(_destination(order, report).prune(request))


def verify(order: Order, report: Reporter) -> Verified:
    """Check one destination; one that holds nothing at all although it once did is damaged, however whole nothing is."""
    told = order.read(VerifyArguments)
    destination = _destination(order, report)
    result = destination.verify_part(told.part, told.parts) if told.parts else destination.verify(told.deep)
    if not result.checked and told.known_versions:
        raise ParaduxError(
            "damaged",
            "the destination holds no version, although versions were pushed there",
            f"see whether the place was emptied or moved, then: paraductl backup {order.dataset}",
        )
    found = Verified(result.checked, result.bytes, result.damaged, result.note, told.deep, told.part, told.parts)
    return replace(found, protected=_tried(order, report))


def versions(order: Order, report: Reporter) -> Listed:
    """What one destination can restore."""
    from paraduxd.worker.browse import counting

    destination = _destination(order, report)
    others = destination.others() if order.read(VersionsArguments).all else ()
    return Listed(tuple(counting.counted(order, destination, destination.versions())), others)


def look(order: Order, report: Reporter) -> Looked:
    """A page of what is in versions."""
    from paraduxd.worker.browse import listing_pages

    return listing_pages.Looked(listing_pages.answer(order, lambda: _destination(order, report), report))


def restore(order: Order, report: Reporter) -> RestoredVersion:
    """One version, or some paths of it, into a directory."""
    from paraduxd.worker.transfer import restore as restoring

    return restoring.restore(order, None if order.location == "staging" else _destination(order, report))


def publish(order: Order, report: Reporter) -> Published:
    """The outbox to one metadata stash, read back and compared."""
    from paraduxd.worker.publishing import publish as publishing

    protocol, settings, context, transport = _open(order, report)
    if protocol.blobs is None:
        raise _cannot(protocol, "hold published configs")
    reader = _kit_reader(protocol, transport, context) or protocol.blobs(settings, context)
    return publishing.publish(order, protocol.blobs(settings, context), reader, context.identity)


def fetch(order: Order, report: Reporter) -> Fetched:
    """The newest configs that one metadata stash holds, for a recovery."""
    from paraduxd.worker.publishing import fetch as fetching

    protocol, settings, context, _ = _open(order, report)
    if protocol.blobs is None:
        raise _cannot(protocol, "hold published configs")
    return fetching.fetch(order, protocol.blobs(settings, context))


def rehearse(order: Order, report: Reporter) -> Rehearsal | StashContent:
    """A sample of one destination, restored and compared; or what one metadata stash holds (`dataset` is "")."""
    from paraduxd.protocols.marking import marked_store
    from paraduxd.worker.transfer import rehearse as rehearsing

    protocol, settings, context, transport = _open(order, report)
    local = [path for path in (order.staging, settings.local_path()) if path]
    with rehearsing.scratch_of(order, local) as folder:
        context = replace(context, cache=folder / "cache", read_only=True)
        if order.dataset:
            destination = _kept(protocol, settings, context, transport, order)
            found = rehearsing.rehearse(order, destination, folder, transport.left_out)
            return replace(found, protected=_tried(order, report))
        if protocol.blobs is None:
            raise _cannot(protocol, "hold published configs")
        place = marked_store.of_stash(protocol.blobs(settings, context), context.identity, order.location)
        place.check()
        reader = _kit_reader(protocol, transport, context) or protocol.blobs(settings, context)
        read = rehearsing.read_published(order, reader)
        return replace(read, old_shares=place.by_old_shares()) if isinstance(read, Rehearsal) else read


def _tried(order: Order, report: Reporter) -> bool | None:
    """Whether the place is protected as it is said to be, for a destination of which that is said: tried with an object of our own.

    `None`: it was not tried, or nobody can tell.
    """
    claimed = order.read(VerifyArguments).protects
    if claimed == UNPROTECTED:
        return None
    from paraduxd.worker.transfer import protection_trial

    protocol, settings, context, transport = _open(order, report)
    if protocol.blobs is not None:
        attempt = protection_trial.try_erasing if claimed == LOCKED else protection_trial.try_removal
        found = attempt(protocol.blobs(settings, context))
    else:
        found = protection_trial.of_destination(_kept(protocol, settings, context, transport, order))
        if found is False and claimed == LOCKED:
            found = None  # what was removed may be there, out of our sight
    return found


def try_place(order: Order, report: Reporter) -> Trial:
    """A place that somebody sets up, before it is in any config."""
    from paraduxd.protocols.blob_stores import place_trial

    protocol, settings, context, _ = _open(order, report)
    told = order.read(TrialArguments)
    role = told.role
    if role == Role.SOURCE:
        return Trial(protocol.source is not None and protocol.source(settings, context).look())
    if protocol.blobs and (role != Role.DESTINATION or told.archive):
        store = protocol.blobs(settings, context)
        reads = role == place_trial.KIT
        return place_trial.read_only(store) if reads else place_trial.write_and_remove(store)
    if role != Role.DESTINATION or protocol.destination is None:
        raise _cannot(protocol, f"be a {role}")
    protocol.destination(settings, context).look()
    return Trial()


def _destination(order: Order, report: Reporter) -> Destination:
    protocol, settings, context, transport = _open(order, report)
    return _kept(protocol, settings, context, transport, order)


def _kept(
    protocol: Protocol, settings: ProtocolSettings, context: Context, transport: Transport, order: Order
) -> Destination:
    """What keeps the versions: the protocol itself, or encrypted archives in its blob store."""
    if order.step == Step.PUSH:
        from paraduxd.protocols.trees import destination as trees

        trees.check_apart(settings.local_path(), order.staging)
    if not transport.archive:
        if protocol.destination is None:
            raise _cannot(protocol, "be a destination")
        return protocol.destination(settings, context)
    if protocol.blobs is None:
        raise _cannot(protocol, "keep encrypted archives")
    from paraduxd.protocols.archive.destination import ArchiveDestination, Keys, PrivateKey
    from paraduxd.protocols.blob_stores import throttle

    known = from_json_value(Keys, transport.archive)
    if path := order.read(Reach).key:
        private = transport_files.receive(Path(path))
        redaction.remember(private)
        known = replace(known, private=from_json_value(PrivateKey, private))
    store = throttle.throttled(protocol.blobs(settings, context), context.bandwidth)
    return ArchiveDestination(store, known, context)


def _open(order: Order, report: Reporter) -> tuple[Protocol, ProtocolSettings, Context, Transport]:
    """The plugin, its checked settings and its context, from the one transport file of this order."""
    transport = transport_files.read(Path(order.transport))
    protocol = registry.find(transport.protocol)
    redaction.remember(to_json_value(transport), protocol.settings)
    settings = settings_of(protocol, transport.settings)
    reach, owned = order.read(Reach), identity.of_place(order)
    recovered = owned is not None and owned.generation > 1
    memory_limits.allow(reach.counted, transport.memory, recovered=recovered)
    context = Context(
        dataset=order.dataset,
        location=order.location,
        progress=report,
        host_keys=dict(transport.host_keys),
        secret=transport.secret,
        cache=_cache(reach),
        index=Path(reach.index) if reach.index else None,
        bandwidth=transport.bandwidth,
        mounted=Path(reach.mounted) if reach.mounted else None,
        posix=reach.posix,
        identity=owned,
        key_file=transport.key_file,
    )
    return protocol, settings, context, transport


def _cache(reach: Reach) -> Path | None:
    """The directory for what engines keep to be faster."""
    if not reach.cache:
        return None
    folder = Path(reach.cache)
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _kit_reader(protocol: Protocol, transport: Transport, context: Context) -> BlobStore | None:
    """The stash as kits reach it, when the config gives them an address of their own."""
    if not transport.kit_access or protocol.blobs is None:
        return None
    return protocol.blobs(settings_of(protocol, transport.kit_access), context)


def _cannot(protocol: Protocol, what: str) -> ParaduxError:
    return ParaduxError("bad-protocol", f"the protocol {protocol.name} cannot {what}", "choose another protocol")
