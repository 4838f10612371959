"""What an edit changes never shows a secret of any protocol, wherever it stands."""

import json

import pytest

from paraduxd.core.config.validation.validate import check
from paraduxd.core.config.views.changes import changes
from paraduxd.core.config.views.masking import mask
from paraduxd.keeper.config.protocol_plugins import capabilities_of
from paraduxd.protocols import registry
from tests.core.config.samples import config_of, family, text_of

SHAPES = capabilities_of(registry.load())
TOKEN = '{"access_token":"CANARY-one","refresh_token":"CANARY-two"}'

RCLONE = {
    "id": "drive",
    "protocol": "rclone",
    "encryption": "gpg",
    "url": "rclone:drive:paradux",
    "options": {"type": "webdav", "url": "https://dav.example/x", "pass": "CANARY-old", "token": TOKEN},
    "credentials": {"bearer_token": "CANARY-bearer"},
}


def with_rclone(change=lambda stash: None):
    document = family()
    stash = json.loads(json.dumps(RCLONE))
    change(stash)
    document["datasets"][0]["destinations"].append(stash)
    return document


CHANGES = [
    lambda stash: stash["options"].update({"pass": "CANARY-new"}),
    lambda stash: stash["options"].pop("pass"),
    lambda stash: stash["options"].update({"client_secret": "CANARY-more"}),
    lambda stash: stash["options"].update({"token": "CANARY-token"}),
    lambda stash: stash.update({"options": {"type": "webdav", "pass": "CANARY-all"}}),
    lambda stash: stash["credentials"].update({"bearer_token": "CANARY-new"}),
    lambda stash: stash.pop("credentials"),
]


@pytest.mark.parametrize("change", CHANGES)
def test_of_what_changes_no_secret_is_told(change) -> None:
    old, new = config_of(with_rclone()), config_of(with_rclone(change))
    for before, after in ((old, new), (new, old)):
        told = changes(before, after, SHAPES)
        assert told and "CANARY" not in json.dumps(told)


def test_nor_of_what_comes_goes_or_is_all_new() -> None:
    old, new = config_of(family()), config_of(with_rclone())
    for told in (changes(old, new, SHAPES), changes(new, old, SHAPES), changes(None, new, SHAPES)):
        assert told and "CANARY" not in json.dumps(told)


def test_what_is_shown_has_none() -> None:
    assert "CANARY" not in json.dumps(mask(with_rclone(), SHAPES))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda stash: stash.update({"options": "CANARY"}),
        lambda stash: stash.update({"options": ["CANARY"]}),
        lambda stash: stash["options"].update({"pass": ["CANARY"]}),
        lambda stash: stash["options"].update({"pass": {"a": "CANARY"}}),
        lambda stash: stash["options"].update({"type": "local"}),
        lambda stash: stash.update({"url": "rclone:CANARY"}),
        lambda stash: stash.update({"credentials": "CANARY"}),
        lambda stash: stash["credentials"].update({"x": 3, "y": ["CANARY"]}),
    ],
)
def test_no_problem_repeats_one(spoil) -> None:
    checked = check(text_of(with_rclone(spoil)), SHAPES)
    assert any(problem.level == "error" for problem in checked.problems)
    assert "CANARY" not in json.dumps([problem.to_json_value() for problem in checked.problems])
