"""A hook that would not be run is told when a config is saved; the save goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest

from paraduxd.api import dropins
from paraduxd.api.paths import StatePlaces
from paraduxd.effects.installation import hook_programs
from paraduxd.keeper.config import save
from paraduxd.keeper.config.protocol_plugins import capabilities_of
from paraduxd.keeper.runtime.installation import Installation
from paraduxd.protocols import registry


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "hooks.d"
    folder.mkdir(mode=0o755)
    monkeypatch.setattr(dropins, "TOP", tmp_path)
    monkeypatch.setattr(hook_programs, "FOLDER", folder)
    return folder


def warnings(tmp_path: Path, **hooks: str) -> list[tuple[str, str]]:
    """Path and sentence of what a preview says of hooks."""
    source = {"protocol": "disk", "url": "file:///home/fred/photos", "every": "1h", "fate": ["place:house"], **hooks}
    disk = {"id": "disk", "protocol": "disk", "url": "file:///mnt/disk", "every": "1d", "fate": ["place:house"]}
    document: dict[str, Any] = {
        "owner": {"name": "Fred", "email": "fred@example.org", "fate": ["place:house"]},
        "policy": {"shares_required": 2},
        "stewards": [{"id": name, "name": name, "fate": [f"person:{name}"]} for name in ("eve", "bob")],
        "metadata_stashes": [{"id": "stash", "protocol": "disk", "url": "file:///mnt/stash"}],
        "datasets": [{"id": "photos", "source": source, "staging": "/srv/photos", "destinations": [disk]}],
    }
    capabilities = dict(capabilities_of(registry.load()))
    installation = Installation(StatePlaces(tmp_path), capabilities, cast(Any, None), tmp_path, cast(Any, None))
    found = save.preview(installation, json.dumps(document), None).problems
    assert not [each for each in found if each.level == "error"], found
    return [(each.path, each.message) for each in found if "source" in each.path and "program" in each.message]


def test_a_hook_that_is_missing_or_of_others_is_told(folder: Path, tmp_path: Path) -> None:
    assert warnings(tmp_path) == []
    ((path, missing),) = warnings(tmp_path, before="dump")
    assert path == "datasets[0].source.before"
    assert missing.endswith("cannot be run as it is: it is not there")
    (folder / "dump").write_text("#!/bin/sh\n")
    (folder / "dump").chmod(0o757)
    ((path, open_to_all),) = warnings(tmp_path, after="dump")
    assert path == "datasets[0].source.after"
    assert open_to_all.endswith("it may be written by others")
    (folder / "dump").chmod(0o755)
    assert warnings(tmp_path, before="dump", after="dump") == []
    folder.chmod(0o777)
    assert [path for path, _ in warnings(tmp_path, before="dump", after="dump")] == [
        "datasets[0].source.before",
        "datasets[0].source.after",
    ]
