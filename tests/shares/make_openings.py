"""Make schema/vectors/openings.json: `python -m tests.shares.make_openings FILE`. gpg makes it, and never twice the same."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from paraduxd.effects.crypto.gpg import private_gpg
from tests.kits.kit_rig import MEMORY, Family, new_family
from tests.recover.test_attacks import ATTACKS, Workshop, forged_text, recovery
from tests.shares.vector_parts import FORMAT

Json = dict[str, Any]
Made = tuple[str, bytes, bytes, str]
"""Name, key, message, and who made it: "owner" if a reader opens it."""


def openings() -> Json:
    family = new_family()
    made = [*_genuine(family), *_damaged(family), *_forged(family)]
    return {
        "format": FORMAT,
        "about": "`secret`: of the recovery key; `key`: recovery-key.asc; `message`: config.gpg in base64; `serial`: of the config that a "
        "reader opens with them, null: it refuses",
        "secret": recovery(family)["secret"],
        "cases": [
            {
                "name": name,
                "key": key.decode(),
                "message": base64.b64encode(message).decode(),
                "serial": 7 if who == "owner" else None,
            }
            for name, key, message, who in made
        ],
    }


def _genuine(family: Family) -> list[Made]:
    key = str(recovery(family)["private_key"]).encode()
    armor = _gpg("--enarmor", given=family.config_gpg).replace(b"PGP ARMORED FILE", b"PGP MESSAGE")
    return [("as it is", key, family.config_gpg, "owner"), ("in ASCII armor", key, armor, "owner")]


def _damaged(family: Family) -> list[Made]:
    key, message = str(recovery(family)["private_key"]).encode(), family.config_gpg
    flipped = bytearray(message)
    flipped[len(flipped) // 2] ^= 1
    last = bytearray(message)
    last[-1] ^= 1
    cases = {
        "cut off": message[:-100],
        "the last byte gone": message[:-1],
        "a bit turned in the middle": bytes(flipped),
        "a bit turned in the last byte": bytes(last),
        "empty": b"",
        "no OpenPGP": b"config",
    }
    return [
        *((name, key, content, "nobody") for name, content in cases.items()),
        ("half a key", key[: len(key) // 2], message, "nobody"),
        ("the key of somebody else", str(recovery(new_family())["private_key"]).encode(), message, "nobody"),
    ]


def _forged(family: Family) -> list[Made]:
    made: list[Made] = []
    with private_gpg(MEMORY) as tool:
        workshop = Workshop(tool.home)
        for attack in ATTACKS:
            each = attack(family, workshop)
            made.append((attack.__name__.replace("_", " "), each.key, each.message, "forger"))
        workshop.gpg("--import", given=recovery(family)["public_key"].encode())
        signed = ("--local-user", workshop.own, "--recipient", recovery(family)["fingerprint"], "--sign", "--encrypt")
        key = str(recovery(family)["private_key"]).encode()
        made.append(("signed by another", key, workshop.gpg(*signed, given=forged_text(family)), "forger"))
    return [*made, *_by_two(family), *_other_texts(family)]


def _by_two(family: Family) -> list[Made]:
    """Signed by the owner, and by somebody else as well."""
    key, secret = str(recovery(family)["private_key"]).encode(), recovery(family)["secret"]
    fingerprint = recovery(family)["fingerprint"]
    with private_gpg(MEMORY) as tool:
        workshop = Workshop(tool.home)
        workshop.gpg("--import", given=key, passphrase=secret)
        both = ("--local-user", fingerprint, "--local-user", workshop.own, "--recipient", fingerprint)
        message = workshop.gpg(*both, "--sign", "--encrypt", given=family.envelope, passphrase=secret)
    return [("signed by the owner and another", key, message, "nobody")]


def _other_texts(family: Family) -> list[Made]:
    """Signed by the owner, and yet no config: what is signed for one purpose does not count for another."""
    key = str(recovery(family)["private_key"]).encode()
    changes: dict[str, Callable[[bytes], bytes]] = {
        "no JSON": lambda text: text[:-3],
        "another format": lambda text: text.replace(b"paradux.config/1", b"paradux.config/9"),
        "no header": lambda text: text.replace(b'"header"', b'"heading"'),
        "a serial that is no number": lambda text: text.replace(b'"serial": 7', b'"serial": "7"', 1),
    }
    return [
        (f"{name}, signed by the owner", key, _sealed(family, change(family.envelope)), "nobody")
        for name, change in changes.items()
    ]


def _sealed(family: Family, text: bytes) -> bytes:
    managed = recovery(family)
    with private_gpg(MEMORY) as gpg:
        gpg.import_key(managed["private_key"], managed["secret"])
        return gpg.encrypt_signed(text, managed["fingerprint"], managed["secret"])


def _gpg(*arguments: str, given: bytes) -> bytes:
    with private_gpg(MEMORY) as tool:
        return Workshop(tool.home).gpg(*arguments, given=given)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(openings(), indent=1, ensure_ascii=True) + "\n")
