"""Keys that are named as files are read into the config once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from paraductl.editing.key_files import with_keys
from paraduxd.api.errors import ParaduxError

KEY = '-----BEGIN OPENSSH PRIVATE KEY-----\n"x"\\\n-----END OPENSSH PRIVATE KEY-----\n'


@pytest.fixture
def key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    file = tmp_path / "id"
    file.write_text(KEY)
    return file


@pytest.mark.parametrize("name", ["{}", "~/id"])
def test_a_key_takes_the_place_of_its_file(key: Path, name: str) -> None:
    text = json.dumps({"a": [{"credentials": {"private_key_file": name.format(key)}}], "b": 1}, indent=2)
    made = with_keys(text)
    assert json.loads(made) == {"a": [{"credentials": {"private_key": KEY}}], "b": 1}
    assert made.count("\n") == text.count("\n"), "problems are told by line"


@pytest.mark.parametrize(
    "text", ["", "{", '{"private_key_file": 1}', '{"notes": "say \\"private_key_file\\": \\"/etc/shadow\\""}']
)
def test_anything_else_stays_as_it_is(text: str) -> None:
    assert with_keys(text) == text


@pytest.mark.parametrize(("name", "told"), [("/no/such", "cannot read /no/such"), ("public", "holds no private key")])
def test_what_is_no_key_is_told(key: Path, name: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(key.parent)
    (key.parent / "public").write_text("ssh-ed25519 AAAA\n")
    with pytest.raises(ParaduxError, match=told):
        with_keys(json.dumps({"private_key_file": name}))
