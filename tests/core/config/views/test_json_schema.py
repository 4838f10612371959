"""What a user reads of the config: schema, examples and reference say the same as the code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from paraduxd.core.config.model_introspection import key_of, keys, models
from paraduxd.core.config.models import Config, Destination, MetadataStash, Source
from paraduxd.core.config.validation.validate import check
from paraduxd.keeper.config.protocol_plugins import capabilities_of
from paraduxd.keeper.config.schema_command import text as generated_schema
from paraduxd.protocols import registry
from tests.checkout import ROOT

SCHEMA = ROOT / "schema" / "paradux.schema.json"
EXAMPLES = sorted((ROOT / "schema" / "examples").glob("*.json"))
INVALID = sorted((ROOT / "schema" / "examples" / "invalid").glob("*.json"))
REFERENCE = ROOT / "docs" / "reference" / "config.md"

SHAPES = capabilities_of(registry.load(ROOT / "no-such-folder"))
MODELS = models([Config, *(shape.settings for shape in SHAPES.values())])


def name_of(path: Path) -> str:
    """What a test's parameter is called."""
    return path.stem


def test_the_protocols_of_this_version_are_there() -> None:
    assert {"disk", "rsync", "sftp", "restic"} <= set(SHAPES)


def test_the_schema_is_the_one_that_the_models_give() -> None:
    assert SCHEMA.read_text() == generated_schema(), (
        "run: python -m paraduxd.keeper.config.schema_command > schema/paradux.schema.json"
    )


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(json.loads(SCHEMA.read_text()))


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_field_has_a_description_and_an_example(model) -> None:
    for name, field in model.model_fields.items():
        assert field.description, name
        assert field.examples, name


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_field_is_in_the_reference(model) -> None:
    text = REFERENCE.read_text()
    for name, field in model.model_fields.items():
        assert f"`{key_of(name, field)}`" in text, name


def test_no_protocol_uses_a_name_of_the_config_itself() -> None:
    common = keys(Source) | keys(Destination) | keys(MetadataStash)
    for shape in SHAPES.values():
        assert not keys(shape.settings) & common, shape.name


def test_there_are_examples() -> None:
    assert {path.stem for path in EXAMPLES} >= {"family", "minimal", "answers"}
    assert len(INVALID) >= 12


@pytest.mark.parametrize("path", EXAMPLES, ids=name_of)
def test_an_example_is_valid(path: Path) -> None:
    checked = check(path.read_text(), SHAPES, answers=None)
    assert [str(problem) for problem in checked.problems if problem.level == "error"] == []
    assert checked.valid


@pytest.mark.parametrize("path", EXAMPLES, ids=name_of)
def test_an_example_follows_the_schema(path: Path) -> None:
    validator = Draft202012Validator(json.loads(SCHEMA.read_text()))
    assert [error.json_path for error in validator.iter_errors(json.loads(path.read_text()))] == []


def test_the_family_example_has_no_warning_either() -> None:
    text = (ROOT / "schema" / "examples" / "family.json").read_text()
    assert check(text, SHAPES).problems == ()


@pytest.mark.parametrize("path", INVALID, ids=name_of)
def test_a_bad_example_gets_the_stated_problems(path: Path) -> None:
    checked = check(path.read_text(), SHAPES, answers=None)
    assert [str(problem) for problem in checked.problems] == path.with_suffix(".expected").read_text().splitlines()
    assert checked.valid is path.stem.startswith("warning-")


@pytest.mark.parametrize("stem", ["unknown-key", "wrong-type", "one-share-required", "no-metadata-stash", "bad-fate"])
def test_the_schema_refuses_bad_examples_too(stem: str) -> None:
    document = json.loads((ROOT / "schema" / "examples" / "invalid" / f"{stem}.json").read_text())
    assert not Draft202012Validator(json.loads(SCHEMA.read_text())).is_valid(document)
