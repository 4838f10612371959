"""A real Paradux in a folder: real daemon, real sockets, real vault, driven by the real client."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from paraductl.daemon.channels import SupervisorConnection
from paraduxd.api.errors import ExitCode, ParaduxError
from paraduxd.api.paths import RunPlaces
from tests import json_documents, width
from tests.rigs import forked_client, forked_workers
from tests.rigs.waiting import LONG, wait_for

Json = dict[str, Any]

_PATIENCE = 90
"""Seconds that a command may take: less than a test, so that what hangs can be looked at."""

PASSPHRASE = "correct horse battery staple"


def minimal_answers(root: Path, **changes: Any) -> Json:
    """Answers with one dataset on local folders below `root`, two metadata stashes and three stewards."""
    answers: Json = {
        "version": 1,
        "owner": {"name": "Fred Myself", "email": "fred@example.org", "fate": ["place:house"]},
        "policy": {"shares_required": 2},
        "stewards": [
            {"id": name, "name": name.title(), "fate": [f"person:{name}"]} for name in ("alice", "bob", "carol")
        ],
        "metadata_stashes": [
            {"id": "nas", "protocol": "disk", "url": f"file://{root}/nas", "fate": ["place:parents"]},
            {"id": "office", "protocol": "disk", "url": f"file://{root}/office", "fate": ["place:office"]},
        ],
        "datasets": [
            {
                "id": "home",
                "description": "Fred's files",
                "source": {
                    "protocol": "disk",
                    "url": f"file://{root}/source",
                    "every": "1h",
                    "fate": ["device:laptop"],
                },
                "staging": f"{root}/staging",
                "destinations": [
                    {
                        "id": "mirror",
                        "protocol": "disk",
                        "url": f"file://{root}/mirror",
                        "every": "1d",
                        "keep": {"last": 5},
                        "fate": ["place:office"],
                    },
                ],
            }
        ],
    }
    return {**answers, **changes}


def fill(folder: Path, files: int = 12, prefix: str = "file") -> None:
    """Put some small files into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(files):
        (folder / f"{prefix}-{number}.txt").write_text(f"{prefix} {number}\n" * (number + 1))


