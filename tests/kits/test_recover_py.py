"""recover.py from the stick, with the system's Python and gpg: all that a stranger has."""

from __future__ import annotations

import copy
import dataclasses
import json
import re
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
import shamir_mnemonic

from paraduxd.effects.crypto.gpg import private_gpg
from paraduxd.keeper.kits.documents.build import PreviousEpoch, build
from tests.kits.forger import graft
from tests.kits.kit_rig import MEMORY, Family, kit_inputs, new_family, new_managed, published_family, write_kit
from tests.kits.stranger import PYTHON, Stranger, new_stranger

Stick = Callable[[str], Path]
Kits = dict[str, dict[str, bytes]]


@pytest.fixture
def stranger(tmp_path: Path) -> Stranger:
    return new_stranger(tmp_path)


@pytest.fixture
def program(stranger: Stranger, kits: Kits) -> Path:
    path = stranger.desk / "recover.py"
    path.write_bytes(kits["alice"]["recover.py"])
    return path


def words_of(family: Family, steward: str) -> str:
    shares = family.document["managed"]["shares"]
    return str(shares["words"][shares["issued"][steward]])


def secret_of(family: Family) -> str:
    return str(family.document["managed"]["recovery"]["secret"])


def with_words(stick: Path, words: str, *, everywhere: bool = True) -> Path:
    names = ("share.txt", "copies/share-2.txt", "copies/share-3.txt") if everywhere else ("share.txt",)
    for name in names:
        (stick / "PARADUX" / name).write_text(words)
    return stick


def test_three_sticks_give_the_very_config(family: Family, stick: Stick, stranger: Stranger, program: Path) -> None:
    tools, homes = stranger.desk.with_name("tools"), stranger.desk.with_name("homes")
    tools.mkdir()
    (tools / "gpg").write_text(f'#!/bin/sh\necho "$2" >>{homes}\nexec /usr/bin/gpg "$@"\n')
    (tools / "gpg").chmod(0o755)
    noting = dataclasses.replace(stranger, tools=tools)
    done = noting.recover(program, stick("erin"), stick("boeb") / "PARADUX", stick("carol"))
    assert done.returncode == 0, done.stderr
    written = stranger.desk / "config.json"
    assert written.read_bytes() == family.envelope
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    assert "serial 7" in done.stderr and "old" in done.stderr
    order = [
        done.stdout.index(text) for text in ("Tax advisor", "CANARY-tax", "Then pay.", "Dave Δ", "photos", "restic")
    ]
    assert order == sorted(order)
    assert secret_of(family) not in done.stdout + done.stderr
    assert not list(stranger.home.iterdir())
    assert {Path(home).parent for home in homes.read_text().split()} == {MEMORY}
    assert not [home for home in homes.read_text().split() if Path(home).exists()]
    again = stranger.recover(program, *(stick(name).parent / name for name in ()), stranger.desk.parent / "erin")
    assert again.returncode == 1 and written.read_bytes() == family.envelope


SLOW_AGENT = """#!/bin/sh
test -e {tried} && exec /usr/bin/gpg-agent "$@"
touch {tried}
exit 2
"""


SPOILING_GPG = """#!/bin/sh
for keys in /dev/shm/recover-*/private-keys-v1.d; do
    case " $* " in *"--homedir ${{keys%/*}} "*)
        if test ! -e {tried}; then
            case " $* " in *" --{step} "*) for key in "$keys"/*; do cp {spoiled} "$key"; done; touch {tried} ;; esac
        fi ;;
    esac
done
exec /usr/bin/gpg "$@"
"""


