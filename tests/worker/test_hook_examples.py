"""The programs of docs/how-to/hooks.md, as they stand there but for paths and ports: with real databases, and a real snapshot."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sqlite3
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from paraduxd.api.errors import ParaduxError
from tests.checkout import ROOT
from tests.servers.ports import free_port
from tests.worker.hook_rig import Folder, pull

PAGE = ROOT / "docs/how-to/hooks.md"

PASSWORD = "correct horse battery"

NOBODY = 65534

root = pytest.mark.skipif(os.geteuid() != 0, reason="who is not root mounts nothing, and runs nothing as another user")

SYSTEM = {"PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}
"""Servers, and what makes file systems, are not in everybody's path."""


def changed(script: str, changes: dict[str, str]) -> str:
    """The script with other texts for some of its own."""
    for here, there in changes.items():
        assert here in script
        script = script.replace(here, there)
    return script


def example(chapter: str, changes: dict[str, str]) -> str:
    """The first program of a chapter of the guide, with other paths."""
    text = PAGE.read_text().partition(f"\n## {chapter}\n")[2]
    program = re.search(r"```sh\n#!/bin/sh\n(.*?)```", text, re.DOTALL)
    assert program
    return changed(program[1], changes)


@pytest.mark.parametrize("text", re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL))
def test_every_example_is_a_script(text: str) -> None:
    subprocess.run(["sh", "-n"], input=text, text=True, check=True)


# Databases


@dataclass(frozen=True)
class Database:
    """A server on loopback. `ask` gives the lines that its own client prints, as its owner; `name`: of a database there."""

    port: int
    ask: Callable[[str, str], list[str]]

    def restored(self, dump: Path) -> list[str]:
        """What the table of letters holds in a new database, made from a dump."""
        self.ask("CREATE DATABASE back", "")
        self.ask(dump.read_text(), "back")
        return self.ask("SELECT text FROM letters", "back")


