"""A real Paradux with a bit of everything to drill: disk and restic destinations, metadata stashes on disk and on a real SFTP server."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

from paraduxd.effects.files import scratch
from tests.integration.sshd import Server
from tests.rig import Installation, clean_environment, fill, minimal_answers

Json = dict[str, Any]

CANARY = f"CANARY-{secrets.token_hex(6)}-drill"

LEGITIMATE = ("journal.sqlite", "journal.sqlite-wal", "journal.sqlite-shm")
"""The files of the state directory that a drill changes: its outcome is written down."""


def answers(root: Path, server: Server | None = None, **changes: Any) -> Json:
    """Two datasets: `home` on a disk and in a restic repository, `docs` on a disk."""
    found = minimal_answers(root, **changes)
    (home,) = found["datasets"]
    home["destinations"].append(
        {"id": "cloud", "protocol": "restic", "repository": f"{root}/cloud", "every": "1d", "fate": ["account:aws"]}
    )
    docs = json.loads(json.dumps(home))
    docs |= {"id": "docs", "staging": f"{root}/docs-staging"}
    docs["source"]["url"] = f"file://{root}/docs-source"
    docs["destinations"] = [{**docs["destinations"][0], "url": f"file://{root}/docs-mirror"}]
    found["datasets"].append(docs)
    found["inventory"] = [{"name": "bank", "password": CANARY}]
    if server is not None:
        stash = {"id": "friend", "protocol": "sftp", "url": server.url("sftp", root / "friend")}
        found["metadata_stashes"].append(
            {**stash, "credentials": {"private_key": server.private_key}, "fate": ["place:friend"]}
        )
    return found


def prepare(paradux: Installation, server: Server | None = None) -> None:
    """Set up, push everything once."""
    fill(paradux.root / "source", 12)
    fill(paradux.root / "docs-source" / "deep", 4, "document")
    paradux.setup(answers(paradux.root, server))
    paradux.ctl("backup")


def drill(paradux: Installation, *options: str) -> tuple[int, Json]:
    """Exit code and report of a drill."""
    done = paradux.owner("--json", "drill", *options, check=False)
    report = json.loads(done.stdout) if done.stdout else {}
    assert "restored" in report, done.stdout + done.stderr + paradux.tail()
    return done.returncode, report


def opened(report: Json) -> dict[str, bool]:
    """Place -> whether the present config was opened from there."""
    return {each["place"]: each["good"] for each in report["openings"]}


def restored(report: Json) -> dict[str, bool]:
    """Dataset/destination -> whether it is proven."""
    return {f"{each['dataset']}/{each['destination']}": each["good"] for each in report["restored"]}


def production(paradux: Installation) -> dict[str, str]:
    """Every file, directory and link of production: kind, mode, owner, modification time and contents."""
    names = ("state", "staging", "docs-staging", "source", "docs-source", "mirror", "docs-mirror", "cloud")
    found = {}
    for name in (*names, "nas", "office", "friend"):
        root = paradux.root / name
        for path in (root, *root.rglob("*")) if root.exists() else ():
            if path.name not in LEGITIMATE and path.name != "paraduxd.lock":
                found[str(path.relative_to(paradux.root))] = _described(path, without_time=path == paradux.state)
    return found


def _described(path: Path, *, without_time: bool) -> str:
    """`without_time`: SQLite makes and removes its files in the state directory itself."""
    status = path.lstat()
    time = "" if without_time else str(status.st_mtime_ns)
    content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
    target = path.readlink() if path.is_symlink() else ""
    return f"{status.st_mode:o} {status.st_uid}:{status.st_gid} {time} {content}{target}"


def left_in_scratch(paradux: Installation, base: Path = scratch.BASE) -> list[Path]:
    """What drills of this installation have left."""
    return list(base.glob(f"paradux-drill-{os.geteuid()}-{scratch.mark_of(paradux.state)}-*"))


def living_workers(paradux: Installation) -> set[int]:
    """The keeper's and the daemon's workers that are at work now."""
    found = set()
    for pid in paradux.processes():
        with contextlib.suppress(OSError):
            if b"paraduxd.worker.main" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.add(pid)
    return found


def start_drill(paradux: Installation) -> subprocess.Popen[bytes]:
    """A drill that is under way when this returns."""
    argv = [sys.executable, "-m", "paraductl.main", "--run", str(paradux.run)]
    argv += ["--passphrase-file", str(paradux.passphrase_file), "drill"]
    return subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment()
    )
