"""One restic repository, opened: where it is, and how restic is started on it.

The repository password is a file in memory, the way to a server likewise; neither an argument nor a variable of the
environment carries a secret. resticpy builds commands and reads results where it can; it keeps no repository or password of ours
in its globals, and starts nothing itself: its executor is replaced by the one door for starting programs. What must be streamed
(backup, restore, ls), has options that it lacks (tag, prune, forget of several versions), or answers as it does not expect (init) is
started here.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from restic.internal import command_executor

from paraduxd.api import bounded_json
from paraduxd.api.errors import ParaduxError, TransientError
from paraduxd.api.frozen import dataclass
from paraduxd.core.config.protocol_settings import SshAddress
from paraduxd.effects.process import run as process
from paraduxd.effects.tools import ssh, ssh_failures, tls_pins
from paraduxd.protocols.base import Context
from paraduxd.protocols.restic import failures as restic_failures
from paraduxd.protocols.restic.rest import http_failures as rest_server
from paraduxd.protocols.restic.rest.http import HttpAddress, credentials_file
from paraduxd.protocols.restic.running import locks, streams
from paraduxd.protocols.restic.running.streams import OnLine, OnPiece, Ran, Take
from paraduxd.protocols.restic.settings import Place, ResticSettings

Mend = Callable[[], bool]

NO_CACHE = "--no-cache"

NO_LOCK = "--no-lock"
"""Read without a lock in the repository: a lock is a change, and one that a killed restic leaves behind."""

_S3_RETRIES = 3
"""So often restic's S3 client tries one request again before restic hears of it; left alone, 0.14 takes minutes."""


def _cannot_mend() -> bool:
    return False


@dataclass(frozen=True)
class _Link:
    """The SSH server ("host:port") that restic speaks to, and what ssh writes (to a file in memory).

    restic passes on what ssh says, but often ends before it has done so.
    """

    server: str
    log: int
    access: ssh.SshAccess

    def problem(self, errors: Sequence[str]) -> ParaduxError | None:
        """Why restic could not speak to it, when it is that, after restic's own `errors`."""
        log = self.take_log()
        if failed := ssh_failures.failure(log, self.server):
            return failed
        if not restic_failures.lost(errors):
            return None
        code, told = ssh.told(self.access, "-s", "sftp")
        said = ssh_failures.said(told) or ssh_failures.said(ssh.told(self.access, "echo")[1])
        again = ssh_failures.failure(told, self.server)
        if isinstance(again, TransientError) or (code == 0 and not said):
            return ssh_failures.connection_lost(self.server)
        return again or ssh_failures.session_refused(self.server, said, "file transfer (SFTP)")

    def take_log(self) -> bytes:
        """What ssh wrote since the last time."""
        text = os.pread(self.log, 1 << 20, 0)
        os.ftruncate(self.log, 0)
        return text


