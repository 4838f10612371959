"""The lock files: they fit pyproject.toml, name nothing but packages and hashes, and the check of contrib/test sees when they do not."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.packaging.contrib_module import FOLDER, load

CHECKOUT = FOLDER.parent
locks = load("locks")
FILES = list(locks.LOCKS.values())
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "contrib").mkdir()
    for name in ["pyproject.toml", *(f"contrib/{file}" for file in FILES)]:
        shutil.copy(CHECKOUT / name, tmp_path / name)
    return tmp_path


def said_of(folder: Path) -> str:
    return "\n".join(locks.faults(folder))


def check(folder: Path) -> tuple[int, str]:
    """As contrib/test runs it, in a process that can reach no package index."""
    guarded = (
        "import runpy, socket, sys\n"
        "def refused(*_): raise OSError('the check asked the network')\n"
        "socket.socket.connect = socket.getaddrinfo = refused\n"
        "sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')\n"
    )
    command = [sys.executable, "-c", guarded, str(FOLDER / "locks.py"), "check", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout


def replaced(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert re.search(old, text, re.MULTILINE)
    path.write_text(re.sub(old, new, text, count=1, flags=re.MULTILINE))


def test_the_lock_files_fit(checkout: Path) -> None:
    assert check(checkout) == (0, "The lock files fit pyproject.toml.\n")
    replaced(checkout / "pyproject.toml", r'^  "segno>=1.6,<2",\n', "")
    code, said = check(checkout)
    assert code == 1 and said.endswith("Run contrib/lock.\n")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (r'^  "segno>=1.6,<2",\n', ""),  # no longer needed
        (r'^  "segno>=1.6,<2",', '  "segno>=1.6,<2",\n  "qrcode>=7,<9",'),  # one more
        (r'"segno>=1.6,<2"', '"segno>=2,<3"'),  # another version
        (r'"segno>=1.6,<2"', '"segno>=1.5,<2"'),  # another bound that the same version meets
        (r'"shtab>=1.7,<2"', '"shtab>=1.7,<1.8"'),
        (r'"setuptools>=77,<90"', '"setuptools>=77,<80"'),
        (r'"hypothesis>=6,<7"', '"hypothesis>=5,<6"'),
        (r'">=3.11"', '">=3.10"'),
    ],
)
def test_a_change_of_pyproject_without_the_lock_files(checkout: Path, old: str, new: str) -> None:
    replaced(checkout / "pyproject.toml", old, new)
    assert "pyproject.toml has other requirements" in said_of(checkout)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        (r"^segno==.*\n(    --hash.*\n)+", "", "pyproject.toml needs segno, which is not there for Python 3.11"),
        (r"^cffi==.*\n(    --hash.*\n)+", "", "cryptography needs cffi, which is not there for Python 3.11"),
        (r"^cffi==.*", r"cffi==2.0.0 ; python_full_version < '3.12' \\", "needs cffi, which is not there for Python 3.13"),
        (r"^pydantic-core==[^ ]*", "pydantic-core==1.0", "pydantic needs pydantic-core=="),
        (r"^segno==[^ ]*", "segno==0.9", "pyproject.toml needs segno<2,>=1.6, but 0.9 is there"),
        (r"^segno==[^ ]* .*\n(    --hash.*\n)+", "segno==1.6.6\n", "segno has no hash"),
        (r"(^segno==[^ ]* .*\n) *--hash=sha256:(.)", r"\1    --hash=sha256:\2\2", "not one version of a package with its hashes: segno"),
        (r"(^segno==[^ ]* .*\n) *--hash=sha256:", r"\1    --hash=md5:", "not one version of a package with its hashes: segno"),
        (r"^segno==", "segno>=", "not one version of a package with its hashes: segno>="),
        (r"^segno==[^ ]*", "segno @ https://example.org/segno.whl", "not one version of a package with its hashes: segno @"),
        (r"^annotated", "--index-url https://example.org/simple\nannotated", "not one version of a package with its hashes: --index-url"),
        (r"^annotated", "-e .\nannotated", "not one version of a package with its hashes: -e"),
    ],
)  # fmt: skip
def test_a_lock_file_that_was_changed_by_hand(checkout: Path, old: str, new: str, complaint: str) -> None:
    replaced(checkout / "contrib/requirements.lock", old, new)
    assert complaint in said_of(checkout)


def test_lock_files_of_different_versions(checkout: Path) -> None:
    replaced(
        checkout / "contrib/requirements-test.lock",
        r"(^segno==[^ ]* .*\n) *--hash=sha256:.{8}",
        r"\1    --hash=sha256:00000000",
    )
    assert "segno is not the same as in the other lock files" in said_of(checkout)


@pytest.mark.parametrize("file", FILES)
def test_a_lock_file_names_no_index_and_no_folder(file: str) -> None:
    text = (FOLDER / file).read_text()
    assert not re.search(
        r"https?:|file:|/|--(?!hash=sha256:[0-9a-f]{64}( \\)?$)", text.replace("contrib/lock", ""), re.MULTILINE
    )


def test_every_dependency_has_a_lower_and_an_upper_bound() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    everything = [
        *PROJECT["build-system"]["requires"],
        *PROJECT["project"]["dependencies"],
        *extras["install"],
        *extras["test"],
    ]
    for each in map(Requirement, everything):
        signs = {clause.operator for clause in each.specifier}
        assert each.name == "paradux" or signs in ({">=", "<"}, {"=="}), each


def test_the_licence_is_the_text_that_its_authors_published() -> None:
    assert PROJECT["project"]["license-files"] == ["LICENSE"]
    digest = hashlib.sha256((CHECKOUT / "LICENSE").read_bytes()).hexdigest()
    assert digest == "0d96a4ff68ad6d4b6f1f30f713b18d5184912ba8dd389f86aa7710db079abcb0"  # agpl-3.0.txt
