"""Which paths below a source rsync means."""

from __future__ import annotations

import pytest

from paraduxd.protocols.pulling.gaps import places_of


@pytest.mark.parametrize(
    ("name", "root", "expected"),
    [
        (b"d/e", "/srv", (b"d/e",)),
        (b"/srv/d/e", "/srv", (b"d/e",)),
        (b"/srv/d/e", "/srv/", (b"d/e",)),
        (b"/d/e", "/", (b"d/e",)),
        (b"/srv", "/srv", (b"",)),
        (b"/srv/.", "/srv", (b"",)),
        (b"/srv2/d", "/srv", ()),
        (b"/home/fred/x/d", "x", (b"d",)),
        (b"/home/x/x/d", "x", (b"x/d", b"d")),
        (b"/home/fred/d", ".", (b"home/fred/d", b"fred/d", b"d")),
        (b"/home/fred/.", ".", (b"",)),
        (b"/home/fred/x", "x", (b"",)),
        (b"/home/fred/y", "x", ()),
    ],
)
def test_places(name: bytes, root: str, expected: tuple[bytes, ...]) -> None:
    assert places_of(name, root) == expected