@pytest.mark.parametrize("step", ["detach-sign", "decrypt"])
def test_a_key_that_the_agent_does_not_open_is_taken_anew(
    stick: Stick, stranger: Stranger, program: Path, tmp_path: Path, step: str
) -> None:
    """As the agent of gpg 2.2 rarely has one, whatever its passphrase."""
    with private_gpg(MEMORY) as other:
        other.import_key(other.generate("Somebody else", "f" * 64).private_key, "f" * 64)
        (spoiled, *_) = [path.read_bytes() for path in (other.home / "private-keys-v1.d").iterdir()]
    (tmp_path / "spoiled").write_bytes(spoiled)
    tools = tmp_path / "tools"
    tools.mkdir()
    tried = tmp_path / "tried"
    (tools / "gpg").write_text(SPOILING_GPG.format(tried=tried, spoiled=tmp_path / "spoiled", step=step))
    (tools / "gpg").chmod(0o755)
    sticks = [stick(name) for name in ("erin", "boeb", "carol")]
    done = dataclasses.replace(stranger, tools=tools).recover(program, *sticks)
    assert tried.exists()
    assert done.returncode == 0, done.stderr


def test_an_agent_that_comes_up_late_spoils_nothing(
    stick: Stick, stranger: Stranger, program: Path, tmp_path: Path
) -> None:
    """gpg takes the public half of a key before it asks its agent for the rest: the shares would be called wrong."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "agent").write_text(SLOW_AGENT.format(tried=tmp_path / "tried"))
    (tools / "gpg").write_text(f'#!/bin/sh\nexec /usr/bin/gpg --agent-program {tools}/agent "$@"\n')
    for path in tools.iterdir():
        path.chmod(0o755)
    slow = dataclasses.replace(stranger, tools=tools)
    sticks = [stick(name) for name in ("erin", "boeb", "carol")]
    done = slow.recover(program, *sticks)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "tried").exists()
    (tools / "agent").write_text("#!/bin/sh\nexit 2\n")
    (stranger.desk / "config.json").unlink()
    done = slow.recover(program, *sticks)
    assert done.returncode == 1
    assert "restart this computer" in done.stderr


CHOOSY_GPG = """#!/bin/sh
case " $* " in *" --import "*) cmp -s {foreign} "$2/key" && exec /usr/bin/gpg --agent-program /bin/false "$@" ;; esac
exec /usr/bin/gpg "$@"
"""


def test_a_key_that_gpg_does_not_take_stops_no_other(
    stick: Stick, stranger: Stranger, program: Path, tmp_path: Path
) -> None:
    """Somebody's damaged or forged key among good kits."""
    foreign, tools = tmp_path / "foreign" / "recovery-key.asc", tmp_path / "tools"
    for path in (foreign.parent, tools):
        path.mkdir()
    with private_gpg(MEMORY) as other:
        foreign.write_text(other.generate("Somebody else", "f" * 64).private_key)
    (tools / "gpg").write_text(CHOOSY_GPG.format(foreign=foreign))
    (tools / "gpg").chmod(0o755)
    sticks = [stick(name) for name in ("erin", "boeb", "carol")]
    done = dataclasses.replace(stranger, tools=tools).recover(program, foreign.parent, *sticks)
    assert done.returncode == 0, done.stderr
    assert "not used: a recovery key: gpg does not take" in " ".join(done.stderr.split())


def test_an_existing_file_is_not_overwritten(stick: Stick, stranger: Stranger, program: Path) -> None:
    (stranger.desk / "config.json").write_text("mine")
    done = stranger.recover(program, stick("erin"), stick("boeb"), stick("carol"))
    assert done.returncode == 1 and "exists already" in done.stderr
    assert (stranger.desk / "config.json").read_text() == "mine"


def test_printing_writes_nothing(family: Family, stick: Stick, stranger: Stranger, program: Path) -> None:
    done = stranger.recover(program, "--print", stick("erin"), stick("boeb"), stick("carol"))
    assert json.loads(done.stdout) == json.loads(family.envelope)
    assert [path.name for path in stranger.desk.iterdir()] == ["recover.py"]


