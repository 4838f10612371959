"""What a user reads is true: commands, options, exit codes, error codes, config samples, links."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from paraduxd.api.errors import ExitCode
from paraduxd.core.config.validation.validate import check
from tests.checkout import ROOT
from tests.documents import codes, pages

BY_TITLE = {
    page.title: page
    for page in [pages.MANUALS.client_page(), *pages.MANUALS.command_pages(), pages.MANUALS.daemon_page()]
}


def test_the_readme_fits_on_one_screen_and_leads_to_the_documentation() -> None:
    text = (ROOT / "README.md").read_text()
    assert text.count("\n") <= 50 and max(map(len, text.splitlines())) <= 140
    for wanted in ("./contrib/quickstart", "./contrib/test", "docs/tutorial/", "docs/how-to/", "docs/reference/"):
        assert wanted in text


def test_the_reference_lists_exactly_the_commands_that_exist() -> None:
    modules = {path.stem.replace("_", "-") for path in (ROOT / "paraductl" / "commands").glob("*.py")} - {"--init--"}
    listed = re.findall(
        r"^\| \[paraductl (\S+)\]", (ROOT / "docs/reference/commands/index.md").read_text(), re.MULTILINE
    )
    assert listed == sorted(modules)


@pytest.mark.parametrize("command", sorted(pages.COMMANDS.all()))
def test_the_page_of_a_command_has_every_option_of_its_help(command: str) -> None:
    argv = [sys.executable, "-m", "paraductl.main", command, "--help"]
    told = subprocess.run(argv, capture_output=True, text=True, check=True, env={"COLUMNS": "200", "PATH": ""}).stdout
    text = "".join((ROOT / f"docs/reference/commands/{name}.md").read_text() for name in (command, "paraductl"))
    for option in re.findall(r"--[a-z-]+", told):
        assert option in text, f"docs/reference/commands/{command}.md has no {option}"


@pytest.mark.parametrize("document", pages.EVERY_PAGE, ids=pages.name_of)
def test_links_lead_somewhere(document: Path) -> None:
    for target, anchor in pages.links(document):
        assert target.exists(), f"{document.name} links to {target}"
        assert not anchor or anchor in pages.anchors(target), f"{document.name} links to {target.name}#{anchor}"


@pytest.mark.parametrize("document", pages.EVERY_PAGE, ids=pages.name_of)
def test_files_that_documents_name_exist(document: Path) -> None:
    for name in re.findall(
        r"`((?:paraduxd|paraductl|tests|contrib|schema|benchmarks|docs)/[\w./-]+)`", document.read_text()
    ):
        assert (ROOT / name).exists(), f"{document.name} names {name}"


def test_links_lead_from_the_readme_to_every_page() -> None:
    reached: set[Path] = set()
    following = [ROOT / "README.md"]
    while following:
        page = following.pop()
        if page.suffix == ".md" and page not in reached:
            reached.add(page)
            following += [target for target, _ in pages.links(page)]
    assert set(pages.EVERY_PAGE) - reached == {ROOT / "docs" / "formats.md"}, "no link leads there"


def test_the_old_address_of_the_formats_leads_to_the_new_one() -> None:
    """Kits of earlier versions name it."""
    assert pages.links(ROOT / "docs" / "formats.md") == [(ROOT / "docs" / "reference" / "formats.md", "")]


def test_the_pages_of_the_commands_are_those_that_the_parsers_give() -> None:
    written = {path.name: path.read_text() for path in (ROOT / "docs/reference/commands").glob("*.md")}
    assert written == pages.MANUALS.reference(), "run: python contrib/manuals.py --reference"


@pytest.mark.parametrize("title", sorted(BY_TITLE))
def test_every_command_has_examples_that_its_parser_takes(title: str) -> None:
    assert BY_TITLE[title].examples
    for _, line in BY_TITLE[title].examples:
        pages.parse(line)


def test_the_reference_has_every_exit_code() -> None:
    text = (ROOT / "docs/reference/exit-codes.md").read_text()
    assert re.findall(r"^\| ([0-9]+) \|", text, re.MULTILINE) == [str(int(code)) for code in ExitCode]
    assert set(pages.MANUALS.EXITS) == set(ExitCode)


def status_keys(schema: Any, part: Any, path: str = "") -> Iterator[str]:
    """The paths of all keys of the status document, those of errors left out."""
    name = part.get("$ref", "").rpartition("/")[2]
    if name and name not in ("time", "count", "state", "error"):
        part = schema["$defs"][name]
    if "items" in part:
        yield from status_keys(schema, part["items"], f"{path}[]")
    for key, value in part.get("properties", {}).items():
        yield (inner := f"{path}.{key}".removeprefix("."))
        yield from status_keys(schema, value, inner)
    for other in part.get("oneOf", []):
        yield from status_keys(schema, other, path)


def test_the_reference_has_every_key_of_the_status_document() -> None:
    schema = json.loads((ROOT / "schema/status.schema.json").read_text())
    rows = re.findall(r"^\| `([^`]+)` \|", (ROOT / "docs/reference/status.md").read_text(), re.MULTILINE)
    assert rows == list(status_keys(schema, schema))


def test_the_pages_have_commands_and_samples() -> None:
    assert sum(len(list(pages.fenced(page))) for page in pages.PAGES) > 60
    assert sum(len(list(pages.inline(page))) for page in pages.PAGES) > 120
    assert sum(len(list(pages.blocks(page, "json"))) for page in pages.PAGES) > 12


@pytest.mark.parametrize("page", pages.PAGES, ids=pages.name_of)
def test_every_command_in_an_example_is_taken(page: Path) -> None:
    for line in pages.fenced(page):
        try:
            pages.parse(line)
        except (Exception, SystemExit) as problem:
            pytest.fail(f"{line}: {problem}")


@pytest.mark.parametrize("page", pages.PAGES, ids=pages.name_of)
def test_every_command_and_option_in_the_text_exists(page: Path) -> None:
    for line in pages.inline(page):
        known = pages.options_of(line)
        for option in re.findall(r"(?<!\S)--[a-z][a-z-]*", line):
            assert option in known, f"{line}: there is no {option}"


@pytest.mark.parametrize("page", [page for page in pages.PAGES if "formats" not in page.name], ids=pages.name_of)
def test_every_config_sample_is_valid(page: Path) -> None:
    for text in pages.blocks(page, "json"):
        block = json.loads(text)
        if "Statement" not in block:  # a policy of S3
            checked = check(json.dumps(pages.parts(block)), pages.CAPABILITIES, answers=None)
            assert checked.valid, [problem.message for problem in checked.problems if problem.level == "error"]


@pytest.mark.parametrize("page", pages.PAGES, ids=pages.name_of)
def test_every_script_that_an_example_calls_exists(page: Path) -> None:
    for text in pages.blocks(page, "", "console", "sh"):
        for name in re.findall(r"\./(contrib/[\w-]+)", text):
            assert (ROOT / name).exists(), name


def test_the_schemas_of_all_documents_are_written() -> None:
    """Every command has one; each is that of what the command prints now, and none is left of another."""
    made = {name: pages.JSON_SCHEMAS.text(schema) for name, schema in pages.JSON_SCHEMAS.schemas()}
    found = {file.name: file.read_text() for file in (ROOT / "schema/commands").iterdir()}
    assert found == made, "run: python contrib/json_schemas.py"
    commands = {file.stem.replace("_", "-") for file in (ROOT / "paraductl/commands").glob("[a-z]*.py")}
    assert {name.removesuffix(".schema.json") for name in made} == commands


def test_codes_are_found_in_each_way_of_writing_them() -> None:
    some = {
        "unreachable",
        "wrong-clock",
        "not-run",
        "superseded",
        "restore-failed",
        "void",
        "kits-missing",
        "source-overdue",
    }
    assert some <= set(codes.codes())


def test_there_is_a_heading_for_every_code() -> None:
    missing = {code: str(path.relative_to(ROOT)) for code, path in codes.codes().items() if code not in codes.entries()}
    assert missing == {}, "say what it means and what to do in docs/how-to/troubleshoot.md"


def test_there_is_no_heading_without_a_code() -> None:
    assert set(codes.entries()) - set(codes.codes()) == set()


def test_every_entry_says_what_a_code_means_and_what_to_do() -> None:
    for code, text in codes.entries().items():
        meaning, _, remedy = text.partition("\n\n**What to do:** ")
        assert len(meaning) > 20 and meaning.endswith(".") and "**" not in meaning, code
        assert len(remedy) > 10 and remedy.endswith((".", "`")), code


def test_the_headings_of_each_part_are_in_alphabetical_order() -> None:
    for part in re.split(r"^## ", codes.PAGE, flags=re.MULTILINE)[1:]:
        headings = re.findall(r"^### (.+)$", part, re.MULTILINE)
        assert headings == sorted(headings), part.splitlines()[0]
