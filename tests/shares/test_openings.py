"""schema/vectors/openings.json: genuine, damaged and forged configs, given to each reader that there is in Python."""

from __future__ import annotations

import base64
import json
import runpy
from pathlib import Path
from typing import Any

import pytest

from paraduxd.keeper.kits.documents import build
from paraduxd.keeper.recovery.opening import open_configs
from tests.kits.kit_rig import MEMORY
from tests.shares.test_vectors import cases, vectors

Json = dict[str, Any]

PROGRAM = runpy.run_path(str(Path(build.__file__).parent / "data" / "recover.py"))


@pytest.mark.parametrize("case", cases("openings"))
def test_by_paradux(case: Json) -> None:
    message, secret = base64.b64decode(case["message"]), vectors("openings")["secret"]
    found, refused, _ = open_configs([("a stick", message)], [case["key"]], secret, MEMORY)
    assert [each.header.serial for each in found] == ([case["serial"]] if case["serial"] else [])
    assert len(refused) == (0 if case["serial"] else 1)


@pytest.mark.parametrize("case", cases("openings"))
def test_by_the_program_in_the_kit(case: Json) -> None:
    gathered = PROGRAM["Gathered"]()
    gathered.keys.append(("key", case["key"].encode()))
    gathered.configs.append(("config", base64.b64decode(case["message"])))
    opened = PROGRAM["open_all"](gathered, bytes.fromhex(vectors("openings")["secret"]), {})
    assert [each.header["serial"] for each in opened] == ([case["serial"]] if case["serial"] else [])


def test_there_are_all_kinds() -> None:
    names = [case["name"] for case in vectors("openings")["cases"]]
    assert len(names) > 20 and json.dumps(names).count("signed by") > 4
