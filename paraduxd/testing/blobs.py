"""The suite that every `BlobStore` passes. Subclass it, override the fixture `make`, run it with pytest."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

import pytest

from paraduxd.api.errors import ParaduxError
from paraduxd.protocols.base import Blob, BlobStore, Identity, TransientError
from paraduxd.protocols.marking.marked_store import MarkedStore
from paraduxd.protocols.marking.place_marker import NAME

IDENTITY = Identity("a" * 32, "b" * 32, "1" * 32)

MakeStore = Callable[[], BlobStore]


class Interrupted(io.BytesIO):
    """Data that gives some bytes and then fails, as a pipe does when its writer dies."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() > 0 or size is None or size < 0:
            raise OSError(5, "the writer died")
        return super().read(min(size, 100_000))


class BlobStoreSuite:
    """What `BlobStore` promises. `temporary` is how the names of half-written objects start; `None`: a killed put leaves nothing."""

    temporary: ClassVar[str | None] = ".tmp-"

    @pytest.fixture
    def make(self) -> MakeStore:
        """Makes a fresh object on one and the same place, which was never written."""
        raise NotImplementedError("a subclass of this suite gives the fixture `make`: what is tested")

    def test_never_written_is_empty(self, make: MakeStore) -> None:
        assert make().list() == ()

    @pytest.mark.parametrize("size", [0, 1, 32_768, 3_000_001])
    def test_what_is_put_comes_back(self, make: MakeStore, size: int) -> None:
        data = os.urandom(size)
        make().put("object.gpg", io.BytesIO(data))
        assert b"".join(make().get("object.gpg")) == data
        assert make().list() == (Blob("object.gpg", size),)

    def test_the_list_is_sorted(self, make: MakeStore) -> None:
        store = make()
        for name in ("b", "a-2", "A", "a.1"):
            store.put(name, io.BytesIO(name.encode()))
        assert [blob.name for blob in store.list()] == ["A", "a-2", "a.1", "b"]

    def test_put_replaces(self, make: MakeStore) -> None:
        store = make()
        store.put("object", io.BytesIO(b"the longer, older one"))
        store.put("object", io.BytesIO(b"new"))
        assert b"".join(store.get("object")) == b"new"
        assert store.list() == (Blob("object", 3),)

    def test_a_put_that_fails_half_way_leaves_the_old_object_and_no_other(self, make: MakeStore) -> None:
        store = make()
        store.put("object", io.BytesIO(b"old"))
        for name in ("object", "another"):
            with pytest.raises((OSError, ParaduxError)):
                store.put(name, Interrupted(os.urandom(300_000)))
        assert make().list() == (Blob("object", 3),)
        assert b"".join(make().get("object")) == b"old"

    def test_delete_twice_is_success(self, make: MakeStore) -> None:
        store = make()
        store.put("object", io.BytesIO(b"x"))
        store.delete("object")
        store.delete("object")
        assert store.list() == ()

    def test_what_a_killed_put_has_left_can_be_swept_away(self, make: MakeStore) -> None:
        make().sweep()
        store, left = make(), f"{self.temporary}1"
        store.put("object", io.BytesIO(b"x"))
        if self.temporary is not None:
            store.put(left, io.BytesIO(b"half"))
        assert make().list() == (Blob("object", 1),)
        make().sweep()
        with pytest.raises(ParaduxError) as failed:
            b"".join(make().get(left))
        assert failed.value.code == "not-found"
        assert b"".join(make().get("object")) == b"x"

    def test_delete_where_nothing_was_written_is_success(self, make: MakeStore) -> None:
        make().delete("object")

    def test_getting_what_is_not_there(self, make: MakeStore) -> None:
        make().put("object", io.BytesIO(b"x"))
        with pytest.raises(ParaduxError) as failed:
            b"".join(make().get("other"))
        assert failed.value.code == "not-found"

    def test_a_get_that_is_given_up_does_no_harm(self, make: MakeStore) -> None:
        store = make()
        store.put("object", io.BytesIO(os.urandom(2_000_000)))
        next(store.get("object"))
        assert store.list() == (Blob("object", 2_000_000),)

    # Whose place it is

    def test_a_store_is_marked_at_first_contact(self, make: MakeStore) -> None:
        place = MarkedStore(make(), IDENTITY, "the store")
        assert place.check() == 0
        place.claim()
        assert [blob.name for blob in make().list()] == [NAME]
        place.store.put("object", io.BytesIO(b"x"))
        assert place.renew(41)
        known = MarkedStore(make(), replace(IDENTITY, marked=True), "the store")
        assert known.check() == 41
        assert known.renew(42)
        assert MarkedStore(make(), IDENTITY, "the store").check() == 42

    @pytest.mark.parametrize(
        ("who", "code"),
        [(replace(IDENTITY, owner="f" * 32), "other-owner"), (replace(IDENTITY, place="f" * 32), "other-place")],
    )
    def test_a_store_of_another_is_refused(self, make: MakeStore, who: Identity, code: str) -> None:
        MarkedStore(make(), IDENTITY, "the store").claim()
        other = MarkedStore(make(), who, "the store")
        for look in (other.check, other.check_for_reading):
            with pytest.raises(ParaduxError) as refused:
                look()
            assert refused.value.code == code

    def test_a_store_that_is_gone_is_not_begun_anew(self, make: MakeStore) -> None:
        known = MarkedStore(make(), replace(IDENTITY, marked=True), "the store")
        for look in (known.check, known.check_for_reading):
            with pytest.raises(TransientError) as refused:
                look()
            assert refused.value.code == "not-mounted"
        assert make().list() == ()
