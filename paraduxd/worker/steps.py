"""What a worker can do, one function per step: open the stash that the order names, do one thing, give the result as plain values."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from paraduxd.api.dataclass_json import from_json_value, to_json_value
from paraduxd.api.errors import ParaduxError
from paraduxd.core.config.capabilities import Role
from paraduxd.core.config.protocol_settings import ProtocolSettings
from paraduxd.core.plan.model import LOCKED, UNPROTECTED, Guard, Keep
from paraduxd.core.primitives import timestamps
from paraduxd.core.recovery import machine_claim
from paraduxd.core.runs.orders import Order, Report, Step, Trial
from paraduxd.effects.files import bounded, transport_files
from paraduxd.effects.files.transport_files import Transport
from paraduxd.effects.tools import memory, ssh, tls_pins
from paraduxd.protocols import place_trial, registry, throttle
from paraduxd.protocols.base import (
    BlobStore,
    Context,
    Destination,
    Identity,
    Protocol,
    PullRequest,
    PushRequest,
    Source,
    Version,
)
from paraduxd.protocols.marking import marked_store
from paraduxd.protocols.trees import destination as trees
from paraduxd.worker import heartbeat, notify, redaction, removable_disk
from paraduxd.worker.browse import answers, contents, counting
from paraduxd.worker.kits import check, stick_io
from paraduxd.worker.publishing import fetch as fetching
from paraduxd.worker.publishing import publish as publishing
from paraduxd.worker.stash_settings import settings_of
from paraduxd.worker.transfer import protection_trial, shrunk_staging_guard, staged_data
from paraduxd.worker.transfer import rehearse as rehearsing
from paraduxd.worker.transfer import restore as restoring

HOSTS_AT_ONCE = 16

Reporter = Callable[[Report], None]
Result = dict[str, Any]


def pull(order: Order, report: Reporter) -> Result:
    """Source to staging, under the guard."""
    arguments = order.arguments
    allowed = arguments.get("allowed") or {}
    request = PullRequest(
        guard=from_json_value(Guard, arguments["guard"]),
        known_files=arguments.get("known_files"),
        allowed_removed=allowed.get("removed", 0),
        allowed_changed=allowed.get("changed", 0),
        in_place=order.in_place,
        index=Path(arguments["index"]) if arguments.get("index") else None,
        since=timestamps.moment(arguments["since"]).timestamp() + 1 if arguments.get("since") else None,
        known_mounts=tuple(map(str, arguments.get("mounts") or ())),
        mounts_looked=arguments.get("mounts_looked"),
    )
    pulled = _source(order, report).pull(staged_data.to_pull_into(order), request)
    return {**to_json_value(pulled), "staging": order.staging}


def push(order: Order, report: Reporter) -> Result:
    """Staging to one destination, as a new version."""
    arguments = order.arguments
    request = _push_request(order)
    staging = staged_data.to_read(order)
    destination = _destination(order, report)
    guard = from_json_value(Guard, arguments["guard"]) if "guard" in arguments else Guard()
    pushed_before = bool(arguments.get("pushed_before"))
    allowed = shrunk_staging_guard.checked(staging, request, destination, guard, pushed_before=pushed_before)
    result = destination.push(staging, allowed)
    version = result.version
    contents.remember_push(order, staging, version, result.versions)
    told = {"version": version.id, "files": version.files, "bytes": version.bytes, "pulled": arguments.get("pulled")}
    return {**to_json_value(result), **told}


def _push_request(order: Order) -> PushRequest:
    arguments = order.arguments
    return PushRequest(
        keep=from_json_value(Keep, arguments["keep"]),
        now=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        known_versions=tuple(from_json_value(Version, entry) for entry in arguments.get("known_versions") or []),
        held=bool(arguments.get("held")),
        prune=bool(arguments.get("prune")),
        grace=int(arguments.get("grace", 0)),
        protected_until=arguments.get("protected_until"),
        read_back=bool(arguments.get("read_back", True)),
        unread=tuple(map(str, arguments.get("unread") or ())),
        unread_count=int(arguments.get("unread_count", 0)),
        suspect=bool(arguments.get("suspect")),
        staging=order.staging,
    )


def prune(order: Order, report: Reporter) -> Result:
    """Remove from one destination what `keep` does not want."""
    request = replace(_push_request(order), grace=0, protected_until=None, read_back=True, prune=True)
    result = _destination(order, report).prune(request)
    return {
        **to_json_value(result),
        "version": result.version.id,
        "files": result.version.files,
        "bytes": result.version.bytes,
    }


def verify(order: Order, report: Reporter) -> Result:
    """Check one destination; one that holds nothing at all although it once did is damaged, however whole nothing is."""
    deep, parts = bool(order.arguments.get("deep")), int(order.arguments.get("parts", 0))
    part = int(order.arguments.get("part", 0))
    destination = _destination(order, report)
    result = destination.verify_part(part, parts) if parts else destination.verify(deep)
    if not result.checked and order.arguments.get("known_versions"):
        raise ParaduxError(
            "damaged",
            "the destination holds no version, although versions were pushed there",
            f"see whether the place was emptied or moved, then: paraductl backup {order.dataset}",
        )
    return {**to_json_value(result), "deep": deep, "part": part, "parts": parts, **_tried(order, report)}


def versions(order: Order, report: Reporter) -> Result:
    """What one destination can restore."""
    destination = _destination(order, report)
    return {"versions": to_json_value(counting.counted(order, destination, destination.versions()))}


def look(order: Order, report: Reporter) -> Result:
    """A page of what is in versions."""
    return {"page": to_json_value(answers.answer(order, lambda: _destination(order, report), report))}


def restore(order: Order, report: Reporter) -> Result:
    """One version, or some paths of it, into a directory."""
    restored = restoring.restore(order, None if order.location == "staging" else _destination(order, report))
    plain: Result = to_json_value(restored)
    return plain


def publish(order: Order, report: Reporter) -> Result:
    """The outbox to one metadata stash, read back and compared."""
    protocol, settings, context, transport = _open(order, report)
    if protocol.blobs is None:
        raise _cannot(protocol, "hold published configs")
    reader = _kit_reader(protocol, transport, context) or protocol.blobs(settings, context)
    return publishing.publish(order, protocol.blobs(settings, context), reader, context.identity)


def fetch(order: Order, report: Reporter) -> Result:
    """The newest configs that one metadata stash holds, for a recovery."""
    protocol, settings, context, _ = _open(order, report)
    if protocol.blobs is None:
        raise _cannot(protocol, "hold published configs")
    return fetching.fetch(order, protocol.blobs(settings, context))


def rehearse(order: Order, report: Reporter) -> Result:
    """A sample of one destination, restored and compared; or what one metadata stash holds (`dataset` is "")."""
    protocol, settings, context, transport = _open(order, report)
    local = [path for path in (order.staging, settings.local_path()) if path]
    with rehearsing.scratch_of(order, local) as folder:
        context = replace(context, cache=folder / "cache", read_only=True)
        if order.dataset:
            found = rehearsing.rehearse(order, _kept(protocol, settings, context, transport, order), folder)
            return {**found, **_tried(order, report)}
        if protocol.blobs is None:
            raise _cannot(protocol, "hold published configs")
        place = marked_store.of_stash(protocol.blobs(settings, context), context.identity, order.location)
        place.check()
        reader = _kit_reader(protocol, transport, context) or protocol.blobs(settings, context)
        return {**rehearsing.read_published(order, reader), "old_shares": place.by_old_shares()}


def _tried(order: Order, report: Reporter) -> Result:
    """Whether the place is protected as it is said to be, for a destination of which that is said: tried with an object of our own."""
    claimed = order.arguments.get("protects", UNPROTECTED)
    if claimed == UNPROTECTED:
        return {}
    protocol, settings, context, transport = _open(order, report)
    if protocol.blobs is not None:
        attempt = protection_trial.try_erasing if claimed == LOCKED else protection_trial.try_removal
        found = attempt(protocol.blobs(settings, context))
    else:
        found = protection_trial.of_destination(_kept(protocol, settings, context, transport, order))
        if found is False and claimed == LOCKED:
            found = None  # what was removed may be there, out of our sight
    return {} if found is None else {"protected": found}


def try_place(order: Order, report: Reporter) -> Result:
    """A place that somebody sets up, before it is in any config."""
    made: Result = to_json_value(_tried_place(order, report))
    return made


def _tried_place(order: Order, report: Reporter) -> Trial:
    protocol, settings, context, _ = _open(order, report)
    role = str(order.arguments.get("role"))
    if role == Role.SOURCE:
        return Trial(protocol.source is not None and protocol.source(settings, context).look())
    if protocol.blobs and (role != Role.DESTINATION or order.arguments.get("archive")):
        store = protocol.blobs(settings, context)
        reads = role == place_trial.KIT
        return place_trial.read_only(store) if reads else place_trial.write_and_remove(store)
    if role != Role.DESTINATION or protocol.destination is None:
        raise _cannot(protocol, f"be a {role}")
    protocol.destination(settings, context).look()
    return Trial()


def hostkeys(order: Order, report: Reporter) -> Result:
    """The host keys that SSH servers show now, and the certificates of TLS servers that no authority vouches for.

    An unreachable one gets a sentence instead. All are asked at once: somebody waits.
    """
    hosts = [(str(host), int(port), *map(str, how)) for host, port, *how in order.arguments["hosts"]]
    with ThreadPoolExecutor(HOSTS_AT_ONCE) as pool:
        answers = pool.map(_host_keys, hosts)
        return {"hosts": {f"{host[0]}:{host[1]}": answer for host, answer in zip(hosts, answers, strict=True)}}


def _host_keys(server: tuple[str, int, *tuple[str, ...]]) -> Result:
    host, port, *how = server
    try:
        if how:
            return _certificate(tls_pins.ask(host, port, how[0]))
        keys = ssh.scan_host_keys(host, port)
    except ParaduxError as problem:
        return {"keys": [], "fingerprints": [], "error": problem.message}
    return {"keys": list(keys), "fingerprints": [ssh.fingerprint(key) for key in keys], "error": None}


def _certificate(pin: str | None) -> Result:
    """A certificate that an authority vouches for needs no pin: neither a key nor an error."""
    pins = [pin] if pin else []
    return {"keys": pins, "fingerprints": [tls_pins.fingerprint(each) for each in pins], "error": None}


def carry_out(order: Order, report: Reporter) -> Result:
    """Do what the order says; raises `ParaduxError` and `HeldError`."""
    if order.step == Step.LIST and (page := answers.from_index(order)) is not None:
        if path := order.arguments.get("key"):
            transport_files.receive(Path(path))  # the keeper waits until it is taken
        return {"page": to_json_value(page)}
    with removable_disk.attached(order) as attached:
        return STEPS[attached.step](attached, report)


def _source(order: Order, report: Reporter) -> Source:
    protocol, settings, context, _ = _open(order, report)
    if protocol.source is None:
        raise _cannot(protocol, "be a source")
    return protocol.source(settings, context)


def _destination(order: Order, report: Reporter) -> Destination:
    protocol, settings, context, transport = _open(order, report)
    return _kept(protocol, settings, context, transport, order)


def _kept(
    protocol: Protocol, settings: ProtocolSettings, context: Context, transport: Transport, order: Order
) -> Destination:
    """What keeps the versions: the protocol itself, or encrypted archives in its blob store."""
    if order.step == Step.PUSH:
        trees.check_apart(settings.local_path(), order.staging)
    if not transport.archive:
        if protocol.destination is None:
            raise _cannot(protocol, "be a destination")
        return protocol.destination(settings, context)
    if protocol.blobs is None:
        raise _cannot(protocol, "keep encrypted archives")
    from paraduxd.protocols.archive.destination import ArchiveDestination, Keys, PrivateKey

    known = from_json_value(Keys, transport.archive)
    if path := order.arguments.get("key"):
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
    identity = _identity(order)
    recovered = identity is not None and identity.generation > 1
    memory.allow(order.arguments.get("files"), transport.memory, recovered=recovered)
    context = Context(
        dataset=order.dataset,
        location=order.location,
        progress=report,
        host_keys=dict(transport.host_keys),
        secret=transport.secret,
        cache=_cache(order),
        index=Path(order.arguments["index"]) if order.arguments.get("index") else None,
        bandwidth=transport.bandwidth,
        mounted=Path(order.arguments["mounted"]) if order.arguments.get("mounted") else None,
        posix=bool(order.arguments.get("posix", True)),
        identity=identity,
        key_file=transport.key_file,
    )
    return protocol, settings, context, transport


def _identity(order: Order) -> Identity | None:
    """Whose place it is, with what the outbox says of this machine."""
    given = order.arguments.get("identity")
    if not given:
        return None
    outbox = Path(given["outbox"])
    return Identity(
        owner=given["owner"],
        place=given["place"],
        instance=given["instance"],
        generation=int(given["generation"]),
        claim=_text_of(outbox / machine_claim.NAME),
        keys=_text_of(outbox / machine_claim.PUBLIC_KEYS),
        marked=bool(given.get("marked")),
        formerly=str(given.get("formerly") or ""),
        beside=tuple(map(str, given.get("beside") or ())),
        ended=_text_of(outbox / machine_claim.ENDED_KEYS),
    )


def _text_of(path: Path) -> str:
    """A file of the outbox; "" when an earlier version has not written it."""
    try:
        return bounded.text(path)
    except FileNotFoundError:
        return ""


def _cache(order: Order) -> Path | None:
    """The directory for what engines keep to be faster."""
    if not order.arguments.get("cache"):
        return None
    folder = Path(order.arguments["cache"])
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _kit_reader(protocol: Protocol, transport: Transport, context: Context) -> BlobStore | None:
    """The stash as kits reach it, when the config gives them an address of their own."""
    if not transport.kit_access or protocol.blobs is None:
        return None
    return protocol.blobs(settings_of(protocol, transport.kit_access), context)


def _cannot(protocol: Protocol, what: str) -> ParaduxError:
    return ParaduxError("bad-protocol", f"the protocol {protocol.name} cannot {what}", "choose another protocol")


STEPS: dict[str, Callable[[Order, Reporter], Result]] = {
    Step.PULL: pull,
    Step.PUSH: push,
    Step.PRUNE: prune,
    Step.VERIFY: verify,
    Step.VERSIONS: versions,
    Step.LIST: look,
    Step.RESTORE: restore,
    Step.PUBLISH: publish,
    Step.HOSTKEYS: hostkeys,
    Step.REHEARSE: rehearse,
    Step.FETCH: fetch,
    Step.TRY: try_place,
    Step.NOTIFY: notify.notify,
    Step.NOTIFY_CHECK: notify.check,
    Step.HEARTBEAT: heartbeat.call,
    Step.KIT_LOOK: stick_io.look,
    Step.KIT_WRITE: stick_io.write,
    Step.KIT_READ: stick_io.read,
    Step.KIT_CHECK: check.check,
}
