"""A password within an address is refused where it is new, and nowhere shown where an earlier version has saved it."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from paraduxd.api.errors import ExitCode
from paraduxd.api.typed.passwords_in_addresses import REFUSAL
from paraduxd.core.config.validation import address_passwords
from paraduxd.core.config.validation.validate import check
from paraduxd.effects.vault.luks import Kdf
from paraduxd.effects.vault.vault import LockedVault
from paraduxd.keeper.config.protocol_plugins import capabilities_of
from paraduxd.protocols import registry
from tests.canaries import in_files
from tests.core.config.samples import MANAGED
from tests.rig import PASSPHRASE, Installation, Json, fill, minimal_answers
from tests.rigs.prepared import Prepared

CANARY = f"canary{secrets.token_hex(8)}"
RESTIC = {"id": "cloud", "protocol": "restic", "every": "1d", "fate": ["place:friend"]}
OLD = f"sftp:fred:{CANARY}@127.0.0.1:/x"


def restic(repository: str) -> Callable[[Json], None]:
    return lambda config: config["datasets"][0]["destinations"].append({**RESTIC, "repository": repository})


def stash(protocol: str, url: str, **more: object) -> Callable[[Json], None]:
    entry = {"id": "friend", "protocol": protocol, "url": url, "fate": ["place:friend"], **more}
    return lambda config: config["metadata_stashes"].append(entry)


def source(protocol: str, url: str, **more: object) -> Callable[[Json], None]:
    return lambda config: config["datasets"][0]["source"].update({"protocol": protocol, "url": url, **more})


DRIVE = {"options": {"type": "drive"}}

NEW = {
    "restic, as scp": restic(OLD),
    "restic, sftp": restic(f"sftp://fred:{CANARY}@127.0.0.1//x"),
    "restic, rest": restic(f"rest:http://fred:{CANARY}@127.0.0.1:8000/"),
    "restic, rest, encoded": restic(f"rest:http://fred%3A{CANARY}@127.0.0.1:8000/"),
    "restic, s3": restic(f"s3:http://key:{CANARY}@127.0.0.1/bucket"),
    "restic, s3, short": restic(f"s3:key:{CANARY}@127.0.0.1/bucket"),
    "rclone": stash("rclone", f"rclone:fred:{CANARY}@127.0.0.1:/x", **DRIVE),
    "rclone, for kits": stash(
        "rclone",
        "rclone:drive:x",
        **DRIVE,
        kit_access={"url": f"rclone:fred:{CANARY}@127.0.0.1:/x", "credentials": {"type": "drive"}},
    ),
    "sftp": stash("sftp", f"sftp://fred:{CANARY}@127.0.0.1/x"),
    "ftp": stash("ftp", f"ftp://fred:{CANARY}@127.0.0.1/x"),
    "ftps": stash("ftps", f"ftps://fred:{CANARY}@127.0.0.1/x"),
    "s3": stash("s3", f"s3://key:{CANARY}@bucket/x"),
    "s3, endpoint": stash("s3", "s3://bucket/x", endpoint=f"https://key:{CANARY}@127.0.0.1"),
    "disk": stash("disk", f"file://fred:{CANARY}@127.0.0.1/x"),
    "rsync": source("rsync", f"rsync+ssh://fred:{CANARY}@127.0.0.1/x"),
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    def prepare(paradux: Installation) -> None:
        fill(paradux.root / "source", 3)
        paradux.setup()

    return Prepared(tmp_path_factory.mktemp("addresses") / "paradux", prepare)


@pytest.mark.parametrize("kind", NEW)
def test_a_new_one_is_refused_and_not_repeated(tmp_path: Path, kind: str) -> None:
    capabilities = capabilities_of(registry.load(tmp_path))
    NEW[kind](answers := minimal_answers(tmp_path))
    checked = check(json.dumps(answers), capabilities, answers=None)
    assert not checked.valid
    assert all(CANARY not in str(problem) for problem in checked.problems)
    NEW[kind](config := minimal_answers(tmp_path))
    checked = check(json.dumps({**config, "serial": 1, "managed": MANAGED}), capabilities)
    refused = [] if checked.config is None else [*address_passwords.refusals(checked.config, None, capabilities)]
    assert refused or not checked.valid
    if checked.config:
        assert "warning" in {problem.level for problem in checked.problems if REFUSAL in problem.message}
        assert not [*address_passwords.refusals(checked.config, checked.config, capabilities)], "it opens again"


def test_setup_check_and_edit_refuse_it(prepared: Prepared, tmp_path: Path) -> None:
    restic(OLD)(answers := minimal_answers(tmp_path))
    (file := tmp_path / "answers.json").write_text(json.dumps(answers))
    with prepared.again() as paradux:
        restic(OLD)(config := paradux.config())
        told = [paradux.edit(config, check=False), paradux.ctl("check", str(file), check=False)]
        paradux.stop()
        shutil.rmtree(paradux.state)
        paradux.start()
        told.append(paradux.setup(answers, check=False))
        for refused in told:
            assert refused.returncode == ExitCode.INVALID_CONFIG
            assert REFUSAL in refused.stderr and CANARY not in refused.stdout + refused.stderr


def test_one_that_was_saved_once_opens_and_is_shown_nowhere(prepared: Prepared) -> None:
    """As 0.1 saved it."""
    with prepared.again() as paradux:
        paradux.stop()
        vault = LockedVault(paradux.state / "vault.luks", kdf=Kdf.WEAK).open(PASSPHRASE.encode())
        config = json.loads(vault.document)
        restic(OLD)(config)
        NEW["rclone, for kits"](config)
        config["datasets"][0]["destinations"][-1]["credentials"] = {"password": "of the repository"}
        vault.save(json.dumps(config).encode())
        paradux.start()
        config = paradux.config()
        config["owner"]["phone"] = "+1 999 000"
        saved = paradux.edit(config, check=False)  # drive is not there to publish to
        shown = [saved, paradux.owner("show"), paradux.owner("show", "datasets", check=False)]
        assert REFUSAL in saved.stderr and paradux.config()["owner"]["phone"] == "+1 999 000"
        assert "********@127.0.0.1" in shown[1].stdout
        shown.append(paradux.owner("backup", check=False))
        shown.append(paradux.owner("versions", "home", check=False))
        shown.append(paradux.owner("drill", check=False))
        for words in (("status",), ("--json", "status"), ("--json", "history"), ("whatif",), ("whatif", "--advice")):
            shown.append(paradux.ctl(*words, check=False))
        shown.append(paradux.ctl("report", str(paradux.root / "report.html")))
        said = "".join(done.stdout + done.stderr for done in shown)
        assert CANARY not in said + paradux.log.read_text() + (paradux.root / "report.html").read_text()
        found = in_files([paradux.root], [CANARY.encode()])
        assert {path.parent.name for path in found} <= {"transport"}, found
