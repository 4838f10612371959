"""What a worker does with one place, in a process of its own, so that its memory can be measured: see `measured.py`.

It is forked for each order, since most of them take less time than to load this does. The order comes on standard input as JSON:
`protocol`, `settings`, `host_keys`, `what`, and to some of it `patience` (seconds) and `to`.
"""

from __future__ import annotations

import json
import resource
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from queue import Queue
from typing import Any

from paraduxd.api import framing
from paraduxd.api.dataclass_json import from_json_value, to_json_value
from paraduxd.api.errors import ParaduxError
from paraduxd.core.plan.terms import Guard
from paraduxd.core.runs.orders import Order, Progress
from paraduxd.effects.crypto import archive_crypto
from paraduxd.effects.files import bounded
from paraduxd.effects.process.worker_hosts import ChildHost
from paraduxd.effects.tools import ssh, tls_pins
from paraduxd.keeper.runtime import workers
from paraduxd.protocols import registry
from paraduxd.protocols.archive.manifests import Keys, StoredRuns
from paraduxd.protocols.base import BlobStore, Context, Destination, HeldError, Protocol, PullRequest
from paraduxd.shares import kit_folder
from paraduxd.supervisor.runs.launcher import Final, Launcher, Patience
from paraduxd.worker.kits import stick_io
from paraduxd.worker.publishing import fetch
from paraduxd.worker.transfer import rehearse
from tests.rigs import forked_program

ENOUGH = 64 * 1024 * 1024
NO_PLUGINS = Path("/nonexistent")
Json = dict[str, Any]


def main(folder: Path) -> None:
    """Take an order for each connection."""
    registry.load(NO_PLUGINS)
    forked_program.be(folder, _take)


def _take() -> None:
    """What came of it goes out as JSON: `told`, and `peak`, the memory that this process has taken at most (MiB)."""
    order = json.loads(sys.stdin.read())
    try:
        told = str(_do(order))
    except (ParaduxError, HeldError) as problem:
        told = f"{problem.code}: {problem.message}" if isinstance(problem, ParaduxError) else f"held: {problem}"
    print(json.dumps({"told": told, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))


def _do(order: Json) -> object:
    what, patience = order["what"], dict(order.get("patience", {}))
    connect = patience.pop("connect", 10.0)
    for name, value in patience.items():
        setattr(bounded.patience, name, value)
    if what == "ssh-keys":
        return len(ssh.scan_host_keys("127.0.0.1", order["port"], timeout=connect))
    if what == "certificate":
        return tls_pins.ask("127.0.0.1", order["port"], order["how"], connect)
    if what in _WITHOUT_A_PLACE:
        return _WITHOUT_A_PLACE[what](order)
    protocol = registry.load(NO_PLUGINS)[order["protocol"]]
    keys = {host: tuple(lines) for host, lines in order.get("host_keys", {}).items()}
    context = Context(dataset="photos", location="stash", host_keys=keys, secret="x")
    settings = protocol.settings.model_validate(order["settings"])
    if what in _ON_DESTINATIONS:
        assert protocol.destination
        return _ON_DESTINATIONS[what](protocol.destination(settings, context), order)
    if what == "pull":
        return _pull(protocol, settings, context, Path(order["to"]))
    assert protocol.blobs
    return _ON_BLOBS[what](protocol.blobs(settings, context))


def _pull(protocol: Protocol, settings: Any, context: Context, to: Path) -> int:
    assert protocol.source
    guard = Guard(max_removed=0.25, max_changed=0.6)
    return protocol.source(settings, context).pull(to, PullRequest(guard)).files


def _some(store: BlobStore) -> int:
    size = 0
    for piece in store.get("object"):
        size += len(piece)
        if size >= ENOUGH:
            break
    return size


def _order(**arguments: object) -> Order:
    return from_json_value(
        Order, {"run": 1, "step": "fetch", "location": "stash", "dataset": "", "arguments": arguments}
    )


def _newest(store: BlobStore) -> object:
    return StoredRuns(store, Keys("0" * 40, "", archive_crypto.new_signing_key().public), None).newest()


def _restored(destination: Destination, order: Json) -> int:
    newest = destination.versions()[-1]
    return destination.restore(newest, Path(order["to"]), order.get("paths", ())).files


def _reports(order: Json) -> object:
    """What the keeper makes of a worker that runs this code."""
    workers.place.host = ChildHost(_start, _end, [sys.executable, "-c", order["code"]])
    return workers.run_order(_order(), timeout=5.0)


def _start(command: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, start_new_session=True, **options)


def _end(child: subprocess.Popen[bytes]) -> int:
    child.kill()
    return child.wait()


def _launched(order: Json) -> object:
    """What the supervisor makes of it."""
    ended: Queue[object] = Queue()

    class Listener:
        def progress(self, run: int, progress: Progress) -> None:
            """Nothing."""

        def ended(self, run: int, final: Final) -> None:
            ended.put(final)

    host = ChildHost(_start, _end, [sys.executable, "-c", order["code"]])
    launcher = Launcher(host, Patience(inactivity=3.0, grace=0.3))
    launcher.start(_order(), Listener())
    return ended.get()


def _kit(order: Json) -> object:
    found = kit_folder.material_from_directory(Path(order["to"]), "kit")
    return f"{sum(each.share_text is not None and len(each.share_text.split()) == 33 for each in found)} shares"


def _stick(order: Json) -> object:
    found = stick_io.read(replace(_order(directory=order["to"]), step="kit-read"), lambda _: None)
    return {name: len(data) for name, data in list(found.files.items())[:5]}


def _frame(order: Json) -> object:
    ours, theirs = socket.socketpair()
    body = order["body"].encode() * order["length"] if order["body"] else b""
    threading.Thread(target=theirs.sendall, args=(struct.pack(">I", order["length"]) + body,), daemon=True).start()
    return framing.receive(ours)


_ON_DESTINATIONS: dict[str, Callable[[Destination, Json], object]] = {
    "versions": lambda destination, _: [each.id for each in destination.versions()],
    "verify": lambda destination, _: destination.verify(deep=False).checked,
    "restore": _restored,
}
_ON_BLOBS: dict[str, Callable[[BlobStore], object]] = {
    "list": lambda store: len(store.list()),
    "get": _some,
    "fetch": lambda store: list(fetch.fetch(_order(epochs=[1]), store).troubles),
    "rehearse": lambda store: len(to_json_value(rehearse.read_published(_order(epoch=1), store))),
    "newest": _newest,
}

_WITHOUT_A_PLACE: dict[str, Callable[[Json], object]] = {
    "reports": _reports,
    "launched": _launched,
    "frame": _frame,
    "kit": _kit,
    "stick": _stick,
}

if __name__ == "__main__":
    main(Path(sys.argv[1]))
