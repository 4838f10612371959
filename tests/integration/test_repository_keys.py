"""The key of a restic repository, from its first push into the config, and back into a repository that has lost it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.integration.test_shared_repository import answers
from tests.rig import fill, running

pytestmark = pytest.mark.slow


def test_the_config_keeps_the_key_and_the_repository_gets_it_back(tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    with running(tmp_path / "fred") as paradux:
        fill(paradux.root / "source")
        paradux.setup(answers(paradux.root, repository))
        paradux.ctl("backup")
        assert not _copies(paradux.config()), "nothing is saved while somebody looks"
        paradux.owner("unlock")
        paradux.ctl("lock")
        config = paradux.config()
        (copied,) = _copies(config)
        (key,) = (repository / "keys").iterdir()
        assert copied["id"] == key.name and copied["key_file"].encode() == key.read_bytes()
        assert copied["master_key"].encode() not in _everything(paradux.state), "only the vault has it"
        shown = paradux.owner("show", "managed.data_keys").stdout
        assert copied["id"] in shown and "scrypt" not in shown and "encrypt" not in shown
        paradux.owner("unlock")
        assert paradux.config()["serial"] == config["serial"], "once"
        paradux.ctl("lock")
        shutil.rmtree(repository / "keys")
        paradux.ctl("restore", "home", "--to", str(tmp_path / "back"), "--from", "cloud")
        assert len(list((tmp_path / "back").iterdir())) == 12
        assert [path.read_text() for path in (repository / "keys").iterdir()] == [copied["key_file"]]


def _copies(config: dict[str, object]) -> list[dict[str, str]]:
    keys = json.loads(json.dumps(config))["managed"]["data_keys"].values()
    return [key["repository"] for key in keys if key.get("repository")]


def _everything(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
