"""The keeper's end of its line to the supervisor."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

from paraduxd.api.dataclass_json import to_json_value
from paraduxd.effects.ipc import control_channel
from paraduxd.effects.ipc.control_messages import Connected, Took
from paraduxd.effects.ipc.unix_sockets import Peer
from paraduxd.keeper.runtime.supervisor_link import Control


def test_nothing_is_read_from_a_connection_before_it_is_said_to_be_taken() -> None:
    """A keeper that has read from one and ends unheard would leave the next one waiting for what the client has said already."""
    supervisor, keeper = socket.socketpair(socket.AF_UNIX, control_channel.SOCKET_TYPE)
    client, served = socket.socketpair()
    supervisor.settimeout(10)
    served_one = threading.Event()
    said: list[object] = []

    def on_client(_peer: Peer, connection: socket.socket) -> Callable[[], None]:
        def serve() -> None:
            said.append(control_channel.receive(supervisor)[0])
            said.append(connection.recv(100))
            served_one.set()

        return serve

    with supervisor, keeper, client, served:
        client.sendall(b"hello")
        serving = threading.Thread(target=Control(keeper).serve, args=(on_client,))
        serving.start()
        control_channel.send_connection(supervisor, served, to_json_value(Connected(Peer(1, 0, 0))))
        assert served_one.wait(10)
        supervisor.shutdown(socket.SHUT_RDWR)
        serving.join(10)
    assert said == [to_json_value(Took(True)), b"hello"]
