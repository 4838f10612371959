"""The Debian package: what is in it, what lintian says, what installing, upgrading, removing and purging leave."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from paraduxd.version import VERSION
from tests.packaging import building
from tests.packaging.building import CHECKOUT, run
from tests.packaging.contrib_module import load
from tests.width import FULL

LICENCE = (CHECKOUT / "LICENSE").read_text()
CHANGES = (CHECKOUT / "CHANGES.md").read_text()
locks = load("locks")
manuals = load("manuals")
pytestmark = [pytest.mark.slow, *building.MARKS]

SITE = "usr/lib/paradux/lib/python{}/site-packages"
OWN_PYTHON = run("/usr/bin/python3", "-I", "-c", "import sys; print('%d.%d' % sys.version_info[:2])").strip()
DEBIAN_13_ON_ARM = ("3.13", "arm64")
OTHERS = [(python, machine) for python in ("3.11", "3.12", "3.13", "3.14") for machine in ("amd64", "arm64")]
MACHINES = {"amd64": 62, "arm64": 183}
"""e_machine of ELF."""


@pytest.fixture
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return building.package(tmp_path_factory)


@pytest.fixture
def unpacked(package: Path, tmp_path: Path) -> Path:
    run("dpkg-deb", "--extract", package, tmp_path / "unpacked")
    return tmp_path / "unpacked"


def bundled(root: Path) -> dict[str, str]:
    """The Python packages in the program: name and version."""
    folders = root.glob("usr/lib/paradux/lib/python3*/site-packages/*.dist-info")
    return dict(each.name.removesuffix(".dist-info").rsplit("-", 1) for each in folders)


def locked(python: str, machine: str) -> dict[str, str]:
    """What requirements.lock names for this Python and machine, and Paradux."""
    text = (CHECKOUT / "contrib/requirements.lock").read_text()
    pins = [each for each in map(locks.parse_pin, locks.entries(text)) if each and each.meant_for(python, machine)]
    return {**{each.name: each.version for each in pins}, "paradux": VERSION}


def test_what_is_in_it(package: Path) -> None:
    listed = [line.split() for line in run("dpkg-deb", "--contents", package).splitlines()]
    names = {words[5].removeprefix("./") for words in listed if not words[0].startswith("d")}
    units = (
        "paraduxd.service",
        "paradux-disk.socket",
        "paradux-disk@.service",
        "paradux-transfer.socket",
        "paradux-transfer@.service",
    )
    assert {name for name in names if not name.startswith("usr/lib/paradux/")} == {
        *(
            "usr/bin/paraductl",
            "usr/bin/paraduxd",
            "usr/lib/sysusers.d/paradux.conf",
            "usr/lib/tmpfiles.d/paradux.conf",
        ),
        *(f"usr/lib/systemd/system/{unit}" for unit in units),
        *(f"usr/share/man/{name}.gz" for name, _ in manuals.manual_pages()),
        *(f"usr/share/bash-completion/completions/{name}" for name in ("paraductl", "paraduxd")),
        *(f"usr/share/zsh/site-functions/_{name}" for name in ("paraductl", "paraduxd")),
        *(f"usr/share/fish/vendor_completions.d/{name}.fish" for name in ("paraductl", "paraduxd")),
        *(f"usr/share/doc/paradux/{name}" for name in ("changelog.gz", "copyright")),
        "usr/share/lintian/overrides/paradux",
    }
    assert all(words[1] == "root/root" for words in listed)
    needs = run("dpkg-deb", "--field", package, "Depends")
    following = f"3.{int(OWN_PYTHON.partition('.')[2]) + 1}"
    assert f"python3 (>= {OWN_PYTHON}), python3 (<< {following})" in needs
    assert all(name in needs for name in ("cryptsetup-bin", "restic", "rclone", "libc6 (>= 2."))


def test_it_brings_what_the_lock_file_names_and_nothing_that_builds_or_caches(unpacked: Path) -> None:
    machine = os.uname().machine
    assert {canonicalize_name(name): version for name, version in bundled(unpacked).items()} == locked(
        OWN_PYTHON, machine
    )
    names = {path.name for path in unpacked.rglob("*")}
    assert not names & {"pip", "setuptools", "wheel", "shtab", "ensurepip", "__pycache__", "man.pyc"}
    assert not any(name.endswith((".pyc", ".whl", ".a")) for name in names)
    site = unpacked / SITE.format(OWN_PYTHON)
    programs = {path.name for path in (unpacked / "usr/lib/paradux/bin").iterdir()}
    assert {path.name for path in site.rglob("*") if path.is_file() and path.stat().st_mode & 0o111} == {"askpass"}
    assert programs == {"python", "python3", "paraductl", "paraduxd"}


def test_it_runs_from_where_it_is(unpacked: Path) -> None:
    """By the links that it brings, with the Python of this release; those are relative, so that they lead on from here as well."""
    home = unpacked / "usr/lib/paradux"
    assert (unpacked / "usr/bin/paraductl").resolve() == home / "bin/paraductl"
    assert (home / "bin/paraduxd").read_text().startswith("#!/usr/lib/paradux/bin/python -I\n")
    (unpacked / f"usr/bin/python{OWN_PYTHON}").symlink_to(f"/usr/bin/python{OWN_PYTHON}")
    for program in ("paraductl", "paraduxd"):
        assert (
            run(home / "bin/python", "-I", "-B", home / "bin" / program, "--version", cwd="/", env={})
            == f"{program} {VERSION}\n"
        )
    script = "import paraduxd.keeper.main, paraduxd.worker.unit_main, cryptography.fernet, PIL.Image; print(paraduxd.__path__)"
    assert str(unpacked) in run(home / "bin/python", "-I", "-B", "-c", script, cwd="/", env={})


def test_its_documents_say_whose_everything_is_and_what_changed(unpacked: Path) -> None:
    documents = unpacked / "usr/share/doc/paradux"
    says_whose_everything_is((documents / "copyright").read_text(), bundled(unpacked))
    history = gzip.decompress((documents / "changelog.gz").read_bytes()).decode()
    assert history.startswith(f"paradux ({VERSION}+py{OWN_PYTHON}) unstable; urgency=medium\n\n  * ")
    versions = [f"{each}+py{OWN_PYTHON}" for each in re.findall(r"^## (\S+)", CHANGES, re.MULTILINE)]
    assert re.findall(r"^paradux \((\S+)\)", history, re.MULTILINE) == versions
    signed = re.findall(r"^ -- [^<>]+ <\S+@\S+>  \w{3}, \d\d \w{3} \d{4} [\d:]{8} \+0000$", history, re.MULTILINE)
    assert len(signed) == len(versions)


def says_whose_everything_is(text: str, bundled: dict[str, str]) -> None:
    """DEP-5: every bundled package has its paragraph, and every paragraph its licence with a text."""
    paragraphs = text.strip().split("\n\n")
    assert paragraphs[0].startswith("Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n")
    licence = "\n".join(
        line.removeprefix(" ").replace(".", "", line == " .") for line in paragraphs[1].splitlines()[3:]
    )
    assert paragraphs[1].startswith("Files: *\nCopyright: ") and licence.split() == LICENCE.split()
    assert all(re.search(r"^License: \S[^\n]*\n ", each, re.MULTILINE) for each in paragraphs[1:])
    assert all(not re.search(r"^Copyright: *\.?$", each, re.MULTILINE) for each in paragraphs[1:])
    described = {re.findall(r"/([^/ ]+)\.dist-info/\*", each)[0] for each in paragraphs[2:]}
    assert described == {f"{name}-{version}" for name, version in bundled.items()} - {f"paradux-{VERSION}"}


def test_lintian_finds_nothing_and_every_override_has_its_reason(package: Path) -> None:
    options = ["--allow-root"] if os.geteuid() == 0 else []
    said = run("lintian", *options, "--tag-display-limit", "0", "--fail-on", "error,warning", package)
    assert not re.search("^[EWI]: ", said, re.MULTILINE), said
    assert "unused-override" not in said and "mismatched-override" not in said, said
    lines = (CHECKOUT / "contrib/debian/lintian-overrides").read_text().splitlines()
    assert lines[0].startswith("# ") and all(line.startswith(("# ", "paradux: ")) for line in lines)


class Machine:
    """A tree in which dpkg installs, with nothing of this machine but its programs."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for folder in (
            "var/lib/dpkg/info",
            "var/lib/dpkg/updates",
            "etc",
            "var/lib/paradux/transport",
            "var/lib/paradux/cache",
        ):
            (root / folder).mkdir(parents=True)
        (root / "var/lib/dpkg/status").touch()
        for name in ("vault.luks", "journal.sqlite", "transport/stash", "cache/block"):
            (root / "var/lib/paradux" / name).write_text(name)

    def dpkg(self, *words: str | Path) -> str:
        options = ["--force-script-chrootless", "--force-depends", "--force-not-root", f"--log={self.root}/dpkg.log"]
        return run("dpkg", f"--root={self.root}", *options, *words)

    def files(self, *folders: str) -> set[str]:
        paths = (path for folder in folders for path in (self.root / folder).rglob("*"))
        return {str(path.relative_to(self.root)) for path in paths if path.is_symlink() or not path.is_dir()}

    @property
    def status(self) -> str:
        return run(
            "dpkg-query",
            f"--admindir={self.root}/var/lib/dpkg",
            "--show",
            "--showformat=${Status} ${Version}",
            "paradux",
            check=False,
        )