def test_words_code_files_and_sticks_mix_in_any_number(
    family: Family, stick: Stick, stranger: Stranger, program: Path
) -> None:
    code = stranger.desk / "qr.txt"
    code.write_text(words_of(family, "boeb").upper())
    typed = "\n".join(f"{number}. {word[:4]}" for number, word in enumerate(words_of(family, "dave").split(), 1))
    kit = stick("erin")
    done = stranger.recover(
        program, kit, kit, code, kit / "PARADUX/copies/share-2.txt", "-", stick("carol"), given=typed
    )
    assert done.returncode == 0, done.stderr
    assert "counted once" in done.stderr and "4 of 3" in done.stderr
    assert (stranger.desk / "config.json").read_bytes() == family.envelope


def test_the_secret_alone(family: Family, stick: Stick, stranger: Stranger, program: Path) -> None:
    done = stranger.recover(
        program, "--secret-only", *(stick(name) / "PARADUX/share.txt" for name in ("alice", "boeb", "erin"))
    )
    assert done.stdout == secret_of(family) + "\n"


def test_two_are_not_enough_and_it_says_who_could_help(stick: Stick, stranger: Stranger, program: Path) -> None:
    done = stranger.recover(program, stick("alice"), stick("dave"))
    assert done.returncode == 1
    assert "2 of 3" in done.stderr and "1 more of: Böb Müller, Carol Čapek, Erin O'Neil" in done.stderr
    assert not (stranger.desk / "config.json").exists()


def test_a_damaged_share_is_made_up_for_by_its_copies(
    family: Family, stick: Stick, stranger: Stranger, program: Path
) -> None:
    rotten = with_words(stick("alice"), "\0garbage", everywhere=False)
    done = stranger.recover(program, rotten, stick("boeb"), stick("carol"))
    assert done.returncode == 0 and "share.txt" in done.stderr
    assert (stranger.desk / "config.json").read_bytes() == family.envelope


def test_a_wrong_word_is_pointed_at(family: Family, stick: Stick, stranger: Stranger, program: Path) -> None:
    words = words_of(family, "alice").split()
    for place in (0, 1, 16, 32):
        wrong = [*words]
        wrong[place] = "acid" if words[place] != "acid" else "acne"
        path = stranger.desk / "typed.txt"
        path.write_text(" ".join(wrong))
        done = stranger.recover(program, path)
        assert done.returncode == 1
        assert f"word {place + 1} is wrong: it should probably be {words[place]}" in done.stderr
    path.write_text(" ".join([*words[:6], words[6] + "x", *words[7:]]))
    done = stranger.recover(program, path)
    assert "word 7 is not in the list (perhaps " + words[6] in done.stderr


def forged(words: str) -> str:
    """A share with a correct checksum and another value."""
    share = shamir_mnemonic.Share.from_mnemonic(words)
    return str(dataclasses.replace(share, value=bytes(byte ^ 1 for byte in share.value)).mnemonic())


def test_a_forged_share_does_not_stop_three_honest_ones(
    family: Family, stick: Stick, stranger: Stranger, program: Path
) -> None:
    liar = with_words(stick("alice"), forged(words_of(family, "alice")))
    done = stranger.recover(program, liar, stick("boeb"), stick("carol"), stick("dave"))
    assert done.returncode == 0, done.stderr
    assert "NOT the share that was issued" in done.stderr
    assert re.search("WRONG OR FORGED.*Alice Archer", done.stderr)
    assert (stranger.desk / "config.json").read_bytes() == family.envelope
    alone = stranger.recover(
        program,
        "--secret-only",
        *(path / "PARADUX/share.txt" for path in liar.parent.iterdir() if (path / "PARADUX").exists()),
    )
    assert alone.stdout == secret_of(family) + "\n", "without any kit.json too"


