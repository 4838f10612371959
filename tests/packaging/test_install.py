"""`contrib/install` into a folder: what is there, what it says, what removing leaves."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from paraduxd.version import VERSION
from tests.packaging import building
from tests.packaging.building import CHECKOUT, run
from tests.packaging.contrib_module import load

SHIPPED = {"contrib", "paraductl", "paraduxd", "pyproject.toml", "schema", "LICENSE", "README.md"}
LICENCE = (CHECKOUT / "LICENSE").read_text()
locks = load("locks")
manuals = load("manuals")
LOCK = CHECKOUT / "contrib/requirements.lock"
pytestmark = list(building.MARKS)

PROGRAM = re.compile(r"usr/(local/)?lib/paradux/")


def contents(root: Path) -> set[str]:
    """Every file below, but those of the program itself."""
    found = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_symlink() or not path.is_dir()}
    return {path for path in found if not PROGRAM.match(path)}


PLANTED = (
    "pip",
    "venv",
    "ensurepip",
    "argparse",
    "compileall",
    "shtab",
    "paraductl",
    "contrib",
    "sitecustomize",
    "usercustomize",
)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of somebody else's, with modules that leave a mark beside it when they are imported, and a `contrib`."""
    folder = tmp_path_factory.mktemp("planted") / "folder"
    (folder / "contrib").mkdir(parents=True)
    for name in PLANTED:
        (folder / f"{name}.py").write_text(f"open({str(folder.parent / 'mark')!r}, 'a').write('{name} ')\n")
    return folder


def hostile(folder: Path) -> dict[str, str]:
    """Variables that lead to that directory."""
    names = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONUSERBASE", "CDPATH", "TMPDIR")
    return {**os.environ, **dict.fromkeys(names, str(folder))}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, planted: Path) -> Iterator[Path]:
    """Installed by somebody who stands in the directory of another."""
    root = tmp_path_factory.mktemp("installed")
    run(CHECKOUT / "contrib/install", "--root", root, cwd=planted, env=hostile(planted))
    assert not (planted.parent / "mark").exists(), (planted.parent / "mark").read_text()
    yield root


@pytest.mark.slow
@pytest.mark.parametrize("program", ["paraductl", "paraduxd"])
def test_the_installed_programs_heed_no_directory_and_no_variable_of_others(
    installed: Path, planted: Path, program: str
) -> None:
    script = installed / "usr/local/lib/paradux/bin" / program
    interpreter, *options = script.read_text().splitlines()[0].removeprefix("#!").split()
    command = [installed / interpreter.removeprefix("/"), *options, script, "--version"]
    variables = {name: value for name, value in hostile(planted).items() if name != "PYTHONHOME" or options}
    assert VERSION in run(*command, cwd=planted, env=variables)
    assert not (planted.parent / "mark").exists(), (planted.parent / "mark").read_text()


@pytest.mark.slow
def test_what_is_installed(installed: Path) -> None:
    assert contents(installed) == {
        "usr/local/bin/paraductl",
        "usr/local/bin/paraduxd",
        "usr/local/lib/systemd/system/paradux-disk.socket",
        "usr/local/lib/systemd/system/paradux-disk@.service",
        "usr/local/lib/systemd/system/paradux-transfer.socket",
        "usr/local/lib/systemd/system/paradux-transfer@.service",
        "usr/local/lib/systemd/system/paraduxd.service",
        "usr/local/lib/sysusers.d/paradux.conf",
        "usr/local/lib/tmpfiles.d/paradux.conf",
        "usr/local/share/bash-completion/completions/paraductl",
        "usr/local/share/bash-completion/completions/paraduxd",
        "usr/local/share/fish/vendor_completions.d/paraductl.fish",
        "usr/local/share/fish/vendor_completions.d/paraduxd.fish",
        *(f"usr/local/share/man/{name}" for name, _ in manuals.manual_pages()),
        "usr/local/share/zsh/site-functions/_paraductl",
        "usr/local/share/zsh/site-functions/_paraduxd",
    }
    assert (installed / "usr/local/bin/paraductl").readlink() == Path("/usr/local/lib/paradux/bin/paraductl")


def bundled(root: Path) -> dict[str, str]:
    """The Python packages of the program: name (as its folder spells it) and version."""
    folders = root.glob("usr/local/lib/paradux/lib/python3*/site-packages/*.dist-info")
    return dict(each.name.removesuffix(".dist-info").rsplit("-", 1) for each in folders)


@pytest.mark.slow
def test_what_is_installed_is_what_the_lock_file_names(installed: Path) -> None:
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    entries = [
        each for each in map(locks.parse_pin, locks.entries(LOCK.read_text())) if each and each.meant_for(python)
    ]
    found = {canonicalize_name(name): version for name, version in bundled(installed).items()}
    assert found == {**{each.name: each.version for each in entries}, "paradux": VERSION}


@pytest.mark.slow
def test_the_licence_comes_with_the_program(installed: Path) -> None:
    (licence,) = installed.glob(
        f"usr/local/lib/paradux/lib/python3*/site-packages/paradux-{VERSION}.dist-info/licenses/LICENSE"
    )
    assert licence.read_text() == LICENCE


