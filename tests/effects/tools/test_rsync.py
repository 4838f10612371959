"""What rsync says, as values and sentences; the outputs are those of rsync 3.2.7 and 3.5.0."""

from __future__ import annotations

import pytest

from paraduxd.api.errors import TransientError
from paraduxd.core.runs.orders import Progress
from paraduxd.effects.tools import rsync, rsync_files
from paraduxd.effects.tools.rsync_complaints import Complaint, Complaints, Kind, understand
from paraduxd.effects.tools.ssh import SshAccess

STATS = b"""
Number of files: 1,015 (reg: 1,011, dir: 3, link: 1)
Number of created files: 14 (dir: 2, link: 1, reg: 11)
Number of deleted files: 7 (reg: 6, dir: 1)
Number of regular files transferred: 10
Total file size: 2,400 bytes
Total transferred file size: 20 bytes
"""


def test_counts_are_of_regular_files() -> None:
    assert rsync.parse_stats(STATS) == rsync.Stats(1011, 11, 6, 10, 2400, 20)


def test_counts_that_are_not_there_are_zero() -> None:
    assert rsync.parse_stats(b"Number of files: 1 (dir: 1)\nNumber of created files: 0\n") == rsync.Stats()


def test_a_file_name_does_not_pass_for_a_count() -> None:
    assert rsync.parse_stats(b"cannot delete non-empty directory: Number of files: 9 (reg: 9)\n").files == 0


@pytest.mark.parametrize(
    ("piece", "expected"),
    [
        (b"\r    32,768  41%    1.20MB/s    0:01:05 (xfr#1, to-chk=3/9)", Progress(41.0, 32768, 65)),
        (b"\r 1 1% 1B/s 0:00:09\r 2 2% 1B/s 1:00:08\r", Progress(2.0, 2, 3608)),
        (b"Number of files: 3", None),
        (b"", None),
    ],
)
def test_progress_is_the_last_line_of_a_piece(piece: bytes, expected: Progress | None) -> None:
    assert rsync.parse_progress(piece) == expected


def test_paths_follow_the_end_of_options_and_hosts_are_aliases() -> None:
    access = SshAccess(("ssh", "-F", "/proc/1/fd/3"), "stash", {})
    argv = rsync.command(rsync.Place("/-a $(x)", "here"), rsync.Place("::x/--delete", "friend", access), ("--delete",))
    assert argv[-3:] == ("--", "/-a $(x)/", "stash:./::x/--delete/")
    assert argv[argv.index("-e") + 1] == "ssh -F /proc/1/fd/3"
    assert "--secluded-args" in argv


@pytest.mark.parametrize(
    ("code", "errors", "expected", "transient"),
    [
        (11, b'rsync: write failed on "/x": No space left on device (28)', "disk-full", True),
        (11, b'rsync: mkstemp "/x" failed: Disk quota exceeded (122)', "disk-full", True),
        (255, b"ssh: connect to host h port 22: Connection refused", "unreachable", True),
        (255, b"fred@h: Permission denied (publickey).", "login-refused", False),
        (255, b"Host key verification failed.", "host-key-changed", False),
        (12, b"rsync: connection unexpectedly closed (9 bytes received so far)", "connection-lost", True),
        (12, b"rsync: connection unexpectedly closed (0 bytes received so far)", "session-refused", False),
        (30, b"[sender] io timeout after 600 seconds -- exiting", "connection-lost", True),
        (127, b"bash: line 1: rsync: command not found", "no-rsync", False),
        (-9, b"", "interrupted", True),
        (23, b'rsync: [sender] send_files failed to open "/x": Permission denied (13)', "transfer-failed", False),
    ],
)
def test_failures_are_told_apart(code: int, errors: bytes, expected: str, transient: bool) -> None:
    failed = rsync.failure(rsync.Ran(code, errors=errors), "friend")
    assert (failed.code, isinstance(failed, TransientError)) == (expected, transient)


def test_the_first_complaint_is_the_sentence() -> None:
    errors = (
        b'rsync: [sender] send_files failed to open "/a": Permission denied (13)\n'
        b'rsync: [sender] send_files failed to open "/b": Permission denied (13)\n'
        b"rsync error: some files/attrs were not transferred (see previous errors) (code 23) at main.c(1394)\n"
    )
    failed = rsync.failure(rsync.Ran(23, errors=errors), "friend")
    assert failed.message.endswith('friend: send_files failed to open "/a": Permission denied (13)')


def test_files_that_vanish_are_no_failure() -> None:
    ran = rsync.Ran(24, errors=b"file has vanished: /x")
    assert rsync.check(ran, "friend") is ran


def test_contents_are_the_same_in_any_order_and_pieces() -> None:
    lines = [b">f+++++++++ 009520053b00386d1173f3988c55d192 a", b"hf+++++++++ 009520053b00386d1173f3988c55d192 b"]
    one, other = rsync_files.Contents(), rsync_files.Contents()
    one.add(b"\n".join(lines) + b"\n")
    for byte in b"cd+++++++++  " + b" " * 32 + b"d/\n" + b"\n".join(reversed(lines)) + b"\n":
        other.add(bytes([byte]))
    assert one.text() == other.text() != rsync_files.Contents().text()
    one.add(b">f+++++++++ " + b"0" * 32 + rb" n\#012\#134 x" + b"\n")
    assert one.files == {b"a": lines[0].split()[1].decode(), b"b": lines[0].split()[1].decode(), b"n\n\\ x": "0" * 32}


