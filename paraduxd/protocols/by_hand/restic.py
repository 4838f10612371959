"""Repositories of restic, wherever they are."""

from __future__ import annotations

from paraduxd.protocols.by_hand.telling import ByHand

BY_HAND = ByHand(
    data="""\
Install restic (apt install restic, or the program of your system from https://restic.net). The password of the
repository is in place/password, its address with the login of a rest-server in place/repository, the keys of S3 in
place/access_key_id and place/secret_access_key. For a repository on an SSH server without a private key, ssh asks
for the password of the account: it is in place/ssh_password.

  chmod 600 place/*
  [ ! -s place/access_key_id ] || export AWS_ACCESS_KEY_ID="$(cat place/access_key_id)"
  [ ! -s place/access_key_id ] || export AWS_SECRET_ACCESS_KEY="$(cat place/secret_access_key)"
  RESTIC="restic --no-cache --repository-file place/repository --password-file place/password"
  [ -z "$CERTIFICATE" ] || RESTIC="$RESTIC --cacert $CERTIFICATE"
  $RESTIC -o sftp.command="$SSH $LOGIN -s sftp" snapshots
  $RESTIC -o sftp.command="$SSH $LOGIN -s sftp" restore SNAPSHOT --target restored

SNAPSHOT is the ID of the one with the highest "number:" among its tags, of those with "dataset:DATASET" (and, where
others use the repository as well, with "place:" and the uid that "managed", "places", "DATASET/DESTINATION" names).
Old ones have no number; the date alone can be wrong.

If restic says "no key found", the folder "keys" of the repository was lost, and the config has a copy: in
"managed", "data_keys", in the entry whose "name" is DATASET/DESTINATION, "repository". Write the text of "key_file"
into the file keys/ID of the repository, where ID is the "id" beside it, without a line end.""",
    elsewhere="""\
macOS: "brew install restic"; the same commands in Terminal, after typing: bash
Windows: restic.exe from https://restic.net; in PowerShell, with what config.json says:
    $env:AWS_ACCESS_KEY_ID = "..."; $env:AWS_SECRET_ACCESS_KEY = "..."         (only for S3)
    restic.exe -r REPOSITORY snapshots
    restic.exe -r REPOSITORY restore SNAPSHOT --target restored""",
)
