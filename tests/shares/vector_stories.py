"""Vectors of recoveries: a conversation with kits and words."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Iterator
from typing import Any

import shamir_mnemonic

from tests.shares.vector_parts import FORMAT, OURS, STEWARDS, THEIRS, Family, Json, kit, numbered, other_word, text
from tests.shares.vector_words import wrong_texts


def forged(share: str, member: int | None = None, threshold: int | None = None) -> str:
    """A share with a right checksum that nobody has made: another value, and another header where that is asked for."""
    parsed = shamir_mnemonic.Share.from_mnemonic(share)
    made = dataclasses.replace(
        parsed,
        value=bytes(each ^ 0x5A for each in parsed.value),
        index=parsed.index if member is None else member,
        member_threshold=threshold or parsed.member_threshold,
    )
    return str(made.mnemonic())


class Story:
    """The people and sets of the recoveries: our epochs 1 and 2, and another owner; 3 of 5 in each."""

    def __init__(self) -> None:
        self.families = {"1": Family("epoch 1", 3), "2": Family("epoch 2", 3), "other": Family("other owner", 3)}
        self.kits = {
            f"{name.lower()}-{which}": text(
                kit(family, holder, 2 if which == "2" else 1, THEIRS if which == "other" else OURS)
            )
            for which, family in self.families.items()
            for holder, name in enumerate(STEWARDS)
        }
        self._tampered()

    def _tampered(self) -> None:
        self.kits["alice-2-cut"] = self.kits["alice-2"][:700]
        self.kits["alice-2-no-json"] = "This is not what it was.\n"
        lying = json.loads(self.kits["eve-2"])
        lying["set"]["shares"][1]["sha256"] = "0" * 64
        self.kits["eve-2-lying"] = text(lying)

    def share(self, name: str, which: str = "2") -> str:
        return self.families[which].shares[STEWARDS.index(name)]

    def stick(self, name: str, which: str = "2", **other: Any) -> Json:
        """Someone's kit, its share.txt as it is written."""
        return {
            "label": f"{name}'s stick",
            "share": "# share\n" + numbered(self.share(name, which).split()),
            "kit": f"{name.lower()}-{which}",
            **other,
        }

    def typed(self, share: str, label: str = "typed words") -> Json:
        return {"label": label, "share": share, "kit": None}

    def secrets(self, *which: str) -> list[str]:
        return [self.families[each].secret.hex() for each in which]


def found(state: str, steward: str | None = None, epoch: int | None = None) -> Json:
    return {"state": state, "steward": steward, "epoch": epoch}


def recoveries() -> Json:
    story = Story()
    cases = [
        {"name": name, "materials": materials, "findings": findings, "secrets": secrets}
        for name, materials, findings, secrets in (*with_kits(story), *with_words(story), *with_forgeries(story))
    ]
    return {
        "format": FORMAT,
        "about": "What is brought in this order, what each thing is once all is there, and which secrets must come out",
        "kits": story.kits,
        "cases": cases,
    }


Case = tuple[str, list[Json], list[Json], list[str]]