def test_old_and_foreign_shares_are_named(family: Family, stick: Stick, stranger: Stranger, program: Path) -> None:
    document = copy.deepcopy(family.document)
    document["managed"]["recovery"] = {**new_managed(document, MEMORY)["recovery"], "epoch": 2}
    document["managed"]["shares"] = new_managed(document, MEMORY)["shares"]
    old = {name: stick(name) for name in ("alice", "boeb")}
    shutil.rmtree(old["boeb"] / "PARADUX/copies")
    fresh = published_family(document)
    new = {name: write_kit(fresh.kit(name), stranger.desk / f"new-{name}") for name in ("carol", "dave")}
    strangers = write_kit(new_family(owner={"name": "Somebody Else"}).kit("erin"), stranger.desk / "foreign")
    done = stranger.recover(program, *old.values(), *new.values(), strangers)
    assert done.returncode == 1
    assert "set 2 of Fred Myself: 2 of 3" in done.stderr
    assert re.search(r"set 1 of Fred Myself: replaced by set 2 on 20\d\d-\d\d-\d\d; 2 of 3", done.stderr)
    assert "set 1 of Somebody Else: 1 of 3" in done.stderr


def test_a_stick_of_a_rotation_that_never_ended_opens_by_the_old_epoch(
    family: Family, stick: Stick, stranger: Stranger, program: Path
) -> None:
    document = copy.deepcopy(family.document)
    document["managed"] = {**new_managed(document, MEMORY), "owner_id": document["managed"]["owner_id"]}
    document["managed"]["recovery"]["epoch"] = 2
    new = published_family(document)
    files = build(kit_inputs(document, "alice", new.epoch, PreviousEpoch(family.epoch, family.sign)), new.sign)
    rewritten = write_kit(files, stranger.desk / "rewritten")
    done = stranger.recover(program, rewritten, stick("boeb"), stick("carol"))
    assert done.returncode == 0, done.stderr
    assert (stranger.desk / "config.json").read_bytes() == family.envelope


def test_every_set_of_which_there_is_enough_is_used_and_what_is_newer_is_told(
    family: Family, stick: Stick, stranger: Stranger, program: Path
) -> None:
    """Kits of a rotation that was cancelled open the next epoch, and in previous/ the one in force, of which a newer config was fetched."""
    document = copy.deepcopy(family.document)
    document["managed"] = {**new_managed(document, MEMORY), "owner_id": document["managed"]["owner_id"]}
    document["managed"]["recovery"]["epoch"] = 2
    new = published_family(document)
    before = PreviousEpoch(family.epoch, family.sign)
    kits = []
    for name in ("alice", "boeb", "carol"):
        files = build(kit_inputs(document, name, new.epoch, before), new.sign)
        kits.append(write_kit(files, stranger.desk / name))
    newer = published_family({**family.document, "serial": 9}, date="2026-11-25T10:00:00Z")
    fetched = stranger.desk / "config-1-9.gpg"
    fetched.write_bytes(newer.config_gpg)
    done = stranger.recover(program, *kits, fetched)
    assert done.returncode == 0, done.stderr
    assert (stranger.desk / "config.json").read_bytes() == newer.envelope
    assert "CAREFUL" not in done.stderr
    alone = write_kit(published_family({**document, "serial": 12}).kit("dave"), stranger.desk / "dave")
    done = stranger.recover(program, "--print", *kits, alone)
    assert done.returncode == 0 and "CAREFUL: something newer exists" not in done.stderr, "that one opens"
    (alone / "PARADUX/config.gpg").write_bytes(b"rotten")
    done = stranger.recover(program, "--print", *kits, alone)
    assert "CAREFUL: something newer exists" in done.stderr and "serial 12 of set 2" in done.stderr


def test_the_newest_signed_config_is_taken(family: Family, stick: Stick, stranger: Stranger, program: Path) -> None:
    newer = published_family({**family.document, "serial": 9}, date="2026-11-25T10:00:00Z")
    fetched = stranger.desk / "config-1-9.gpg"
    fetched.write_bytes(newer.config_gpg)
    sticks = [stick(name) for name in ("alice", "boeb", "carol")]
    (sticks[0] / "PARADUX/config.gpg").write_bytes(b"rotten")
    done = stranger.recover(program, *sticks, fetched)
    assert done.returncode == 0, done.stderr
    assert "used: config-1-9.gpg, serial 9" in done.stderr.replace(f"{stranger.desk}/", "")
    assert (stranger.desk / "config.json").read_bytes() == newer.envelope
    assert "not used" in done.stderr and "alice/PARADUX/config.gpg" in done.stderr


