"""The manual pages, as mandoc and groff read them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.documents.pages import COMMANDS, MANUALS

CHAPTERS = ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "FILES", "ENVIRONMENT", "EXAMPLES", "SEE ALSO"]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("man")
    for name, text in MANUALS.manual_pages():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return sorted(folder.rglob("*.[18]"))


def test_every_command_has_a_page_of_its_own(written: list[Path]) -> None:
    wanted = ["paraductl.1", "paraduxd.8", *(f"paraductl-{name}.1" for name in COMMANDS.all())]
    assert sorted(path.name for path in written) == sorted(wanted)


def test_two_formatters_have_nothing_to_say_against_them(written: list[Path]) -> None:
    """What `man --warnings` runs is groff; a page is text that no macro and no escape is made from by chance."""
    for command in (
        ["mandoc", "-T", "lint", "-W", "warning"],
        ["groff", "-ww", "-z", "-man", "-K", "utf8", "-T", "utf8"],
    ):
        done = subprocess.run([*command, *written], capture_output=True, text=True, check=False, timeout=100)
        assert not done.stdout + done.stderr and not done.returncode, done.stdout + done.stderr


def test_every_page_has_its_chapters_in_order(written: list[Path]) -> None:
    for path in written:
        chapters = re.findall(r"^\.SH (.*)$", path.read_text(), re.MULTILINE)
        alone = path.stem in {f"paraductl-{name}" for name in MANUALS._ALONE}
        wanted = [each for each in CHAPTERS if each != "FILES" or not alone]
        assert [each for each in chapters if each != "COMMANDS"] == wanted, path.name


def test_a_page_has_every_option(written: list[Path]) -> None:
    for page in [MANUALS.client_page(), *MANUALS.command_pages(), MANUALS.daemon_page()]:
        (path,) = [path for path in written if path.stem == page.title.replace(" ", "-")]
        shown = subprocess.run(
            ["mandoc", "-T", "ascii", "-O", "width=300", path], capture_output=True, text=True, check=True
        ).stdout
        plain = " ".join(re.sub(".\b", "", shown).split())
        assert all(
            " ".join(term.split()) in plain and " ".join(text.replace("`", "").split())[:40] in plain
            for term, text in page.options
        ), path.name


def test_the_date_is_that_of_the_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert all('"2023-11-14" "paradux' in text for _, text in MANUALS.manual_pages())
