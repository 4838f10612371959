"""`policy` in the config: rules that hold for everything."""

from __future__ import annotations

from pydantic import Field

from paraduxd.core.config.field_types import Duration, Flag, Grace, Whole, Window
from paraduxd.core.config.protocol_settings import Strict


class Limits(Strict):
    """How many transfers run at once."""

    transfers: Whole = Field(default=4, ge=1, le=64, description="Transfers at once in all", examples=[4])
    per_place: Whole = Field(default=2, ge=1, le=64, description="Transfers at once to or from one host", examples=[2])


class Policy(Strict):
    """Rules that hold for everything."""

    shares_required: Whole = Field(
        ge=2, le=16, description="How many stewards together can open the config", examples=[3]
    )
    unlock_for: Window = Field(
        default=900, description="How long `paraductl unlock` keeps the vault open, at most a day", examples=["15m"]
    )
    unattended: Flag = Field(
        default=True,
        description="Whether transfers go on after a reboot with nobody there; needs the credentials of the stashes on disk",
        examples=[True],
    )
    stewards_know_each_other: Flag = Field(
        default=True, description="Whether a kit names the other stewards", examples=[True]
    )
    drill_every: Duration | None = Field(
        default=90 * 86400, description="How often a recovery should be rehearsed; null for never", examples=["90d"]
    )
    notify_after: Window = Field(
        default=900,
        description="How long trouble must last before it is reported to `notify`, at most a day",
        examples=["15m"],
    )
    digest: Duration | None = Field(
        default=None, description="How often a digest is sent to `notify`; without it never", examples=["7d"]
    )
    heartbeat_every: Window = Field(
        default=900, description="How often the addresses of `heartbeat` are called, at most a day", examples=["15m"]
    )
    grace: Grace = Field(
        default=7 * 86400, description="No version younger than this is removed, whatever `keep` says", examples=["7d"]
    )
    grace_after_alarm: Grace = Field(
        default=30 * 86400,
        description="For how long no version is removed anywhere after an approved hold, a recovery or a take-over",
        examples=["30d"],
    )
    verify_every: Duration | None = Field(
        default=30 * 86400,
        description="How often destinations are checked by themselves, a part of their data read each time; null for never",
        examples=["30d"],
    )
    limits: Limits = Field(default=Limits(), description="How many transfers run at once", examples=[{"transfers": 4}])