@dataclass(frozen=True)
class Repository:
    """How to start restic: `where` names the repository in sentences, `options` come before each command.

    `mend`: called when no key there is opened by the password; gives whether there is one now.
    `cache`: the options for what it keeps to be faster; `descriptors` are those that restic inherits; `server` is the HTTP server
    ("host:port") that it speaks to, with its pinned certificates, `link` the SSH server; `started` remembers each restic while it lives.
    """

    where: str
    options: tuple[str, ...]
    descriptors: tuple[int, ...]
    env: dict[str, str] = field(default_factory=dict)
    link: _Link | None = None
    server: str = ""
    pins: tuple[str, ...] = ()
    cache: tuple[str, ...] = (NO_CACHE,)
    mend: Mend = _cannot_mend
    started: locks.Running = field(default_factory=locks.Running)

    def uncached(self) -> Repository:
        """The same, without anything that was kept here."""
        return replace(self, cache=(NO_CACHE,))

    def run(
        self,
        *command: str,
        cwd: Path | None = None,
        on_line: OnLine | None = None,
        on_piece: OnPiece | None = None,
        allowed: Collection[int] = (0,),
        inherited: Sequence[int] = (),
    ) -> Ran:
        """Run one restic command; `on_line` gets each line of standard output as it comes, or `on_piece` how many bytes did.

        `inherited`: descriptors that its arguments name.
        A lock that a killed restic of ours left behind is removed and the command run again. Raises `ParaduxError` for other exit
        codes than the `allowed`.
        """
        take = streams.pieces(on_piece) if on_piece else streams.each_line(on_line)
        ran = self._run(command, cwd, take, inherited)
        problem = self._problem(ran, allowed)
        if problem is not None and problem.code == "busy" and NO_LOCK not in self.options and self._unlock():
            ran = self._run(command, cwd, take, inherited)
            problem = self._problem(ran, allowed)
        if problem is not None and problem.code == restic_failures.WRONG_PASSWORD and self.mend():
            ran = self._run(command, cwd, take, inherited)
            problem = self._problem(ran, allowed)
        if problem is not None:
            raise problem
        return ran

    def library(self, function: Callable[..., Any], **arguments: Any) -> Any:
        """Call a function of resticpy on this repository; raises `ParaduxError` as `run` does."""
        theirs = command_executor.execute
        command_executor.execute = self._execute
        try:
            return function(**arguments)
        finally:
            command_executor.execute = theirs

    def _execute(self, command: Sequence[str]) -> str:
        """What resticpy calls with ["restic", "--json", subcommand, ...]; gives standard output, once it may be parsed."""
        told = "\n".join(self.run(*command[2:]).output)
        try:
            bounded_json.parse(told, "what restic tells", bounded_json.MEDIUM)
        except ValueError as problem:
            raise ParaduxError(
                "bad-answer", f"the repository {self.where} cannot be understood: {problem}", "see who can write there"
            ) from None
        return told

    def _unlock(self) -> bool:
        """Remove the locks that nobody holds any more; `False`: somebody may hold one."""
        told = self._told("list", "locks")
        if told is None:
            return False
        each = [self._told("cat", "lock", name) for name in told.split()]
        if None in each and self._told("list", "locks") != told:
            return True  # one went meanwhile
        try:
            found = [locks.Lock.parsed(text or "") for text in each]
        except ValueError:
            return False
        options = self.started.how_to_remove(found, datetime.now(UTC))
        if options is None or self._run(("unlock", *options), None, streams.each_line(None)).code:
            return False
        self.started.forget()
        return True

    def _told(self, *command: str) -> str | None:
        """What restic answers without a lock of its own; `None`: it failed."""
        ran = self._run((NO_LOCK, *command), None, streams.each_line(None))
        return None if ran.code else "\n".join(ran.output)

    def _run(self, command: Sequence[str], cwd: Path | None, take: Take, inherited: Sequence[int] = ()) -> Ran:
        with self.started.one() as note:
            running = process.start(
                ["restic", *self.cache, *self.options, *command],
                extra_env=self.env,
                pass_fds=(*self.descriptors, *inherited, *note.inherited),
                cwd=cwd,
            )
            note.began(running.pid)
            errors = streams.Errors(running)
            try:
                lines = take(running.stdout)
                code = running.wait()
            except BaseException:
                process.kill_group(running)
                raise
            note.ended(code)
        kept = errors.kept()
        return Ran(code, lines, kept, errors.dropped)

    def _problem(self, ran: Ran, allowed: Collection[int]) -> ParaduxError | None:
        if ran.code in allowed:
            return None
        problem = restic_failures.problem(ran.code, ran.errors, self.where)
        if self.server and problem.code in restic_failures.UNCLEAR:
            told = rest_server.of_server(ran.errors, self.server) or problem
            if told.code == rest_server.UNTRUSTED:
                return tls_pins.refused(self.server, self.pins, tls_pins.words("\n".join(ran.errors)))
            return told
        if self.link is None or problem.code not in restic_failures.UNCLEAR:
            return problem
        return self.link.problem(ran.errors) or problem


