"""What a steward with one kit, or whoever can write to a stash, makes of what he has, to have his own config believed: real OpenPGP."""

from __future__ import annotations

import copy
import json
import runpy
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.core.plan.model import Plan
from paraduxd.effects.crypto.gpg import private_gpg
from paraduxd.effects.vault.vault import Kdf, LockedVault
from paraduxd.keeper.drill import verdicts
from paraduxd.keeper.drill.drill_places import Answer
from paraduxd.keeper.drill.verdicts import Secret
from paraduxd.keeper.kits.documents import build
from paraduxd.keeper.recovery.opening import open_configs
from paraduxd.keeper.recovery.share_proof import Proof, prove
from paraduxd.shares.collection import Material, ShareCollection
from tests.kits.forger import graft, packets
from tests.kits.kit_rig import MEMORY, Family, new_family, new_managed, published_family

SECRET_KEY, SIGNATURE, ONE_PASS, LITERAL = 5, 2, 4, 11


@pytest.fixture(scope="module")
def family() -> Family:
    return new_family()


@dataclass(frozen=True)
class Attack:
    """What the attacker puts on a stick or a stash in place of `recovery-key.asc` and `config.gpg`."""

    key: bytes
    message: bytes


class Workshop:
    """The attacker's gpg: a key without a passphrase, "Forger", and whatever he has imported."""

    def __init__(self, home: Path) -> None:
        self._start = ["gpg", "--homedir", str(home), "--pinentry-mode", "loopback", "--yes", "--no-tty", "--quiet"]
        self.gpg("--quick-gen-key", "Forger", "ed25519", "sign", "never")
        self.own = self.fingerprint("Forger")
        self.gpg("--quick-add-key", self.own, "cv25519", "encr", "never")

    def gpg(self, *arguments: str, given: bytes = b"", passphrase: str = "") -> bytes:
        command = [*self._start, "--batch", "--passphrase", passphrase, "--trust-model", "always", *arguments]
        return subprocess.run(command, input=given, capture_output=True, check=True).stdout

    def fingerprint(self, name: str) -> str:
        listed = self.gpg("--with-colons", "-K", name).decode().splitlines()
        return next(line.split(":")[9] for line in listed if line.startswith("fpr"))

    def armored(self, stream: bytes) -> bytes:
        return self.gpg("--enarmor", given=stream).replace(b"PGP ARMORED FILE", b"PGP PRIVATE KEY BLOCK")


@pytest.fixture(scope="module")
def workshop() -> Iterator[Workshop]:
    with private_gpg(MEMORY) as tool:
        yield Workshop(tool.home)


def recovery(family: Family) -> dict[str, Any]:
    found: dict[str, Any] = family.document["managed"]["recovery"]
    return found


def forged_text(family: Family) -> bytes:
    return family.envelope.replace(b'"serial": 7', b'"serial": 99').replace(b"CANARY-tax", b"forged")


def signed_by_forger(family: Family, workshop: Workshop) -> bytes:
    arguments = ("--local-user", workshop.own, "--recipient", workshop.own, "--sign", "--encrypt")
    return workshop.gpg(*arguments, given=forged_text(family))


def unlocked_key(family: Family, workshop: Workshop) -> Attack:
    """A key of his own without a passphrase: every passphrase seems to open it."""
    return Attack(workshop.gpg("--armor", "--export-secret-keys", workshop.own), signed_by_forger(family, workshop))


def two_keys_in_one_file(family: Family, workshop: Workshop) -> Attack:
    """The owner's key, and his own behind it in the same file."""
    own = workshop.gpg("--export-secret-keys", workshop.own)
    owner = workshop.gpg("--dearmor", given=recovery(family)["private_key"].encode())
    return Attack(workshop.armored(owner + own), signed_by_forger(family, workshop))


def own_key_first(family: Family, workshop: Workshop) -> Attack:
    """His own key, and the owner's behind it."""
    own = workshop.gpg("--export-secret-keys", workshop.own)
    owner = workshop.gpg("--dearmor", given=recovery(family)["private_key"].encode())
    return Attack(workshop.armored(own + owner), signed_by_forger(family, workshop))


def grafted_subkey(family: Family, workshop: Workshop) -> Attack:
    """The owner's encrypting subkey, locked as it is, below his own primary key."""
    forgery = graft(family)
    return Attack(forgery.key, forgery.message)


def overwritten_public_part(family: Family, workshop: Workshop) -> Attack:
    """His own public part before the owner's locked secret part: the secret opens it, and he signs with what he kept."""
    own = list(packets(workshop.gpg("--export-secret-keys", workshop.own)))
    owner = workshop.gpg("--dearmor", given=recovery(family)["private_key"].encode())
    locked = next(packet for tag, packet in packets(owner) if tag == SECRET_KEY)
    mixed = [packet if tag != SECRET_KEY else _head(packet)[0] + _head(locked)[1] for tag, packet in own]
    mixed[0] = bytes([0x95]) + len(mixed[0]).to_bytes(2, "big") + mixed[0]
    return Attack(workshop.armored(b"".join(mixed)), signed_by_forger(family, workshop))


