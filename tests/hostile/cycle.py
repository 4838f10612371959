"""One dataset to one place and back, as a process of its own that can be watched: `python -m tests.hostile.cycle`.

Standard input: {place, source, folder, keys}; standard output: {"ok": true} or {"code": ..., "message": ...}.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

from paraduxd.api.errors import ParaduxError
from paraduxd.core.plan.terms import Guard, Keep
from paraduxd.protocols import registry
from paraduxd.protocols.archive.destination import ArchiveDestination, Keys, PrivateKey
from paraduxd.protocols.base import Context, Destination, Protocol, PullRequest, PushRequest
from paraduxd.testing import samples

NOWS = ("2026-01-01T12:00:00Z", "2026-01-02T12:00:00Z")


def main() -> None:
    """Go round, and say how it went."""
    order = json.load(sys.stdin)
    try:
        _go_round(order)
        print(json.dumps({"ok": True}))
    except ParaduxError as problem:
        print(json.dumps({"code": problem.code, "message": problem.message}))


def _go_round(order: dict[str, Any]) -> None:
    folder, place = Path(order["folder"]), order["place"]
    protocol = registry.find(place["protocol"])
    settings = protocol.settings.model_validate(place["settings"])
    keys = {server: tuple(lines) for server, lines in place["host_keys"].items()}
    context = Context("photos", "cloud", host_keys=keys, secret=order["secret"], index=folder / "index")
    if place["mounted"]:
        context = dataclasses.replace(context, mounted=Path(place["mounted"]))
    if place["archive"]:
        context = dataclasses.replace(context, cache=folder / "cache")
    destination = _destination(protocol, settings, context, order)
    staging = folder / "staging"
    destination.push(staging, PushRequest(Keep(last=1), NOWS[0]))
    result = destination.push(staging, PushRequest(Keep(last=1), NOWS[1], destination.versions()))
    assert destination.versions() == result.versions == (result.version,)
    (folder / "back").mkdir()
    destination.restore(result.version, folder / "back", ())
    assert samples.contents(folder / "back") == samples.contents(staging), "not what was pushed"
    destination.verify(deep=True)
    if protocol.source and not place["archive"]:
        (folder / "pulled").mkdir()
        request = PullRequest(Guard())
        protocol.source(settings, context).pull(folder / "pulled", request)


def _destination(protocol: Protocol, settings: Any, context: Context, order: dict[str, Any]) -> Destination:
    if not order["place"]["archive"]:
        assert protocol.destination
        return protocol.destination(settings, context)
    assert protocol.blobs
    known = dict(order["keys"])
    private = PrivateKey(**known.pop("private"))
    return ArchiveDestination(protocol.blobs(settings, context), Keys(**known, private=private), context)


if __name__ == "__main__":
    main()