def with_kits(story: Story) -> Iterator[Case]:
    stick, secrets = story.stick, story.secrets
    good = {name: found("good", name, 2) for name in STEWARDS}
    for size in (0, 1, 2):
        yield (
            f"{size} kits of 3 that are needed",
            [stick(name) for name in STEWARDS[:size]],
            [good[name] for name in STEWARDS[:size]],
            [],
        )
    for some in itertools.combinations(STEWARDS, 3):
        yield f"kits of {', '.join(some)}", [stick(name) for name in some], [good[name] for name in some], secrets("2")
    yield "four kits", [stick(name) for name in STEWARDS[1:]], [good[name] for name in STEWARDS[1:]], secrets("2")
    yield (
        "all five kits, last first",
        [stick(name) for name in STEWARDS[::-1]],
        [good[name] for name in STEWARDS[::-1]],
        secrets("2"),
    )
    twice = found("duplicate", "Alice", 2)
    yield (
        "the same stick twice counts once",
        [stick("Alice"), stick("Alice"), stick("Bob")],
        [good["Alice"], twice, good["Bob"]],
        [],
    )
    yield (
        "the same stick twice, and enough",
        [stick("Alice"), stick("Alice"), stick("Bob"), stick("Eve")],
        [good["Alice"], twice, good["Bob"], good["Eve"]],
        secrets("2"),
    )
    old = [found("old-epoch", name, 1) for name in ("Alice", "Bob")]
    yield (
        "two of the old epoch, two of the new one",
        [stick("Alice", "1"), stick("Bob", "1"), stick("Carol"), stick("Dave")],
        [*old, good["Carol"], good["Dave"]],
        [],
    )
    yield (
        "one of the old epoch besides enough",
        [stick("Alice", "1"), *(stick(name) for name in STEWARDS[2:])],
        [old[0], *(good[name] for name in STEWARDS[2:])],
        secrets("2"),
    )
    yield (
        "enough of the old epoch only",
        [stick(name, "1") for name in STEWARDS[:3]],
        [found("good", name, 1) for name in STEWARDS[:3]],
        secrets("1"),
    )
    yield (
        "enough of both epochs, newest first",
        [*(stick(name, "1") for name in STEWARDS[:3]), *(stick(name) for name in STEWARDS[:3])],
        [*old, found("old-epoch", "Carol", 1), *(good[name] for name in STEWARDS[:3])],
        secrets("2", "1"),
    )
    foreign = found("foreign", "Carol", 1)
    yield (
        "a kit of another owner",
        [stick("Alice"), stick("Bob"), stick("Carol", "other")],
        [good["Alice"], good["Bob"], foreign],
        [],
    )
    yield (
        "a kit of another owner first",
        [stick("Carol", "other"), stick("Alice"), stick("Bob"), stick("Eve")],
        [foreign, good["Alice"], good["Bob"], good["Eve"]],
        secrets("2"),
    )
    broken = "# share\n" + numbered([*story.share("Bob").split()[:9], "pearadux", *story.share("Bob").split()[10:]])
    yield (
        "a damaged share in a kit is named",
        [stick("Alice"), stick("Bob", share=broken), stick("Carol")],
        [good["Alice"], found("damaged", "Bob", 2), good["Carol"]],
        [],
    )
    yield (
        "a damaged share, and enough others",
        [stick("Bob", share=broken), stick("Alice"), stick("Carol"), stick("Dave")],
        [found("damaged", "Bob", 2), good["Alice"], good["Carol"], good["Dave"]],
        secrets("2"),
    )
    yield (
        "a kit without a share",
        [stick("Alice", share=None), stick("Bob")],
        [found("no-share", "Alice", 2), good["Bob"]],
        [],
    )
    yield (
        "a share file of comments only",
        [stick("Alice", share="\n \n"), stick("Bob")],
        [found("no-share", "Alice", 2), good["Bob"]],
        [],
    )
    for which in ("cut", "no-json"):
        yield (
            f"a damaged manifest ({which})",
            [stick("Alice", kit=f"alice-2-{which}"), stick("Bob"), stick("Carol")],
            [good["Alice"], good["Bob"], good["Carol"]],
            secrets("2"),
        )
    yield "a damaged manifest alone", [stick("Alice", kit="alice-2-cut")], [found("good")], []
    yield (
        "the manifest of another steward",
        [stick("Alice", share=story.share("Bob")), stick("Carol"), stick("Dave")],
        [found("good", "Bob", 2), good["Carol"], good["Dave"]],
        secrets("2"),
    )
    yield (
        "the manifest of another epoch",
        [stick("Alice", share=story.share("Alice", "1")), stick("Bob"), stick("Carol")],
        [found("foreign", "Alice"), good["Bob"], good["Carol"]],
        [],
    )
    yield (
        "one manifest lies about a share",
        [stick("Eve", kit="eve-2-lying"), stick("Bob"), stick("Carol")],
        [good["Eve"], good["Bob"], good["Carol"]],
        secrets("2"),
    )


