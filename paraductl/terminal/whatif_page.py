"""What would be left, as text for people: one table of everything, or the answer to one loss."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from paraductl.terminal.table import TableCell, painted, safe, table
from paraductl.terminal.text import columns
from paraductl.terminal.wording import local_time
from paraduxd.api.replies import what_if
from paraduxd.api.replies.what_if import Advice, ConfigLeft, CopyLeft, DatasetLeft, MinimalLoss, Single, WhatIf

MOST = 12
"""So many sets or datasets are written out; the others are counted."""

LABEL = 14
"""Columns of what stands before a text."""

_CONFIG = {"(config)": "the config", "(key)": "the key to the config"}
_SURVIVES = ("no loss", "any one loss", "any two losses", "any three losses or more")
_UNITS = ((2 * 86_400, 86_400, "d"), (3_600, 3_600, "h"), (60, 60, "min"), (0, 1, "s"))


def render(answer: WhatIf, colour: bool, width: int = 80, *, worst: bool = False) -> str:
    """The text, lines ending with a line feed, at most `width` columns wide where words allow it."""
    page = WhatIfPage(safe(answer), colour, max(width, 40), worst)
    asked = answer.lose or answer.compromise
    return "".join(f"{line.rstrip()}\n" for line in (page.of_loss() if asked else page.of_everything()))


def short(seconds: int | None) -> str:
    """A length of time in two words at most: "46 h", "3 d"; "?" without a figure."""
    if seconds is None:
        return "?"
    least = next(unit for unit in _UNITS if seconds >= unit[0])
    return f"{seconds // least[1]} {least[2]}"


def told(names: Sequence[str], at_most: int = MOST) -> str:
    """ "photos, docs and the config", with what is too many counted."""
    words = [_CONFIG.get(name, name) for name in names]
    if len(words) > at_most:
        words = [*words[: at_most - 1], f"{len(words) - at_most + 1} more"]
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def headline(answer: WhatIf) -> str:
    """How many losses are survived, and the weakest set of labels."""
    if answer.lost:
        return f"Lost already, whatever happens: {told(answer.lost)}."
    survives = f"Survives {_SURVIVES[answer.survives_any]}."
    if not answer.minimal:
        return survives
    weakest = answer.minimal[0]
    what = f"{' + '.join(weakest.lose)}, which would lose {told(weakest.lost, 4)}"
    return f"Does not survive the loss of {what}." if not answer.survives_any else f"{survives} Weakest: {what}."


class WhatIfPage:
    """One answer on its way to lines."""

    def __init__(self, answer: WhatIf, colour: bool, width: int, worst: bool) -> None:
        self.answer = answer
        self.colour = colour
        self.width = width
        self.worst = worst

    # Everything

    def of_everything(self) -> Iterator[str]:
        """Each single loss, the smallest sets, the accounts, advice."""
        yield from self._wrapped(headline(self.answer), "bold", _level(self.answer))
        for advice in self.answer.advice[:1]:
            yield from self._wrapped(f"Best single change: {advice_text(advice)}.")
        yield ""
        yield from self._singles()
        yield from self._sets("Pairs that lose something", self.answer.pairs, 2)
        yield from self._sets("Threes that lose something", self.answer.minimal, 3)
        yield from self._accounts()
        yield from self._all_advice()
        yield from self._foot()

    def _singles(self) -> Iterator[str]:
        rows = list(self._rows()) if _fits([self._heads()], self.width) else []
        if rows and _fits(rows, self.width):
            yield from table(rows, self.width, self.colour)
        else:
            yield from self._listed_singles()
        yield from self._wrapped("(copies left, work lost, time until it is back; ? where nothing was measured)", "dim")

    def _heads(self) -> list[TableCell]:
        names = (each.id for each in self.answer.datasets)
        return [TableCell(head, ("bold",)) for head in ("IF THIS IS LOST", *names, "config")]

    def _rows(self) -> Iterator[list[TableCell]]:
        names = [each.id for each in self.answer.datasets]
        yield self._heads()
        for single in self.answer.singles:
            touched = {cell.id: cell for cell in single.touched}
            cells = [_cell(touched.get(name)) for name in names]
            yield [TableCell(single.lose[0]), *cells, _config_cell(single)]
            if more := _more(single):
                yield [TableCell(f"  and {more}", ("dim",))]

    def _listed_singles(self) -> Iterator[str]:
        yield self._paint("IF THIS IS LOST", "bold")
        for single in self.answer.singles:
            yield "  " + self._paint(single.lose[0], *(("red",) if single.lost else ()))
            touched = sorted(single.touched, key=lambda cell: (cell.left, cell.id))
            for cell in touched[:MOST]:
                yield from self._indented(f"{cell.id}: {_cell(cell).text}", _cell(cell).styles)
            if touched[MOST:]:
                yield from self._indented(f"and {len(touched) - MOST} more datasets: paraductl --json whatif")
            yield from self._indented(f"config: {_opened_by(single)}")
            if more := _more(single):
                yield from self._indented(f"also lost: {more}")

    def _sets(self, title: str, sets: Sequence[MinimalLoss], size: int) -> Iterator[str]:
        sets = [each for each in sets if len(each.lose) == size]
        if not sets:
            return
        yield ""
        yield self._paint(title, "bold")
        for each in sets[:MOST]:
            yield from self._indented(f"{' + '.join(each.lose)}: {told(each.lost, 5)}", indent="  ")
        if sets[MOST:]:
            yield f"  and {len(sets) - MOST} more: paraductl --json whatif"

    def _accounts(self) -> Iterator[str]:
        accounts = self.answer.accounts
        if accounts:
            yield ""
            yield self._paint("What shuts everybody out of accounts", "bold")
            for each in accounts[:MOST]:
                yield from self._indented(f"{' + '.join(each.lose)}: {told(each.out_of_reach, 6)}", indent="  ")

    def _all_advice(self) -> Iterator[str]:
        if len(self.answer.advice) > 1:
            yield ""
            yield self._paint("What would help, the best first", "bold")
            for number, advice in enumerate(self.answer.advice, 1):
                yield from self._labelled(f"  {number}.", f"{advice_text(advice)}.", 6)

    def _foot(self) -> Iterator[str]:
        yield ""
        if self.answer.assumed:
            named = [each.place for each in self.answer.assumed]
            yield from self._labelled("assumed", f"{told(named, 5)}: {self.answer.assumed[0].why}")
        if self.answer.unreachable:
            names = told(self.answer.unreachable)
            yield from self._labelled("closed", f"nobody gets into {names} even now: see paraductl check")
        if self.answer.scenarios:
            yield from self._labelled("scenarios", f"{told(self.answer.scenarios)}: paraductl whatif NAME")
        yield from self._notes()

    def _notes(self) -> Iterator[str]:
        for note in self.answer.notes:
            yield from self._labelled("note", note)

    # One loss

    def of_loss(self) -> Iterator[str]:
        """What is lost, what is left, and what somebody else could do."""
        yield from self._unknown()
        if self.answer.compromise:
            yield from self._rights()
            yield ""
        lost = [name for name in self.answer.lost if name not in _CONFIG]
        left = [each for each in self.answer.datasets if not each.lost]
        if lost:
            yield from self._labelled("LOST", told(lost, 40), style=("bold", "red"))
        for number, each in enumerate(left[:MOST]):
            yield from self._labelled("survives" if not number else "", self._survivor(each), style=("bold", "green"))
        if left[MOST:]:
            yield from self._labelled("", f"and {len(left) - MOST} more: paraductl --json whatif")
        if self.answer.one_copy_left:
            yield from self._labelled("one copy", f"{told(self.answer.one_copy_left)}: the next loss takes it")
        yield from self._labelled(
            "config", config_text(self.answer.config), style=("bold", *(() if self.answer.config.opens else ("red",)))
        )
        if self.answer.out_of_reach:
            yield from self._labelled("out of reach", told(self.answer.out_of_reach))
        yield from self._notes()

    def _unknown(self) -> Iterator[str]:
        for each in self.answer.unknown:
            meant = f": did you mean {each.meant}?" if each.meant else ""
            yield from self._labelled("UNKNOWN", f"nothing here is called {each.name}{meant}", style=("bold", "red"))
        if self.answer.unknown:
            yield from self._labelled("", f"labels: {told(self.answer.labels, 30)}")

    def _survivor(self, dataset: DatasetLeft) -> str:
        copies = "; ".join(self._copy(each) for each in dataset.copies if each.left)
        return f"{dataset.id}: {copies}{_back(dataset)}"

    def _copy(self, copy: CopyLeft) -> str:
        age = copy.worst if self.worst else copy.age
        facts = [
            copy.encryption if copy.encryption != "none" else "",
            self._needs(copy),
            "" if age is None or copy.id == "source" else f"{short(age)} old{' at worst' if self.worst else ''}",
            _protected(copy),
        ]
        inside = ", ".join(filter(None, facts))
        return f"{copy.id} ({inside})" if inside else copy.id

    def _needs(self, copy: CopyLeft) -> str:
        config = self.answer.config
        return "" if "config" not in copy.needs or config.by == "owner" else "needs the config"

    def _rights(self) -> Iterator[str]:
        heads = [TableCell(text, ("bold",)) for text in ("DATASET", "HE READS", "HE DELETES", "LEFT TO YOU")]
        shown = self.answer.datasets[:40]
        rows = [heads]
        for each in shown:
            left = [copy.id for copy in each.copies if copy.left]
            parts = (each.he_reads, each.he_deletes, left)
            rows.append([TableCell(each.id), *(TableCell(", ".join(part) or "nothing") for part in parts)])
        if _fits(rows, self.width):
            yield from table(rows, self.width, self.colour)
        else:
            for row in rows[1:]:
                yield self._paint(row[0].text, "bold")
                for head, cell in zip(heads[1:], row[1:], strict=True):
                    yield from self._labelled(f"  {head.text.lower()}", cell.text, 15)
        for line in rights_text(self.answer):
            yield from self._wrapped(line)

    def _wrapped(self, text: str, *styles: str) -> Iterator[str]:
        for line in textwrap.wrap(text, self.width, break_on_hyphens=False, break_long_words=False):
            yield self._paint(line, *styles)

    def _indented(self, text: str, styles: Sequence[str] = (), indent: str = "    ") -> Iterator[str]:
        lines = textwrap.wrap(text, self.width - len(indent) - 2, break_on_hyphens=False, break_long_words=False)
        for number, line in enumerate(lines):
            yield indent + ("  " if number else "") + self._paint(line, *styles)

    def _labelled(self, label: str, text: str, room: int = LABEL, style: Sequence[str] = ("bold",)) -> Iterator[str]:
        for line in textwrap.wrap(text, self.width - room, break_on_hyphens=False, break_long_words=False):
            yield self._paint(f"{label:<{room}}", *style) + line
            label = ""

    def _paint(self, text: str, *styles: str) -> str:
        return painted(text, styles, self.colour)


def _level(answer: WhatIf) -> str:
    if answer.lost:
        return "red"
    return "green" if answer.survives_any else "yellow"


def _fits(rows: Sequence[Sequence[TableCell]], width: int) -> bool:
    whole = [row for row in rows if len(row) > 1]
    widths = (max(columns(row[index].text) for row in whole) for index in range(len(whole[0])))
    return sum(wide + 2 for wide in widths) - 2 <= width


def _more(single: Single) -> str:
    """What else this takes: shares, and accounts that nobody gets into then."""
    parts = []
    if single.stewards:
        parts.append(f"the share of {told(single.stewards, 6)}")
    if single.out_of_reach:
        parts.append(f"access to {told(single.out_of_reach, 6)}")
    return ", ".join(parts)


def _cell(cell: what_if.Cell | None) -> TableCell:
    if cell is None:
        return TableCell("all", ("dim",))
    if not cell.left:
        return TableCell("LOST", ("bold", "red"))
    parts = [f"{cell.left} left" if cell.left < cell.of else "all left"]
    if cell.loss_of_work != 0:
        parts.append(f"-{short(cell.loss_of_work)}")
    if cell.back_in != 0:
        parts.append(short(cell.back_in))
    return TableCell(", ".join(parts), ("yellow",) if cell.left == 1 else ())


def _config_cell(single: Single) -> TableCell:
    if any(name in _CONFIG for name in single.lost) or not single.config_by:
        return TableCell("LOST", ("bold", "red"))
    if single.config_by == "owner":
        return TableCell("you", ("dim",))
    return TableCell(f"stewards +{single.spare}", ("yellow",) if not single.spare else ())


def _opened_by(single: Single) -> str:
    text = _config_cell(single).text
    if text == "LOST":
        return text
    return "opened by you" if single.config_by == "owner" else f"opened by stewards, {single.spare} to spare"


def config_text(config: ConfigLeft) -> str:
    """Who opens the config, and where the newest is."""
    if not config.opens:
        return "NOBODY opens it any more: everything that needs it is out of reach"
    if config.by == "owner":
        by = "opens with your passphrase"
    else:
        when = "" if config.opens_in is None else f" in {short(config.opens_in)}"
        by = f"opens with {config.required} of {told(config.kits)}{when}, {config.spare} to spare"
    behind = "" if config.newest_serial == config.serial else f" (the present one is {config.serial})"
    places = told(["this machine" if each == "machine" else each for each in config.places]) or "this machine"
    return f"{by}; newest copy: serial {config.newest_serial}{behind} at {places}"


def rights_text(answer: WhatIf) -> tuple[str, ...]:
    """What else somebody gets to who has what was asked for: the config, and accounts."""
    config = f"config: {'he opens it, and all that it leads to' if answer.config.he_opens else 'he does not open it'}"
    return (config, f"accounts: he gets into {told(answer.he_reaches)}") if answer.he_reaches else (config,)


def advice_text(advice: Advice) -> str:
    """One change, and what it would do."""
    before, after = advice.lost_by_critical
    outcome = [f"survives {_SURVIVES[advice.survives_any]}"]
    if before != after:
        outcome.append(f"things that the smallest losses take: {before} -> {after}")
    if len(advice.destroyed_by_machine) == 2 and advice.destroyed_by_machine[0] != advice.destroyed_by_machine[1]:
        first, then = advice.destroyed_by_machine
        outcome.append(f"datasets that a hacked machine could destroy: {first} -> {then}")
    return f"{advice.sentence} ({'; '.join(outcome)})"


def _back(dataset: DatasetLeft) -> str:
    if dataset.back_in is None:
        return f"; back when: no figure without {told(dataset.no_figure, 3)}" if dataset.no_figure else ""
    if not dataset.back_in:
        return "; there at once"
    return f"; back in {short(dataset.back_in)}, by {local_time(dataset.back_by)}"


def _protected(copy: CopyLeft) -> str:
    if copy.protects == "none":
        return ""
    return {None: f"{copy.protects} (claimed)", True: f"{copy.protects} (tried)"}.get(
        copy.tried, f"NOT {copy.protects}: it was tried"
    )
