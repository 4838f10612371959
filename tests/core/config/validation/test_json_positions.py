"""The JSON reader: values as `json.loads` gives them, positions, and what it refuses."""

import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paraduxd.core.config.validation import json_positions
from paraduxd.core.config.validation.json_positions import MAX_DEPTH, MAX_SIZE, DocumentError, parse

_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXTS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(_TEXTS, inner, max_size=5),
    max_leaves=20,
)


@given(_VALUES, st.sampled_from([None, 0, 2]), st.booleans())
def test_the_value_is_that_of_the_standard_reader(value, indent, ascii_only) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    assert parse(text).value == json.loads(text)


@given(st.text(alphabet='{}[]",:\\ \n\t01-.eE+truefalsn/u', max_size=30))
def test_what_the_standard_reader_refuses_is_refused_too(text) -> None:
    try:
        value = parse(text).value
    except DocumentError:
        return
    assert value == json.loads(text)


@given(
    st.text(alphabet='{}[]",:\\ \n\t01-.eE+truefalsn/u', max_size=30)
    | st.builds(json.dumps, _VALUES)
    | st.sampled_from(
        [
            '{"a": 1, "a": 2}',
            "NaN",
            "[-Infinity]",
            "1e999",
            "9" * 41,
            r'"\ud800"',
            r'"\ud83d\ude00"',
            "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1),
            "[" * (MAX_DEPTH + 1) + "1" + "]" * (MAX_DEPTH + 1),
            "[" * 100_000,
            "\ufeff{}",
            '"\t"',
            "[1,]",
        ]
    )
)
def test_the_quick_reader_accepts_nothing_that_the_strict_one_refuses(text) -> None:
    try:
        value = json_positions._quickly(text)
    except (ValueError, RecursionError):
        return
    assert json_positions._Scanner(text).document() == value


def _paths(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield path
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _paths(inner, (*path, key))


@given(_VALUES)
def test_every_position_points_to_its_value(value) -> None:
    document = parse(json.dumps(value, indent=1, ensure_ascii=False))
    lines = document.text.split("\n")
    decoder = json.JSONDecoder()
    for path in _paths(value):
        line, column = document.position(path)
        rest = "\n".join(lines[line - 1 :])[column - 1 :]
        expected = value
        for part in path:
            expected = expected[part]
        assert decoder.raw_decode(rest)[0] == expected


def test_positions_of_keys_values_and_what_is_not_there() -> None:
    document = parse('{\n  "a": [1,\n    {"b": null}]\n}')
    assert document.position(("a",), at_key=True) == (2, 3)
    assert document.position(("a",)) == (2, 8)
    assert document.position(("a", 1, "b"), at_key=True) == (3, 6)
    assert document.position(("a", 1, "b")) == (3, 11)
    assert document.position(("a", 1, "missing", "deeper"), at_key=True) == (3, 5)
    assert document.position(("nowhere",)) == (1, 1)


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("", 1, 1, "the text ends here"),
        ('{"a": 1,}', 1, 9, "no comma may stand before }"),
        ("[1,]", 1, 4, "no comma may stand before ]"),
        ("{a: 1}", 1, 2, "a key in double quotes"),
        ("{'a': 1}", 1, 2, "no single quotes"),
        ('{"a" 1}', 1, 6, "a colon"),
        ('{\n "a": 1\n "b": 2}', 3, 2, 'expected "," or "}"'),
        ("[1 2]", 1, 4, 'expected "," or "]"'),
        ("{} x", 1, 4, "nothing more"),
        ("// hello\n{}", 1, 1, "no comments"),
        ('{"a": True}', 1, 7, "expected a value"),
        ('{"a": NaN}', 1, 7, "NaN and Infinity are none"),
        ("[-Infinity]", 1, 2, "NaN and Infinity are none"),
        ("[1e999]", 1, 2, "a smaller number"),
        ("[" + "9" * 5000 + "]", 1, 2, "at most 40 characters"),
        ("[01]", 1, 3, 'expected "," or "]"'),
        ('{"a": "x', 1, 7, "a closing quote"),
        ('{"a": "x\ny"}', 1, 9, "before the line ends"),
        (r'{"a": "\q"}', 1, 8, "one of the escapes"),
        (r'{"a": "\u12"}', 1, 8, "one of the escapes"),
        (r'{"a": "\ud800"}', 1, 7, "whole characters"),
        ('{"a": "\ud800"}', 1, 8, "half a character"),
        ("\ufeff{}", 1, 1, "byte order mark"),
    ],
)
def test_a_fault_has_a_position_and_says_what_was_expected(text, line, column, message) -> None:
    with pytest.raises(DocumentError) as caught:
        parse(text)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert message in caught.value.message


def test_a_pair_of_surrogate_escapes_is_one_character() -> None:
    assert parse(r'"\ud83d\ude00"').value == "😀"


def test_a_key_given_twice_is_refused_where_it_stands_the_second_time() -> None:
    with pytest.raises(DocumentError, match='"b" was given before') as caught:
        parse('{"a": {"b": 1,\n "c": 2, "\\u0062": 3}}')
    assert (caught.value.line, caught.value.column, caught.value.path) == (2, 10, ("a", "b"))


def test_depth_is_limited() -> None:
    parse("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    with pytest.raises(DocumentError, match="at most 100 levels"):
        parse("[" * 100000)


def test_size_is_limited_in_bytes() -> None:
    with pytest.raises(DocumentError, match="at most 8 MiB"):
        parse('"' + "x" * MAX_SIZE + '"')
    with pytest.raises(DocumentError, match="at most 8 MiB"):
        parse('"' + "ö" * (MAX_SIZE // 2) + '"')
