"""The protocol `ftp`."""

from paraduxd.protocols.ftp.protocol import PROTOCOL

__all__ = ["PROTOCOL"]
