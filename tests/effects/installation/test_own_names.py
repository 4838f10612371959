"""What this machine is called."""

from __future__ import annotations

import socket

from paraduxd.effects.installation import own_names

TRIE = """Main:
  +-- 0.0.0.0/0 3 0 5
        +-- 192.0.2.0/30 2 0 2
           |-- 192.0.2.0
              /24 link UNICAST
           |-- 192.0.2.2
              /32 host LOCAL
        |-- 192.0.2.255
           /32 link BROADCAST
"""

HOSTS = """127.0.0.1 localhost
127.0.1.1 Server.example.org server  # by the installer
::1 ip6-localhost
192.0.2.9 nas.example.org
"""


def test_addresses_and_names_come_from_the_kernel_and_the_hosts_file() -> None:
    assert list(own_names.ipv4(TRIE)) == ["192.0.2.2"]
    assert list(own_names.ipv6("fd000000000000000000000000000002 04 40 00 82     eth0\n")) == ["fd00::2"]
    assert list(own_names.in_hosts(HOSTS)) == ["localhost", "server.example.org", "server", "ip6-localhost"]


def test_this_very_machine_is_known() -> None:
    assert {socket.gethostname().lower().partition(".")[0], "127.0.0.1"} <= own_names.found()
