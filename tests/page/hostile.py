"""An archive of somebody who has the key that signs: whole and signed, but everything in it tries to get out of the folder."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import tarfile
from pathlib import Path

from paraduxd.effects.crypto import archive_crypto
from paraduxd.protocols.archive import chain
from tests.protocols.archive.rig import new_keys

RUN = "000001-2026-11-01T06-00-00Z"
BAD_NAMES = ("../up", "/absolute", "inner/../../up", "..", "inner//../../../up")


def make_hostile(folder: Path) -> None:
    """One run in `folder`."""
    folder.mkdir()
    volume = _sealed(folder / chain.volume_name(RUN, 1), _compressed(_tar()))
    records = b"".join(b"f %b\0" % name.encode() for name in (*BAD_NAMES, "good", "hard", "way/through"))
    names = _sealed(folder / chain.names_name(RUN), _compressed(records + b"o way\0o out\0"))
    run = chain.Run(RUN, "2026-11-01T06:00:00Z", None, 3, 12, volume.size)
    line = chain.to_line(chain.Manifest(run, 1, new_keys().fingerprint, names, (volume,)))
    signature = archive_crypto.sign(line, new_keys().signing_key)
    (folder / chain.manifest_name(RUN)).write_bytes(line + signature + b"\n")


def _tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        everything = (*BAD_NAMES, "good", "hard", "way", "out")
        _add(archive, "./", tarfile.DIRTYPE, listed="".join(f"Y{name}\0" for name in everything) + "\0")
        _add(archive, "./way", tarfile.DIRTYPE, listed="Ythrough\0\0")
        _add(archive, "./way", tarfile.SYMTYPE, target="..")
        _add(archive, "./out", tarfile.SYMTYPE, target="good/../../out")
        for name in (*BAD_NAMES, "./way/through", "./good"):
            _add(archive, name, tarfile.REGTYPE, b"good")
        _add(archive, "./hard", tarfile.LNKTYPE, target="../../etc/passwd")
    return out.getvalue()


def _add(
    archive: tarfile.TarFile, name: str, kind: bytes, content: bytes = b"", target: str = "", listed: str = ""
) -> None:
    member = tarfile.TarInfo(name)
    member.type, member.size, member.linkname = kind, len(content), target
    if listed:
        member.pax_headers = {"GNU.dumpdir": listed}
    archive.addfile(member, io.BytesIO(content))


def _compressed(data: bytes) -> bytes:
    return subprocess.run(["zstd", "-q", "-c"], input=data, capture_output=True, check=True).stdout


def _sealed(path: Path, data: bytes) -> chain.Part:
    descriptor = os.memfd_create("plain")
    try:
        os.write(descriptor, data)
        with archive_crypto.sealer(new_keys().public_key) as sealer, sealer.encrypted(descriptor) as encrypted:
            path.write_bytes(b"".join(iter(lambda: encrypted.read(1 << 16), b"")))
    finally:
        os.close(descriptor)
    content = path.read_bytes()
    return chain.Part(path.name, len(content), hashlib.sha256(content).hexdigest())