@pytest.mark.slow
def test_a_file_with_another_hash_is_not_installed(installed: Path, tmp_path: Path) -> None:
    """Every hash of one package is another: whatever the index delivers, it is not the one; what was there stays."""
    checkout, root = tmp_path / "checkout", tmp_path / "root"
    shutil.copytree(
        CHECKOUT, checkout, ignore=lambda folder, names: set(names) - SHIPPED if folder == str(CHECKOUT) else set()
    )
    lock = checkout / "contrib/requirements-build.lock"
    lock.write_text(re.sub(r"sha256:[0-9a-f]{8}(?=[0-9a-f]{56})", "sha256:00000000", lock.read_text()))
    program = root / "usr/local/lib/paradux/of-the-old-version"
    program.parent.mkdir(parents=True)
    program.touch()
    said = run(checkout / "contrib/install", "--root", root, check=False)
    assert "DO NOT MATCH THE HASHES" in said and "00000000" in said
    assert {path.name for path in program.parent.iterdir()} == {program.name}


@pytest.mark.slow
def test_nothing_remembers_where_it_was_built(installed: Path) -> None:
    program = installed / "usr/local/lib/paradux"
    assert (program / "bin/paraduxd").read_text().startswith("#!/usr/local/lib/paradux/bin/python -I\n")
    for path in [*program.glob("bin/*"), *(installed / "usr/local/lib/systemd/system").iterdir()]:
        if path.is_file():
            assert str(installed) not in path.read_text(errors="replace"), path
    assert "@" not in re.sub(
        r"\w@\.|~?@[a-z]", "", (installed / "usr/local/lib/systemd/system/paraduxd.service").read_text()
    )


@pytest.mark.slow
def test_the_installed_program_is_whole_and_takes_nothing_from_the_checkout(installed: Path) -> None:
    python = installed / "usr/local/lib/paradux/bin/python"
    assert re.fullmatch(r"paraductl \d+\.\d+\.\d+\n", run(python, "-I", "-m", "paraductl.main", "--version"))
    script = (
        "import paraduxd.supervisor.main, paraduxd.keeper.main, paraduxd.worker.unit_main as unit; print(unit.__file__)"
    )
    assert str(installed) in run(python, "-I", "-c", script)
    assert not list((installed / "usr/local/lib/paradux/lib").glob("*/site-packages/shtab*")), (
        "of use while installing only"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "shell",
    [
        "bash-completion/completions/paraductl",
        "zsh/site-functions/_paraductl",
        "fish/vendor_completions.d/paraductl.fish",
    ],
)
def test_completion_asks_the_installed_program(installed: Path, shell: str) -> None:
    text = (installed / "usr/local/share" / shell).read_text()
    assert "/usr/local/bin/paraductl --complete" in text
    assert list(installed.glob("usr/local/lib/paradux/lib/python3*/site-packages/paraductl/completion/scripts/*.fish"))


@pytest.mark.slow
def test_again_to_upgrade_and_removal_leaves_what_it_kept(installed: Path, tmp_path: Path) -> None:
    shutil.copytree(installed, tmp_path, symlinks=True, dirs_exist_ok=True)
    (tmp_path / "usr/local/lib/paradux/of-an-old-version").touch()
    run(CHECKOUT / "contrib/install", "--root", tmp_path)
    assert not (tmp_path / "usr/local/lib/paradux/of-an-old-version").exists()
    assert contents(tmp_path) == contents(installed)
    vault = tmp_path / "var/lib/paradux/vault.luks"
    vault.parent.mkdir(parents=True)
    vault.write_bytes(b"vault")
    said = run(CHECKOUT / "contrib/install", "--root", tmp_path, "--uninstall")
    assert contents(tmp_path) == {"var/lib/paradux/vault.luks"} and str(vault.parent) in said
    assert not (tmp_path / "usr/local/lib/paradux").exists()


@pytest.mark.parametrize(
    ("unit", "most"), [("paraduxd.service", 2.5), ("paradux-transfer@.service", 3.0), ("paradux-disk@.service", 2.6)]
)
def test_the_exposure_of_a_unit(unit: str, most: float, tmp_path: Path) -> None:
    text = (CHECKOUT / "contrib/systemd" / unit).read_text()
    (tmp_path / unit).write_text(text.replace("@BIN@", "/usr/bin").replace("@HOME@", "/usr"))
    said = run("systemd-analyze", "security", "--offline=true", "--no-pager", tmp_path / unit)
    (score,) = re.findall(r"Overall exposure level for \S+: ([0-9.]+)", said)
    assert float(score) <= most, said


def test_the_supervisor_reaches_no_network_and_no_disk() -> None:
    text = (CHECKOUT / "contrib/systemd/paraduxd.service").read_text()
    assert "AF_INET" not in text and "IPAddressDeny=any" in text
    assert not re.search(r"DeviceAllow=block-(sd|\*)", text)
