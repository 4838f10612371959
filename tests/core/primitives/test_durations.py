"""Durations, fractions and cron expressions as the owner writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paraduxd.core.primitives import cron, durations


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("15m", 900), ("6h", 21600), ("1d", 86400), ("2w", 1209600), ("45", 45), (45, 45), ("007s", 7)],
)
def test_a_duration_is_seconds(text, seconds) -> None:
    assert durations.parse(text) == seconds


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "0",
        0,
        -5,
        "-5m",
        "1.5h",
        1.5,
        "1 h",
        "h",
        "1y",
        "6H",
        "１h",
        True,
        None,
        [],
        "99999999999s",
        10**12,
        "9999w",
    ],
)
def test_what_is_no_duration_is_refused_without_repeating_it(bad) -> None:
    with pytest.raises(ValueError, match="expected a duration like 90s, 15m, 6h, 1d or 2w") as caught:
        durations.parse(bad)
    assert len(str(bad)) < 3 or str(bad) not in str(caught.value)


@given(st.integers(1, durations.LONGEST))
def test_what_is_written_is_read_back(seconds) -> None:
    assert durations.parse(durations.write(seconds)) == seconds


def test_a_duration_is_described_in_its_largest_whole_unit() -> None:
    described = [durations.describe(seconds) for seconds in (1, 90, 900, 5400, 21600, 86400, 604800, 7776000, 1209600)]
    assert described == [
        "1 second", "90 seconds", "15 minutes", "90 minutes", "6 hours", "1 day", "1 week", "90 days", "2 weeks",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "fraction"), [("25%", 0.25), ("0%", 0), ("100%", 1), ("12.5%", 0.125), (0.25, 0.25), (1, 1), (0, 0)]
)
def test_a_fraction(value, fraction) -> None:
    assert durations.parse_fraction(value) == fraction


@pytest.mark.parametrize("bad", ["25", "101%", "-1%", 1.01, -0.1, True, None, "%", float("nan"), float("inf"), "1e2%"])
def test_what_is_no_fraction_is_refused(bad) -> None:
    with pytest.raises(ValueError, match="expected a share from"):
        durations.parse_fraction(bad)


@given(st.integers(0, 10000))
def test_a_written_fraction_is_read_back(hundredths) -> None:
    fraction = hundredths / 10000
    assert durations.parse_fraction(durations.write_fraction(fraction)) == pytest.approx(fraction, abs=1e-9)


@pytest.mark.parametrize(
    "text",
    [
        "* * * * *", "30 3 * * *", "*/15 0-6 1,15 jan-mar mon-fri", "0 0 29 feb *", "0 0 31 2 mon", "0 0 * * 7", "0 0 * * fri-sun",
        "5-55/10 * * * SUN",
    ],
)  # fmt: skip
def test_a_cron_expression_is_accepted(text) -> None:
    cron.check(text)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("60 * * * *", "minute"),
        ("* 24 * * *", "hour"),
        ("* * 0 * *", "day of the month"),
        ("* * * 13 *", "month"),
        ("* * * * 8", "day of the week"),
        ("5-1 * * * *", "minute"),
        ("*/0 * * * *", "minute"),
        ("5/10 * * * *", "minute"),
        ("1, * * * *", "minute"),
        ("* * * mon *", "month"),
        ("* * * * *-3", "day of the week"),
        ("-1 * * * *", "minute"),
        ("1/ * * * *", "minute"),
    ],
)
def test_a_wrong_cron_field_is_named(text, named) -> None:
    with pytest.raises(ValueError, match=f"the {named} of the cron expression"):
        cron.check(text)


@pytest.mark.parametrize("text", ["", "* * * *", "* * * * * *", "@daily"])
def test_a_cron_expression_has_five_fields(text) -> None:
    with pytest.raises(ValueError, match="five cron fields"):
        cron.check(text)


@pytest.mark.parametrize("text", ["0 0 30 2 *", "0 0 31 apr,jun *"])
def test_a_day_that_never_comes_is_refused(text) -> None:
    with pytest.raises(ValueError, match="never comes"):
        cron.check(text)
