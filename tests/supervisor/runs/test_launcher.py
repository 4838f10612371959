"""The launcher with real processes: reports, crashes, cancelling, stalling, and that nothing is left behind."""

from __future__ import annotations

import gc
import queue
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from paraduxd.core.runs.orders import Done, Failed, Held, Order, Progress
from paraduxd.effects.process.children import Children
from paraduxd.effects.process.worker_hosts import ChildHost, Host, UnitHost
from paraduxd.supervisor.runs.launcher import Final, Launcher, Patience
from tests.unit_rig import SocketUnits

PATIENCE = 20.0

Start = Callable[..., Launcher]


class Ear:
    """Hears what a launcher tells."""

    def __init__(self) -> None:
        self.progressed: queue.Queue[tuple[int, Progress]] = queue.Queue()
        self.finals: queue.Queue[tuple[int, Final]] = queue.Queue()

    def progress(self, run: int, progress: Progress) -> None:
        self.progressed.put((run, progress))

    def ended(self, run: int, final: Final) -> None:
        self.finals.put((run, final))

    def final(self) -> Final:
        return self.finals.get(timeout=PATIENCE)[1]

    def wait_for_progress(self) -> Progress:
        return self.progressed.get(timeout=PATIENCE)[1]


PRELUDE = """
import json, os, signal, subprocess, sys, time
order = json.load(sys.stdin)
def report(**event):
    print(json.dumps(event), flush=True)
"""


@pytest.fixture
def ear() -> Ear:
    return Ear()


IN_UNIT = """
import runpy, sys
from paraduxd.worker import unit_main as unit
unit.worker.main = lambda parent, when_shut_in: when_shut_in() or runpy.run_path(sys.argv[1], run_name="__main__")
unit.main()
"""


def child_host(*command: str) -> Host:
    children = Children()
    return ChildHost(children.start, children.end, command)


@pytest.fixture(params=["child", "unit"])
def start(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Start]:
    launchers: list[Launcher] = []
    script_path = tmp_path / "worker.py"

    def make(script: str, patience: Patience | None = None) -> Launcher:
        script_path.write_text(PRELUDE + textwrap.dedent(script))
        host = UnitHost(tmp_path / "run") if request.param == "unit" else child_host(sys.executable, str(script_path))
        launchers.append(Launcher(host, patience))
        return launchers[-1]

    with SocketUnits(tmp_path / "run", [sys.executable, "-c", IN_UNIT, str(script_path)]):
        yield make
        for launcher in launchers:
            launcher.stop()


def order(run: int = 1, **arguments: object) -> Order:
    return Order(run, "pull", "home", "source", arguments=dict(arguments))


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_order_progress_and_result(start: Start, ear: Ear) -> None:
    launcher = start("""
        report(event="progress", percent=50.0, bytes=order["arguments"]["size"])
        report(event="done", result={"order": order})
    """)
    launcher.start(order(size=7), ear)
    assert ear.wait_for_progress() == Progress(50.0, 7)
    final = ear.final()
    assert isinstance(final, Done) and final.result["order"]["dataset"] == "home"


def test_an_order_larger_than_a_pipe_reaches_a_worker(start: Start, ear: Ear) -> None:
    launcher = start('report(event="done", result={"length": len(order["arguments"]["text"])})')
    launcher.start(order(text="x" * 1_000_000), ear)
    assert ear.final() == Done({"length": 1_000_000})


def test_held_and_failed(start: Start, ear: Ear) -> None:
    launcher = start("""
        if order["run"] == 1:
            report(event="held", reason="empty", text="it is empty", files=3)
        else:
            report(event="failed", code="offline", message="no answer", retry=False)
    """)
    launcher.start(order(1), ear)
    assert ear.final() == Held("empty", "it is empty", files=3)
    launcher.start(order(2), ear)
    assert ear.final() == Failed("offline", "no answer", retry=False)


@pytest.mark.parametrize(
    ("script", "how"),
    [("sys.exit(3)", "exit code 3"), ("os.kill(os.getpid(), signal.SIGSEGV)", "signal 11"), ("pass", "exit code 0")],
)
def test_a_worker_without_a_final_report_has_crashed(
    start: Start, ear: Ear, script: str, how: str, request: pytest.FixtureRequest
) -> None:
    start(script).start(order(), ear)
    final = ear.final()
    assert isinstance(final, Failed) and final.code == "worker-crashed" and final.retry
    known = request.node.callspec.params["start"] == "child"  # systemd keeps the exit code of a unit to itself
    assert final.message == "the worker ended without a report" + (f" ({how})" if known else "")


def test_last_words_of_a_crash_are_logged_and_bounded(start: Start, ear: Ear, caplog: pytest.LogCaptureFixture) -> None:
    start('sys.stderr.write("x" * 100_000 + "the end"); sys.exit(1)').start(order(), ear)
    ear.final()
    (record,) = [record for record in caplog.records if "without a report" in record.message]
    assert record.message.endswith("the end") and len(record.message) < 4300


def test_nonsense_on_the_line_is_ignored(start: Start, ear: Ear) -> None:
    launcher = start("""
        print("no JSON"); print("[1]"); print('{"event": "done"}'); print('{"event": "progress", "percent": "x"}')
        sys.stdout.buffer.write(b"\\xff\\xfe\\n"); print("[" * 100_000)
        report(event="done", result={"good": True})
        report(event="failed", code="late", message="too late")
    """)
    launcher.start(order(), ear)
    assert ear.final() == Done({"good": True})


