"""Whether a repository could be made at a place where there is none."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from paraduxd.api.errors import ParaduxError
from paraduxd.core.config.protocol_settings import SshAddress
from paraduxd.effects.files import existence
from paraduxd.protocols.base import BlobStore, Context
from paraduxd.protocols.blob_stores import place_trial
from paraduxd.protocols.restic.settings import ResticSettings, parse_repository


def at_new_place(settings: ResticSettings, context: Context) -> None:
    """Raises `ParaduxError` when it could not. Where files can be written beside a repository, that is tried."""
    place = parse_repository(settings.repository)
    if isinstance(place, str):
        _check_empty(Path(place))
    elif isinstance(place, SshAddress):
        place_trial.write_and_remove(_folder(place, settings, context))


def _check_empty(path: Path) -> None:
    """Refuse to make a repository among other files."""
    if existence.is_folder(path) and any(path.iterdir()):
        text = f"{path} is not empty and is no restic repository of this Paradux"
        raise ParaduxError("not-empty", text, "choose an empty folder, or one that does not exist yet")


def _folder(place: SshAddress, settings: ResticSettings, context: Context) -> BlobStore:
    """The folder of the repository, as files are written into it."""
    from paraduxd.protocols.blob_stores.sftp_blobs import SftpBlobs  # a transfer does not need it
    from paraduxd.protocols.sftp import SftpSettings

    path = place.path if place.path.startswith("/") else f"/~/{place.path}"
    host = f"[{place.host}]" if ":" in place.host else place.host
    user = f"{quote(place.user, safe='')}@" if place.user else ""
    url = f"sftp://{user}{host}:{place.port}{quote(path)}"
    return SftpBlobs(SftpSettings(url=url, credentials=settings.ssh_credentials()), context)
