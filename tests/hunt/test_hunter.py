"""The hunter finds what is planted: in every form, in every place, however short it was there; and tells a leak from what belongs there."""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.hunt.expected import GENERAL
from tests.hunt.needles import Canary, invent
from tests.hunt.recorders import Executions, Wire, Writes
from tests.hunt.report import Judgement
from tests.hunt.search import Searcher
from tests.hunt.situations import SITUATIONS
from tests.hunt.watch import Sighting, Watch

only_root = pytest.mark.skipif(os.getuid() != 0, reason="needs root, as the hunt does")

VALUE = invent("\"\\' %é")
LONG = invent(groups=60)
FOUND = {"planted"}

FORMS: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda value: value,
    "reversed": lambda value: value[::-1],
    "hex": lambda value: value.hex().encode(),
    "HEX": lambda value: value.hex().upper().encode(),
    "base64": base64.b64encode,
    "base64 after one byte": lambda value: base64.b64encode(b"x" + value),
    "base64 after two bytes": lambda value: base64.b64encode(b"xy" + value),
    "base64 for addresses": lambda value: base64.urlsafe_b64encode(b"\xff\xff" + value),
    "in an address": lambda value: quote(value).encode(),
    "in JSON": lambda value: json.dumps(value.decode()).encode(),
    "UTF-16": lambda value: value.decode().encode("utf-16"),
}


@pytest.fixture
def searcher() -> Searcher:
    made = Searcher()
    made.add(Canary("planted", VALUE.encode()), Canary("long", LONG.encode()), Canary("other", invent().encode()))
    return made


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_found(searcher: Searcher, form: str) -> None:
    assert searcher.in_bytes(b"before" + FORMS[form](VALUE.encode()) + b"after") == FOUND
    assert searcher.in_bytes(b"nothing of the kind") == set()


@pytest.mark.parametrize("start", range(0, len(LONG) - 16, 7))
def test_any_sixteen_bytes_of_a_long_value_are_found(searcher: Searcher, start: int) -> None:
    assert searcher.in_bytes(LONG[start : start + 16].encode()) == {"long"}


def test_places_are_told_apart_in_one_pass(searcher: Searcher) -> None:
    places = [("empty", []), ("here", [b"x", VALUE.encode()]), ("not here", [b"y"]), ("long", [LONG.encode()])]
    assert searcher.find(iter(places)) == {"here": FOUND, "long": {"long"}}


def test_a_file_is_searched_again_when_it_changes(searcher: Searcher, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("nothing")
    assert searcher.find(searcher.files([tmp_path], tmp_path)) == {}
    (tmp_path / "file").write_text(f"now {VALUE}")
    assert searcher.find(searcher.files([tmp_path], tmp_path)) == {"file: file": FOUND}
    assert searcher.find(searcher.files([tmp_path], tmp_path)) == {}
    searcher.forget()
    assert searcher.find(searcher.files([tmp_path], tmp_path)) == {"file: file": FOUND}


@only_root
def test_memory_is_searched(searcher: Searcher) -> None:
    holder = "import sys; kept = sys.stdin.readline(); print('ready', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", holder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(VALUE + "\n")
        process.stdin.flush()
        process.stdout.readline()
        assert searcher.find([("memory", searcher.memory(process.pid))]) == {"memory": FOUND}
        process.stdin.close()


@pytest.mark.parametrize("where", ["argument", "environment"])
def test_programs_are_seen_however_short_they_live(searcher: Searcher, tmp_path: Path, where: str) -> None:
    executions = Executions(tmp_path / "executions")
    extra = [VALUE] if where == "argument" else []
    environment = {"PATH": os.environ["PATH"], **({"SECRET": VALUE} if where == "environment" else {})}
    inner = [sys.executable, "-c", "import subprocess, sys; subprocess.run(['true', *sys.argv[1:]])", *extra]
    subprocess.run([*executions.prefix(), *inner], env=environment, check=True)
    told = executions.told_at_the_end()
    assert b"/true" in told
    assert searcher.in_bytes(told) == FOUND


WRITERS = {
    "removed at once": "import os; path = sys.argv[1]; open(path, 'w').write(secret); os.remove(path)",
    "without a name": "import os; os.write(os.open(sys.argv[1].rpartition('/')[0], os.O_TMPFILE | os.O_RDWR), secret.encode())",
    "written over": "import time; f = open(sys.argv[1], 'r+'); f.write(secret); f.flush(); sys.stdin.readline(); f.seek(0);"
    " f.write('x' * 99); f.flush()",
    "by what has ended": "import subprocess; subprocess.run(['tee', sys.argv[1]], input=secret, text=True, stdout=-3)",
}


@only_root
@pytest.mark.parametrize("how", WRITERS)
def test_what_was_ever_written_is_seen(searcher: Searcher, tmp_path: Path, how: str) -> None:
    (tmp_path / "file").write_text("x" * 99)
    writes = Writes([tmp_path], os.getpid())
    try:
        code = f"import sys; secret = sys.stdin.readline().strip(); {WRITERS[how]}"
        with subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / "file")], stdin=subprocess.PIPE, text=True
        ) as process:
            assert process.stdin
            process.stdin.write(VALUE + "\n")
            process.stdin.flush()
            if how == "written over":
                writes.wait_for(str(tmp_path / "file"))
                process.stdin.write("\n")
                process.stdin.flush()
        found = [path for path, content in writes.news(range(1 << 22)) if searcher.in_bytes(content) == FOUND]
        assert found
        assert all(path.startswith(str(tmp_path)) for path in found)
    finally:
        writes.close()