def _wait(port: int, answers: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while True:
        with contextlib.suppress(subprocess.CalledProcessError):
            answers()
            return
        assert time.monotonic() < deadline, f"no database answers on port {port}"
        time.sleep(0.1)


@contextlib.contextmanager
def _served(command: list[str], database: Database) -> Iterator[Database]:
    """A server for as long as the context lasts, once it answers."""
    environment, nowhere = {**os.environ, **SYSTEM}, subprocess.DEVNULL
    with subprocess.Popen(command, env=environment, stdout=nowhere, stderr=nowhere) as server:
        try:
            _wait(database.port, lambda: database.ask("SELECT 1", ""))
            yield database
        finally:
            server.terminate()


@contextlib.contextmanager
def _of_nobody() -> Iterator[Path]:
    """A directory that a server without rights can reach."""
    place = Path(tempfile.mkdtemp(prefix="database-", dir="/var/tmp"))
    os.chown(place, NOBODY, NOBODY)
    try:
        yield place
    finally:
        shutil.rmtree(place)


def _run(command: list[str], text: str = "", **environment: str) -> list[str]:
    done = subprocess.run(
        command, input=text, env={**os.environ, **SYSTEM, **environment}, text=True, capture_output=True, check=True
    )
    return done.stdout.splitlines()


@pytest.fixture
def postgresql() -> Iterator[Database]:
    """A server that asks for passwords, and its superuser."""
    programs = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    as_nobody = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    port = free_port()
    with _of_nobody() as place:
        (place / "password").write_text(PASSWORD)
        os.chown(place / "password", NOBODY, NOBODY)
        make = [*as_nobody, str(programs / "initdb"), "-D", str(place / "data"), "-U", "owner", "-A", "scram-sha-256"]
        _run([*make, f"--pwfile={place}/password", "--no-sync"])
        serve = [*as_nobody, str(programs / "postgres"), "-D", str(place / "data"), "-h", "127.0.0.1", "-p", str(port)]
        login = ["psql", "-qAt", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(port), "-U", "owner"]

        def ask(text: str, name: str) -> list[str]:
            return _run([*login, name or "postgres"], text, PGPASSWORD=PASSWORD)

        with _served([*serve, "-k", "", "-F"], Database(port, ask)) as database:
            yield database


@root
def test_the_example_for_postgresql(folder: Folder, tmp_path: Path, source: Path, postgresql: Database) -> None:
    postgresql.ask("CREATE DATABASE app", "")
    postgresql.ask("CREATE TABLE letters (text text); INSERT INTO letters VALUES ('dear')", "app")
    postgresql.ask(f"CREATE USER paradux PASSWORD '{PASSWORD}'; GRANT pg_read_all_data TO paradux", "")
    login = tmp_path / "postgresql.pass"
    login.write_text(f"127.0.0.1:{postgresql.port}:app:paradux:{PASSWORD}\n")
    login.chmod(0o600)
    paths = {"/etc/paradux/postgresql.pass": str(login), "/var/backups/app/": f"{source}/"}
    folder.add("dump", example("PostgreSQL", {**paths, "PGPORT=5432": f"PGPORT={postgresql.port}"}))
    for _ in range(2):
        pull(tmp_path, before="dump")
    assert postgresql.restored(kept_dump(tmp_path)) == ["dear"]
    login.write_text("127.0.0.1:1:app:paradux:no\n")
    with pytest.raises(ParaduxError, match="no password supplied"):
        pull(tmp_path, before="dump")
    assert postgresql.ask("SELECT text FROM letters", "back") == ["dear"] and kept_dump(tmp_path).stat().st_size


@pytest.fixture
def mariadb() -> Iterator[Database]:
    """A server that root reaches by its socket."""
    port = free_port()
    with _of_nobody() as place:
        data, socket = place / "data", place / "socket"
        _run(["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--user=nobody", "--skip-test-db"])
        os.chown(data, NOBODY, NOBODY)
        serve = ["mariadbd", "--no-defaults", f"--datadir={data}", f"--socket={socket}", "--user=nobody"]
        login = ["mariadb", "--no-defaults", f"--socket={socket}", "--user=root", "--batch", "--skip-column-names"]

        def ask(text: str, name: str) -> list[str]:
            return _run([*login, *([name] if name else [])], text)

        serve += ["--bind-address=127.0.0.1", f"--port={port}", f"--pid-file={place}/pid"]
        with _served(serve, Database(port, ask)) as database:
            yield database


@root
def test_the_example_for_mariadb(folder: Folder, tmp_path: Path, source: Path, mariadb: Database) -> None:
    mariadb.ask("CREATE DATABASE app", "")
    mariadb.ask("CREATE TABLE letters (text text) ENGINE=InnoDB; INSERT INTO letters VALUES ('dear')", "app")
    mariadb.ask("CREATE PROCEDURE answer() SELECT 'thank you'", "app")
    rights = "SELECT, SHOW VIEW, TRIGGER, EVENT, LOCK TABLES ON app.*"
    mariadb.ask(f"GRANT {rights} TO paradux@'127.0.0.1' IDENTIFIED BY '{PASSWORD}'", "")
    mariadb.ask("GRANT SELECT ON mysql.proc TO paradux@'127.0.0.1'", "")
    login = tmp_path / "mariadb.cnf"
    written = f'[client]\nhost=127.0.0.1\nuser=paradux\npassword="{PASSWORD}"\nport={mariadb.port}\n'
    login.write_text(written)
    login.chmod(0o600)
    paths = {"/etc/paradux/mariadb.cnf": str(login), "/var/backups/app/": f"{source}/"}
    folder.add("dump", example("MariaDB and MySQL", paths))
    first, second = (pull(tmp_path, before="dump") for _ in range(2))
    assert first.files == second.files
    assert mariadb.restored(kept_dump(tmp_path)) == ["dear"]
    assert mariadb.ask("CALL answer()", "back") == ["thank you"]
    login.write_text(written.replace("correct", "wrong"))
    with pytest.raises(ParaduxError, match="Access denied"):
        pull(tmp_path, before="dump")


def kept_dump(tmp_path: Path) -> Path:
    """The dump in staging, which is for its owner alone."""
    (dump,) = (tmp_path / "staging").rglob("app.sql*")
    assert stat.S_IMODE(dump.stat().st_mode) == 0o600
    return dump


def test_the_example_for_sqlite(folder: Folder, tmp_path: Path, source: Path) -> None:
    """It copies a database in which somebody is writing just now."""
    database = sqlite3.connect(tmp_path / "app.db", isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("CREATE TABLE letters (text)")
    database.executemany("INSERT INTO letters VALUES (?)", [("dear",)] * 1000)
    database.execute("BEGIN IMMEDIATE")
    database.execute("INSERT INTO letters VALUES ('not yet')")
    script = example(
        "SQLite", {"/var/lib/app/app.db": f"{tmp_path}/app.db", "/var/backups/app/app.db": f"{source}/app.db"}
    )
    folder.add("dump", script)
    for _ in range(2):
        pull(tmp_path, before="dump")
    database.close()
    (copy,) = (tmp_path / "staging").rglob("app.db*")
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with sqlite3.connect(copy) as kept:
        assert kept.execute("SELECT count(*) FROM letters").fetchone() == (1000,)
        assert kept.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    (tmp_path / "app.db").write_bytes(b"no database" * 1000)
    with pytest.raises(ParaduxError, match="not a database"):
        pull(tmp_path, before="dump")


# Snapshots


UNIT = "/usr/local/sbin/snapshot-photos`, for btrfs:"


@pytest.fixture
def btrfs(tmp_path: Path) -> Iterator[Path]:
    """A mounted btrfs, with the subvolume of the example in it."""
    image, top = tmp_path / "image", tmp_path / "btrfs"
    image.touch()
    os.truncate(image, 120 << 20)
    _run(["mkfs.btrfs", "-q", str(image)])
    top.mkdir()
    _run(["mount", "-o", "loop", str(image), str(top)])
    try:
        _run(["btrfs", "subvolume", "create", str(top / "photos")])
        (top / "photos" / "letter").write_text("dear")
        (top / ".snapshots").mkdir()
        yield top
    finally:
        _run(["umount", str(top)])


@root
def test_the_example_for_btrfs(folder: Folder, tmp_path: Path, btrfs: Path) -> None:
    """A loop stands for the unit that systemd would start."""
    asked = tmp_path / "asked"
    asked.mkdir()
    folder.add("snapshot", example("Snapshots of btrfs, LVM and ZFS", {"/var/lib/snapshots/photos": str(asked)}))
    unit = PAGE.read_text().partition(UNIT)[2].partition("```sh\n")[2].partition("```")[0]
    make, snapshot = tmp_path / "make-snapshot", btrfs / ".snapshots/photos"
    make.write_text(changed(unit, {"/var/lib/snapshots/photos": str(asked), "/srv/": f"{btrfs}/"}))
    path_unit = subprocess.Popen(["sh", "-c", f"while sleep 0.1; do [ ! -e {asked}/wanted ] || sh {make}; done"])
    try:
        for _ in range(2):
            pull(tmp_path, snapshot, before="snapshot", after="snapshot")
            assert staged(tmp_path) == ["letter"] and not snapshot.exists()
        (btrfs / "photos").rename(btrfs / "elsewhere")
        with pytest.raises(ParaduxError, match="No such file"):
            pull(tmp_path, snapshot, before="snapshot", after="snapshot")
    finally:
        path_unit.kill()
        path_unit.wait()
    assert staged(tmp_path) == ["letter"]


def staged(tmp_path: Path) -> list[str]:
    """Names of letters in staging."""
    return sorted(path.name for path in (tmp_path / "staging").rglob("letter*"))