def _forge(family: Family, sticks: list[Path], how: str) -> None:
    """A steward puts a config with a high serial on his stick."""
    recovery = family.document["managed"]["recovery"]
    text = family.envelope.replace(b'"serial": 7', b'"serial": 99').replace(b"CANARY-tax", b"forged")
    with private_gpg(MEMORY) as gpg:
        gpg.import_key(recovery["public_key"])
        other = gpg.generate("Paradux recovery key, epoch 1", "b" * 64)
        signer = {} if how == "unsigned" else {"sign": other.fingerprint, "passphrase": "b" * 64}
        made = gpg._gpg.encrypt(text, [recovery["fingerprint"]], always_trust=True, armor=False, **signer)
    assert made.ok
    (sticks[0] / "PARADUX/config.gpg").write_bytes(made.data)
    if how == "own key":
        (sticks[0] / "PARADUX/recovery-key.asc").write_text(other.private_key)


@pytest.mark.parametrize("how", ["unsigned", "signed by another", "own key"])
def test_a_forged_config_is_refused(family: Family, stick: Stick, stranger: Stranger, program: Path, how: str) -> None:
    sticks = [stick(name) for name in ("alice", "boeb", "carol")]
    _forge(family, sticks, how)
    done = stranger.recover(program, *sticks)
    assert done.returncode == 0, done.stderr
    assert (stranger.desk / "config.json").read_bytes() == family.envelope
    assert "not signed by the owner's recovery key" in done.stderr


def test_a_key_grafted_below_a_forgers_own_is_refused(
    family: Family, stick: Stick, stranger: Stranger, program: Path
) -> None:
    forgery = graft(family)
    secret = secret_of(family)
    with private_gpg(MEMORY) as gpg:
        signer = gpg.import_key(forgery.key.decode())
        assert b"forged" in gpg.decrypt_signed(forgery.message, signer, secret), "the forgery is a good one"
        assert not gpg.is_locked_by(signer, secret)
        owner = gpg.import_key(family.document["managed"]["recovery"]["private_key"])
        assert gpg.is_locked_by(owner, secret) and not gpg.is_locked_by(owner, "f" * 64)
    sticks = [stick(name) for name in ("alice", "boeb", "carol")]
    (sticks[0] / "PARADUX/recovery-key.asc").write_bytes(forgery.key)
    (sticks[0] / "PARADUX/config.gpg").write_bytes(forgery.message)
    done = stranger.recover(program, *sticks)
    assert done.returncode == 0, done.stderr
    assert (stranger.desk / "config.json").read_bytes() == family.envelope
    assert "alice/PARADUX/config.gpg" in done.stderr


def test_hostile_files_on_a_stick_do_no_harm(family: Family, stick: Stick, stranger: Stranger, program: Path) -> None:
    hostile = stick("erin") / "PARADUX"
    (hostile / "kit.json").write_text(
        '{"set": {"shares": 5, "identifier": [], "created": {}}, "owner": "\\u001b[2J", "epoch": "x"}'
    )
    (hostile / "config.gpg").unlink()
    (hostile / "config.gpg").symlink_to("/dev/zero")
    (hostile / "recovery-key.asc").write_bytes(b"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\xff\x00")
    done = stranger.recover(program, hostile, stick("alice"), stick("boeb"), stick("carol"))
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout + done.stderr and "Traceback" not in done.stderr
    assert (stranger.desk / "config.json").read_bytes() == family.envelope


def test_nothing_at_all_is_said_in_one_sentence(stranger: Stranger, program: Path) -> None:
    done = stranger.recover(program, stranger.desk / "missing")
    assert done.returncode == 1 and "no such file" in done.stderr and "Traceback" not in done.stderr


def test_it_needs_nothing_but_the_standard_library(program: Path) -> None:
    imported = set(re.findall(r"^(?:import|from) (\w+)", program.read_text(), re.MULTILINE))
    assert imported <= __import__("sys").stdlib_module_names
    assert PYTHON.startswith("/usr")
