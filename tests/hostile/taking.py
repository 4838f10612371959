"""What a worker does with one blob store, in a process of its own, so that its memory can be measured: see `test_endless.py`."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from paraduxd.api.errors import ParaduxError
from paraduxd.core.primitives.dataclass_json import from_plain
from paraduxd.core.runs.orders import Order
from paraduxd.effects.crypto import archive_crypto
from paraduxd.protocols import registry
from paraduxd.protocols.archive.manifests import Keys, Shelf
from paraduxd.protocols.base import BlobStore, Context
from paraduxd.worker.publishing import fetch
from paraduxd.worker.transfer import rehearse

ENOUGH = 64 * 1024 * 1024


def main() -> None:
    """Protocol, settings, host keys and what to do with the store come as arguments; what came of it goes out as JSON."""
    name, settings, host_keys, what = sys.argv[1:]
    protocol = registry.load(Path("/nonexistent"))[name]
    assert protocol.blobs
    context = Context(
        dataset="", location="stash", host_keys={key: tuple(v) for key, v in json.loads(host_keys).items()}
    )
    store = protocol.blobs(protocol.settings.model_validate_json(settings), context)
    try:
        told = str(_do(what, store))
    except ParaduxError as problem:
        told = f"{problem.code}: {problem.message}"
    print(json.dumps([told, _peak()]))


def _peak() -> int:
    """MiB; getrusage would tell of the process that started this one as well."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) // 1024


def _do(what: str, store: BlobStore) -> object:
    if what == "list":
        return len(store.list())
    if what == "get":
        return _some(store)
    if what == "fetch":
        return fetch.fetch(_order(epochs=[1]), store)["troubles"]
    if what == "rehearse":
        return len(rehearse.read_published(_order(epoch=1), store))
    return Shelf(store, Keys("0" * 40, "", archive_crypto.new_signing_key().public), None).newest()


def _some(store: BlobStore) -> int:
    size = 0
    for piece in store.get("object"):
        size += len(piece)
        if size >= ENOUGH:
            break
    return size


def _order(**arguments: object) -> Order:
    return from_plain(Order, {"run": 1, "step": "fetch", "location": "stash", "dataset": "", "arguments": arguments})


if __name__ == "__main__":
    main()
