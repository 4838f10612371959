"""Knows every secret of a Paradux, takes down what its processes do, and searches all of it."""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import re
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shamir_mnemonic.share import Share

from paraduxd.core.recovery.confirmation import key_of
from tests.hunt.needles import Canary, invent
from tests.hunt.recorders import Executions, Wire, Writes
from tests.hunt.search import Place, Searcher
from tests.hunt.secrets_of_keys import dearmor, ed25519_seed, openpgp_secret, volume_key
from tests.hunt.servers import Servers
from tests.rig import Installation

Json = dict[str, Any]


@dataclass(frozen=True)
class Sighting:
    """A canary was seen: in which place, during what."""

    situation: str
    place: str
    canary: str


class WatchedInstallation(Installation):
    """An installation whose daemon and clients run under `strace`; what clients print is kept."""

    def __init__(self, root: Path, house: Watch) -> None:
        super().__init__(root)
        self._house = house
        self.as_client = False

    @property
    def as_user(self) -> tuple[str, ...]:  # type: ignore[override]
        prefix = self._house.executions.prefix()
        return prefix if self.as_client else (*self._house.around_daemon, *prefix)

    @as_user.setter
    def as_user(self, _: tuple[str, ...]) -> None:
        pass

    def tail_text(self) -> str:
        """The whole log."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def ctl(self, *arguments: str, text: str | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
        self.as_client = True
        try:
            done = super().ctl(*arguments, text=text, check=check)
        finally:
            self.as_client = False
        self._house.printed.append((" ".join(arguments), done.stdout + done.stderr))
        return done


@dataclass
class Watch:
    """`sightings` grows with each situation; `looked` counts the places of each kind that were searched, `programs` are those seen."""

    root: Path
    searcher: Searcher = field(default_factory=Searcher)
    sightings: set[Sighting] = field(default_factory=set)
    printed: list[tuple[str, str]] = field(default_factory=list)
    around_daemon: tuple[str, ...] = ()
    situation: str = "setup"
    looked: dict[str, int] = field(default_factory=dict)
    programs: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.servers: Servers
        self.wire: Wire
        self.writes: Writes
        self.executions = Executions(self.root / "executions")
        self.paradux = WatchedInstallation(self.root, self)
        self.new_passphrase("passphrase")
        self.paradux.passphrase_file.write_text(self.passphrase + "\n")
        self.given = self.root / "given"
        self.given.mkdir()

    # What is hidden

    def secret(self, name: str, between: str = "", *transports: str, tags: tuple[str, ...] = ()) -> str:
        """A new value that is looked for from now on; `transports` are the files that may hold it."""
        value = invent(between)
        self.hide(name, value.encode(), *(f"transport:{each}" for each in transports), *tags)
        return value

    def new_passphrase(self, name: str) -> None:
        """The operational passphrase from now on."""
        self.passphrase_name, self.passphrase = name, self.secret(name, "\"\\' %é")

    def hide(self, name: str, value: bytes, *tags: str, **more: Any) -> None:
        """Look for a value that was made elsewhere."""
        self.searcher.add(Canary(name, value, frozenset(tags), **more))

    def hide_keys(self) -> None:
        """All that Paradux has made itself."""
        config = self.paradux.config()
        managed = self.managed = config["managed"]
        self._hide_recovery(managed, "")
        names = {place["uid"]: name.replace("/", ".") for name, place in managed["places"].items()}
        for uid, key in managed["data_keys"].items():
            self._hide_data_key(names[uid], key)
        key = volume_key(str(self.root / "state/vault.luks"), self.passphrase)
        self.hide("volume key of the vault", key[:32], parts=(key[32:],))
        self.searcher.forget()

    def hide_config(self, managed: Json, of: str) -> None:
        """The secrets of another epoch, or of another machine."""
        self._hide_recovery(managed, of)
        self.searcher.forget()

    def hide_rotation(self) -> None:
        """The secrets of the epoch that is to come."""
        rotation = self.paradux.config()["managed"]["rotation"]
        self.printed.pop()
        self.hide_config(rotation, " of the next epoch")

    def _hide_recovery(self, part: Json, of: str) -> None:
        recovery, shares = part["recovery"], part["shares"]
        self.hide(
            f"recovery secret{of}", recovery["secret"].encode(), parts=(bytes.fromhex(recovery["secret"]),), size=16
        )
        first, *more = openpgp_secret(recovery["private_key"], recovery["public_key"])
        self.hide(
            f"recovery private key{of}", first, "published", parts=tuple(more), ordinary=dearmor(recovery["public_key"])
        )
        holders = {number: name for name, number in shares["issued"].items()}
        for number, words in enumerate(shares["words"]):
            holder = holders.get(number, "")
            tags = (f"share:{holder}",) if holder else ()
            self._hide_share(f"share {number} ({holder or 'of nobody'}){of}", words, tags)
            self.hide(f"share {number}{of}: key of its confirmation codes", key_of(words), "confirms", size=16)

    def _hide_share(self, name: str, words: str, tags: tuple[str, ...]) -> None:
        own = words.split()[4:]  # the first ones are those of the set
        parts = [text.encode() for text in (" ".join(own), " ".join(own).upper(), '", "'.join(own))]
        self.hide(f"{name}: words", parts[0], *tags, parts=tuple(parts[1:]), size=24)
        self.hide(f"{name}: bytes", Share.from_mnemonic(words).value, *tags)

    def _hide_data_key(self, name: str, key: Json) -> None:
        transport = f"transport:dataset.{name}.json"
        if password := key.get("password"):
            self.hide(f"generated password of {name}", password.encode(), transport)
        if archive := key.get("archive"):
            secret = openpgp_secret(archive["private_key"], archive["public_key"])
            self.hide(f"archive key of {name}", secret[0], parts=secret[1:], ordinary=dearmor(archive["public_key"]))
            self.hide(f"passphrase of the archive key of {name}", archive["passphrase"].encode(), size=16)
            self.hide(f"signing key of {name}", ed25519_seed(archive["signing_key"]), transport)

    def hide_repository_keys(self) -> None:
        """The keys of restic's repositories, once the config has copies of them; what is in a key file opens with the password only."""
        managed = self.paradux.config()["managed"]
        self.printed.pop()
        names = {place["uid"]: name.replace("/", ".") for name, place in managed["places"].items()}
        found = {names[uid]: key["repository"] for uid, key in managed["data_keys"].items() if key.get("repository")}
        assert found, "a repository was pushed to, and its key copied"
        for name, repository in found.items():
            master, sealed = json.loads(repository["master_key"]), json.loads(repository["key_file"])
            encrypt, *mac = (base64.b64decode(each) for each in (master["encrypt"], *master["mac"].values()))
            self.hide(f"master key of {name}", encrypt, parts=tuple(mac))
            data = base64.b64decode(sealed["data"])
            self.hide(f"key file of {name}", data, f"transport:dataset.{name}.json", "key file", size=16)
        self.searcher.forget()

    # What is seen

    @contextlib.contextmanager
    def during(self, situation: str) -> Iterator[None]:
        """Search everything at the end of the context."""
        self.situation = situation
        self.printed.clear()
        self.log_start = len(self.paradux.tail_text())
        try:
            yield
        finally:
            self.search()

    def search(self) -> None:
        """Everything that was taken down since the last time, and all that lies around now."""
        for place, found in self.searcher.find(self._places()).items():
            self.saw(self._of_one_stash(place, found), found)

    def _of_one_stash(self, place: str, found: set[str]) -> str:
        """A worker whose order is gone from its memory is that of the one transport file which all that was found belongs to, but for
        what is published to any of them."""
        tags = [self.searcher.canaries[name].tags for name in found]
        of_one = [each for each in tags if "published" not in each]
        if not place.startswith("memory: worker of process ") or not of_one:
            return place
        common = frozenset.intersection(*of_one)
        names = sorted(tag.removeprefix("transport:") for tag in common if tag.startswith("transport:"))
        return f"memory: worker of {names[0]}" if names else place

    def _places(self) -> Iterator[Place]:
        """All places, named as the table names them."""
        started = self.executions.news()
        self.programs |= {line.split(b'"', 2)[1].decode() for line in started.splitlines() if b'execve("' in line}
        made = [("arguments and environment", [started]), ("notices", self._notices())]
        made += [(f"memory: {name}", self.searcher.memory(pid)) for pid, name in self._processes()]
        made += [(f"written: {self._short(path)}", [data]) for path, data in self.writes.news(self.executions.pids)]
        made += [(f"network: {name.partition(' ')[0]}", [data]) for name, data in self.wire.news().items()]
        made += [(f"output: paraductl {command}", [text.encode()]) for command, text in self.printed]
        for place, pieces in itertools.chain(made, self.searcher.files(self._folders(), self.root)):
            kind = place.partition(":")[0]
            self.looked[kind] = self.looked.get(kind, 0) + 1
            yield place, pieces

    def look_into(self, pid: int, name: str) -> set[str]:
        """Search the memory of a process."""
        place = f"memory: {name}"
        found = self.searcher.find([(place, self.searcher.memory(pid))]).get(place, set())
        self.saw(place, found)
        return found

    def saw_files(self, kind: str, paths: Iterable[Path]) -> None:
        """Search files of another kind, and remove them."""
        for path in paths:
            self.saw(f"{kind}: {path}", self.searcher.in_bytes(path.read_bytes()))
            path.unlink()

    def saw(self, place: str, canaries: set[str]) -> None:
        """Take down what was found."""
        self.sightings |= {Sighting(self.situation, place, canary) for canary in canaries}

    def _processes(self) -> Iterator[tuple[int, str]]:
        if self.paradux.daemon is None or self.paradux.daemon.poll() is not None:
            return
        for pid in self.paradux.processes():
            if pid == self.paradux.daemon.pid:
                yield pid, "supervisor"
            elif "paraduxd.keeper" in (words := command_line(pid)):
                yield pid, "keeper"
            elif "paraduxd.worker" in words:
                yield pid, f"worker of {self.transport_of(pid) or f'process {pid}'}"
            elif words:
                yield pid, f"other ({words.split(chr(0))[0].rpartition('/')[2]})"

    def transport_of(self, pid: int) -> str:
        """The transport file that a worker's order names."""
        path = re.escape(f"{self.paradux.state}/transport/".encode()) + rb"([a-z0-9.-]+\.json)"
        found = {name for piece in self.searcher.memory(pid) for name in re.findall(path, piece)}
        return " and ".join(sorted(map(bytes.decode, found)))

    def keeper(self) -> int | None:
        """The keeper's process, if there is one."""
        return next((pid for pid, name in self._processes() if name == "keeper"), None)

    def workers(self) -> list[int]:
        """The workers' processes."""
        return self.named("paraduxd.worker")

    def named(self, text: str) -> list[int]:
        """Processes of the daemon whose command line has this in it."""
        if self.paradux.daemon is None:
            return []
        return [pid for pid in self.paradux.processes() if text in command_line(pid)]

    def _notices(self) -> Iterator[bytes]:
        assert self.servers.mail
        assert self.servers.hook
        yield from (message.encode() for message in self.servers.mail.messages)
        yield json.dumps(self.servers.hook.messages).encode()

    def _folders(self) -> Iterator[Path]:
        """All that lies below the root, but for what the hunt itself needs; and what is in memory of ours."""
        ours = {"given", "passphrase", "executions", "servers"}
        yield from (path for path in self.root.iterdir() if path.name not in ours)
        yield from (path for path in (self.root / "servers").iterdir() if path.name != "ssh")
        yield from Path("/dev/shm").glob("paradux-*")

    def _short(self, path: str) -> str:
        return path.removeprefix(f"{self.root}/")


def command_line(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text()
    return ""
