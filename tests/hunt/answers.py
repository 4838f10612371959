"""The config of the hunt: every kind of place, and a secret wherever one can stand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.hunt.servers import Secret, Servers
from tests.rig import minimal_answers

Json = dict[str, Any]

STEWARDS = ("alice", "bob", "carol")


def answers(root: Path, servers: Servers, secret: Secret, drop_in: bool) -> Json:
    """Three datasets: `docs` goes to every kind of destination, `mail` comes over ssh, `cloud` from a WebDAV server."""
    found = minimal_answers(root)
    found["policy"] |= {"notify_after": "1s", "grace": "0s", "grace_after_alarm": "0s"}
    found["inventory"] = _inventory(secret)
    found["notify"] = _notify(servers)
    found["metadata_stashes"] = [
        {"id": "nas", "protocol": "disk", "url": f"file://{root}/nas", "fate": ["place:parents"]},
        _friend(root, servers),
    ]
    found["datasets"] = [
        _dataset(
            "docs", root, {"protocol": "disk", "url": f"file://{root}/source"}, _destinations(root, servers, secret)
        ),
        _dataset("mail", root, _over_ssh("rsync", "rsync+ssh", root / "mailbox", "source", servers)),
        _dataset("cloud", root, _webdav("webdav-source", servers, "files")),
    ]
    if drop_in:
        token = {"api_token": secret("drop-in token", "\"\\' %", "dataset.docs.careless.json")}
        careless = {"id": "careless", "protocol": "careless", "folder": f"{root}/careless", "credentials": token}
        found["datasets"][0]["destinations"].append({**careless, "encryption": "gpg", "fate": ["account:careless"]})
    return found


def _inventory(secret: Secret) -> list[Json]:
    fields = ("name", "url", "username", "password", "notes")
    odd = {"password": "\"\\' %", "notes": "\"\\' %"}
    entry = {
        name: secret(f"inventory {name}", odd.get(name, ""), tags=("shown",) * (name == "name")) for name in fields
    }
    entry["url"] = f"https://bank.example/?session={entry['url']}"
    entry["notes"] = f"First line.\n{entry['notes']}\nLast line."
    return [entry]


def _notify(servers: Servers) -> list[str]:
    (user, mail), (_, hook) = servers.logins["mail"], servers.logins["hook"]
    to = "from=p@example.org&to=fred@example.org&smtp=127.0.0.1&mode=insecure"
    return [
        f"mailto://{user}:{mail}@127.0.0.1:{servers.port('mail')}?{to}",
        f"json://{user}:{hook}@127.0.0.1:{servers.port('hook')}/",
    ]


def _friend(root: Path, servers: Servers) -> Json:
    """A stash with a login of its own for whoever has a kit."""
    stash = _over_ssh("sftp", "sftp", root / "friend", "config", servers)
    reader = _over_ssh("sftp", "sftp", root / "friend", "reader", servers)
    access = {key: reader[key] for key in ("url", "credentials")}
    return {"id": "friend", **stash, "kit_access": access, "fate": ["place:friend"]}


def _dataset(name: str, root: Path, source: Json, destinations: list[Json] | None = None) -> Json:
    mirror = {"id": "mirror", "protocol": "disk", "url": f"file://{root}/mirror/{name}", "fate": ["place:office"]}
    return {
        "id": name,
        "source": {**source, "fate": ["device:laptop"]},
        "staging": f"{root}/staging/{name}",
        "destinations": [mirror, *(destinations or [])],
    }


def _over_ssh(protocol: str, scheme: str, path: Path, name: str, servers: Servers) -> Json:
    url = f"{scheme}://{servers.user}@127.0.0.1:{servers.port(name)}{path}"
    return {"protocol": protocol, "url": url, "credentials": {"private_key": servers.keys[name]}}


def _webdav(name: str, servers: Servers, path: str) -> Json:
    user, password = servers.logins[name]
    options = {"type": "webdav", "url": f"http://127.0.0.1:{servers.port(name)}", "user": user, "pass": password}
    return {"protocol": "rclone", "url": f"rclone:dav:{path}", "options": options}


def _destinations(root: Path, servers: Servers, secret: Secret) -> list[Json]:
    archives = {
        "archive": {"protocol": "disk", "url": f"file://{root}/archive"},
        "tiny": {"protocol": "disk", "url": f"file://{root}/tiny/archive"},
        "sftp": _over_ssh("sftp", "sftp", root / "archives/sftp", "sftp", servers),
        "sftp-password": _with_password("sftp", "sftp-password", servers),
        "ftp": _with_password("ftp", "ftp", servers),
        "ftps": _with_password("ftps", "ftps", servers),
        "s3": _s3(servers),
        "webdav": _webdav("webdav", servers, "archives"),
        "oauth": _oauth(servers),
        "s3-session": _s3_session(servers),
    }
    rest = {
        "rsync": _over_ssh("rsync", "rsync+ssh", root / "archives/rsync", "rsync", servers),
        "restic": _restic(f"{root}/restic", password=secret("restic password", "\"\\' %", "dataset.docs.restic.json")),
        "restic-sftp": _restic(
            f"sftp://{servers.user}@127.0.0.1:{servers.port('restic-sftp')}/{root}/archives/restic",
            private_key=servers.keys["restic-sftp"],
        ),
        "rest": _restic(
            f"rest:https://fred@127.0.0.1:{servers.port('rest')}/docs", rest_password=servers.logins["rest"][1]
        ),
        "restic-s3": _restic(
            f"s3:http://127.0.0.1:{servers.port('restic-s3')}/bucket/docs",
            **dict(zip(("access_key_id", "secret_access_key"), servers.logins["restic-s3"], strict=True)),
        ),
    }
    made = [{"id": name, **each, "encryption": "gpg"} for name, each in archives.items()]
    made += [{"id": name, **each} for name, each in rest.items()]
    return [{"every": "1d", "fate": [f"place:{each['id']}"], **each} for each in made]


def _with_password(protocol: str, name: str, servers: Servers) -> Json:
    user, password = servers.logins[name]
    url = f"{protocol}://{user}@127.0.0.1:{servers.port(name)}/archives"
    return {"protocol": protocol, "url": url, "credentials": {"password": password}}


def _s3(servers: Servers) -> Json:
    key, secret_key = servers.logins["s3"]
    endpoint = f"http://127.0.0.1:{servers.port('s3')}"
    credentials = {"access_key_id": key, "secret_access_key": secret_key}
    return {"protocol": "s3", "url": "s3://bucket/docs", "endpoint": endpoint, "credentials": credentials}


def _s3_session(servers: Servers) -> Json:
    """The same bucket through rclone, with keys for a while."""
    key, secret_key = servers.logins["s3-session"]
    options = {"type": "s3", "provider": "Other", "endpoint": f"http://127.0.0.1:{servers.port('s3-session')}"}
    options |= {"access_key_id": key, "secret_access_key": secret_key, "session_token": servers.session}
    return {"protocol": "rclone", "url": "rclone:session:bucket/session", "options": options}


def _oauth(servers: Servers) -> Json:
    server = f"http://127.0.0.1:{servers.port('oauth')}"
    client, client_secret = servers.logins["oauth"]
    options = {"type": "hidrive", "client_id": client, "client_secret": client_secret, "token": servers.token}
    options |= {"root_prefix": "/", "endpoint": server, "token_url": f"{server}/token", "auth_url": f"{server}/auth"}
    return {"protocol": "rclone", "url": "rclone:mine:p", "options": options}


def _restic(repository: str, **credentials: str) -> Json:
    return {"protocol": "restic", "repository": repository, "credentials": credentials}