@only_root
def test_what_passes_loopback_is_seen(searcher: Searcher) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        wire = Wire({server.getsockname()[1]: "server"})
        with socket.create_connection(server.getsockname()) as client, server.accept()[0] as accepted:
            client.sendall(VALUE[:9].encode())
            client.sendall(VALUE[9:].encode())
            accepted.recv(9)
            accepted.sendall(LONG.encode())
            client.recv(9)
        found = searcher.find([(name, [data]) for name, data in wire.news().items()])
        wire.close()
    assert sorted(map(sorted, found.values())) == [["long"], ["planted"]]


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    made = Watch(tmp_path)
    made.hide("ftp password", b"x" * 20, "transport:dataset.docs.ftp.json")
    made.hide("share 0", b"y" * 20, "share:alice")
    made.hide("recovery secret", b"z" * 20)
    return made


BELONGS = [
    ("file: state/transport/dataset.docs.ftp.json", "ftp password"),
    ("written: state/transport/.dataset.docs.ftp.json.x_4k2ab1", "ftp password"),
    ("memory: worker of dataset.docs.ftp.json", "ftp password"),
    ("network: ftp", "ftp password"),
    ("file: kits/alice/PARADUX/share.txt", "share 0"),
    ("memory: keeper", "recovery secret"),
]
LEAKS = [
    ("file: state/transport/dataset.docs.ftps.json", "ftp password"),
    ("memory: worker of dataset.docs.s3.json", "ftp password"),
    ("memory: worker of dataset.docs.ftp.json", "recovery secret"),
    ("network: ftps", "ftp password"),
    ("file: kits/bob/PARADUX/share.txt", "share 0"),
    *(
        (place, "recovery secret")
        for place in (
            "memory: supervisor", "memory: other (gpg)", "arguments and environment", "file: state/journal.sqlite", "file: state/plan.json",
            "file: paraduxd.log", "file: nas/config-1-2.gpg", "file: kits/alice/PARADUX/START-HERE.html", "written: /var/tmp/x", "notices",
            "output: paraductl status", "network: mail", "core dump: /core", "file: /dev/shm/paradux-keeper-1-x/y",
        )
    ),
]  # fmt: skip


@pytest.mark.parametrize(("place", "canary"), BELONGS)
def test_where_a_secret_belongs_it_is_no_leak(watch: Watch, place: str, canary: str) -> None:
    watch.sightings.add(Sighting("status", place, canary))
    judgement = Judgement(watch, SITUATIONS)
    assert not judgement.leaks
    assert any(line.startswith(canary) and "e" in line.removeprefix(canary) for line in judgement.lines())


@pytest.mark.parametrize(("place", "canary"), LEAKS)
def test_everywhere_else_it_is_one(watch: Watch, place: str, canary: str) -> None:
    sighting = Sighting("status", place, canary)
    watch.sightings.add(sighting)
    judgement = Judgement(watch, SITUATIONS)
    assert judgement.leaks == [sighting]
    assert f"LEAK in 'status': {canary}: {place}" in list(judgement.lines())


def test_no_rule_lets_everything_be_everywhere() -> None:
    stranger = Canary("stranger", b"x" * 20)
    rules = [*GENERAL, *(rule for situation in SITUATIONS for rule in situation.rules)]
    for place in (
        "memory: supervisor",
        "arguments and environment",
        "file: state/journal.sqlite",
        "file: paraduxd.log",
    ):
        assert not any(rule.allows(place, stranger) for rule in rules)
