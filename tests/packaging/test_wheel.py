"""The wheel, as somebody gets it who has nothing but pipx: no checkout, no package of the tests, no variable of ours."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from paraductl.installation.service_files import UNITS
from paraduxd.version import VERSION
from tests.packaging import building
from tests.packaging.building import CHECKOUT, run
from tests.packaging.contrib_module import load
from tests.system.guest_image import cache

locks = load("locks")
manuals = load("manuals")
pytestmark = [pytest.mark.slow, *building.MARKS]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return building.wheel(tmp_path_factory)


class Bare:
    """What `pipx install` makes of the wheel in an empty home."""

    def __init__(self, root: Path, wheel: Path) -> None:
        self.home, self.bin = root / "opt/pipx/venvs/paradux", root / "usr/local/bin"
        text = (CHECKOUT / "contrib/requirements.lock").read_text()
        pins = [pin for pin in map(locks.parse_pin, locks.entries(text)) if pin]
        constraints = root / "constraints.txt"
        constraints.write_text(
            "".join(f"{pin.name}=={pin.version}{pin.marker and f' ; {pin.marker}'}\n" for pin in pins)
        )
        self.environment = {
            **{
                name: os.environ[name]
                for name in ("PIP_INDEX_URL", "PIP_CONFIG_FILE", "SSL_CERT_FILE")
                if name in os.environ
            },
            "PATH": "/usr/bin:/bin:/usr/sbin:/sbin",
            "HOME": str(root),
            "PIP_CONSTRAINT": str(constraints),
            "PIP_CACHE_DIR": str(cache().parent / "pip"),  # what others have downloaded is not downloaded again
            "PIPX_HOME": str(root / "opt/pipx"),
            "PIPX_BIN_DIR": str(self.bin),
            "PIPX_DEFAULT_PYTHON": "/usr/bin/python3",
        }
        self.root = root
        self.said = self.run("pipx", "install", "--pip-args=--only-binary :all:", wheel)

    def run(self, *command: str | Path) -> str:
        return run(*command, cwd=self.root, env=self.environment)

    def paraductl(self, *words: str) -> str:
        return self.run(self.bin / "paraductl", *words)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Bare:
    root = tmp_path_factory.mktemp("bare")
    return Bare(root, Path(shutil.copy(wheel, root)))


def test_the_wheel_has_everything_that_is_no_module(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    data = f"paradux-{VERSION}.data/data/share"
    folder = CHECKOUT / "schema"
    found = [*folder.glob("*.json"), *folder.glob("commands/*.json")]
    schemas = {f"{data}/paradux/schema/{path.relative_to(folder)}" for path in found}
    pages = {f"{data}/man/{name}" for name, _ in manuals.manual_pages()}
    units = {f"{data}/paradux/systemd/{unit}" for unit in UNITS}
    tracked = run("git", "ls-files", "paraduxd", "paraductl", cwd=CHECKOUT).split()
    assert len(schemas) > 30 and schemas | pages | units <= names
    assert {each for each in tracked if (CHECKOUT / each).exists()} <= names
    assert "paraduxd/keeper/kits/documents/data/recover.html" in names
    assert not [name for name in names if name.startswith(("tests", "contrib", "web"))]


def test_the_programs_run(bare: Bare) -> None:
    assert {path.name for path in bare.bin.iterdir()} == {"paraductl", "paraduxd"}
    assert bare.run(bare.bin / "paraduxd", "--version") == f"paraduxd {VERSION}\n"
    assert "create-steward-device" in bare.paraductl("--help")
    assert f"{bare.bin}/paraductl --complete bash" in bare.paraductl("completion", "bash")
    (config := bare.root / "answers.json").write_text((CHECKOUT / "schema/examples/minimal.json").read_text())
    bare.paraductl("check", str(config))
    python = bare.home / "bin/python"
    kits = "from importlib.resources import files; print(len((files('paraduxd') / 'keeper/kits/documents/data/recover.html').read_text()))"
    assert int(bare.run(python, "-I", "-c", kits)) > 100_000
    json.loads((bare.home / "share/paradux/schema/paradux.schema.json").read_text())
    json.loads((bare.home / "share/paradux/schema/commands/status.schema.json").read_text())


def test_nothing_else_is_taken_along(bare: Bare) -> None:
    packages = json.loads(
        bare.run("/usr/bin/python3", "-m", "pip", "--python", bare.home / "bin/python", "list", "--format=json")
    )
    assert not {"pytest", "mypy", "shtab", "ruff"} & {each["name"] for each in packages}
    where = bare.run(
        bare.home / "bin/python", "-c", "import paraductl, paraduxd; print(*paraductl.__path__, *paraduxd.__path__)"
    )
    assert all(str(bare.home) in path for path in where.split())


def test_units_and_the_rest_get_the_paths_of_this_program(bare: Bare, tmp_path: Path) -> None:
    said = bare.paraductl("install-service", "--root", str(tmp_path), "--prefix", "/usr/local").splitlines()
    files = {f"/{path.relative_to(tmp_path)}" for path in tmp_path.rglob("*") if path.is_file()}
    assert set(said) == files
    assert {f"/usr/local/lib/systemd/system/{unit}" for unit in UNITS} <= files
    assert {f"/usr/local/share/man/{name}" for name, _ in manuals.manual_pages()} <= files
    texts = {path.name: path.read_text() for path in (tmp_path / "usr/local/lib/systemd/system").iterdir()}
    assert f"ExecStart={bare.bin}/paraduxd --worker-sockets" in texts["paraduxd.service"]
    assert f"ExecStart={bare.home}/bin/python -I -m paraduxd.worker.unit_main" in texts["paradux-disk@.service"]
    assert not [text for text in texts.values() if "@BIN@" in text or "@HOME@" in text]
    bare.paraductl("install-service", "--root", str(tmp_path), "--remove")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_program_that_others_can_write_to_is_no_service(bare: Bare) -> None:
    """Whoever owns the environment would be root when the daemon starts; and without systemd there is nothing to do."""
    command = [bare.bin / "paraductl", "install-service"]
    done = subprocess.run(command, env=bare.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and (
        "this machine was not started by systemd" in done.stderr or "must not run" in done.stderr
    )
