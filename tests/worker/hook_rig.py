"""A folder of hooks that is trusted as root's is, and pulls that use it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from paraduxd.api.replies.results import Pulled
from paraduxd.core.runs.orders import Order, Step
from paraduxd.worker import steps


class Folder:
    """A folder of hooks that is trusted as one of root's would be."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.log = path.parent / "log"

    def add(self, name: str, script: str, mode: int = 0o755) -> Path:
        hook = self.path / name
        hook.write_text(f"#!/bin/sh\n{script}\n")
        hook.chmod(mode)
        return hook

    def noting(self, name: str, script: str = "") -> None:
        """One that writes down what it was told."""
        self.add(name, f'echo "$PARADUX_HOOK $PARADUX_DATASET $PARADUX_OUTCOME" >> {self.log}\n{script}')

    def noted(self) -> list[str]:
        return [line.strip() for line in self.log.read_text().splitlines()] if self.log.exists() else []


def pull(tmp_path: Path, source: Path | None = None, **given: Any) -> Pulled:
    """A pull of a folder, as a worker does it."""
    source = source or tmp_path / "source"
    transport = tmp_path / "transport.json"
    transport.write_text(json.dumps({"protocol": "disk", "settings": {"url": source.as_uri()}, "hooks": given}))
    arguments = {"guard": {"max_removed": 0.25, "max_changed": 0.6}}
    staging = str(tmp_path / "staging")
    order = Order(1, Step.PULL, "mail", "source", str(transport), staging, arguments, staging_uid="ab" * 16)
    pulled = steps.pull(order, lambda _: None)
    assert isinstance(pulled, Pulled)
    return pulled
