"""Runs in the guest: takes commands from a virtio-serial port, one JSON document a line, and answers likewise.

A request is {"id", "command", "stdin", "timeout"}, a reply {"id", "code", "out", "err"}; bytes are base64. One at a time.
A command is a line for the shell, or a list of words for the client, which is forked (`guest_client.service`): to start it takes a second.
"""

import base64
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.rigs import program_line

PORT = "/dev/virtio-ports/paradux.agent"
CLIENT = Path("/run/guest-client")
TIMED_OUT, NOT_THERE = 124, 127


def encoded(data):
    return base64.b64encode(data).decode()


def answer(request):
    """Run one command."""
    run = shell if isinstance(request["command"], str) else client
    code, out, err = run(request["command"], base64.b64decode(request["stdin"]), request["timeout"])
    return {"id": request["id"], "code": code, "out": encoded(out), "err": encoded(err)}


def shell(command, stdin, seconds):
    """Run a command line in a session of its own, so that all of it can be ended when its time is over."""
    process = subprocess.Popen(
        ["/bin/sh", "-c", command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        out, err = process.communicate(stdin, timeout=seconds)
        return process.returncode, out, err
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return TIMED_OUT, *process.communicate()


def client(words, stdin, seconds):
    """Be the client."""
    try:
        return program_line.ask(CLIENT, words, stdin, seconds)
    except TimeoutError:
        return TIMED_OUT, b"", b""
    except OSError as problem:
        return NOT_THERE, b"", str(problem).encode()


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
