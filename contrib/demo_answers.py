"""Prints the answers with which quickstart sets up its demo: DIR, login name and ssh port are the arguments."""

import json
import sys
from pathlib import Path
from urllib.parse import quote

demo, user, port = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
login = {"private_key": (demo / "ssh" / "login_key").read_text()}
server = f"{user}@127.0.0.1:{port}"


def path(name: str) -> str:
    """A folder of the demo, as it stands in a URL."""
    return quote(str(demo / name))


answers = {
    "version": 1,
    "owner": {
        "name": "Fred Myself",
        "email": "fred@example.org",
        "phone": "+1 999 888 7777",
        "fate": ["place:house"],
    },
    "policy": {"shares_required": 2},
    "stewards": [
        {"id": name.lower(), "name": f"{name} Example", "phone": "+1 555 0100", "fate": [f"person:{name.lower()}"]}
        for name in ("Alice", "Bob", "Carol")
    ],
    "metadata_stashes": [
        {
            "id": "friend",
            "protocol": "sftp",
            "url": f"sftp://{server}{path('friend/paradux')}",
            "credentials": login,
            "fate": ["place:friend"],
        },
        {"id": "nas", "protocol": "disk", "url": f"file://{path('nas/paradux')}", "fate": ["place:parents"]},
    ],
    "datasets": [
        {
            "id": "laptop",
            "description": "Fred's laptop",
            "source": {
                "protocol": "rsync",
                "url": f"rsync+ssh://{server}{path('laptop')}",
                "credentials": login,
                "every": "1h",
                "fate": ["device:laptop"],
            },
            "staging": str(demo / "staging" / "laptop"),
            "destinations": [
                {
                    "id": "cloud",
                    "protocol": "restic",
                    "repository": str(demo / "cloud" / "restic"),
                    "every": "6h",
                    "keep": {"last": 10, "daily": 30},
                    "fate": ["account:cloud"],
                },
                {
                    "id": "disk",
                    "protocol": "disk",
                    "url": f"file://{path('usb-disk/laptop')}",
                    "every": "1d",
                    "keep": {"last": 10},
                    "fate": ["place:office"],
                },
            ],
        }
    ],
    "inventory": [{"name": "Tax advisor's portal", "url": "https://tax.example", "notes": "the family needs this"}],
}
print(json.dumps(answers, indent=2))
