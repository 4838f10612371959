"""What a protocol plugin is: one module with a settings model and one class per thing it can do.

The comments of the interfaces are obligations; `paraduxd/testing/` turns them into tests that every plugin passes.
Plugins run in a worker process only, one transfer per process. They raise `ParaduxError` with one sentence for every
failure a user can meet; `TransientError` where trying again later can help.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

from paraduxd.api.errors import HeldError as HeldError  # noqa: PLC0414 (plugins import it from here)
from paraduxd.api.errors import ParaduxError
from paraduxd.api.errors import TransientError as TransientError  # noqa: PLC0414
from paraduxd.api.frozen import dataclass
from paraduxd.api.replies.listings import Entry
from paraduxd.api.replies.results import Other as Other  # noqa: PLC0414
from paraduxd.api.replies.results import Removed as Removed  # noqa: PLC0414
from paraduxd.api.replies.results import Version as Version  # noqa: PLC0414
from paraduxd.core.config.capabilities import Traits
from paraduxd.core.config.protocol_settings import ProtocolSettings
from paraduxd.core.config.setup_declaration import Setup
from paraduxd.core.runs.orders import Progress
from paraduxd.protocols.by_hand import ByHand
from paraduxd.protocols.transfers import Omitted as Omitted  # noqa: PLC0414
from paraduxd.protocols.transfers import PullRequest as PullRequest  # noqa: PLC0414
from paraduxd.protocols.transfers import PullResult as PullResult  # noqa: PLC0414
from paraduxd.protocols.transfers import PushRequest as PushRequest  # noqa: PLC0414
from paraduxd.protocols.transfers import PushResult as PushResult  # noqa: PLC0414
from paraduxd.protocols.transfers import RestoreResult as RestoreResult  # noqa: PLC0414
from paraduxd.protocols.transfers import VerifyResult as VerifyResult  # noqa: PLC0414

KEY_COPY = "repository-key"
"""The file in a destination's private directory (`Context.index`) in which a worker leaves a copy of the repository's key file, for the
keeper, which has the config."""


NAMES = "names.sqlite"
"""With what the names of files begin that others keep in `Context.index`: a plugin leaves them alone."""


@dataclass(frozen=True)
class Identity:
    """Whose place this is: what is written into its marker and onto its versions (`place_marker.py`).

    `owner` and `instance` are ids of 32 hex digits, `place` is the uid. `claim` is the machine.asc of this machine, `keys` the
    public keys that can have signed another machine's, armored, one after the other, `ended` those of
    epochs that have ended. `marked`: a marker of this place was
    written before, so that it must be there. `formerly`: as what ("dataset/destination") version 0.1.0 knew the place.
    `beside`: uids of places of the same config in the same folder, whose marker serves this one, too.
    """

    owner: str
    place: str
    instance: str
    generation: int = 1
    claim: str = ""
    keys: str = ""
    marked: bool = False
    formerly: str = ""
    ended: str = ""
    beside: tuple[str, ...] = ()


@dataclass(frozen=True)
class Context:
    """What a plugin gets besides its settings.

    `host_keys` are the pinned keys of the owner's SSH servers: "host:port" -> lines like "ssh-ed25519 AAAA...";
    `secret` what Paradux generated for this destination (a restic password); `progress` reports how far the transfer is;
    `cache` a private directory in which a tool may keep what it can always get again (`None`: there is none); `index` one for this very
    destination, for what makes the next push smaller, names of files in clear included (`None`: likewise).
    `read_only`: this is a rehearsal, and nothing at all may change at the stash, not even a lock. `bandwidth` is how many bytes a second
    may be sent to or fetched from the stash (`None`: any); blob stores need not mind, the caller throttles what they get and give.
    `mounted` is the top directory of a disk that was plugged in, `posix` whether that keeps owners and links. `identity`: whose
    place it is; `None` for a source, and where nothing is known of it (a recovery asks a stash). `key_file`: the copy that the config
    has of the repository's key file ("": none yet).
    """

    dataset: str
    location: str
    progress: Callable[[Progress], None] = lambda _: None
    host_keys: dict[str, tuple[str, ...]] = field(default_factory=dict)
    secret: str = ""
    cache: Path | None = None
    index: Path | None = None
    read_only: bool = False
    bandwidth: int | None = None
    mounted: Path | None = None
    posix: bool = True
    identity: Identity | None = None
    key_file: str = field(default="", repr=False)


@dataclass(frozen=True)
class Blob:
    """One object of a blob store; `size` in bytes."""

    name: str
    size: int


class Source(abc.ABC):
    """Something that a dataset is pulled from."""

    @abc.abstractmethod
    def pull(self, staging: Path, request: PullRequest) -> PullResult:
        """Make `staging` equal to the source.

        Raises `HeldError`, and removes nothing, when the source is missing, empty while it was not before, or loses or
        changes more than the guard allows. A failure or kill leaves staging usable and a later pull completes it. Files that
        vanish while being read are no failure. Nor is what cannot be read or stored: the rest is pulled, an earlier copy stays, and
        the result names it.
        """

    def look(self) -> bool:
        """Log in and see that the source is there and can be read, without reading it; raises `ParaduxError`. False: that was not tried."""
        return False


class Destination(abc.ABC):
    """Something that keeps versions of a dataset.

    `checks_content`: a restore fails unless every byte is, by a cryptographic checksum, what was pushed. `leaves_out`: a push heeds
    `PushRequest.omitted`.
    """

    checks_content: ClassVar[bool] = False
    leaves_out: ClassVar[bool] = False

    @abc.abstractmethod
    def push(self, staging: Path, request: PushRequest) -> PushResult:
        """Make a new version equal to `staging`, then remove those that `request.keep` does not hold (unless `held`).

        A failure or kill leaves every earlier version restorable, and a later push heals what is left of it.
        """

    @abc.abstractmethod
    def versions(self) -> tuple[Version, ...]:
        """All complete versions, oldest first. A destination that was never written has none; that is no error."""

    def others(self) -> tuple[Other, ...]:
        """What lies at the same place and was not pushed to it, oldest first: it can be restored, and is never counted or removed."""
        return ()

    def counted(self, version: Version) -> Version:
        """The version with its counts, where listing does not tell them and looking into it does: that can take a while."""
        return version

    def entries(self, version: Version) -> Iterator[Entry]:
        """Everything that the version holds, in any order. Raises `ParaduxError` "not-found" for a version that is not there,
        "needs-key" where only a private key tells, "cannot-list" where nothing does.
        """
        raise ParaduxError(
            "cannot-list", "this destination cannot tell what is in a version", "restore it into a folder"
        )

    @abc.abstractmethod
    def restore(self, version: Version, to: Path, paths: Sequence[str]) -> RestoreResult:
        """Write the version (or only `paths`, relative to the dataset's root) into the existing directory `to`.

        Raises `ParaduxError` "not-found" naming a path that the version does not hold.
        """

    @abc.abstractmethod
    def verify(self, deep: bool) -> VerifyResult:
        """Check that the versions are there and whole; `deep` reads all data. Raises `ParaduxError` "damaged"."""

    def verify_part(self, part: int, parts: int) -> VerifyResult:
        """Like a quick `verify`, and read the `part`th (from 0) of so many parts of all data. Once every part was read, all was.

        A destination that cannot tell parts reads everything with the first one.
        """
        return self.verify(deep=part == 0)

    def sample(self, version: Version, to: Path, files: int, size: int) -> Version | None:
        """Write some complete files of the version into the existing directory `to`, where restoring single ones would take too long.

        At most so many `files` and bytes together (`size`), but one. Gives the version that they are of, which may be an older one on
        which the wanted one builds; `None`: `restore` is as good, and nothing was written.
        """
        return None

    def look(self) -> None:
        """Log in and see that versions could be kept here, without making one; raises `ParaduxError`. Nothing of it stays there."""
        self.versions()

    def is_protected(self) -> bool | None:
        """Write something of our own there, unless it is there, and try to remove it: whether that is refused. `None`: it cannot be tried.

        What is written must never count as a version.
        """
        return None

    def prune(self, request: PushRequest) -> PushResult:
        """Remove now what `request.keep` does not hold, without making a version; `version` of the result is the newest that stays.

        The newest version is read back whole before. Raises `ParaduxError` "no-version" where there is none.
        """
        raise ParaduxError("cannot-prune", "this destination cannot remove versions by itself", "remove them there")


class BlobStore(abc.ABC):
    """A flat store of named objects. Names match `[A-Za-z0-9][A-Za-z0-9._-]*`; anything else is refused by the caller.

    `puts_at_once`: several threads may put at the same time, and so much is taken that this gains something.
    """

    puts_at_once: ClassVar[bool] = False

    @abc.abstractmethod
    def put(self, name: str, data: BinaryIO) -> None:
        """Store the object; it appears under its name whole or not at all, replacing an earlier one."""

    def overwrite(self, name: str, data: BinaryIO) -> None:
        """Write over an object that is there, in whatever way the credentials allow: as an intruder would. Only for one made for that."""
        self.put(name, data)

    @abc.abstractmethod
    def get(self, name: str) -> Iterator[bytes]:
        """The object in pieces; raises `ParaduxError` "not-found" when there is none."""

    @abc.abstractmethod
    def list(self) -> tuple[Blob, ...]:
        """All objects, sorted by name, without half-written ones. A store that was never written is empty."""

    @abc.abstractmethod
    def delete(self, name: str) -> None:
        """Remove the object; already gone is success."""

    def erase(self, name: str) -> bool | None:
        """Remove every version of an object, also those that a listing does not show; only for one made for that.

        Gives whether any is left; `None`: the store cannot tell.
        """
        return None

    def sweep(self) -> None:  # noqa: B027  (a store that leaves nothing behind has nothing to do)
        """Remove what puts that were killed have left under other names. Call it only while nobody else puts there."""


@dataclass(frozen=True)
class Protocol:
    """A plugin as its module's `PROTOCOL`: the name in the config, the settings model, and makers of what it can do.

    `by_hand`: what kits tell of it. `master_key`: of a protocol whose repositories have key files: what is in such a file that this
    password opens, as JSON; raises `ValueError`.
    `traits`: all else that anybody else needs to know of it. `setup`: what `paraductl setup` asks for it; without one it asks for what the
    settings model requires.
    """

    name: str
    settings: type[ProtocolSettings]
    source: Callable[[Any, Context], Source] | None = None
    destination: Callable[[Any, Context], Destination] | None = None
    blobs: Callable[[Any, Context], BlobStore] | None = None
    by_hand: ByHand | None = None
    master_key: Callable[[bytes, str], str] | None = None
    traits: Traits = field(default_factory=Traits)
    setup: Setup | None = None