def test_cancel_lets_a_worker_clean_up(start: Start, ear: Ear) -> None:
    launcher = start("""
        last_words = json.dumps({"event": "failed", "code": "cancelled", "message": "cleaned up"}) + "\\n"
        signal.signal(signal.SIGTERM, lambda *_: (os.write(1, last_words.encode()), os._exit(0)))
        report(event="progress")
        time.sleep(60)
    """)
    launcher.start(order(), ear)
    ear.wait_for_progress()
    launcher.cancel(1)
    assert ear.final() == Failed("cancelled", "cleaned up")
    launcher.cancel(1)
    launcher.cancel(99)


def test_cancel_kills_a_deaf_worker_and_its_programs_in_groups_of_their_own(start: Start, ear: Ear) -> None:
    launcher = start(
        """
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        children = [subprocess.Popen(["sleep", "60"], process_group=0) for _ in range(2)]
        report(event="progress", bytes=children[0].pid, eta=children[1].pid)
        time.sleep(60)
        """,
        Patience(grace=0.2),
    )
    launcher.start(order(), ear)
    pids = ear.wait_for_progress()
    launcher.cancel(1)
    assert isinstance(ear.final(), Failed)
    assert pids.eta is not None and is_gone(pids.bytes) and is_gone(pids.eta)


def test_programs_left_by_a_finished_worker_are_killed(start: Start, ear: Ear) -> None:
    launcher = start("""
        child = subprocess.Popen(["sleep", "60"], process_group=0)
        report(event="done", result={"pid": child.pid})
    """)
    launcher.start(order(), ear)
    final = ear.final()
    assert isinstance(final, Done) and is_gone(final.result["pid"])


def test_a_worker_that_lingers_after_its_report_is_ended(start: Start, ear: Ear) -> None:
    launcher = start('report(event="done", result={}); time.sleep(60)', Patience(grace=0.2))
    launcher.start(order(), ear)
    assert ear.final() == Done({})


def test_a_worker_without_a_sign_of_life_is_ended(start: Start, ear: Ear) -> None:
    launcher = start(
        'report(event="progress", bytes=1)\nwhile True:\n    report(event="progress", bytes=1); time.sleep(0.05)',
        Patience(inactivity=2.0, grace=0.2),
    )
    launcher.start(order(), ear)
    final = ear.final()
    assert isinstance(final, Failed) and final.code == "stalled"
    assert ear.progressed.qsize() == 1


def test_many_at_once_and_each_its_own(start: Start, ear: Ear) -> None:
    launcher = start("""
        for percent in range(20):
            report(event="progress", percent=float(percent))
        report(event="done", result={"run": order["run"]})
    """)
    for run in range(12):
        launcher.start(order(run), ear)
    finals = [ear.finals.get(timeout=PATIENCE) for _ in range(12)]
    assert sorted(run for run, _ in finals) == list(range(12))
    assert all(isinstance(final, Done) and final.result["run"] == run for run, final in finals)


def test_stop_ends_everything_and_is_heard(start: Start, ear: Ear) -> None:
    launcher = start('report(event="progress", bytes=os.getpid()); time.sleep(60)')
    launcher.start(order(), ear)
    pid = ear.wait_for_progress().bytes
    launcher.stop()
    assert ear.finals.qsize() == 1 and is_gone(pid)
    launcher.stop()


def test_what_cannot_be_started_is_told(ear: Ear) -> None:
    launcher = Launcher(child_host("/nonexistent/worker"))
    launcher.start(order(), ear)
    final = ear.final()
    launcher.stop()
    assert isinstance(final, Failed) and final.code == "worker-not-started"


def test_environment_is_built_not_inherited(start: Start, ear: Ear, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARADUX_SECRET", "canary")
    monkeypatch.setenv("PYTHONPATH", "/canary")
    start('report(event="done", result={"env": dict(os.environ), "session": os.getsid(0) == os.getpid()})').start(
        order(), ear
    )
    final = ear.final()
    assert isinstance(final, Done) and final.result["session"] is True
    assert "canary" not in str(final.result)


def test_a_listener_that_fails_does_not_end_the_launcher(start: Start, ear: Ear) -> None:
    class Broken(Ear):
        def ended(self, run: int, final: Final) -> None:
            super().ended(run, final)
            raise RuntimeError

    broken = Broken()
    launcher = start('report(event="done", result={})')
    launcher.start(order(1), broken)
    broken.final()
    launcher.start(order(2), ear)
    assert ear.final() == Done({})


def test_no_descriptor_and_no_thread_is_left(start: Start, ear: Ear) -> None:
    launcher = start('report(event="done", result={})')
    launcher.start(order(0), ear)
    ear.final()
    gc.collect()  # what other tests have left to it
    before = len(list(Path("/proc/self/fd").iterdir()))
    for run in range(1, 6):
        launcher.start(order(run), ear)
        ear.final()
    assert len(list(Path("/proc/self/fd").iterdir())) <= before
    launcher.stop()
    assert "launcher" not in {thread.name for thread in threading.enumerate()}
