"""Checking a config: every problem has its place and a sentence, and never the value that caused it."""

import json

import pytest

from paraduxd.core.config.diagnostics import PlacedDiagnostic
from paraduxd.core.config.validation.validate import check
from tests.core.config.samples import SHAPES, answers, family, text_of


def problems_after(change, capabilities=SHAPES):
    """(level, path, message, hint) of every problem of the family's config after `change`."""
    document = family()
    change(document)
    checked = check(text_of(document), capabilities)
    return [(problem.level, problem.path, problem.message, problem.hint) for problem in checked.problems]


def test_a_good_config_has_no_problem() -> None:
    checked = check(text_of(family()), SHAPES)
    assert checked.problems == ()
    assert checked.valid
    assert checked.config.serial == 7


def test_answers_have_neither_serial_nor_managed() -> None:
    assert check(text_of(answers()), SHAPES, answers=True).valid
    assert check(text_of(answers()), SHAPES, answers=None).valid
    assert check(text_of(family()), SHAPES, answers=None).valid
    wrong = check(text_of(family()), SHAPES, answers=True)
    assert [problem.path for problem in wrong.problems] == ["serial", "managed"]
    missing = check(text_of(answers()), SHAPES)
    assert [problem.path for problem in missing.problems] == ["serial", "managed"]
    assert missing.config is None


def test_a_syntax_error_is_a_problem_with_a_place() -> None:
    assert check('{\n "version" 1}', SHAPES).problems == (
        PlacedDiagnostic("error", 2, 12, "version", "expected a colon after the key"),
    )


@pytest.mark.parametrize("text", ["[]", "3", "null", '"text"'])
def test_a_config_is_an_object(text) -> None:
    checked = check(text, SHAPES, answers=True)
    assert [str(problem) for problem in checked.problems] == ["1:1 document: expected an object"]


def test_problems_point_to_line_and_column() -> None:
    text = text_of(family()).replace('"every": "1h"', '"evry": "1h"').replace('"serial": 7', '"serial": "seven"')
    found = {problem.path: problem for problem in check(text, SHAPES).problems}
    for path, fragment in (("serial", '"seven"'), ("datasets[0].source.evry", '"evry"')):
        line = text.splitlines()[found[path].line - 1]
        assert line[found[path].column - 1 :].startswith(fragment)


def both_unknown(document):
    document["polcy"] = {}
    document["datasets"][0]["destinations"][1]["evry"] = "1h"


def misspelt_protocol_key(document):
    source = document["datasets"][0]["source"]
    source["protcol"] = source.pop("protocol")


