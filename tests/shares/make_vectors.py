"""Make schema/vectors: `python -m tests.shares.make_vectors [FOLDER]`. The same files come out every time.

Nothing of Paradux is used here: what is expected is known beforehand (the secret that is split), or computed from the specification.
"""

from __future__ import annotations

import base64
import copy
import itertools
import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.shares.vector_confirmations import confirmations
from tests.shares.vector_kits import kits
from tests.shares.vector_parts import FORMAT, OURS, Family, Json, kit, text
from tests.shares.vector_stories import recoveries
from tests.shares.vector_words import words

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "schema" / "vectors"
GOLDEN = ROOT / "tests" / "golden" / "0.1.0"


def selections(issued: int, threshold: int, most: int) -> Iterator[list[int]]:
    """Of every size from nothing to all, every selection where there are few; never in order of the shares."""
    shuffle = random.Random(f"{threshold} of {issued}")
    for size in range(issued + 1):
        every = list(itertools.combinations(range(issued), size))
        for some in every if len(every) <= most else shuffle.sample(every, most):
            yield shuffle.sample(some, len(some))


def sets() -> Json:
    made = []
    for threshold, issued, extendable in ((2, 3, True), (3, 5, True), (5, 8, True), (16, 16, True), (3, 5, False)):
        family = Family(f"{threshold} of {issued}, {extendable}", threshold, extendable=extendable)
        made.append(
            {
                "name": f"{threshold} of {issued}" + ("" if extendable else ", not extendable"),
                "threshold": threshold,
                "issued": issued,
                "extendable": extendable,
                "identifier": family.identifier,
                "secret": family.secret.hex(),
                "shares": family.shares,
                "selections": [
                    {"members": some, "secret": family.secret.hex() if len(some) >= threshold else None}
                    for some in selections(issued, threshold, 10 if issued <= 5 else 4)
                ],
            }
        )
    return {
        "format": FORMAT,
        "about": "Which shares give the secret; members count from 0, in the order given",
        "sets": made,
    }


def manifests() -> Json:
    base = kit(Family("manifest", 3), 1, 1)
    doubled = base["set"]["shares"] * 2
    taken = [
        ("as it is", []),
        ("a key that this version does not know", [("/future", {"deep": [1, 2]})]),
        ("numbers of the future", [("/future", [1.5, -0.25])]),
        (
            "stewards with telephone numbers",
            [("/stewards", [{"id": "alice", "name": "Alice", "phone": "+1 555", "email": ""}])],
        ),
        ("names of every alphabet", [("/owner/name", "Fred “Ñandú” 汉字 Ω"), ("/steward/name", "Böb O'Neil")]),
        ("nobody else's name", [(f"/set/shares/{place}/steward", None) for place in (0, 2, 3, 4)]),
        ("no file", [("/files", {})]),
    ]
    missing = [
        "/format", "/owner", "/owner/id", "/owner/name", "/instance", "/epoch", "/serial", "/written", "/steward", "/steward/id",
        "/steward/name", "/share", "/share/sha256", "/fingerprint", "/set", "/set/format", "/set/epoch", "/set/created",
        "/set/threshold", "/set/identifier", "/set/shares", "/set/shares/3/member", "/set/shares/3/sha256", "/files",
        "/files/share.txt/bytes", "/files/share.txt/sha256",
    ]  # fmt: skip
    wrong: list[tuple[str, Any]] = [
        ("/format", "paradux.kit/2"), ("/format", 1), ("/owner", "Fred"), ("/owner/id", "A" * 32), ("/owner/id", "a" * 31),
        ("/owner/name", 7), ("/instance", None), ("/epoch", 0), ("/epoch", "1"), ("/epoch", True), ("/epoch", 1.0), ("/epoch", 10**12),
        ("/epoch", 2), ("/serial", -1), ("/steward", []), ("/share/sha256", "0" * 63 + "G"), ("/share/sha256", "0" * 64),
        ("/set", []), ("/set/format", "paradux.set/2"), ("/set/threshold", 1), ("/set/threshold", 17), ("/set/issued", 17),
        ("/set/identifier", -1), ("/set/identifier", 32768), ("/set/shares", {}), ("/set/shares/3", None), ("/set/shares/3/member", 16),
        ("/set/shares/3/member", 2), ("/set/shares/3/sha256", "x"), ("/set/shares/3/steward", "Dave"), ("/set/shares", doubled),
        ("/files", []), ("/files/share.txt", 669), ("/files/share.txt/bytes", -1), ("/files/share.txt/sha256", ""),
    ]  # fmt: skip
    raw = [
        ("empty", b""),
        ("no JSON", b"kit"),
        ("a list", b"[]"),
        ("a number", b"1"),
        ("cut off", text(base).encode()[:400]),
        ("UTF-16", text(base).encode("utf-16")),
        ("Latin-1", b'{"format": "paradux.kit/1", "owner": "\xe4"}'),
        ("byte order mark", b"\xef\xbb\xbf" + text(base).encode()),
        ("something behind it", text(base).encode() + b"{}"),
        ("a key twice", text(base).replace("{", '{"epoch": 1, ', 1).encode()),
        ("a key twice, once in other letters", text(base).replace("{", '{"\\u0065poch": 1, ', 1).encode()),
    ]
    return {
        "format": FORMAT,
        "about": "A reader takes `base` with each list of changes of `taken`, and refuses it with each one of `refused`; "
        "`pointer` is an RFC 6901 pointer, without `value` the part is removed; `base64` is a whole file",
        "base": base,
        "taken": [
            {"name": name, "changes": [{"pointer": pointer, "value": value} for pointer, value in changes]}
            for name, changes in taken
        ],
        "refused": [
            *({"name": f"without {pointer}", "changes": [{"pointer": pointer}]} for pointer in missing),
            *(
                {"name": f"wrong {pointer} ({number})", "changes": [{"pointer": pointer, "value": value}]}
                for number, (pointer, value) in enumerate(wrong)
            ),
        ],
        "refused_files": [{"name": name, "base64": base64.b64encode(content).decode()} for name, content in raw],
    }


