"""The npm package `slip39`, which shares no code with ours: `contrib/test` installs it in `interop/`."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "interop"


def ask(jobs: list[dict[str, Any]]) -> list[Any]:
    """The results of these jobs (see `interop/slip39.cjs`), from one process."""
    assert (FOLDER / "node_modules/slip39").is_dir(), "run contrib/test once, or: npm ci --prefix tests/shares/interop"
    done = subprocess.run(
        ["node", FOLDER / "slip39.cjs"],
        input=json.dumps(jobs),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    results: list[Any] = json.loads(done.stdout)
    return results
