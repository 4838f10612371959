"""Kits in folders, by a whole Paradux: what is written, what is known of it, and where no share may be found."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from paraductl.daemon.channels import KeeperConnection
from paraductl.main import main
from paraduxd.api.errors import ExitCode, ParaduxError
from paraduxd.api.paths import RunPlaces
from paraduxd.shares import slip39
from paraduxd.shares.collection import ShareCollection
from paraduxd.shares.kit_folder import material_from_directory
from tests.canaries import CommandLines, in_files, in_memory
from tests.fakes_client import FakeDaemon
from tests.rig import PASSPHRASE, Installation, Json, clean_environment, fill, minimal_answers
from tests.rigs.prepared import Prepared

NAMES = ("alice", "bob", "carol", "dave", "erin")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    def prepare(installation: Installation) -> None:
        fill(installation.root / "source", 3)
        stewards = [{"id": name, "name": name.title(), "fate": [f"person:{name}"]} for name in NAMES]
        installation.setup(minimal_answers(installation.root, stewards=stewards, policy={"shares_required": 3}))

    return Prepared(tmp_path_factory.mktemp("kits") / "paradux", prepare, own_workers=True)


@pytest.fixture
def paradux(prepared: Prepared) -> Iterator[Installation]:
    """Set up with five stewards, three of whom are needed."""
    with prepared.again() as installation:
        yield installation


def kits_of(installation: Installation) -> dict[str, Path]:
    return {name: installation.root / "kits" / name / "PARADUX" for name in NAMES}


def words_in(kit: Path) -> str:
    lines = [line for line in (kit / "share.txt").read_text().splitlines() if not line.startswith("#")]
    return " ".join(word for line in lines for word in line.split() if word.isalpha())


def table(installation: Installation) -> dict[str, Json]:
    document = json.loads(installation.ctl("--json", "stewards").stdout)
    return {steward["id"]: steward for steward in document["stewards"]}


def test_five_kits_that_open_the_config(paradux: Installation) -> None:
    assert "kits-missing" in paradux.problem_codes()
    done = paradux.owner("create-steward-devices", "--all", "--directory", str(paradux.root / "kits"))
    assert done.stdout.count("is written and read back") == len(NAMES)
    kits = kits_of(paradux)
    config = paradux.config()
    assert config["managed"]["kits_written"] is True
    for name, kit in kits.items():
        manifest = json.loads((kit / "kit.json").read_text())
        assert (manifest["steward"]["id"], manifest["epoch"], manifest["serial"]) == (name, 1, config["serial"])
        sums = subprocess.run(["sha256sum", "--strict", "-c", "SHA256SUMS"], cwd=kit, capture_output=True, check=False)
        assert sums.returncode == 0, sums.stdout
        assert words_in(kit) == config["managed"]["shares"]["words"][config["managed"]["shares"]["issued"][name]]
    assert collected(kits) == {name.title(): "good" for name in NAMES}
    secret = slip39.combine([words_in(kits[name]) for name in ("bob", "dave", "erin")])
    assert opened(kits["carol"], secret.hex(), paradux.root / "gpg")["serial"] == config["serial"]
    assert not {"kits-missing", "kits-incomplete"} & paradux.problem_codes()
    held = paradux.status()["stewards"]
    assert [(one["id"], one["epoch"], one["current"], one["device_serial"]) for one in held] == [
        (name, 1, True, None) for name in NAMES
    ]
    assert all(one["written"] == one["last_seen"] for one in held)


def collected(kits: dict[str, Path]) -> dict[str | None, str]:
    """Steward -> state, as a recovery finds the kits; each brings key and config besides, and any three the secret."""
    session = ShareCollection.empty()
    for name, kit in kits.items():
        for material in material_from_directory(kit.parent, name):
            session = session.add(material)
    assert (len(session.keys), len(session.configs)) == (len(kits), len(kits))
    assert next(session.candidates(), None) is not None, session.report()
    return {finding.steward: finding.state for finding in session.findings}


def opened(kit: Path, secret: str, home: Path) -> Json:
    """The config of a kit, by stock gpg."""
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase-fd", "0"]
    try:
        subprocess.run([*gpg, "--import", str(kit / "recovery-key.asc")], input=secret.encode(), check=True)
        verify = [*gpg[:4], "--verify", str(kit / "kit.json.asc"), str(kit / "kit.json")]
        subprocess.run(verify, check=True, capture_output=True)
        argv = [*gpg, "--trust-model", "always", "--decrypt", str(kit / "config.gpg")]
        done = subprocess.run(argv, input=secret.encode(), check=True, capture_output=True)
    finally:
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False)
    found: Json = json.loads(done.stdout)["config"]
    return found


def test_another_steward_changes_nobody_elses_share(paradux: Installation) -> None:
    folder = str(paradux.root / "kits")
    paradux.owner("create-steward-device", "--all", "--directory", folder)
    before = {name: words_in(kit) for name, kit in kits_of(paradux).items()}
    config = paradux.config()
    config["stewards"].append({"id": "frank", "name": "Frank"})
    del config["stewards"][0]
    paradux.edit(config)
    known = table(paradux)
    assert "alice" not in known, "what she holds is forgotten"
    assert not known["frank"]["current"]
    assert "The kit of alice is forgotten" in paradux.log.read_text()
    assert known["bob"]["current"], "the others' kits stay current although the config is newer"
    assert "frank" in next(one["hint"] for one in paradux.status()["problems"] if one["code"] == "kits-incomplete")
    paradux.owner("create-steward-device", "frank", "--directory", f"{folder}/frank")
    assert "kits-incomplete" not in paradux.problem_codes()
    frank = words_in(paradux.root / "kits" / "frank" / "PARADUX")
    assert {name: words_in(kit) for name, kit in kits_of(paradux).items()} == before
    assert frank not in before.values()
    secret = config["managed"]["recovery"]["secret"]
    assert slip39.combine([frank, before["bob"], before["erin"]]).hex() == secret


def test_a_folder_that_is_in_the_way_is_not_touched(paradux: Installation) -> None:
    place = paradux.root / "stick"
    paradux.owner("create-steward-device", "bob", "--directory", str(place))
    before = words_in(place / "PARADUX")
    refused = paradux.owner("create-steward-device", "alice", "--directory", str(place), check=False)
    assert refused.returncode == 1
    assert "holds the kit of bob" in refused.stderr
    assert words_in(place / "PARADUX") == before
    assert not table(paradux)["alice"]["current"], "a kit that was not written is not known"
    paradux.owner("create-steward-device", "alice", "--directory", str(place), "--erase")
    assert words_in(place / "PARADUX") != before
    (paradux.root / "file").write_text("x")
    failed = paradux.owner("create-steward-device", "carol", "--directory", str(paradux.root / "file"), check=False)
    assert (failed.returncode, "cannot write the kit of carol" in failed.stderr) == (1, True)
    assert not table(paradux)["carol"]["current"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("alice", "--all", "--directory", "x"), "not both"),
        (("alice", "alice", "--directory", "x"), "named twice"),
        (("--device", "/dev/null"), "one steward"),
        (("alice", "--device", "/dev/null", "--directory", "x"), "not allowed with"),
        (("alice", "--directory", "x", "--no-wait"), "--no-wait"),
    ],
)
def test_what_makes_no_sense_is_a_mistake_on_the_command_line(
    words: tuple[str, ...], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon = FakeDaemon()
    assert main(["create-steward-device", *words], daemon) == ExitCode.USAGE
    assert sentence in capsys.readouterr().err
    assert daemon.asked == []


def test_without_the_passphrase_and_for_strangers_there_is_no_kit(paradux: Installation) -> None:
    for name, sentence in (("mallory", "no steward of this name"), ("alise", "did you mean alice?")):
        place = paradux.root / "x"
        done = paradux.owner("create-steward-device", name, "--directory", str(place), check=False)
        assert (done.returncode, sentence in done.stderr) == (1, True), done.stderr
        assert not place.exists()
    wrong = paradux.root / "wrong"
    wrong.write_text("wrong passphrase")
    command = ("create-steward-device", "alice", "--directory", str(paradux.root / "kits"))
    assert paradux.ctl("--passphrase-file", str(wrong), *command, check=False).returncode == 3
    assert not (paradux.root / "kits").exists()
    with KeeperConnection(RunPlaces(paradux.run)) as keeper, pytest.raises(ParaduxError) as refused:
        keeper.call("kits_directory", steward="alice")
    assert refused.value.code == "not-authorized"


def test_a_kit_counts_only_when_it_is_confirmed(paradux: Installation) -> None:
    with KeeperConnection(RunPlaces(paradux.run)) as keeper:
        keeper.call("authorize", passphrase=PASSPHRASE)
        kit = keeper.call("kits_directory", steward="alice")
        assert hashlib.sha256(base64.b64decode(kit["files"]["kit.json"])).hexdigest() == kit["sha256"]
        for steward, sha256 in (("alice", "0" * 64), ("bob", kit["sha256"])):
            with pytest.raises(ParaduxError, match="not the one that was last made"):
                keeper.call("kits_confirm", steward=steward, sha256=sha256)
        assert not table(paradux)["alice"]["current"]
        keeper.call("kits_confirm", steward="alice", sha256=kit["sha256"])
        assert table(paradux)["alice"]["current"]


def test_ctrl_c_leaves_nothing_half_written(paradux: Installation) -> None:
    folder = paradux.root / "kits"
    argv = [sys.executable, "-m", "paraductl.main", "--run", str(paradux.run)]
    argv += ["--passphrase-file", str(paradux.passphrase_file), "create-steward-device", "--directory", str(folder)]
    client = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean_environment())
    paradux.wait_for((folder / "alice" / "PARADUX").exists, "the first kit")
    client.send_signal(signal.SIGINT)
    _, errors = client.communicate(timeout=60)
    assert client.returncode == 1
    assert "interrupted" in errors
    assert "Traceback" not in errors
    written = {path.parent.name for path in folder.glob("*/*") if path.name == "PARADUX"}
    assert [path for path in folder.glob("*/*") if path.name != "PARADUX"] == [], "no half-written kit"
    known = {name for name, steward in table(paradux).items() if steward["current"]}
    assert known <= written


def test_what_is_known_survives_the_daemon_and_json_says_it(paradux: Installation) -> None:
    done = paradux.owner("--json", "create-steward-device", "alice", "--directory", str(paradux.root / "a"))
    (kit,) = json.loads(done.stdout)["kits"]
    assert (kit["steward"], kit["name"], kit["epoch"], kit["path"]) == (
        "alice", "Alice", 1, str(paradux.root / "a" / "PARADUX"),
    )  # fmt: skip
    assert "files" not in kit
    before = table(paradux)["alice"]
    assert paradux.stop() == 0
    paradux.start()
    assert table(paradux)["alice"] == before
    text = paradux.ctl("stewards").stdout
    assert "1 of 5 hold a current kit (epoch 1); any 3 together open the config." in text
    assert "paraductl create-steward-device bob carol dave erin" in text
    assert text.count("not yet") == len(NAMES)


def test_no_share_where_none_may_be(paradux: Installation) -> None:
    managed = paradux.config()["managed"]
    secrets = [managed["recovery"]["secret"], *managed["shares"]["words"]]
    wanted = [text.encode() for text in secrets]
    wanted += [base64.b64encode(text.encode())[4:60] for text in secrets]
    with CommandLines(wanted) as programs:
        paradux.owner("unlock", "--for", "5m")
        paradux.ctl("create-steward-device", "--directory", str(paradux.root / "kits"))
    assert not programs.seen, "neither arguments nor environment"
    assert paradux.daemon is not None
    assert not in_memory(paradux.daemon.pid, wanted), "the supervisor never held a share"
    paradux.ctl("lock")
    assert not {pid: hits for pid in paradux.processes() if (hits := in_memory(pid, wanted))}
    shutil.rmtree(paradux.root / "kits")
    places = [paradux.state, paradux.run, paradux.root / "nas", Path("/dev/shm"), Path("/var/tmp")]
    assert in_files(places, wanted) == {}
    assert not any(needle in paradux.log.read_bytes() for needle in wanted)