def signatures() -> Json:
    """From the golden kits: gpg made them, and cannot make them twice the same."""
    whole, rotation = GOLDEN / "whole", GOLDEN / "rotation"
    ours = (whole / "kits/alice/PARADUX/kit.json").read_bytes()
    sign = (whole / "kits/alice/PARADUX/kit.json.asc").read_bytes()
    theirs = (whole / "kits/carol/PARADUX/kit.json.asc").read_bytes()
    next_epoch = (rotation / "kits/alice/PARADUX/kit.json.asc").read_bytes()
    recovery = json.loads((whole / "expected.json").read_text())["epochs"]["1"]["config"]["managed"]["recovery"]
    cases = [
        ("as it is", ours, sign, True),
        ("one digit changed", ours.replace(b'"epoch": 1', b'"epoch": 2', 1), sign, False),
        ("the last line end gone", ours[:-1], sign, False),
        ("CRLF", ours.replace(b"\n", b"\r\n"), sign, False),
        ("the signature of another kit", ours, theirs, False),
        ("the signature by the key of another epoch", ours, next_epoch, False),
        ("no signature", ours, b"", False),
        ("half a signature", ours, sign[: len(sign) // 2], False),
    ]
    return {
        "format": FORMAT,
        "about": "Whether kit.json is signed by the key with this fingerprint",
        "public_key": recovery["public_key"],
        "fingerprint": recovery["fingerprint"],
        "cases": [
            {"name": name, "kit": content.decode(), "signature": signature.decode(), "good": good}
            for name, content, signature, good in cases
        ],
    }


def choices() -> Json:
    def config(label: str, generation: int, serial: int, day: int, instance: str = "c", epoch: int = 1) -> Json:
        header = {
            "format": "paradux.config/1",
            "owner": OURS,
            "instance": instance * 32,
            "epoch": epoch,
            "serial": serial,
        }
        return {"label": label, "generation": generation, "header": {**header, "date": f"2026-11-{day:02}T10:00:00Z"}}

    cases = [
        ("one", [config("kit", 1, 7, 1)], ["kit"]),
        (
            "the higher serial",
            [config("kit", 1, 7, 1), config("stash", 1, 9, 3), config("old", 1, 8, 2)],
            ["stash", "old", "kit"],
        ),
        ("serial before date", [config("late", 1, 7, 20), config("early", 1, 8, 2)], ["early", "late"]),
        ("ten is more than nine", [config("nine", 1, 9, 9), config("ten", 1, 10, 10)], ["ten", "nine"]),
        (
            "a machine that has taken over before what the one before it still saved",
            [config("lost machine", 1, 50, 20), config("new machine", 2, 12, 5, "d")],
            ["new machine", "lost machine"],
        ),
        (
            "the epoch does not count: the next one is published with the same serial",
            [config("epoch 1", 1, 8, 2, epoch=1), config("epoch 2", 1, 7, 1, epoch=2)],
            ["epoch 1", "epoch 2"],
        ),
        (
            "two machines with one serial: the date",
            [config("one", 2, 8, 4, "d"), config("other", 2, 8, 5, "e")],
            ["other", "one"],
        ),
    ]
    return {
        "format": FORMAT,
        "about": "Configs that were opened and have a good signature; `order`: newest first",
        "cases": [{"name": name, "configs": copy.deepcopy(configs), "order": order} for name, configs, order in cases],
    }


FILES = {
    "sets.json": sets,
    "words.json": words,
    "recoveries.json": recoveries,
    "kits.json": kits,
    "manifests.json": manifests,
    "signatures.json": signatures,
    "choices.json": choices,
    "confirmations.json": confirmations,
}


def make(folder: Path) -> None:
    """Write every file into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, made in FILES.items():
        (folder / name).write_text(json.dumps(made(), indent=1, ensure_ascii=True) + "\n")


if __name__ == "__main__":
    make(Path(sys.argv[1]) if sys.argv[1:] else FOLDER)
