"""Running what is in `web/`, with the packages that its package-lock.json names."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

WEB = Path(__file__).parent.parent.parent / "web"


def node(*arguments: str | Path, environment: dict[str, str] | None = None, timeout: float = 115) -> str:
    """What this program of `web/` said; fails with all of it when it did not end well."""
    named = json.loads((WEB / "package.json").read_text())
    missing = [each for each in named["dependencies"] if not (WEB / "node_modules" / each).is_dir()]
    assert not missing, "run contrib/test once, or: npm ci --ignore-scripts --prefix web"
    done = subprocess.run(
        ["node", *arguments],
        cwd=WEB,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
        env=environment,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
