"""Processes that end as they should not."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from tests.hunt.house import House
from tests.hunt.situations import SITUATIONS, Situation, situation

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV, signal.SIGQUIT, signal.SIGABRT)
CORES = (Path("/"), Path.cwd(), Path.home())


def cores() -> set[Path]:
    """Core dumps where they would be."""
    return {path for folder in CORES for path in folder.glob("core*") if path.is_file()}


def without_cores(do: Callable[[House], None], house: House) -> None:
    before = cores()
    do(house)
    house.saw_files("core dump", cores() - before)


def kill(processes: Iterable[int], number: int) -> None:
    """One may end by itself when it loses another: restic with its ssh."""
    for pid in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def keepers(house: House, number: int) -> None:
    house.paradux.owner("unlock", "--for", "5m")
    keeper = house.keeper()
    assert keeper
    os.kill(keeper, number)
    house.paradux.wait_for(lambda: house.keeper() is None, "the keeper to end")


def workers(house: House, number: int) -> None:
    house.touch_source()
    with house.servers.gates["sftp-password"].held() as waiting:
        house.paradux.ctl("backup", "docs", "--destination", "sftp-password", "--push-only", "--no-wait")
        assert waiting.wait(60)
        kill(house.workers(), number)
        house.paradux.wait_for(lambda: not house.workers(), "the workers to end")
    house.idle()


def supervisors(house: House, number: int) -> None:
    house.paradux.owner("unlock", "--for", "5m")
    with house.servers.gates["rsync"].held() as waiting:
        house.touch_source()
        house.paradux.ctl("backup", "docs", "--destination", "rsync", "--push-only", "--no-wait")
        assert waiting.wait(60)
        below = house.paradux.processes()
        house.paradux.stop(number)
        house.until_gone(below)
    house.search()
    house.start()
    house.idle()


def tools(house: House, number: int) -> None:
    """What a worker has started: ssh with a key in memory."""
    house.touch_source()
    with house.servers.gates["restic-sftp"].held() as waiting:
        house.paradux.ctl("backup", "docs", "--destination", "restic-sftp", "--push-only", "--no-wait")
        assert waiting.wait(60)
        kill(house.named("ssh") + house.named("restic"), number)
    house.idle()


KINDS = {"keeper": keepers, "worker": workers, "tools of a worker": tools}

for _number in SIGNALS:
    for _name, _kill in KINDS.items():
        _do = partial(without_cores, partial(_kill, number=_number))
        SITUATIONS.append(Situation(f"{_number.name} to the {_name}", _do))
for _number in (signal.SIGKILL, signal.SIGTERM):
    SITUATIONS.append(Situation(f"{_number.name} to the supervisor", partial(supervisors, number=_number)))


@situation("SIGKILL to everything, in the middle of an edit")
def everything(house: House) -> None:
    document = house.paradux.config()
    house.printed.pop()
    document["owner"]["phone"] = "+1"
    client = house.client("edit", "--file", "-")
    assert client.stdin
    client.stdin.write(json.dumps(document))
    client.stdin.close()
    client.stdin = None
    house.paradux.wait_for(lambda: house.keeper() is not None, "the keeper")
    below = house.paradux.processes()
    house.paradux.stop(signal.SIGKILL)
    house.until_gone(below)
    client.kill()
    house.finish(client)
    house.search()
    house.start()
    house.paradux.owner("unlock")
    house.locked()
