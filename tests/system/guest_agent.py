"""Runs in the guest: takes commands from a virtio-serial port, one JSON document a line, and answers likewise.

A request is {"id", "command", "stdin", "timeout"}, a reply {"id", "code", "out", "err"}; bytes are base64. One at a time.
"""

import base64
import json
import os
import signal
import subprocess
import sys
import time

PORT = "/dev/virtio-ports/paradux.agent"
TIMED_OUT = 124


def encoded(data):
    return base64.b64encode(data).decode()


def answer(request):
    """Run one command line in a session of its own, so that all of it can be ended when its time is over."""
    process = subprocess.Popen(
        ["/bin/sh", "-c", request["command"]],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        out, err = process.communicate(base64.b64decode(request["stdin"]), timeout=request["timeout"])
        code = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        code = TIMED_OUT
    return {"id": request["id"], "code": code, "out": encoded(out), "err": encoded(err)}


def serve(port):
    """Answer for ever; while the host is not connected a read gives nothing."""
    waiting = b""
    while True:
        piece = os.read(port, 1 << 16)
        if not piece:
            time.sleep(0.1)
            continue
        *lines, waiting = (waiting + piece).split(b"\n")
        for line in filter(None, lines):
            try:
                request = json.loads(line)
            except ValueError:  # the rest of what was sent before the host went away
                continue
            reply = memoryview(json.dumps(answer(request)).encode() + b"\n")
            while reply:
                reply = reply[os.write(port, reply) :]


if __name__ == "__main__":
    serve(os.open(sys.argv[1] if len(sys.argv) > 1 else PORT, os.O_RDWR))