def with_words(story: Story) -> Iterator[Case]:
    stick, typed, secrets = story.stick, story.typed, story.secrets
    good = {name: found("good", name, 2) for name in STEWARDS}
    unknown = found("good")
    yield (
        "words only",
        [typed(story.share(name), f"sheet {name}") for name in STEWARDS[:3]],
        [unknown] * 3,
        secrets("2"),
    )
    yield (
        "words of two sets, two of each",
        [typed(story.share(name, which), f"sheet {which} {name}") for which in ("2", "other") for name in STEWARDS[:2]],
        [unknown, unknown, found("foreign"), found("foreign")],
        [],
    )
    yield (
        "words, QR text, file and stick",
        [typed(story.share("Alice")), typed(story.share("Bob").upper(), "QR code"), stick("Carol")],
        [good["Alice"], good["Bob"], good["Carol"]],
        secrets("2"),
    )
    yield (
        "the words of a stick that is there",
        [stick("Alice"), typed(story.share("Alice")), stick("Bob")],
        [good["Alice"], found("duplicate", "Alice", 2), good["Bob"]],
        [],
    )
    right = story.share("Dave").split()
    for name, wrong, problem, _ in wrong_texts(right):
        if problem != "count" or name in ("a word missing", "a word twice"):
            yield (
                f"typed: {name}",
                [stick("Alice"), stick("Bob"), typed(wrong)],
                [good["Alice"], good["Bob"], found("mistyped")],
                [],
            )
    wrong = " ".join([*right[:8], other_word(right[8]), *right[9:]])
    yield (
        "mistyped, then typed again",
        [stick("Alice"), stick("Bob"), typed(wrong), typed(" ".join(right), "again")],
        [good["Alice"], good["Bob"], found("mistyped"), good["Dave"]],
        secrets("2"),
    )
    yield (
        "words of the old epoch",
        [stick("Alice"), stick("Bob"), stick("Carol", "1"), typed(story.share("Eve", "1"))],
        [good["Alice"], good["Bob"], found("old-epoch", "Carol", 1), found("old-epoch", "Eve", 1)],
        [],
    )
    yield (
        "words of another set without a kit",
        [stick("Alice"), stick("Bob"), typed(story.share("Eve", "other"))],
        [good["Alice"], good["Bob"], found("foreign")],
        [],
    )


def with_forgeries(story: Story) -> Iterator[Case]:
    stick, typed, secrets = story.stick, story.typed, story.secrets
    good = {name: found("good", name, 2) for name in STEWARDS}
    false = forged(story.share("Dave"))
    yield (
        "a forged share instead of the third",
        [stick("Alice"), stick("Bob"), stick("Dave", share=false)],
        [good["Alice"], good["Bob"], found("damaged", "Dave", 2)],
        [],
    )
    yield (
        "a forged share among more than enough",
        [stick("Dave", share=false), stick("Alice"), stick("Bob"), stick("Carol")],
        [found("damaged", "Dave", 2), good["Alice"], good["Bob"], good["Carol"]],
        secrets("2"),
    )
    yield (
        "two forged shares among five",
        [
            stick("Dave", share=false),
            stick("Eve", share=forged(story.share("Eve"))),
            stick("Alice"),
            stick("Bob"),
            stick("Carol"),
        ],
        [found("damaged", "Dave", 2), found("damaged", "Eve", 2), good["Alice"], good["Bob"], good["Carol"]],
        secrets("2"),
    )
    real = [typed(story.share(name), f"sheet {name}") for name in STEWARDS[:3]]
    yield "a forged share, nobody can tell which", [typed(false), *real], [found("good")] * 4, secrets("2")
    yield (
        "a forged share in the place of a real one",
        [typed(forged(story.share("Dave"), member=0)), *real],
        [found("good")] * 4,
        secrets("2"),
    )
    yield (
        "a forged share that claims that two are enough",
        [typed(forged(story.share("Dave"), threshold=2)), *real],
        [found("good")] * 4,
        secrets("2"),
    )
    yield (
        "a forged share that claims that sixteen are needed",
        [typed(forged(story.share("Dave"), threshold=16)), *real],
        [found("good")] * 4,
        secrets("2"),
    )
