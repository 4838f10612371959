"""What a shell does that has the credentials of the machine's transfers, and common tools: `intruder_shell.py TRANSPORT_FILE ACTION`.

ACTION is "read" (some content of the dataset, in clear) or "delete" (every object that is there). Exit code 0: it worked. It is given
nothing but one transport file, which is what a worker has.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

SECRET_WORDS = b"words of the family"
"""In every file of the dataset."""


Json = dict[str, Any]


def main() -> int:
    transport = json.loads(Path(sys.argv[1]).read_text())
    settings = transport["settings"]
    with tempfile.TemporaryDirectory() as scratch:
        acts = {"restic": restic, "sftp": sftp, "s3": s3, "removable": removable}
        return 0 if acts[transport["protocol"]](transport, settings, sys.argv[2], Path(scratch)) else 1


def run(command: list[str], **environment: str) -> subprocess.CompletedProcess[bytes]:
    kept = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/nonexistent")}
    return subprocess.run(
        command, capture_output=True, check=False, timeout=90, env={**kept, **environment}, stdin=subprocess.DEVNULL
    )


def has_words(folder: Path) -> bool:
    return any(SECRET_WORDS in path.read_bytes() for path in folder.rglob("*") if path.is_file())


def restic(transport: Json, settings: Json, action: str, scratch: Path) -> bool:
    credentials = settings.get("credentials") or {}
    login = {
        "RESTIC_PASSWORD": credentials.get("password") or transport["secret"],
        "RESTIC_REPOSITORY": settings["repository"],
    }
    if settings["repository"].startswith("rest:"):
        password = quote(credentials["rest_password"], safe="")
        login["RESTIC_REPOSITORY"] = settings["repository"].replace("@", f":{password}@", 1)
    if action == "read":
        return run(
            ["restic", "restore", "latest", "--no-lock", "--target", str(scratch)], **login
        ).returncode == 0 and has_words(scratch)
    listed = run(["restic", "snapshots", "--no-lock", "--json"], **login)
    run(["restic", "forget", *(each["id"] for each in json.loads(listed.stdout))], **login)
    return json.loads(run(["restic", "snapshots", "--no-lock", "--json"], **login).stdout or "[]") == []


def sftp(transport: Json, settings: Json, action: str, scratch: Path) -> bool:
    address = urlsplit(settings["url"])
    key = scratch / "key"
    key.write_text(settings["credentials"]["private_key"].rstrip() + "\n")
    key.chmod(0o600)
    options = [
        "-i",
        str(key),
        "-o",
        "StrictHostKeyChecking=no",
        "-o",
        "UserKnownHostsFile=/dev/null",
        "-o",
        "BatchMode=yes",
    ]
    batch = scratch / "batch"

    def ask(*lines: str) -> bytes:
        batch.write_text("".join(f"{line}\n" for line in lines))
        return run(
            [
                "sftp",
                "-q",
                *options,
                "-P",
                str(address.port),
                "-b",
                str(batch),
                f"{address.username}@{address.hostname}",
            ]
        ).stdout

    folder = re.sub(r"([^\w./-])", r"\\\1", unquote(address.path))  # between quotes, * would be a name
    (scratch / "got").mkdir()
    if action == "read":
        ask(f"-get {folder}/* {scratch}/got")
        return has_words(scratch / "got")
    ask(f"-rm {folder}/*")
    listed = ask(f"ls -1 {folder}").splitlines()
    return not [line for line in listed if not line.startswith(b"sftp> ")]  # which is what it was told


def s3(transport: Json, settings: Json, action: str, scratch: Path) -> bool:
    bucket = urlsplit(settings["url"])
    keys = settings["credentials"]
    remote = {"TYPE": "s3", "PROVIDER": "Other", "ENDPOINT": settings["endpoint"], "FORCE_PATH_STYLE": "true"}
    remote |= {
        "ACCESS_KEY_ID": keys["access_key_id"],
        "SECRET_ACCESS_KEY": keys["secret_access_key"],
        "REGION": "us-east-1",
    }
    login = {f"RCLONE_CONFIG_R_{name}": value for name, value in remote.items()}
    rclone = str(Path(sys.executable).parent / "rclone")
    place = f"r:{bucket.netloc}{bucket.path}"
    if action == "read":
        run([rclone, "--config", "", "copy", place, str(scratch / "got")], **login)
        return has_words(scratch)
    for versions in ([], ["--s3-versions"]):
        run([rclone, "--config", "", "--retries", "1", *versions, "delete", place], **login)
    return run([rclone, "--config", "", "--s3-versions", "lsf", place], **login).stdout.strip() == b""


def removable(transport: Json, settings: Json, action: str, scratch: Path) -> bool:
    """Wherever a disk of this UUID is to be found."""
    places = [Path("/dev/disk/by-uuid") / settings["uuid"], *Path(os.environ["PARADUX_PORT"]).glob("*")]
    found = [place for place in places if place.is_dir()]
    if action == "read":
        return any(map(has_words, found))
    for place in found:
        shutil.rmtree(place)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
