"""Our frozen dataclasses behave as the standard library's."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from dataclasses import field

import pytest

from paraduxd.api.frozen import dataclass


@dataclasses.dataclass(frozen=True)
class Theirs:
    """By the library."""

    name: str
    size: int = 0
    parts: list[str] = field(default_factory=list, compare=False)
    secret: str = field(default="", repr=False)


@dataclass(frozen=True)
class Ours:
    """By us."""

    name: str
    size: int = 0
    parts: list[str] = field(default_factory=list, compare=False)
    secret: str = field(default="", repr=False)


@dataclass(frozen=True)
class Derived(Ours):
    """With another default and a field more."""

    size: int = 7
    more: tuple[str, ...] = ()


@dataclass(frozen=True)
class Bare:
    pass


@dataclass(frozen=True)
class One:  # noqa: PLW1641  (it gets the hash of its fields)
    """Checks itself, and compares in its own way."""

    value: int
    computed: str = field(init=False, default="x")
    seen: list[str] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        if self.value < 0:
            raise ValueError("negative")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, One) and abs(self.value - other.value) < 2

    def __repr__(self) -> str:
        return "one"


BOTH = pytest.mark.parametrize("kind", [Theirs, Ours])

Kind = type[Theirs] | type[Ours]


@BOTH
def test_values_by_place_and_by_name_and_defaults(kind: Kind) -> None:
    assert dataclasses.astuple(kind("a", 1, ["b"], "c")) == ("a", 1, ["b"], "c")
    assert dataclasses.astuple(kind("a", secret="c")) == ("a", 0, [], "c")
    assert kind("a").parts is not kind("a").parts


@BOTH
@pytest.mark.parametrize(
    "make",
    [
        lambda kind: kind(),
        lambda kind: kind(size=1),
        lambda kind: kind("a", name="a"),
        lambda kind: kind("a", 1, [], "", 5),
        lambda kind: kind("a", other=1),
        lambda kind: kind(other="a"),
    ],
)
def test_what_does_not_fit_is_refused(kind: Kind, make: Callable[[Kind], object]) -> None:
    with pytest.raises(TypeError):
        make(kind)


@BOTH
def test_nothing_changes_it(kind: Kind) -> None:
    made = kind("a")
    for change in (
        lambda: setattr(made, "name", "b"),
        lambda: setattr(made, "new", "b"),
        lambda: delattr(made, "name"),
    ):
        with pytest.raises(dataclasses.FrozenInstanceError):
            change()
    assert made.name == "a"


@BOTH
def test_equal_by_the_fields_that_count(kind: Kind) -> None:
    assert kind("a", parts=["b"]) == kind("a")
    assert hash(kind("a", parts=["b"])) == hash(kind("a"))
    assert kind("a") != kind("b")
    assert kind("a", secret="x") != kind("a")
    assert len({kind("a"), kind("a"), kind("b")}) == 2


def test_equal_to_its_own_class_alone() -> None:
    others: list[object] = [Theirs("a"), Derived("a", 0), ("a", 0, "")]
    assert Ours("a") not in others
    assert Bare() == Bare() and hash(Bare()) == hash(Bare())


@BOTH
def test_shown_without_what_is_hidden(kind: Kind) -> None:
    assert repr(kind("a", secret="x")) == f"{kind.__name__}(name='a', size=0, parts=[])"


def test_one_that_holds_itself_can_be_shown() -> None:
    parts: list[object] = []
    made = Ours("a", parts=parts)  # type: ignore[arg-type]
    parts.append(made)
    assert repr(made) == "Ours(name='a', size=0, parts=[...])"


@BOTH
def test_copies(kind: Kind) -> None:
    made = kind("a", 1, ["b"], "c")
    assert dataclasses.replace(made, size=2) == kind("a", 2, ["b"], "c")
    assert copy.copy(made) == made
    assert copy.deepcopy(made) == made


def test_a_derived_class_has_the_fields_of_both() -> None:
    made = Derived("a", more=("b",))
    assert repr(made) == "Derived(name='a', size=7, parts=[], more=('b',))"
    assert [each.name for each in dataclasses.fields(Derived)] == ["name", "size", "parts", "secret", "more"]


def test_methods_of_the_class_stay() -> None:
    assert One(1) == One(2)
    assert repr(One(1)) == "one"
    assert hash(Ours("a")) != hash(Ours("b"))
    assert One(1).computed == "x"
    assert One(1).seen == []
    assert One(1).seen is not One(1).seen
    with pytest.raises(ValueError, match="negative"):
        One(-1)


def test_a_pattern_takes_it_apart() -> None:
    match Ours("a", 1):
        case Ours(name, 1):
            assert name == "a"
        case _:
            pytest.fail("it does not match")