ERRORS = [
    (lambda d: d.update(polcy={}), "polcy", 'unknown key "polcy"', "did you mean policy?"),
    (lambda d: d["owner"].update(x=1), "owner.x", 'unknown key "x"', "known here: address, email, fate, name, phone, staging_fate"),
    (
        lambda d: d["datasets"][0]["destinations"][1].update(evry="1h"),
        "datasets[0].destinations[1].evry", 'unknown key "evry"', "did you mean every?",
    ),
    (
        lambda d: d["datasets"][0]["destinations"][0].update(repostory="x"),
        "datasets[0].destinations[0].repostory", 'unknown key "repostory"', "did you mean repository?",
    ),
    (
        lambda d: d["datasets"][0]["source"]["credentials"].update(pasword="x"),
        "datasets[0].source.credentials.pasword", 'unknown key "pasword"', "did you mean password?",
    ),
    (
        lambda d: d["datasets"][0]["guard"].update(max_remove="1%"),
        "datasets[0].guard.max_remove", 'unknown key "max_remove"', "did you mean max_removed?",
    ),
    (
        misspelt_protocol_key,
        "datasets[0].source.protocol", "the key protocol is missing", "did you mean protocol where it says \"protcol\"?",
    ),
    (lambda d: d.pop("owner"), "owner", "the key owner is missing", ""),
    (lambda d: d["datasets"][0]["source"].pop("url"), "datasets[0].source.url", "the key url is missing", ""),
    (lambda d: d.update(serial="7"), "serial", "expected a whole number", ""),
    (lambda d: d["policy"].update(unattended="yes"), "policy.unattended", "expected true or false", ""),
    (lambda d: d["owner"].update(name=["x"]), "owner.name", "expected text", ""),
    (lambda d: d["owner"].update(name=""), "owner.name", "expected at least 1 character", ""),
    (lambda d: d.update(stewards={}), "stewards", "expected a list", ""),
    (lambda d: d.update(owner=[]), "owner", "expected an object", ""),
    (lambda d: d["datasets"][0].update(source=[]), "datasets[0].source", "expected an object", ""),
    (lambda d: d.update(stewards=d["stewards"][:1]), "stewards", "expected a list of at least 2", ""),
    (lambda d: d.update(metadata_stashes=[]), "metadata_stashes", "expected a list of at least 1", ""),
    (lambda d: d["policy"].update(shares_required=1), "policy.shares_required", "expected 2 or more", ""),
    (lambda d: d["policy"].update(shares_required=17), "policy.shares_required", "expected 16 or less", ""),
    (
        lambda d: d["policy"].update(shares_required=4),
        "policy.shares_required", "expected at most 3, the number of stewards", "lower it, or add stewards",
    ),
    (
        lambda d: d["datasets"][0]["destinations"][0].update(encryption="pgp"),
        "datasets[0].destinations[0].encryption", "expected 'none' or 'gpg'", "",
    ),
    (
        lambda d: d["datasets"][0]["source"].update(url="rsync://x"),
        "datasets[0].source.url", "expected rsync+ssh://user@host:port/path", "",
    ),
    (
        lambda d: d["datasets"][0]["source"].update(before="/usr/bin/env"),
        "datasets[0].source.before",
        "expected the name of a program in /etc/paradux/hooks.d: letters, digits, dots, - and _, and no folder", "",
    ),
    (
        lambda d: d["datasets"][0]["source"].update(before="dump --all"),
        "datasets[0].source.before",
        "expected the name of a program in /etc/paradux/hooks.d: letters, digits, dots, - and _, and no folder", "",
    ),
    (
        lambda d: d["datasets"][0]["source"].update(hooks_within="5h"),
        "datasets[0].source.hooks_within", "expected at most 4 hours", "",
    ),
    (
        lambda d: d["datasets"][1]["source"].update(after="clear"),
        "datasets[1].source.after", "expected no after where staging is left out: the source is pushed later than that",
        "name a staging directory",
    ),
    (
        lambda d: d["stewards"][2].update(id="alice"),
        "stewards[2].id", "expected an id of its own: stewards[0] has the same", "",
    ),
    (
        lambda d: d["datasets"][1].update(id="photos"),
        "datasets[1].id", "expected an id of its own: datasets[0] has the same", "",
    ),
    (
        lambda d: d["datasets"][0]["destinations"][1].update(id="cloud"),
        "datasets[0].destinations[1].id", "expected an id of its own: destinations[0] has the same", "",
    ),
    (
        lambda d: d["metadata_stashes"][1].update(id="friend"),
        "metadata_stashes[1].id", "expected an id of its own: metadata_stashes[0] has the same", "",
    ),
    (
        lambda d: d["datasets"][0]["destinations"][1].update(id="staging"),
        "datasets[0].destinations[1].id", "expected an id other than source and staging, which every dataset has anyway", "",
    ),
    (
        lambda d: d["datasets"][0]["source"].update(protocol="rsnc"),
        "datasets[0].source.protocol", "unknown protocol: expected one that can be a source", "did you mean rsync?",
    ),
    (
        lambda d: d["metadata_stashes"][1].update(protocol="s3"),
        "metadata_stashes[1].protocol", "unknown protocol: expected one that can be a metadata stash", "known here: disk, ftp, sftp",
    ),
    (
        lambda d: d["datasets"][0]["source"].update(protocol="sftp", url="sftp://h/x"),
        "datasets[0].source.protocol", "protocol sftp cannot be a source", "these can: disk, rsync",
    ),
    (
        lambda d: d["datasets"][0]["destinations"][1].update(protocol="sftp", url="sftp://h/x"),
        "datasets[0].destinations[1].protocol",
        "protocol sftp keeps datasets as encrypted archives only", 'add "encryption": "gpg"',
    ),
    (
        lambda d: d["datasets"][0]["destinations"][1].update(protocol="rsync", url="rsync+ssh://h/x", encryption="gpg"),
        "datasets[0].destinations[1].encryption", "protocol rsync cannot keep encrypted archives", "these can: disk, ftp, sftp",
    ),
    (
        lambda d: d["datasets"][0]["destinations"][0].update(encryption="gpg"),
        "datasets[0].destinations[0].encryption",
        "protocol restic cannot keep encrypted archives", "leave it out: restic encrypts by itself",
    ),
    (
        lambda d: d["datasets"][0]["source"].update(cron="0 0 * * *"),
        "datasets[0].source.cron", "expected either every or cron, not both", "remove one",
    ),
    (
        lambda d: d["datasets"][0].pop("staging"),
        "datasets[0].staging", "the key staging is missing: the source is not a directory of this machine",
        "name a directory for the copy on this machine",
    ),
    (
        lambda d: d["datasets"][0].update(staging="srv/photos"),
        "datasets[0].staging", "expected the absolute path of a directory, without .. in it", "",
    ),
    (
        lambda d: d["metadata_stashes"][0].update(kit_access={"url": "https://friend.example/"}),
        "metadata_stashes[0].kit_access.url", "expected sftp://user@host:port/path", "",
    ),
    (
        lambda d: d["metadata_stashes"][0].update(kit_access={"credentials": {}}),
        "metadata_stashes[0].kit_access.url", "the key url is missing", "",
    ),
    (
        lambda d: d["managed"]["hosts"].update({"odd\nname": []}),
        'managed.hosts["odd\\nname"]', "must not contain control characters", "",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("change", "path", "message", "hint"), ERRORS)
def test_an_error(change, path, message, hint) -> None:
    assert problems_after(change) == [("error", path, message, hint)]


STAGING_OUTSIDE = "expected a staging directory outside of its source, and a source outside of it"
OWN_DIRECTORY = "expected a directory of its own: this one is, or lies in, another that Paradux writes to"
NOT_INTO_ITSELF = "expected a destination outside of the source that is pushed to it, and a source outside of it"


@pytest.mark.parametrize(
    ("change", "path", "message"),
    [
        (lambda d: d["datasets"][1].update(staging="/home/fred/docs/.staging"), "datasets[1].staging", STAGING_OUTSIDE),
        (lambda d: d["datasets"][1].update(staging="/home/fred/docs//"), "datasets[1].staging", STAGING_OUTSIDE),
        (lambda d: d["datasets"][1].update(staging="/home/fred"), "datasets[1].staging", STAGING_OUTSIDE),
        (lambda d: d["datasets"][1].update(staging="/srv/paradux/photos/"), "datasets[1].staging", OWN_DIRECTORY),
        (lambda d: d["datasets"][1].update(staging="/srv/paradux/photos/docs"), "datasets[1].staging", OWN_DIRECTORY),
        (lambda d: d["datasets"][1].update(staging="/srv"), "datasets[0].staging", OWN_DIRECTORY),
        (lambda d: d["datasets"][0].update(staging="/mnt/usb/photos/s"), "datasets[0].staging", OWN_DIRECTORY),
        (
            lambda d: d["metadata_stashes"][1].update(url="file:///mnt/usb/photos/config"),
            "metadata_stashes[1]", OWN_DIRECTORY,
        ),
        (
            lambda d: d["datasets"][1]["destinations"][0].update(repository="/home/fred/docs/backup"),
            "datasets[1].destinations[0]", NOT_INTO_ITSELF,
        ),
    ],
)  # fmt: skip
def test_directories_that_touch_are_refused(change, path, message) -> None:
    errors = [problem for problem in problems_after(change) if problem[0] == "error"]
    assert [(found[1], found[2]) for found in errors] == [(path, message)]


def test_encrypted_archives_need_a_copy_to_leave_something_out() -> None:
    def leave_out(document):
        document["datasets"][1]["source"]["exclude"] = [".cache"]

    def into_archives(document):
        leave_out(document)
        document["datasets"][1]["destinations"][0].update(encryption="gpg")

    assert problems_after(leave_out) == []
    found = [problem for problem in problems_after(into_archives) if "staging" in problem[2]]
    assert [(level, path) for level, path, *_ in found] == [("error", "datasets[1].source.exclude")]


def test_directories_side_by_side_may_begin_alike() -> None:
    def change(document):
        document["datasets"][0]["staging"] = "/srv/a"
        document["datasets"][1]["staging"] = "/srv/a-b"
        document["metadata_stashes"][1]["url"] = "file:///srv/a.b"

    assert problems_after(change) == []


def one_house(document):
    for stash in (*document["metadata_stashes"], *(s for d in document["datasets"] for s in d["destinations"])):
        stash["fate"] = ["place:house"]


WARNINGS = [
    (lambda d: d["datasets"][1].update(destinations=[]), "datasets[1]", "dataset docs has no destination"),
    (
        lambda d: d["datasets"][0]["destinations"][1].update(fate=["device:server", "place:house", "device:usb"]),
        "datasets[0].destinations[1].fate", "destination usb shares every fate with the staging copy",
    ),
    (lambda d: d["datasets"][0]["destinations"][0].pop("fate"), "datasets[0].destinations[0]", "destination cloud has no fate"),
    (
        lambda d: d["datasets"][0]["destinations"].pop(0),
        "datasets[0].destinations", "every copy of dataset photos that Paradux makes shares place:house",
    ),
    (
        lambda d: d["metadata_stashes"][1].pop("fate"),
        "metadata_stashes[1]", "metadata stash nas has no fate: it counts as lost together with this machine",
    ),
    (lambda d: d["metadata_stashes"].pop(0), "metadata_stashes", "there is only one metadata stash"),
    (
        lambda d: [stash.update(fate=["place:house", "device:server"]) for stash in d["metadata_stashes"]],
        "metadata_stashes", "every metadata stash shares every fate with the owner's machine",
    ),
    (
        lambda d: d["datasets"][0]["destinations"][1].update(fate=["place:hosue"]),
        "datasets[0].destinations[1].fate[0]", "the fate place:hosue looks like place:house",
    ),
    (one_house, "owner.fate", "everything shares place:house: one loss takes all there is"),
    (lambda d: d["owner"].pop("fate"), "owner", "the owner's machine has no fate"),
    (
        lambda d: d["stewards"][1].update(fate=["person:bob", "place:house"]),
        "stewards[1].fate", "steward bob shares place:house with the owner's machine",
    ),
    (lambda d: d["stewards"][1].pop("accepted_on"), "stewards[1]", "steward bob has not agreed yet"),
    (lambda d: d["datasets"][0]["guard"].update(max_removed=1), "datasets[0].guard.max_removed", "100% means that nothing"),
    (lambda d: d["datasets"][0]["guard"].update(max_changed="100%"), "datasets[0].guard.max_changed", "100% means"),
    (
        lambda d: d["datasets"][1]["destinations"].append(
            {"id": "nas", "protocol": "rsync", "url": "rsync+ssh://nas/docs", "fate": ["place:friend"]}
        ),
        "datasets[1].destinations[1]", "destination nas is not encrypted",
    ),
    (
        lambda d: d["datasets"][1]["destinations"].append(
            {"id": "web", "protocol": "ftp", "url": "sftp://w/x", "encryption": "gpg", "fate": ["place:friend"]}
        ),
        "datasets[1].destinations[1].protocol", "web sends its password in the clear",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("change", "path", "message"), WARNINGS)
def test_a_warning(change, path, message) -> None:
    problems = problems_after(change)
    assert all(problem[0] == "warning" for problem in problems)
    assert [problem[1] for problem in problems if problem[2].startswith(message)] == [path]


def test_a_warning_does_not_make_a_config_invalid() -> None:
    document = family()
    del document["stewards"][1]["accepted_on"]
    checked = check(text_of(document), SHAPES)
    assert checked.valid
    assert [problem.level for problem in checked.problems] == ["warning"]


def test_encrypted_archives_are_kept_by_whatever_stores_blobs() -> None:
    def encrypted(document):
        document["datasets"][0]["destinations"][1]["encryption"] = "gpg"
        document["datasets"][1]["destinations"][0] = {
            "id": "friend", "protocol": "sftp", "url": "sftp://h/x", "encryption": "gpg", "fate": ["place:friend"],
        }  # fmt: skip

    assert problems_after(encrypted) == []


def places(value, path=()):
    """Every path of a document that holds a text or a number."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from places(inner, (*path, index))
    else:
        yield path


@pytest.mark.parametrize("bad", ["CANARY\x00CANARY", ["CANARY"], {"x": "CANARY"}, -99887766, 99887766.5])
def test_no_problem_repeats_a_value(bad) -> None:
    found = 0
    for path in places(family()):
        document = family()
        here = document
        for part in path[:-1]:
            here = here[part]
        here[path[-1]] = bad
        problems = check(text_of(document), SHAPES).problems
        found += bool(problems)
        text = json.dumps([problem.to_json_value() for problem in problems])
        assert "CANARY" not in text, path
        assert "99887766" not in text, path
    assert found > 50


def test_every_text_replaced_by_hostile_ones_is_data() -> None:
    for hostile in ("$(touch x)", "'; rm -rf /", "-rf", "..", "x" * 5000, "\\", '"', "\u202e"):
        for path in places(family()):
            document = family()
            here = document
            for part in path[:-1]:
                here = here[part]
            here[path[-1]] = hostile
            for problem in check(text_of(document), SHAPES).problems:
                assert problem.line > 0
                assert problem.message


def test_many_problems_are_all_reported_in_the_order_of_the_text() -> None:
    def change(document):
        both_unknown(document)
        document["stewards"][0]["language"] = "English"

    problems = problems_after(change)
    assert [problem[1] for problem in problems] == [
        "stewards[0].language",
        "datasets[0].destinations[1].evry",
        "polcy",
    ]
