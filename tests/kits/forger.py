"""A steward who wants to slip his own config to the others, with what lies on his stick and nothing more."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

from paraduxd.effects.crypto.gpg import private_gpg
from tests.kits.kit_rig import MEMORY, Family

SECRET_SUBKEY, SIGNATURE = 7, 2


@dataclass(frozen=True)
class Forgery:
    """A key file in armor and a config message that it opens together with the owner's true recovery secret."""

    key: bytes
    message: bytes


def graft(family: Family) -> Forgery:
    """Hang the owner's encryption subkey, locked as it is, below a signing key of the forger's own.

    The recovery secret then opens the subkey, and the signature is good: by the forger. The subkey's packet can be used as it
    lies in the kit when the forger's key claims to be as old as the owner's.
    """
    text = family.envelope.replace(b'"serial": 7', b'"serial": 99').replace(b"CANARY-tax", b"forged")
    owner = family.document["managed"]["recovery"]["private_key"].encode()
    with private_gpg(MEMORY) as tool:
        start = ["gpg", "--homedir", str(tool._home), "--pinentry-mode", "loopback", "--yes", "--no-tty", "--quiet"]

        def gpg(*arguments: str, given: bytes = b"", batch: bool = True) -> bytes:
            command = [*start, *(["--batch", "--passphrase", ""] if batch else []), *arguments]
            return subprocess.run(command, input=given, capture_output=True, check=True).stdout

        gpg("--import", given=owner)
        listed = [line.split(":") for line in gpg("--with-colons", "--with-keygrip", "-K").decode().splitlines()]
        grip = [line[9] for line in listed if line[0] == "grp"][1]
        then = ("--faked-system-time", f"{next(line[5] for line in listed if line[0] == 'ssb')}!")
        gpg(*then, "--quick-gen-key", "Forger", "ed25519", "sign", "never")
        own = next(
            line.split(":")[9]
            for line in gpg("--with-colons", "-K", "Forger").decode().splitlines()
            if line[:3] == "fpr"
        )
        steps = f"addkey\n13\n{grip}\nQ\n0\nsave\n".encode()
        gpg(*then, "--expert", "--command-fd", "0", "--edit-key", own, given=steps, batch=False)
        subkey = next(packet for tag, packet in packets(gpg("--dearmor", given=owner)) if tag == SECRET_SUBKEY)
        binding = [packet for tag, packet in packets(gpg("--export", own)) if tag == SIGNATURE][-1]
        head = b"".join(
            packet for tag, packet in packets(gpg("--export-secret-keys", f"{own}!")) if tag != SECRET_SUBKEY
        )
        trust = ("--trust-model", "always", *then)
        message = gpg(*trust, "--local-user", f"{own}!", "--recipient", own, "--sign", "--encrypt", given=text)
        key = gpg("--enarmor", given=head + subkey + binding).replace(b"PGP ARMORED FILE", b"PGP PRIVATE KEY BLOCK")
    return Forgery(key, message)


def packets(stream: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and whole packet of an OpenPGP stream with old-style headers of known length (RFC 4880, 4.2.1), which gpg writes for keys."""
    while stream:
        octets = 1 << (stream[0] & 3)
        end = 1 + octets + int.from_bytes(stream[1 : 1 + octets], "big")
        yield stream[0] >> 2 & 15, stream[:end]
        stream = stream[end:]
