from __future__ import annotations

import logging
from pathlib import Path

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.protocols import registry

PLUGIN = """
from paraduxd.protocols.base import Protocol
from paraduxd.core.config.protocol_settings import ProtocolSettings
PROTOCOL = Protocol({name!r}, ProtocolSettings)
"""


def drop_in(folder: Path, name: str, text: str) -> None:
    (folder / f"{name}.py").write_text(text)
    (folder / f"{name}.py").chmod(0o644)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tmp_path.chmod(0o755)
    return tmp_path


def test_the_protocols_of_this_package(folder: Path) -> None:
    protocols = registry.load(folder)
    assert {"disk", "rsync", "sftp"} <= protocols.keys()
    assert registry.find("disk", folder) is protocols["disk"]


def test_every_setting_is_explained_with_an_example(folder: Path) -> None:
    for name in ("disk", "rsync", "sftp"):
        for field in registry.find(name, folder).settings.model_fields.values():
            assert field.description and field.examples


def test_a_drop_in_is_found(folder: Path) -> None:
    drop_in(folder, "mine", PLUGIN.format(name="mine"))
    assert registry.find("mine", folder).name == "mine"


def test_what_is_no_plugin_and_what_takes_a_name_is_left_out(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    drop_in(folder, "one", "PROTOCOL = 1")
    drop_in(folder, "two", "raise ValueError")
    drop_in(folder, "three", PLUGIN.format(name="disk"))
    with caplog.at_level(logging.WARNING):
        protocols = registry.load(folder)
    assert protocols["disk"].settings.__name__ == "DiskSettings"
    for name in ("one.py", "two.py", "three.py"):
        assert name in caplog.text


def test_why_a_plugin_was_left_out_is_in_the_sentence(folder: Path) -> None:
    drop_in(folder, "gopher", "raise ValueError('canary')")
    with pytest.raises(ParaduxError, match=r"gopher\.py is ignored: .*ValueError") as failed:
        registry.find("gopher", folder)
    assert "canary" not in failed.value.message


def test_an_unknown_protocol_is_a_sentence(folder: Path) -> None:
    with pytest.raises(ParaduxError) as failed:
        registry.find("gopher", folder)
    assert failed.value.code == "unknown-protocol"
