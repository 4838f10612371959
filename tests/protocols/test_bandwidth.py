"""`bandwidth` reaches whatever moves the bytes: as an option of the program, or as pauses between the pieces of a stream."""

from __future__ import annotations

import io
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from paraduxd.core.primitives import durations
from paraduxd.core.runs.orders import Order
from paraduxd.effects.process import run as process
from paraduxd.protocols.blob_stores import throttle
from paraduxd.protocols.blob_stores.throttle import Pace, ThrottledBlobs
from paraduxd.protocols.disk import DiskBlobs
from paraduxd.testing import samples
from paraduxd.testing.blobs import BlobStoreSuite, MakeStore
from paraduxd.worker import run_order, steps
from tests.protocols.archive.rig import new_keys
from tests.protocols.restic.rig import SECRET

RATE = 500_000


class Watch:
    """A clock that moves by sleeping only."""

    def __init__(self) -> None:
        self.now = 0.0
        self.naps: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now += seconds

    def pace(self, rate: int = RATE) -> Pace:
        return Pace(rate, lambda: self.now, self.sleep)


class TestThrottledBlobs(BlobStoreSuite):
    @pytest.fixture
    def make(self, tmp_path: Path) -> MakeStore:
        return lambda: ThrottledBlobs(DiskBlobs(tmp_path / "store"), Watch().pace())


def test_what_is_put_and_got_takes_its_time_in_small_pieces(tmp_path: Path) -> None:
    watch = Watch()
    store = ThrottledBlobs(DiskBlobs(tmp_path), watch.pace())
    store.put("object", io.BytesIO(bytes(3 * RATE)))
    assert watch.now == pytest.approx(3)
    assert b"".join(store.get("object")) == bytes(3 * RATE)
    assert watch.now == pytest.approx(6)
    assert max(watch.naps) <= 0.25 + 1e-9


def test_a_pause_is_not_made_up_for_by_a_burst() -> None:
    watch = Watch()
    pace = watch.pace(100)
    watch.now = 1000
    pace.passed(100)
    pace.passed(50)
    assert watch.naps == pytest.approx([1, 0.5])


def order(tmp_path: Path, step: str, settings: dict[str, Any], **more: Any) -> Order:
    transport = {"settings": settings, "host_keys": {}, "secret": SECRET, "bandwidth": RATE, **more}
    path = tmp_path / "transport.json"
    path.write_text(json.dumps(transport))
    path.chmod(0o600)
    arguments = {"keep": {}, "guard": {}, "index": str(tmp_path / "index")}
    return Order(1, step, "photos", "cloud", str(path), str(tmp_path / "staging"), arguments)


@pytest.fixture
def argvs(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that are started from now on."""
    found: list[list[str]] = []
    start = process.start

    def spy(command: list[str], **more: Any) -> subprocess.Popen[bytes]:
        found.append(list(command))
        return start(command, **more)

    monkeypatch.setattr(process, "start", spy)
    return found


@pytest.mark.parametrize("step", ["pull", "push"])
def test_rsync_is_told(tmp_path: Path, argvs: list[list[str]], step: str) -> None:
    samples.write_files(tmp_path / "staging", 2)
    samples.write_files(tmp_path / "place", 2)
    place = "place" if step == "pull" else "new"
    run = order(tmp_path, step, {"url": f"file://{tmp_path / place}"}, protocol="disk")
    run_order.perform(run, lambda _: None)
    started = [argv for argv in argvs if argv[0] == "rsync"]
    assert started and all("--bwlimit=488" in argv for argv in started)


def test_restic_is_told(tmp_path: Path, argvs: list[list[str]]) -> None:
    samples.write_files(tmp_path / "staging", 2)
    steps.push(order(tmp_path, "push", {"repository": str(tmp_path / "r")}, protocol="restic"), lambda _: None)
    started = [argv for argv in argvs if argv[0] == "restic"]
    assert started and all({"--limit-upload=488", "--limit-download=488"} <= set(argv) for argv in started)


def test_archives_are_throttled_whatever_the_store_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch()
    monkeypatch.setattr(throttle, "Pace", lambda rate: Pace(rate, lambda: watch.now, watch.sleep))
    samples.write_files(tmp_path / "staging", 2, 1_000_000)
    keys = new_keys()
    archive = {name: getattr(keys, name) for name in ("fingerprint", "public_key", "verify_key", "signing_key")}
    result = steps.push(
        order(tmp_path, "push", {"url": f"file://{tmp_path / 'store'}"}, protocol="disk", archive=archive),
        lambda _: None,
    )
    assert result.added_bytes > 1_900_000
    assert watch.now >= result.added_bytes / RATE - 1


def test_nothing_is_limited_unless_asked_for(tmp_path: Path, argvs: list[list[str]]) -> None:
    samples.write_files(tmp_path / "staging", 1)
    steps.push(
        order(tmp_path, "push", {"url": f"file://{tmp_path}/d"}, protocol="disk", bandwidth=None), lambda _: None
    )
    assert argvs and not any("--bwlimit" in word for argv in argvs for word in argv)


@pytest.mark.parametrize("bad", ["", "k", "1", "500", "1.5M", "-2M", "2m", "9999G", True, 1.5])
def test_what_is_no_rate_is_refused(bad: Any) -> None:
    with pytest.raises(ValueError, match="expected bytes per second"):
        durations.parse_rate(bad)


@pytest.mark.parametrize(("text", "rate"), [("500k", 500_000), ("2M", 2_000_000), ("1G", 10**9), ("1025", 1025)])
def test_rates_are_saved_as_they_are_written(text: str, rate: int) -> None:
    assert (durations.parse_rate(text), durations.write_rate(rate)) == (rate, text)