@contextlib.contextmanager
def opened(
    place: Place, settings: ResticSettings, password: str, context: Context, mend: Mend = _cannot_mend
) -> Iterator[Repository]:
    """The repository at this place; what restic needs to get in is gone when the context ends.

    Raises `ParaduxError` "no-credentials", "bad-credentials" and those of `ssh.access`.
    """
    with contextlib.ExitStack() as stack:
        descriptor, path = stack.enter_context(process.sealed_file(_bytes(password)))
        lock = (NO_LOCK,) if context.read_only else ()
        limit = _limit(context.bandwidth)
        options = ("--json", "--password-file", path, *lock, *limit)
        base = Repository(
            "",
            options,
            (descriptor,),
            {"RESTIC_PROGRESS_FPS": "1"},
            cache=_cache(context.cache),
            mend=mend,
            started=locks.Running(None if context.read_only else context.index),
        )
        if isinstance(place, str):
            yield replace(base, where=place, options=(*options, "--repo", place))
        elif isinstance(place, SshAddress):
            yield _over_ssh(base, place, settings, context, stack)
        else:
            yield _over_http(base, place, settings, context, stack)


def _over_ssh(
    base: Repository, place: SshAddress, settings: ResticSettings, context: Context, stack: contextlib.ExitStack
) -> Repository:
    server = f"{place.host}:{place.port}"
    access = stack.enter_context(ssh.access(place, settings.ssh_credentials(), context.host_keys.get(server, ())))
    log, _ = stack.enter_context(process.sealed_file(b""))
    command = " ".join((*access.command, "-E", process.anywhere_path(log), access.host, "-s", "sftp"))
    remote = ("--option", f"sftp.command={command}", "--repo", f"sftp:{access.host}:{place.path}")
    return replace(
        base,
        where=f"{place.path} on {server}",
        options=(*base.options, *remote),
        env={**base.env, **access.env},
        link=_Link(server, log, access),
    )


def _over_http(
    base: Repository, place: HttpAddress, settings: ResticSettings, context: Context, stack: contextlib.ExitStack
) -> Repository:
    """The address is a file in memory, too: that of a rest-server holds the login."""
    descriptors, env = list(base.descriptors), dict(base.env)

    def in_memory(text: str) -> str:
        descriptor, path = stack.enter_context(process.sealed_file(_bytes(text)))
        descriptors.append(descriptor)
        return path

    options = ["--repository-file", in_memory(place.repository(settings.credentials.rest_password or ""))]
    if pins := context.host_keys.get(place.server, ()):
        options += ["--cacert", in_memory(tls_pins.ca_file(pins))]
    if place.kind == "s3":
        options += ["--option", f"s3.retries={_S3_RETRIES}"]
        env["AWS_SHARED_CREDENTIALS_FILE"] = in_memory(_s3_login(settings))
    return replace(
        base,
        where=f"/{place.path} on {place.server}",
        options=(*base.options, *options),
        descriptors=tuple(descriptors),
        env=env,
        server=place.server,
        pins=tuple(pins),
    )


def _s3_login(settings: ResticSettings) -> str:
    """The login as a file; without one restic would ask for it at places where a machine in a cloud has one."""
    key_id, secret = settings.credentials.access_key_id, settings.credentials.secret_access_key
    if not key_id or not secret:
        raise ParaduxError(
            "no-credentials",
            "there is no access key to log in to S3 with",
            "add credentials.access_key_id and credentials.secret_access_key with paraductl edit",
        )
    try:
        return credentials_file(key_id, secret)
    except ValueError:
        text = "the access key of S3 has characters that no access key has"
        raise ParaduxError("bad-credentials", text, "correct the credentials with paraductl edit") from None


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _limit(bandwidth: int | None) -> tuple[str, ...]:
    """restic counts KiB in a second."""
    if bandwidth is None:
        return ()
    rate = max(1, bandwidth // 1024)
    return f"--limit-upload={rate}", f"--limit-download={rate}"


def _cache(folder: Path | None) -> tuple[str, ...]:
    return (NO_CACHE,) if folder is None else ("--cache-dir", str(folder), "--cleanup-cache")
