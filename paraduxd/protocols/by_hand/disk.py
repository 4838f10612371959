"""Directories: of this machine, of an external disk, of an SSH server that has rsync."""

from __future__ import annotations

from paraduxd.protocols.by_hand.telling import ByHand

_TREE = """\
The folder "versions" holds one whole copy of the files for each point in time, the folder "manifests" one small
file for each that is complete. The newest is the one with the highest "number" (one without a number is older than
all others); write its name, without .json, for NEWEST."""

BY_HAND = ByHand(
    data=f"""\
Attach that disk; the address begins with file: and goes on with the folder. If the disk appears somewhere else now,
say so first: FOLDER=/media/YOU/DISK/...
{_TREE}

  ls "$FOLDER/versions" && grep -H '"number"' "$FOLDER"/manifests/*.json
  mkdir restored && cp -a "$FOLDER/versions/NEWEST/." restored/""",
    archives="""\
Attach that disk. If it appears somewhere else now, say so first: FOLDER=/media/YOU/DISK/...

  mkdir ARCHIVES && cp -r "$FOLDER/." ARCHIVES/""",
    elsewhere="""\
macOS: the same commands in Terminal; disks appear in /Volumes, and cp -a is cp -R -p. A disk with ext4 needs a
Linux computer or a Linux live system.
Windows: copy the folder with the Explorer. A disk with ext4 needs a Linux computer or a Linux live system.""",
)

REMOVABLE = ByHand(
    data=f"""\
Attach the disk (its "uuid" is what `lsblk -o NAME,UUID` shows) and say where its folder paradux-backup is, for
DISK:

  FOLDER="DISK/paradux-backup/DATASET/DESTINATION"

{_TREE}

  ls "$FOLDER/versions" && grep -H '"number"' "$FOLDER"/manifests/*.json
  mkdir restored && cp -a "$FOLDER/versions/NEWEST/." restored/""",
    archives="""\
Attach the disk (its "uuid" is what `lsblk -o NAME,UUID` shows) and say where its folder paradux-backup is, for
DISK:

  FOLDER="DISK/paradux-backup/DATASET/DESTINATION"
  mkdir ARCHIVES && cp -r "$FOLDER/." ARCHIVES/""",
    elsewhere=BY_HAND.elsewhere,
)

RSYNC = ByHand(
    data=f"""\
{_TREE}
If there is no private key among the credentials, ssh asks for the password: it is in the file place/password.

  chmod 600 place/*
  rsync -s -r -e "$SSH" "$LOGIN:$FOLDER/manifests" .
  grep -H '"number"' manifests/*.json
  mkdir restored && rsync -s -a -H -e "$SSH" "$LOGIN:$FOLDER/versions/NEWEST/" restored/""",
    elsewhere="""\
macOS: the same commands in Terminal, without -s if the rsync there does not know it.
Windows: "wsl --install" gives a Linux in which these commands work; or fetch the folder with rclone, as for
"sftp".""",
)