def test_a_report_tells_what_was_linked_sent_and_copied() -> None:
    blank, digest = b" " * 32, b"2cd6ee2c70b0bde53fbe6cac3c8b8bb1"
    output = b"\r         32,768  41%    1.20MB/s    0:00:12  \n" + b"".join(
        b"%b %b %b\n" % line
        for line in (
            (b"hf         ", blank, b"linked  twice"),
            (b">f+++++++++", digest, b" sent"),
            (b"cf...p.....", blank, b"copied"),
            (b"cd         ", blank, b"directory/"),
            (b"hL         ", blank, b"link"),
            (b"hf+++++++++", blank, b"other name"),
        )
    )
    report = rsync_files.Report()
    for byte in output:
        report.add(bytes([byte]))
    told = {b"linked  twice": None, b" sent": digest.decode(), b"copied": "", b"other name": ""}
    assert report.files == told
    report.add(b".f          " + blank + b" linked  twice\n.f          " + blank + b" there before\n")
    assert report.files == {**told, b"there before": ""}, "a second run says nothing new of what it leaves alone"


@pytest.mark.parametrize(
    ("line", "kind", "name"),
    [
        (b'rsync: [sender] opendir "/s/d" failed: Permission denied (13)', Kind.CLOSED, b"/s/d"),
        (b'rsync: opendir "/s/d" (in home) failed: Permission denied (13)', Kind.CLOSED, b"/s/d"),
        (b'rsync: [sender] readdir("/s/d"): Input/output error (5)', Kind.CLOSED, b"/s/d"),
        (b'rsync: [sender] readlink_stat("/s/f") failed: Permission denied (13)', Kind.CLOSED, b"/s/f"),
        (b'rsync: [sender] send_files failed to open "/s/\\#012": Permission denied (13)', Kind.UNREAD, b"/s/\n"),
        (b"ERROR: d/f failed verification -- update put into partial-dir.", Kind.UNREAD, b"d/f"),
        (b"filename overflows max-path len by 125: a/b/c", Kind.CLOSED, b"a/b"),
        (b'rsync: [receiver] mkstemp "/t/.a\\#377.AbCdEf" failed: Invalid argument (22)', Kind.UNWRITTEN, b"/t/a\xff"),
        (b'rsync: [receiver] rename "/t/.a.AbCdEf" -> "ab": File name too long (36)', Kind.UNWRITTEN, b"ab"),
        (b'rsync: [receiver] write failed on "/t/a": File too large (27)', Kind.TOO_LARGE, b"/t/a"),
        (b'rsync: [receiver] write failed on "/t/a": No space left on device (28)', Kind.OTHER, b"/t/a"),
        (b'rsync: [receiver] mkstemp "/t/.a.AbCdEf" failed: Permission denied (13)', Kind.OTHER, b"/t/a"),
        (b'rsync: [generator] symlink "/t/l" -> "x" failed: Operation not permitted (1)', Kind.REFUSED, b"/t/l"),
        (b'rsync: [generator] link "/t/l" => x failed: Too many links (31)', Kind.REFUSED, b"/t/l"),
        (b'rsync: [generator] recv_generator: mkdir "/t/d" failed: Invalid argument (22)', Kind.REFUSED, b"/t/d"),
        (b'rsync: [generator] recv_generator: mkdir "/t/d" failed: No space left on device (28)', Kind.OTHER, b"/t/d"),
        (b'rsync: [receiver] rsync_xal_set: fsetxattr("/t/.f.AbCdEf","a") failed: No space left on device (28)', Kind.UNSTORED, b"/t/f"),
        (b"rsync: [generator] set_acl: xacl_set(d, ACL_TYPE_DEFAULT): Operation not supported (95)", Kind.UNSTORED, b"d"),
        (b'rsync: [generator] chown "/t/d" failed: Operation not permitted (1)', Kind.UNSTORED, b"/t/d"),
        (b'rsync: [generator] failed to set times on "/t/d": Operation not permitted (1)', Kind.UNSTORED, b"/t/d"),
        (b'rsync: [sender] rsync_xal_get: lgetxattr("/s/f","user.a",5) failed: Input/output error (5)', Kind.HIDDEN, b"/s/f"),
        (b"rsync: [sender] get_acl: sys_acl_get_file(d/f, ACL_TYPE_ACCESS): Input/output error (5)", Kind.HIDDEN, b"d/f"),
        (b"rsync: extended attributes are not supported on this server", Kind.HIDDEN, b""),
        (b"file has vanished: \"/s/f\"", Kind.REMARK, b""),
        (b"rsync: connection unexpectedly closed", Kind.OTHER, b""),
    ],
)  # fmt: skip
def test_complaints_are_told_apart(line: bytes, kind: Kind, name: bytes) -> None:
    assert understand(line) == Complaint(kind, name)


def test_a_million_complaints_are_counted_and_ten_thousand_kept() -> None:
    said = Complaints()
    for number in range(20_000):
        said.add(b'rsync: [sender] send_files failed to open "/s/%d": Permission denied (13)\nrsync: [sen' % number)
        said.add(b'der] opendir "/s/d" failed: Permission denied (13)\n')
    said.end()
    assert (said.count(Kind.UNREAD), len(said.of(Kind.UNREAD)), said.of(Kind.CLOSED)) == (20_000, 10_000, (b"/s/d",))


def test_attributes_that_the_target_cannot_hold_are_no_failure() -> None:
    said = Complaints()
    said.add(b'rsync: [generator] chown "/t/d" failed: Operation not permitted (1)\n')
    ran = rsync.Ran(23, said=said)
    assert rsync.check(ran, "friend") is ran
