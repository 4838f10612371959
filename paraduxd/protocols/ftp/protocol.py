"""`ftp`: a directory on an FTP server as a blob store; `protocols/ftps.py` is the same with TLS."""

from __future__ import annotations

from paraduxd.api.replies.setup_forms import Question
from paraduxd.core.config.capabilities import Traits
from paraduxd.core.config.setup_declaration import Setup, begins_with
from paraduxd.protocols.base import Protocol
from paraduxd.protocols.by_hand import ftp as by_hand
from paraduxd.protocols.ftp.blobs import FtpBlobs
from paraduxd.protocols.ftp.settings import FtpSettings
from paraduxd.protocols.setup_questions import PASSWORD

PROTOCOL = Protocol(
    "ftp",
    FtpSettings,
    blobs=FtpBlobs,
    traits=Traits(login_in_clear='use "ftps" if the server can, or sftp'),
    setup=Setup(
        "an FTP server without TLS",
        Question("url", "Address", "ftp://fred@friend.example/paradux", required=True),
        begins_with("ftp:"),
        (PASSWORD,),
    ),
    by_hand=by_hand.BY_HAND,
)
