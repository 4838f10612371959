"""The rules of the house that a linter can check: who may import whom, and what the supervisor really loads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent

FORBIDDEN_IN_SUPERVISOR = {"pydantic", "gnupg", "cryptography", "paramiko", "restic", "shamir_mnemonic"}
FORBIDDEN_IN_CLIENT = FORBIDDEN_IN_SUPERVISOR | {"apscheduler", "pyudev", "paraduxd.core", "paraduxd.effects"}


def _loaded_by(module: str) -> set[str]:
    script = f"import sys, {module}; print('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stdout.split())


def test_imports_point_one_way() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout


def test_the_supervisor_does_not_load_what_carries_secrets() -> None:
    assert not _loaded_by("paraduxd.supervisor.main") & FORBIDDEN_IN_SUPERVISOR


def test_the_client_loads_next_to_nothing() -> None:
    loaded = _loaded_by("paraductl.main")
    assert not loaded & FORBIDDEN_IN_CLIENT
    assert "rpyc" not in loaded, "rpyc is loaded when a call needs it"


def test_no_program_is_started_through_a_shell() -> None:
    for path in [*ROOT.glob("paraduxd/**/*.py"), *ROOT.glob("paraductl/**/*.py")]:
        text = path.read_text()
        assert "shell=True" not in text and "os.system(" not in text, path