def older(package: Path, folder: Path) -> Path:
    """The same package as an older version, with a command that the new one has no longer."""
    run("dpkg-deb", "--raw-extract", package, folder / "tree")
    control = folder / "tree/DEBIAN/control"
    control.write_text(re.sub("^Version: .*", "Version: 0.0.1+py3.11", control.read_text(), flags=re.MULTILINE))
    (folder / "tree/usr/share/man/man1/paraductl-gone.1.gz").touch()
    run("dpkg-deb", "--root-owner-group", "-Znone", "--build", folder / "tree", folder / "old.deb")
    return folder / "old.deb"


KEPT = {"var/lib/paradux/vault.luks", "var/lib/paradux/journal.sqlite"}
MADE_AGAIN = {"var/lib/paradux/transport/stash", "var/lib/paradux/cache/block"}


@pytest.mark.skipif(os.geteuid() != 0, reason="dpkg gives files to root")
def test_upgrade_removal_and_purge(package: Path, tmp_path: Path) -> None:
    machine = Machine(tmp_path / "machine")
    machine.dpkg("--install", older(package, tmp_path))
    mine = machine.root / "etc/paradux/commands.d/mine.py"
    assert mine.parent.is_dir() and "paradux" in (machine.root / "etc/group").read_text()
    mine.write_text("HELP = 'mine'\n")
    wants = machine.root / "etc/systemd/system/multi-user.target.wants/paraduxd.service"
    assert wants.is_symlink()
    wants.unlink()  # systemctl disable
    before = machine.files("var/lib/paradux", "etc/paradux")
    used, gone = (
        machine.root / SITE.format(OWN_PYTHON) / f"paraduxd/__pycache__/{name}.cpython-311.pyc"
        for name in ("version", "gone")
    )
    used.parent.mkdir()
    for compiled in (used, gone):
        compiled.touch()

    machine.dpkg("--install", package)
    assert used.exists() and not gone.exists()
    assert machine.status == f"install ok installed {VERSION}+py{OWN_PYTHON}"
    assert (
        machine.files("var/lib/paradux", "etc/paradux")
        == before
        == KEPT | MADE_AGAIN | {"etc/paradux/commands.d/mine.py"}
    )
    assert not wants.is_symlink(), "disabled it stays"
    assert not machine.files("usr/share/man") & {"usr/share/man/man1/paraductl-gone.1.gz"}

    said = machine.dpkg("--remove", "paradux")
    assert "/var/lib/paradux" in said and not (machine.root / "usr/lib/paradux").exists()
    assert machine.files("usr") == set()
    assert machine.files("var/lib/paradux", "etc/paradux") == before

    assert "/var/lib/paradux" in machine.dpkg("--purge", "paradux")
    assert machine.files("var/lib/paradux", "etc/paradux") == KEPT | {"etc/paradux/commands.d/mine.py"}
    assert not (machine.root / "etc/paradux/protocols.d").exists()
    assert "no packages found" in machine.status