def unsigned(family: Family, workshop: Workshop) -> Attack:
    """Encrypted to the owner's key, which anybody can, and signed by nobody."""
    workshop.gpg("--import", given=recovery(family)["public_key"].encode())
    message = workshop.gpg("--recipient", recovery(family)["fingerprint"], "--encrypt", given=forged_text(family))
    return Attack(recovery(family)["private_key"].encode(), message)


def around_something_genuine(family: Family, workshop: Workshop) -> Attack:
    """A text of his own before and after his kit's manifest, which the owner has really signed."""
    workshop.gpg("--import", given=recovery(family)["public_key"].encode())
    kit = family.kit("alice")
    document = json.loads(forged_text(family))
    start = json.dumps(document)[:-1].encode() + b', "more": '
    ((_, signature),) = packets(workshop.gpg("--dearmor", given=kit["kit.json.asc"]))
    body = signature[2:] if signature[0] & 3 == 0 else signature[3:]
    issuer = bytes.fromhex(recovery(family)["fingerprint"])[-8:]
    one_pass = bytes([3, body[1], body[3], body[2]]) + issuer + b"\1"
    stream = _literal(start) + _packet(ONE_PASS, one_pass) + _literal(kit["kit.json"]) + signature + _literal(b"}")
    options = ("--no-literal", "--compress-algo", "none", "--recipient", recovery(family)["fingerprint"], "--encrypt")
    return Attack(recovery(family)["private_key"].encode(), workshop.gpg(*options, given=stream))


def _head(packet: bytes) -> tuple[bytes, bytes]:
    """The public and the secret part of an EdDSA secret key packet (RFC 4880, 5.5.3; RFC 6637, 9), without its header."""
    body = packet[1 + (1 << (packet[0] & 3)) :]
    curve_end = 7 + body[6]
    end = curve_end + 2 + (int.from_bytes(body[curve_end : curve_end + 2], "big") + 7) // 8
    return body[:end], body[end:]


def _packet(tag: int, body: bytes) -> bytes:
    return bytes([0xC0 | tag, 255]) + len(body).to_bytes(4, "big") + body


def _literal(text: bytes) -> bytes:
    return _packet(LITERAL, b"b\0" + bytes(4) + text)


ATTACKS = (
    unlocked_key,
    two_keys_in_one_file,
    own_key_first,
    grafted_subkey,
    overwritten_public_part,
    unsigned,
    around_something_genuine,
)


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_forged_config_is_refused_by_recover_and_drill(attack: Any, family: Family, workshop: Workshop) -> None:
    made = attack(family, workshop)
    secret = recovery(family)["secret"]
    genuine = recovery(family)["private_key"]
    sealed = [("a forged stick", made.message), ("Bob's stick", family.config_gpg)]
    found, refused, _ = open_configs(sealed, [made.key.decode(), genuine], secret, MEMORY)
    assert [each.document for each in found] == [family.document]
    assert [sentence.partition(":")[0] for sentence in refused] == ["a forged stick"]

    plan: Any = PlanOf(family)
    answer = Answer("friend", made.key.decode(), made.message)
    for known in (
        Secret(secret, None, (genuine,)),
        Secret(secret, None, (made.key.decode(),)),
        Secret(secret, recovery(family)["fingerprint"], ()),
    ):
        opened, opening = verdicts.open_answer(answer, known, plan, MEMORY)
        assert opened is None and not opening.good


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_forged_config_is_refused_by_the_program_in_the_kit(attack: Any, family: Family, workshop: Workshop) -> None:
    program = runpy.run_path(str(Path(build.__file__).parent / "data" / "recover.py"))
    made, secret = attack(family, workshop), recovery(family)["secret"]
    with program["Gpg"]() as gpg:
        genuine = gpg.import_key(recovery(family)["private_key"].encode())
        assert gpg.is_locked_by(genuine, secret) and gpg.open(family.config_gpg, genuine, secret) == family.envelope
    with program["Gpg"]() as gpg, pytest.raises(program["Problem"]):
        fingerprint = gpg.import_key(made.key)
        if not gpg.is_locked_by(fingerprint, secret):
            raise program["Problem"]("not locked by the secret")
        gpg.open(made.message, fingerprint, secret)


class PlanOf:
    """As much of a plan as a drill judges by."""

    def __init__(self, family: Family) -> None:
        self.owner = family.document["managed"]["owner_id"]
        self.epoch, self.epochs, self.serial = 1, (1,), family.document["serial"]


def test_the_judges_plan_is_like_the_real_one() -> None:
    assert {"owner", "epoch", "serial"} <= set(Plan.__annotations__) and hasattr(Plan, "epochs")


def test_a_key_of_another_kind_than_ours_is_refused(family: Family, workshop: Workshop) -> None:
    """Even if the secret locks it: of some kinds there are public parts that go with every secret part."""
    secret = recovery(family)["secret"]
    workshop.gpg("--quick-gen-key", "Strange", "rsa2048", "sign", "never", passphrase=secret)
    key = workshop.gpg("--armor", "--export-secret-keys", "Strange", passphrase=secret).decode()
    with private_gpg(MEMORY) as gpg:
        assert not gpg.is_locked_by(gpg.import_key(key, secret), secret)


