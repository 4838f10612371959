"""Real restic repositories for tests."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from paraduxd.core.plan.terms import Keep
from paraduxd.core.runs.orders import Progress
from paraduxd.effects.process import run
from paraduxd.protocols.base import Context, Destination, PushRequest, PushResult, Version
from paraduxd.protocols.restic.destination import PROTOCOL
from paraduxd.protocols.restic.settings import ResticSettings
from paraduxd.testing import samples
from paraduxd.testing.destinations import DestinationCase

SECRET = "canary-c0ffee-restic-password"


def settings(repository: str, **credentials: str) -> ResticSettings:
    return ResticSettings.model_validate({"repository": repository, "credentials": credentials})


def destination(root: Path, progress: Callable[[Progress], None] = lambda _: None, **more: Any) -> Destination:
    assert PROTOCOL.destination
    context = {"dataset": "photos", "location": "cloud", "progress": progress, "secret": SECRET}
    return PROTOCOL.destination(settings(str(root)), Context(**{**context, **more}))


def destination_case(root: Path, folder: Path) -> DestinationCase:
    folder.mkdir(exist_ok=True)
    return DestinationCase(lambda progress: destination(root, progress, index=folder / "index"), folder)


def restic(root: Path, *arguments: str, cwd: Path | None = None) -> str:
    """Stock restic, as an owner would use it."""
    command = ["restic", "--no-cache", "--repo", str(root), "--password-file", "/dev/stdin", *arguments]
    outcome = run.run(command, data=SECRET.encode(), extra_env={"RESTIC_PROGRESS_FPS": "0"}, cwd=cwd)
    assert outcome.code == 0, outcome.errors
    return outcome.output.decode()


@dataclass
class Written:
    """A copy of that repository, yours to break."""

    root: Path
    staging: Path
    version: Version

    def destination(self, **more: Any) -> Destination:
        return destination(self.root, **more)

    def push(self, day: int = 2, **more: Any) -> PushResult:
        """A push that knows of the version."""
        context = {name: more.pop(name) for name in ("index", "identity", "cache", "key_file") if name in more}
        request = {"keep": Keep(), "now": f"2026-01-{day:02}T12:00:00Z", "known_versions": (self.version,), **more}
        return self.destination(**context).push(self.staging, PushRequest(**request))

    def files(self, kind: str) -> list[Path]:
        """The files of a part of the repository, biggest first."""
        found = [path for path in (self.root / kind).rglob("*") if path.is_file()]
        return sorted(found, key=lambda path: path.stat().st_size, reverse=True)


_pushed: dict[str, tuple[Path, Version]] = {}


def written_copy(factory: pytest.TempPathFactory, to: Path) -> Written:
    """A repository of the password `SECRET` with one version of two files of 300 kB: made once, copied for each test."""
    if not _pushed:
        folder = factory.mktemp("restic")
        samples.write_files(folder / "staging", 2, 300_000)
        request = PushRequest(Keep(), "2026-01-01T12:00:00Z")
        _pushed["here"] = folder, destination(folder / "repository").push(folder / "staging", request).version
    folder, version = _pushed["here"]
    shutil.copytree(folder, to / "copy")
    return Written(to / "copy" / "repository", to / "copy" / "staging", version)


def recorded(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The restic commands that are started from now on, without the options before them."""
    commands: list[list[str]] = []
    start = run.start

    def spy(command: list[str], **more: Any) -> subprocess.Popen[bytes]:
        commands.append(command[command.index("--repo") + 2 :])
        return start(command, **more)

    monkeypatch.setattr(run, "start", spy)
    return commands
