"""`s3`: a bucket of any S3 service, or a part of one, as a blob store (through rclone).

The bucket must exist: Paradux makes none, so that credentials for this bucket alone are enough. They need to list, read, write and
delete objects, and to end multipart uploads.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from paraduxd.api.replies.setup_forms import Question
from paraduxd.core.config.protocol_settings import ProtocolSettings, Secret, Strict, Text
from paraduxd.core.config.setup_declaration import Setup, begins_with
from paraduxd.effects.tools import rclone, tls_pins
from paraduxd.protocols import s3_urls
from paraduxd.protocols.base import Context, Protocol
from paraduxd.protocols.by_hand import clouds as by_hand
from paraduxd.protocols.rclone.blobs import RemoteBlobs
from paraduxd.protocols.setup_questions import KEY_QUESTIONS

_REGION = re.compile(r"[A-Za-z0-9_-]{1,64}")


def _s3_url(url: str) -> str:
    s3_urls.parse_url(url)
    return url


def _endpoint(url: str) -> str:
    s3_urls.parse_endpoint(url)
    return url


def _region(text: str) -> str:
    if not _REGION.fullmatch(text):
        raise ValueError("expected the name of a region like eu-central-1")
    return text


class S3Credentials(Strict):
    """Access keys, which S3 services make for an account or, better, for one bucket."""

    access_key_id: Secret = Field(min_length=1, description="Id of the access key", examples=["AKIAIOSFODNN7EXAMPLE"])
    secret_access_key: Secret = Field(
        min_length=1,
        description="The access key itself",
        examples=["wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"],
    )


class S3Settings(ProtocolSettings):
    """A bucket of an S3 service, or what starts with a prefix in it."""

    url: Annotated[Text, AfterValidator(_s3_url)] = Field(
        description="Bucket and prefix, as s3://bucket/prefix (percent-encoded); the bucket must exist",
        examples=["s3://fred-paradux/photos"],
    )
    endpoint: Annotated[Text, AfterValidator(_endpoint)] | None = Field(
        default=None,
        description="Address of the service; without it that of Amazon",
        examples=["https://s3.eu-central-003.backblazeb2.com"],
    )
    region: Annotated[Text, AfterValidator(_region)] = Field(
        default=s3_urls.REGION, description="Region of the bucket, as the service calls it", examples=["eu-central-1"]
    )
    addressing: Literal["path", "virtual-host"] = Field(
        default="path",
        description="Where the bucket stands in a request: in the path, which most services take, or in the host name",
        examples=["path"],
    )
    credentials: S3Credentials = Field(
        description="Access key",
        examples=[
            {"access_key_id": "AKIAIOSFODNN7EXAMPLE", "secret_access_key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
        ],
    )

    def server(self) -> tuple[str, int]:
        """Host and port."""
        return s3_urls.parse_endpoint(self.endpoint) if self.endpoint else (s3_urls.AMAZON, 443)

    def place(self) -> str:
        """The host of the service."""
        return self.server()[0]

    def in_clear(self) -> tuple[str, str] | None:
        """The service, when its address says http."""
        return ("endpoint", self.place()) if self._is_plain() else None

    def tls_hosts(self) -> tuple[tuple[str, int, str], ...]:
        """The service, unless it is spoken to in clear, or is Amazon's own."""
        if self.endpoint is None or self._is_plain():
            return ()
        return ((*self.server(), "tls"),)

    def _is_plain(self) -> bool:
        return urlsplit(self.endpoint or "").scheme == "http"


def remote(settings: S3Settings, context: Context) -> rclone.Remote:
    """The bucket as rclone reaches it."""
    bucket, prefix = s3_urls.parse_url(settings.url)
    host, port = settings.server()
    keys = settings.credentials.model_dump()
    options = {
        **s3_urls.options(settings.endpoint, settings.region, settings.addressing, keys),
        "env_auth": "false",
        "no_check_bucket": "true",
        "chunk_size": "8Mi",
        "upload_concurrency": "4",
    }
    pins = context.host_keys.get(f"{host}:{port}", ())
    return rclone.Remote(
        options, f"{bucket}/{prefix}", f"{host}:{port}", authorities=tls_pins.ca_file(pins) if pins else ""
    )


def blobs(settings: S3Settings, context: Context) -> RemoteBlobs:
    """Its objects."""
    return RemoteBlobs(
        lambda: remote(settings, context),
        whole=True,
        made=True,
        open_versions=lambda: _with_versions(remote(settings, context)),
    )


def _with_versions(bucket: rclone.Remote) -> rclone.Remote:
    """The bucket with every version of an object as a file of its own, for as long as the bucket keeps it."""
    return replace(bucket, options={**bucket.options, "versions": "true"})


PROTOCOL = Protocol(
    "s3",
    S3Settings,
    blobs=blobs,
    setup=Setup(
        "a bucket of an S3 service",
        Question("url", "Bucket and folder", "s3://fred-paradux/photos", required=True),
        begins_with("s3://"),
        (
            Question("endpoint", "Address of the service, if it is not Amazon", "https://s3.example.com"),
            Question("region", "Region of the bucket", s3_urls.REGION),
            *KEY_QUESTIONS,
        ),
        fate="account",
    ),
    by_hand=by_hand.S3,
)