@pytest.mark.parametrize("ending", ["expired", "revoked"])
def test_a_key_that_has_ended_opens_nothing(ending: str, family: Family, workshop: Workshop) -> None:
    secret, fingerprint = recovery(family)["secret"], recovery(family)["fingerprint"]
    with private_gpg(MEMORY) as tool:
        owner = Workshop(tool.home)
        owner.gpg("--import", given=recovery(family)["private_key"].encode(), passphrase=secret)
        if ending == "expired":
            owner.gpg("--quick-set-expire", fingerprint, "seconds=1", passphrase=secret)
            while not owner.gpg("--with-colons", "-K", fingerprint).startswith(b"sec:e"):
                time.sleep(0.1)
        else:
            revocation = subprocess.run(
                [*owner._start, "--passphrase", secret, "--command-fd", "0", "--gen-revoke", fingerprint],
                input=b"y\n0\n\ny\n",
                capture_output=True,
                check=True,
            ).stdout
            owner.gpg("--import", given=revocation)
        key = owner.gpg("--armor", "--export-secret-keys", fingerprint, passphrase=secret).decode()
    found, refused, fitting = open_configs([("a stick", family.config_gpg)], [key], secret, MEMORY)
    assert (found, fitting, len(refused)) == ([], (), 1)


def test_a_very_long_text_in_a_short_message_is_refused(family: Family) -> None:
    managed = recovery(family)
    secret, fingerprint = managed["secret"], managed["fingerprint"]
    with private_gpg(MEMORY) as tool:
        author = Workshop(tool.home)
        author.gpg("--import", given=managed["private_key"].encode(), passphrase=secret)
        options = ("--compress-algo", "zlib", "--local-user", fingerprint, "--recipient", fingerprint)
        bomb = author.gpg(*options, "--sign", "--encrypt", given=bytes(80 * 1024 * 1024), passphrase=secret)
        assert len(bomb) < 1024 * 1024
        with pytest.raises(ParaduxError):
            tool.decrypt_signed(bomb, fingerprint, secret)


def shares_of(family: Family, *numbers: int) -> list[Material]:
    kits = [family.kit(family.document["stewards"][number]["id"]) for number in numbers]
    return [
        Material(
            f"stick {number}", kit["share.txt"].decode(), kit["kit.json"], kit["recovery-key.asc"], kit["config.gpg"]
        )
        for number, kit in zip(numbers, kits, strict=True)
    ]


def proven(folder: Path, *materials: Material) -> Proof:
    session = ShareCollection.empty()
    for material in materials:
        session = session.add(material)
    return prove(session, LockedVault(folder / "vault.luks", kdf=Kdf.WEAK), MEMORY)


def test_a_coalition_of_the_old_epoch_signs_a_config_with_a_higher_serial(family: Family, tmp_path: Path) -> None:
    """They know the old secret; the new shares open nothing that is signed by the old key, to whomever it is encrypted."""
    rotated = copy.deepcopy(family.document)
    made = new_managed(rotated, MEMORY)
    made["recovery"]["epoch"] = 2
    rotated["managed"] |= {"recovery": made["recovery"], "shares": made["shares"]}
    rotated["serial"] = 9
    new = published_family(rotated)
    old = recovery(family)
    with private_gpg(MEMORY) as tool:
        conspirators = Workshop(tool.home)
        for key in (old["private_key"], made["recovery"]["public_key"]):
            conspirators.gpg("--import", given=key.encode(), passphrase=old["secret"])
        options = ("--local-user", old["fingerprint"], "--recipient", made["recovery"]["fingerprint"])
        text = new.envelope.replace(b'"serial": 9', b'"serial": 99')
        message = conspirators.gpg(*options, "--sign", "--encrypt", given=text, passphrase=old["secret"])
    forged = Material("a forged stick", key=old["private_key"].encode(), config=message)
    proof = proven(tmp_path, *shares_of(new, 0, 1, 2), forged)
    assert [found.header.serial for found in proof.found] == [9]
    assert any(sentence.startswith("a forged stick: ") for sentence in proof.refused)


def test_a_manifest_that_names_another_owner_than_the_config_is_told(family: Family, tmp_path: Path) -> None:
    """Manifests are believed by nobody: the config that opens says whose it is."""
    altered = [
        Material(
            each.label,
            each.share_text,
            (each.manifest or b"").replace(family.document["managed"]["owner_id"].encode(), b"0" * 32),
            each.key,
            each.config,
        )
        for each in shares_of(family, 0, 1, 2)
    ]
    proof = proven(tmp_path, *altered)
    assert proof.owner == family.document["managed"]["owner_id"]
    assert any("another owner" in sentence for sentence in proof.refused)
    assert not any("another owner" in sentence for sentence in proven(tmp_path, *shares_of(family, 0, 1, 2)).refused)