class Installation:
    """State and run directory of one Paradux, its daemon, and its client.

    `as_user` is a command that starts both with other rights; `own_workers`: workers are children of the daemon, each started by itself.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.state = root / "state"
        self.run = root / "run"
        self.log = root / "paraduxd.log"
        self.passphrase_file = root / "passphrase"
        self.daemon: subprocess.Popen[bytes] | None = None
        self.as_user: tuple[str, ...] = ()
        self.own_workers = width.FULL
        root.mkdir(parents=True, exist_ok=True)
        self.passphrase_file.touch(mode=0o600)
        self.passphrase_file.write_text(PASSPHRASE + "\n")

    def start(self, *options: str) -> None:
        """Start the daemon and wait until its socket answers."""
        argv = [
            *self.as_user,
            sys.executable,
            "-m",
            "paraduxd.supervisor.main",
            "--state",
            str(self.state),
            "--run",
            str(self.run),
        ]
        if not (self.own_workers or self.as_user):
            argv += ["--worker-sockets", str(forked_workers.sockets())]
        argv += ["--weak-kdf-for-tests", "--log-level", "debug", *options]
        with self.log.open("ab") as log:
            self.daemon = subprocess.Popen(argv, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self.wait_for(self.answers, "the daemon to answer")

    def answers(self) -> bool:
        """Whether the daemon answers on its socket."""
        try:
            with SupervisorConnection(RunPlaces(self.run)) as supervisor:
                supervisor.call("history")
        except ParaduxError as problem:
            return problem.exit_code != ExitCode.UNREACHABLE
        return True

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End the daemon by a signal; gives its exit code."""
        if self.daemon is None:
            return 0
        self.daemon.send_signal(number)
        try:
            code = self.daemon.wait(60)
        except subprocess.TimeoutExpired:
            self.daemon.send_signal(signal.SIGABRT)  # it says where it hangs
            self.daemon.wait(10)
            raise AssertionError(f"the daemon does not end\n{self.tail(20_000)}") from None
        self.daemon = None
        return code

    def ctl(self, *arguments: str, text: str | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run paraductl as a user would; with `check`, anything but success is a failed test."""
        try:
            done = self._client(["--run", str(self.run), *arguments], text)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"paraductl {' '.join(arguments)} hangs\n{self._hanging()}") from None
        json_documents.check(arguments, done.stdout)
        if check and done.returncode:
            raise AssertionError(
                f"paraductl {' '.join(arguments)} ended with {done.returncode}\n{done.stdout}\n{done.stderr}\n{self.tail()}"
            )
        return done

    def _client(self, words: list[str], text: str | None) -> subprocess.CompletedProcess[str]:
        if not (self.as_user or width.FULL):
            return forked_client.run(words, clean_environment(), text, _PATIENCE)
        argv = [*self.as_user, sys.executable, "-m", "paraductl.main", *words]
        return subprocess.run(
            argv, check=False, input=text, capture_output=True, text=True, timeout=_PATIENCE, env=clean_environment()
        )

    def owner(self, *arguments: str, text: str | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run paraductl with the passphrase."""
        return self.ctl("--passphrase-file", str(self.passphrase_file), *arguments, text=text, check=check)

    def setup(self, answers: Json | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Set up from answers."""
        text = json.dumps(answers if answers is not None else minimal_answers(self.root))
        return self.owner("setup", "--answers", "-", text=text, check=check)

    def config(self) -> Json:
        """The whole config."""
        found: Json = json.loads(self.owner("--json", "show", "--secrets").stdout)
        return found

    def edit(self, config: Json, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Replace the config."""
        return self.owner("edit", "--file", "-", text=json.dumps(config), check=check)

    def status(self) -> Json:
        """The status document, as the daemon gives it to a client."""
        with SupervisorConnection(RunPlaces(self.run)) as supervisor:
            return supervisor.call("status")

    def problem_codes(self) -> set[str]:
        """The codes of all problems in the status."""
        return {problem["code"] for problem in self.status()["problems"]}

    def processes(self) -> set[int]:
        """The daemon and all that it has started."""
        assert self.daemon is not None
        found = {self.daemon.pid}
        while more := {pid for pid, parent in _parents() if parent in found} - found:
            found |= more
        return found

    def _hanging(self) -> str:
        """What each process waits for (proc_pid_stat(5), proc_pid_wchan(5)), and where the daemon's threads are; it ends with that."""
        seen = []
        for pid in sorted(self.processes()):
            with contextlib.suppress(OSError):
                place = Path(f"/proc/{pid}")
                state, wchan = place.joinpath("stat").read_text().rpartition(")")[2].split()[0], place / "wchan"
                command = place.joinpath("cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                seen.append(f"{pid} {state} {wchan.read_text()} {command[:200]}")
        self.stop(signal.SIGABRT)
        return "\n".join([*seen, self.tail(20_000)])

    def tail(self, most: int = 3000) -> str:
        """The end of the daemon's log."""
        return self.log.read_text(errors="replace")[-most:] if self.log.exists() else ""

    def wait_for(self, condition: Any, what: str, seconds: float = LONG) -> None:
        """Wait until `condition()` holds."""
        wait_for(lambda: condition() or self._has_ended(), what, seconds=seconds, otherwise=self.tail)
        assert not self._has_ended(), f"the daemon ended before {what}\n{self.tail()}"

    def _has_ended(self) -> bool:
        return self.daemon is not None and self.daemon.poll() is not None


@contextlib.contextmanager
def running(root: Path, *, own_workers: bool = False) -> Iterator[Installation]:
    """An installation whose daemon runs; ended at the end, whatever happened."""
    installation = Installation(root)
    installation.own_workers |= own_workers
    try:
        installation.start()
        yield installation
    finally:
        if installation.daemon is not None:
            installation.daemon.kill()
            installation.daemon.wait()


def clean_environment() -> dict[str, str]:
    """The environment of a client under test."""
    keep = ("PATH", "HOME", "LANG", "TERM", "PYTHONPATH")
    return {name: os.environ[name] for name in keep if name in os.environ}


def _parents() -> Iterator[tuple[int, int]]:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            yield int(stat.parent.name), int(fields[1])
