"""Archives as versions before the lists wrote them: every manifest has all runs in it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from paraduxd.effects.crypto import archive_crypto
from paraduxd.protocols.archive import chain
from paraduxd.protocols.archive.chain import Run
from tests.protocols.archive.rig import new_keys


def rewrite(folder: Path) -> None:
    """All manifests in a folder of archives, in the first format; the lists go."""
    runs: list[Run] = []
    for path in sorted(folder.glob("*.manifest")):
        manifest = chain.from_line(path.read_bytes().partition(b"\n")[0] + b"\n")
        line = chain.to_line(replace(manifest, runs=tuple(runs), format=chain.FIRST_FORMAT))
        path.write_bytes(line + archive_crypto.sign(line, new_keys().signing_key) + b"\n")
        runs.append(replace(manifest.run, sha256=hashlib.sha256(line).hexdigest()))
    for path in folder.glob("*.runs"):
        path.unlink()
