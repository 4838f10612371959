"""The models of the config: what they accept, and that what is saved is what was meant."""

import json

import pytest
from pydantic import ValidationError

from paraduxd.core.config.model_introspection import keys, model_at, models, secret_keys
from paraduxd.core.config.models import Config
from paraduxd.core.config.views.masking import MASK, mask
from tests.core.config.samples import SHAPES, WORDS, config_of, family


def written(config: Config) -> str:
    return json.dumps(config.model_dump(mode="json", by_alias=True, exclude_unset=True))


def test_a_config_survives_writing_and_reading() -> None:
    config = config_of(family())
    assert Config.model_validate(json.loads(written(config))) == config


def test_writing_loses_no_secret() -> None:
    text = written(config_of(family()))
    for secret in (
        "ssh key of fred",
        "reader",
        "cloud key",
        "tax password",
        "mail-password",
        "generated",
        "ab" * 32,
        *WORDS,
    ):
        assert secret in text


def test_keys_of_a_protocol_are_kept_as_they_are() -> None:
    destination = config_of(family()).datasets[0].destinations[0]
    assert destination.settings == {
        "repository": "s3:https://s3.example/bucket",
        "credentials": {"environment": {"AWS_SECRET_ACCESS_KEY": "cloud key"}},
    }


def test_a_config_cannot_be_changed_in_place() -> None:
    with pytest.raises(ValidationError):
        config_of(family()).owner.name = "Mallory"


@pytest.mark.parametrize(
    ("path", "bad"),
    [
        (("owner", "name"), ""),
        (("owner", "name"), "Fred\nMallory"),
        (("owner", "name"), "Fred\x1b[31m"),
        (("owner", "name"), 5),
        (("owner", "fate"), ["house"]),
        (("owner", "fate"), ["planet:earth"]),
        (("owner", "fate"), "place:house"),
        (("policy", "shares_required"), 1),
        (("policy", "shares_required"), 17),
        (("policy", "shares_required"), "3"),
        (("policy", "shares_required"), True),
        (("policy", "unattended"), "yes"),
        (("policy", "unattended"), 1),
        (("policy", "unlock_for"), "soon"),
        (("policy", "unlock_for"), "25h"),
        (("stewards", 0, "id"), "Alice"),
        (("stewards", 0, "id"), "a.b"),
        (("stewards", 0, "id"), "../a"),
        (("stewards", 0, "id"), "a" * 65),
        (("stewards", 0, "accepted_on"), "yesterday"),
        (("stewards", 0, "accepted_on"), "2026-02-30"),
        (("stewards", 0, "language"), "English"),
        (("datasets", 0, "staging"), "srv/x"),
        (("datasets", 0, "staging"), "/"),
        (("datasets", 0, "staging"), "/srv/../etc"),
        (("datasets", 0, "guard", "max_removed"), "200%"),
        (("datasets", 0, "source", "cron"), "hourly"),
        (("inventory", 0, "notes"), "bell\x07"),
        (("notify", 0), "just a word"),
        (("managed", "recovery", "secret"), "AB" * 32),
        (("managed", "recovery", "created"), "2026-12-31T12:00:00"),
        (("managed", "shares", "words"), WORDS[:15]),
        (("managed", "shares", "issued"), {"alice": 1, "bob": 1}),
        (("managed", "shares", "issued"), {"alice": 16}),
        (("managed", "hosts"), {"no port": []}),
    ],
)
def test_a_wrong_value_is_refused_and_not_repeated(path, bad) -> None:
    document = family()
    place = document
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = bad
    with pytest.raises(ValidationError) as caught:
        Config.model_validate(document)
    faults = caught.value.errors(include_input=False, include_context=False, include_url=False)
    assert all(fault["loc"][: len(path)] == path for fault in faults)
    assert not (isinstance(bad, str) and len(bad) > 3 and bad in str(caught.value))


def test_the_outline_knows_what_stands_where() -> None:
    assert model_at(Config, ("datasets", 0, "destinations", 1, "keep")).__name__ == "Keep"
    assert model_at(Config, ("managed", "data_keys", "a/b")).__name__ == "DataKey"
    assert model_at(Config, ("owner", "name")) is None
    assert model_at(Config, ("nowhere", 1)) is None
    assert "$schema" in keys(Config)
    assert {model.__name__ for model in models([Config])} >= {"Owner", "KitAccess", "Recovery", "DataKey"}


def test_the_outline_finds_every_kind_of_secret() -> None:
    expected = {
        "private_key",
        "password",
        "notes",
        "notify",
        "heartbeat",
        "words",
        "secret",
        "credentials",
        "passphrase",
        "signing_key",
        "key_file",
        "master_key",
    }
    assert secret_keys([Config]) == expected
    assert "environment" in secret_keys(shape.settings for shape in SHAPES.values())


def test_masking_covers_every_secret_and_nothing_else() -> None:
    masked = mask(family(), SHAPES)
    text = json.dumps(masked)
    for secret in (
        "ssh key of fred",
        'reader"',
        "cloud key",
        "chosen by",
        "tax password",
        "Ms. Lee",
        "mail-password",
        "generated",
        "ab" * 32,
        *WORDS,
    ):
        assert secret not in text
    assert masked["datasets"][0]["destinations"][0]["credentials"]["environment"] == {"AWS_SECRET_ACCESS_KEY": MASK}
    assert masked["notify"] == [MASK]
    assert masked["datasets"][0]["source"]["url"] == family()["datasets"][0]["source"]["url"]
    assert masked["managed"]["hosts"] == family()["managed"]["hosts"]
    assert masked["managed"]["recovery"]["public_key"] == family()["managed"]["recovery"]["public_key"]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("rest:https://fred:pa:ss@w@host:8000/", f"rest:https://fred:{MASK}@host:8000/"),
        ("https://:token@host/", f"https://:{MASK}@host/"),
        ("sftp://fred@host:22/a:b@c", "sftp://fred@host:22/a:b@c"),
        ("mail fred@example.org at 10:00", "mail fred@example.org at 10:00"),
    ],
)
def test_masking_covers_a_password_in_an_address(given, shown) -> None:
    assert mask({"repository": given}) == {"repository": shown}


def test_masking_works_on_a_document_that_is_no_config() -> None:
    assert mask({"credentials": {"a": [1, None, ""]}, "x": {"password": 5}}) == {
        "credentials": {"a": [MASK, None, ""]},
        "x": {"password": MASK},
    }
