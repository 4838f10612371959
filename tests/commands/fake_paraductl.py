"""`paraductl` as a process, against a daemon in memory whose config holds the canary that was passed through descriptor $CANARY_FD."""

from __future__ import annotations

import os
import sys

from paraductl.main import main
from tests.fakes_client import FakeDaemon

if __name__ == "__main__":
    daemon = FakeDaemon()
    daemon.passphrase = canary = os.read(int(os.environ["CANARY_FD"]), 100).decode()
    daemon.document["inventory"] = [{"name": canary}]
    code = main(sys.argv[1:], daemon)
    owner = daemon.document["owner"]["name"]
    print(f"[exit code {code}, owner {owner}, window {daemon.window_open}]")
    sys.exit(code)