@pytest.mark.parametrize(("python", "architecture"), OTHERS if FULL else [DEBIAN_13_ON_ARM])
def test_a_package_for_another_python_and_machine(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, python: str, architecture: str
) -> None:
    package = building.package(tmp_path_factory, "--python", python, "--architecture", architecture)
    assert package.name == f"paradux_{VERSION}+py{python}_{architecture}.deb"
    assert run("dpkg-deb", "--field", package, "Architecture").strip() == architecture
    run("dpkg-deb", "--extract", package, tmp_path)
    machine = {"amd64": "x86_64", "arm64": "aarch64"}[architecture]
    assert {canonicalize_name(name): version for name, version in bundled(tmp_path).items()} == locked(python, machine)
    compiled = [path for path in (tmp_path / SITE.format(python)).rglob("*.so*") if path.is_file()]
    assert len(compiled) > 20
    for path in compiled:
        assert int.from_bytes(path.read_bytes()[18:20], "little") == MACHINES[architecture], path
        tag = re.search(r"\.cpython-(\d+)", path.name)
        assert not tag or tag[1] == python.replace(".", ""), path
    assert (tmp_path / "usr/lib/paradux/bin/python").readlink() == Path(f"../../../bin/python{python}")
    assert f"python3 (>= {python})" in run("dpkg-deb", "--field", package, "Depends")
    if FULL and (python, architecture) == DEBIAN_13_ON_ARM:
        is_built_again_with_the_same_bytes(
            package, tmp_path / "elsewhere and later", "--python", python, "--architecture", architecture
        )


def is_built_again_with_the_same_bytes(package: Path, folder: Path, *options: str) -> None:
    subprocess.run([CHECKOUT / "contrib/package", *options, folder], check=True, umask=0o077, capture_output=True)
    assert (folder / package.name).read_bytes() == package.read_bytes()


def test_what_nobody_can_build_is_refused(tmp_path: Path) -> None:
    for options in (["--python", "three"], ["--architecture", "sparc"], ["--python"], ["--nonsense"]):
        said = run(CHECKOUT / "contrib/package", *options, check=False, cwd=tmp_path)
        assert said.startswith("package: ") and not list(tmp_path.iterdir()), said
