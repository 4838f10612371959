"""A text that is previewed, saved and put into effect is checked once; another text, or the same one as something else, is checked."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from paraduxd.core.config.capabilities import Capabilities
from paraduxd.core.config.validation.validate import Checked
from paraduxd.keeper.runtime import checked_texts
from paraduxd.keeper.runtime.checked_texts import CheckedTexts


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool]]:
    """What is really checked."""
    found: list[tuple[str, bool]] = []
    check = checked_texts.check

    def counted(text: str, capabilities: Mapping[str, Capabilities], *, answers: bool) -> Checked:
        found.append((text, answers))
        return check(text, capabilities, answers=answers)

    monkeypatch.setattr(checked_texts, "check", counted)
    return found


def test_the_last_two_are_known(checks: list[tuple[str, bool]]) -> None:
    texts = CheckedTexts()
    first = texts.check("{}", {})
    assert texts.check("[]", {}) is texts.check("[]", {})
    assert texts.check("{}", {}) is first and not first.valid
    assert checks == [("{}", False), ("[]", False)]
    texts.check("1", {})
    texts.check("[]", {})
    assert checks == [("{}", False), ("[]", False), ("1", False), ("[]", False)]


def test_answers_are_something_else_than_a_config(checks: list[tuple[str, bool]]) -> None:
    texts = CheckedTexts()
    as_config, as_answers = texts.check("{}", {}), texts.check("{}", {}, answers=True)
    assert as_config.problems != as_answers.problems
    assert checks == [("{}", False), ("{}", True)]


def test_nothing_shows_a_text() -> None:
    texts = CheckedTexts()
    texts.check('{"password": "canary"}', {})
    assert "canary" not in repr(texts)
