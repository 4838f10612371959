"""The page for people: whole, without a secret, and readable by everybody."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from paraductl.report.age_chart import Push, ages, of_runs
from paraductl.report.page import page
from paraductl.report.write_file import write_file
from paraduxd.api.errors import ParaduxError
from paraduxd.api.replies.kits import StewardKit, Stewards
from paraduxd.api.replies.transfer_runs import Run
from paraduxd.core.status.document import status
from paraduxd.core.whatif.answer import WhatIfQuestion, answer
from tests.core.whatif.demo_family import NOW, facts, plan
from tests.page.node import node
from tests.rig import PASSPHRASE, Installation
from tests.whatif.conftest import CANARY

STEWARDS = Stewards(
    epoch=1,
    serial=1,
    rotation=None,
    shares_required=2,
    stewards=(
        StewardKit("alice", "Alice <i>", None, epoch=1, current=True),
        StewardKit("bob", "Bob", None, problems=("a file",)),
    ),
)
PUSHES = [Push("photos", NOW - timedelta(hours=6 * number)) for number in reversed(range(150)) if not 30 < number < 48]


def drawn(**question: tuple[str, ...] | str) -> str:
    family = plan()
    found = answer(family, facts(family), NOW, WhatIfQuestion(**question))  # type: ignore[arg-type]
    return page(found, status(family, facts(family), NOW), STEWARDS, PUSHES)


def test_every_cell_of_the_picture_has_a_text() -> None:
    text = drawn(advice="all")
    cells = re.findall(r"<td[^>]*>(.*?)</td>", text)
    assert len(cells) > 100
    assert all(re.sub(r'<span class="dots".*?</span>|<[^>]+>', "", cell).strip() for cell in cells)
    assert "1 of 4 left, 4 h of work lost, back in 24 h" in text


def test_names_are_text_and_nothing_is_loaded() -> None:
    text = drawn(lose=("place:house", '"><script>alert(1)</script>'))
    assert "<script" not in text and "<i>" not in text
    assert "default-src 'none'" in text
    assert not re.search(r"(src|href)=|url\(|@import", text)


def test_the_page_of_a_loss_says_who_opens_the_config_and_what_else_somebody_has() -> None:
    text = drawn(lose=("place:house",), compromise=("mail",))
    assert (
        "<p>Config: opens with 2 of alice, bob and carol in 24 h, 1 to spare; newest copy: serial 42 at friend.</p>"
        in text
    )
    assert "<p>Config: he does not open it.</p><p>Accounts: he gets into mail and aws.</p>" in text


def test_axe_finds_nothing_and_a_phone_need_not_scroll_sideways(tmp_path: Path) -> None:
    """PARADUX_SCREENS names a folder for pictures of every page."""
    questions: list[dict[str, tuple[str, ...] | str]] = [
        {"advice": "all"},
        {"lose": ("place:house", "account:aws"), "compromise": ("mail",)},
    ]
    files = [tmp_path / f"{number}.html" for number in range(len(questions))]
    for file, question in zip(files, questions, strict=True):
        file.write_text(drawn(**question))
    for seen in json.loads(node("browsers/look.mjs", *files)):
        assert seen["violations"] == []
        assert seen["wide"] <= seen["width"]
        assert seen["loaded"] == [f"file://{seen['file']}"]


def test_report_and_whatif_write_it_without_a_secret(paradux: Installation, tmp_path: Path) -> None:
    report, loss = tmp_path / "report.html", tmp_path / "loss.html"
    paradux.ctl("report", str(report))
    paradux.ctl("whatif", "fire", "--html", str(loss), check=False)
    for file in (report, loss):
        text = file.read_text()
        assert "photos" in text and "What to do next" in text
        assert CANARY not in text and PASSPHRASE not in text
        assert file.stat().st_mode & 0o077 == 0
    assert "How old the newest copy was" in report.read_text()


def test_a_page_that_cannot_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    with pytest.raises(ParaduxError) as caught:
        write_file(tmp_path / "missing" / "page.html", "text")
    assert caught.value.code == "not-written"
    aim = tmp_path / "aim"
    aim.write_text("theirs")
    (tmp_path / "page.html").symlink_to(aim)
    write_file(tmp_path / "page.html", "ours")
    assert aim.read_text() == "theirs" and (tmp_path / "page.html").read_text() == "ours"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["aim", "page.html"]


def test_ages_climb_until_the_next_push() -> None:
    now = datetime(2026, 11, 23, 12, tzinfo=UTC)
    pushes = [Push("a", now - timedelta(days=40)), Push("a", now - timedelta(days=2)), Push("b", now)]
    svg, text = ages("a", pushes, now.isoformat())
    assert text == "a: the newest copy is 2 d old; it was never older than 38 d."
    assert text in svg
    assert ages("c", pushes, now.isoformat())[0] == ""


def test_pushes_are_those_that_ended_well() -> None:
    begun = "2026-11-23T12:00:00Z"
    run = Run(1, "a", "push", "mirror", "schedule", "done", begun, begun)
    found = of_runs([run, replace(run, state="failed"), replace(run, step="pull"), replace(run, started=None)])
    assert [each.dataset for each in found] == ["a"]
