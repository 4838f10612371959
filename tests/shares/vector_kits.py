"""Vectors of folders that hold kits: which copy of a share is right, what is put together of damaged ones, and where a kit is found."""

from __future__ import annotations

from collections.abc import Iterator

from tests.shares.vector_parts import FORMAT, STEWARDS, Family, Json, kit, numbered, other_word, text

SHARE, SECOND, THIRD = "share.txt", "copies/share-2.txt", "copies/share-3.txt"

Files = dict[str, str]
Case = tuple[str, Files, list[str]]
"""Name, files by their names in the folder that is given, and the shares that must be found, in any order."""


class Kits:
    """One family; `alice` is the kit that something happens to."""

    def __init__(self) -> None:
        self.family = Family("copies", 3)
        self.alice, self.bob = self.family.shares[0], self.family.shares[1]
        self.manifest = text(kit(self.family, 0, 1))
        self.foreign = Family("copies of somebody else", 3).shares[0]

    def files(self, *copies: str, manifest: str | None = None, folder: str = "PARADUX/") -> Files:
        """A kit with these copies of its share, each a share or the text of one."""
        names = dict(zip((SHARE, SECOND, THIRD), map(_text, copies), strict=False))
        return {
            f"{folder}{name}": content for name, content in {**names, "kit.json": manifest or self.manifest}.items()
        }

    def altered(self, *places: int, by: int = 1) -> str:
        """Alice's share with other words of the list at these places."""
        words = self.alice.split()
        return numbered([other_word(word, by + place) if place in places else word for place, word in enumerate(words)])

    def misspelt(self, *places: int) -> str:
        """Alice's share with one wrong letter at these places."""
        words = self.alice.split()
        return numbered([_misspelt(word) if place in places else word for place, word in enumerate(words)])


def _text(copy: str) -> str:
    return f"# Alice's share\n{numbered(copy.split()) if copy.count(' ') == 32 and '.' not in copy else copy}"


def _misspelt(word: str) -> str:
    return word[:1] + ("q" if word[1] != "q" else "x") + word[2:]


def kits() -> Json:
    made = Kits()
    cases = (*_exchanged(made), *_put_together(made), *_found(made))
    return {
        "format": FORMAT,
        "about": "`files` are written into an empty folder, which is then given as a kit; `shares`: those that must be found there",
        "stewards": list(STEWARDS),
        "cases": [{"name": name, "files": files, "shares": shares} for name, files, shares in cases],
    }


def _exchanged(made: Kits) -> Iterator[Case]:
    alice, bob = made.alice, made.bob
    yield "as it is", made.files(alice, alice, alice), [alice]
    yield "share.txt is another steward's", made.files(bob, alice, alice), [alice, bob]
    yield "a copy is another steward's", made.files(alice, bob, alice), [alice, bob]
    yield "two of three are another steward's", made.files(bob, bob, alice), [alice, bob]
    yield "all are another steward's", made.files(bob, bob, bob), [bob]
    yield "share.txt is somebody else's", made.files(made.foreign, alice, alice), [alice, made.foreign]
    for name, manifest in (("no manifest", ""), ("a damaged manifest", made.manifest[:500])):
        files = made.files(bob, alice, alice, manifest=manifest or "{}")
        yield f"share.txt is another steward's, {name}", files, [alice, bob]
    yield "another steward's, and a damaged copy of the right one", made.files(bob, made.misspelt(3), bob), [alice, bob]


def _put_together(made: Kits) -> Iterator[Case]:
    alice, bad = made.alice, made.misspelt
    yield "one wrong letter in each copy, elsewhere", made.files(bad(4), bad(17), bad(30)), [alice]
    yield "one wrong word in each copy, elsewhere", made.files(*(made.altered(each) for each in (4, 17, 30))), [alice]
    yield "several in each copy, elsewhere", made.files(bad(1, 2, 3), bad(10, 11, 12), bad(20, 21, 32)), [alice]
    mixed = [made.altered(0, 5, by=3), made.altered(5, 9, by=7), bad(9, 0)]
    yield "two copies wrong at the same place, in different ways", made.files(*mixed), [alice]
    yield "a letter wrong at the same place of all", made.files(bad(8), bad(8), bad(8)), [alice]
    wrong = made.altered(8)
    yield "the same wrong word in all; only the manifest knows", made.files(wrong, wrong, wrong), [alice]
    yield "without a manifest", made.files(bad(4), bad(17), bad(30), manifest="{}"), [alice]
    yield "two copies only", made.files(made.altered(4), made.altered(17)), [alice]
    digit = bad(4).replace("1. ", "1? ", 1)
    split = numbered(alice.split()).replace(alice.split()[2], alice.split()[2][:2] + "7" + alice.split()[2][3:], 1)
    yield "numbers and letters that have rotted into others", made.files(digit, split, bad(30)), [alice]
    cut = "\n".join(bad(2).splitlines()[:6])
    yield "half of one copy, and two damaged ones", made.files(cut, bad(5), bad(25)), [alice]
    yield "two wrong words at the same places of all", made.files(*[made.altered(3, 8)] * 3), []


def _found(made: Kits) -> Iterator[Case]:
    alice, whole = made.alice, made.files(made.alice, made.alice, made.alice, folder="")

    def below(folder: str, files: Files = whole) -> Files:
        return {f"{folder}{name}": content for name, content in files.items()}

    yield "at the top", whole, [alice]
    for folder in ("paradux", "Paradux", "PARADUX (1)", "PARADUX - Copy", "Copy of PARADUX", "Alice"):
        yield f"in {folder}", below(f"{folder}/"), [alice]
    upper = {name.upper(): content for name, content in whole.items()}
    yield "names in upper case", below("PARADUX/", upper), [alice]
    flat = {name.rpartition("/")[2]: content for name, content in whole.items()}
    yield "all in one folder", flat, [alice]
    damaged = {"share.txt": made.misspelt(3), "share (1).txt": numbered(alice.split())}
    yield "share.txt is damaged, and a copy of it beside it", below("PARADUX/", damaged), [alice]
    other = text(kit(made.family, 1, 1))
    two = {**below("PARADUX/"), **made.files(made.bob, made.bob, made.bob, manifest=other, folder="PARADUX (1)/")}
    yield "two kits in one folder", two, [alice, made.bob]
    old = Family("copies, the epoch before", 3)
    previous = {"previous/share.txt": numbered(old.words(0)), "previous/kit.json": text(kit(old, 0, 1))}
    yield "with the epoch before", below("PARADUX/", {**whole, **previous}), [alice, old.shares[0]]
    yield "nothing of a kit", {"photos/share.txt.jpg": "x", "readme.txt": alice}, []
