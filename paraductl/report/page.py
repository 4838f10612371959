"""What would be left, as one page for people: self-contained, without scripts, printable, readable on a phone.

It is made from what the supervisor tells, which knows no secret.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from paraductl.report.age_chart import Push, ages
from paraductl.terminal.whatif_page import advice_text, config_text, headline, rights_text, short, told
from paraductl.terminal.wording import local_time
from paraduxd.api.replies import what_if
from paraduxd.api.replies.kits import Stewards
from paraduxd.api.replies.state import Status
from paraduxd.api.replies.what_if import CopyLeft, DatasetLeft, Single, WhatIf

MOST = 200
"""So many rows of a table; what is more is counted."""

SETS = 15
"""So many sets of losses."""

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_NAMES = {"(config)": "the config", "(key)": "the key to the config"}


def page(answer: WhatIf, status: Status, stewards: Stewards, pushes: Sequence[Push]) -> str:
    """The whole page: the picture, ages over time, stewards, next steps."""
    asked = bool(answer.lose or answer.compromise)
    parts = (
        _top(answer, status),
        *((_loss(answer),) if asked else (_advice(answer), _picture(answer), _sets(answer), _accounts(answer))),
        _ages(answer, pushes),
        _datasets(answer),
        _stewards(stewards),
        _next(status),
        _foot(answer),
    )
    return _DOCUMENT.format(policy=_POLICY, style=_STYLE, body="\n".join(filter(None, parts)))


def _top(answer: WhatIf, status: Status) -> str:
    asked = [*answer.lose, *(f"{each} in other hands" for each in answer.compromise)]
    level = "bad" if answer.lost or status.level == "critical" else "few" if status.level == "warning" else "good"
    question = f"<p>Asked: {_text(' + '.join(asked))}</p>" if asked else ""
    return (
        f"<h1>What if?</h1>{question}"
        f'<p class="headline {level}">{_text(headline(answer) if not asked else _outcome(answer))}</p>'
        f"<p>{_text(status.headline)}</p>"
        f'<p class="quiet">As of {_text(local_time(answer.now))}, config {answer.config.serial}.</p>'
    )


def _outcome(answer: WhatIf) -> str:
    return f"This loses {told(answer.lost, 20)}." if answer.lost else "Nothing is lost."


def _advice(answer: WhatIf) -> str:
    if not answer.advice:
        return ""
    items = "".join(f"<li>{_text(_sentence(advice_text(each)))}</li>" for each in answer.advice)
    return f"<section><h2>What would help most</h2><ol>{items}</ol></section>"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].replace(" -> ", "\u00a0→\u00a0") + "."


def _picture(answer: WhatIf) -> str:
    """Fates and datasets: text in every cell, and dots for those who see them."""
    of = {each.id: each.of for each in answer.datasets}
    heads = ["If this is lost", *of, "Config", "Also"]
    rows = []
    for single in answer.singles[:MOST]:
        touched = {cell.id: cell for cell in single.touched}
        cells = [_cell(touched.get(name), count) for name, count in of.items()]
        rows.append((_text(single.lose[0]), [*cells, _config(single), ("", _also(single))]))
    note = "Copies left of all that count, the newest work that would be lost, and the time until it is back; ? where nothing was measured."
    return f"<section><h2>Each single loss</h2><p>{note}</p>{_table('Each single loss', heads, rows)}</section>"


def _cell(cell: what_if.Cell | None, of: int) -> tuple[str, str]:
    left = of if cell is None else cell.left
    dots = f'<span class="dots" aria-hidden="true">{"●" * min(left, 8)}{"○" * min(of - left, 8)}</span> '
    if not left:
        return "bad", f"{dots}<strong>Lost</strong>"
    parts = [f"{left} of {of} left"]
    if cell is not None and cell.loss_of_work:
        parts.append(f"{short(cell.loss_of_work)} of work lost")
    if cell is not None and cell.back_in != 0:
        parts.append(f"back in {short(cell.back_in)}")
    return _kind(left, of), dots + _text(", ".join(parts))


def _kind(left: int, of: int) -> str:
    return "good" if left == of else "few" if left == 1 else ""


def _config(single: Single) -> tuple[str, str]:
    if any(name in _NAMES for name in single.lost) or not single.config_by:
        return "bad", "<strong>Lost</strong>"
    if single.config_by == "owner":
        return "good", "You open it"
    return ("few" if not single.spare else ""), f"Stewards open it, {single.spare} to spare"


def _also(single: Single) -> str:
    shares = [f"{name}’s share" for name in single.stewards]
    return _text(told([*shares, *(f"access to {name}" for name in single.out_of_reach)], 8)) or "–"


def _sets(answer: WhatIf) -> str:
    sets = [each for each in answer.minimal if len(each.lose) > 1]
    rows = [(_text(" + ".join(each.lose)), [("bad", _text(told(each.lost, 12)))]) for each in sets[:SETS]]
    more = f"<p>And {len(sets) - SETS} more.</p>" if sets[SETS:] else ""
    if not rows:
        return ""
    table = _table("Losses together", ["If all of this is lost", "Lost"], rows)
    return f"<section><h2>The smallest losses that take something</h2>{table}{more}</section>"


def _accounts(answer: WhatIf) -> str:
    rows = [
        (_text(" + ".join(each.lose)), [("", _text(told(each.out_of_reach, 12)))]) for each in answer.accounts[:SETS]
    ]
    if not rows:
        return ""
    table = _table("Accounts", ["If all of this is lost", "Nobody gets into"], rows)
    return f"<section><h2>What shuts everybody out of accounts</h2>{table}</section>"


def _loss(answer: WhatIf) -> str:
    heads = ["Dataset", "Outcome", "Copies left", "Back"]
    others = ["He reads", "He destroys"] if answer.compromise else []
    rows = []
    for each in answer.datasets[:MOST]:
        left = [_copy(copy) for copy in each.copies if copy.left]
        outcome = (
            ("bad", "<strong>Lost</strong>")
            if each.lost
            else (_kind(each.left, each.of), f"{each.left} of {each.of} left")
        )
        cells = [outcome, ("", _text("; ".join(left)) or "none"), ("", _text(_back(each)))]
        if others:
            cells += [("", _text(", ".join(names)) or "nothing") for names in (each.he_reads, each.he_deletes)]
        rows.append((_text(each.id), cells))
    config = f"<p>Config: {_text(config_text(answer.config))}.</p>"
    his = "".join(f"<p>{_text(line[0].upper() + line[1:])}.</p>" for line in rights_text(answer)) if others else ""
    reach = f"<p>Out of reach: {_text(told(answer.out_of_reach, 40))}.</p>" if answer.out_of_reach else ""
    return f"<section><h2>What is left</h2>{_table('What is left', heads + others, rows)}{config}{his}{reach}</section>"


def _copy(copy: CopyLeft) -> str:
    age = "" if copy.age is None or copy.id == "source" else f" ({short(copy.age)} old)"
    return f"{copy.id}{age}"


def _back(dataset: DatasetLeft) -> str:
    if dataset.lost:
        return "never"
    if dataset.back_in is None:
        return "no figure" + (f" without {told(dataset.no_figure, 3)}" if dataset.no_figure else "")
    return "at once" if not dataset.back_in else f"in {short(dataset.back_in)}, by {local_time(dataset.back_by)}"


def _ages(answer: WhatIf, pushes: Sequence[Push]) -> str:
    charts = [ages(each.id, pushes, answer.now) for each in answer.datasets[:40]]
    drawn = "".join(f"<figure>{svg}<figcaption>{_text(text)}</figcaption></figure>" for svg, text in charts)
    if not drawn:
        return ""
    return f"<section><h2>How old the newest copy was</h2><p>The last 30 days: a line that climbs is a copy that ages.</p>{drawn}</section>"


def _datasets(answer: WhatIf) -> str:
    rows = []
    for each in answer.datasets[:MOST]:
        for copy in each.copies:
            age = (
                "is the original"
                if copy.id == "source"
                else "age unknown"
                if copy.age is None
                else f"{short(copy.age)} old"
            )
            worst = "–" if copy.worst is None or copy.id == "source" else short(copy.worst)
            cells = [("", _text(copy.id)), ("", age), ("", worst), ("", _text(_protection(copy)))]
            rows.append((_text(each.id), cells))
    if not rows:
        return ""
    heads = ["Dataset", "Copy", "Age", "At worst", "Protected from this machine"]
    return f"<section><h2>The copies that count</h2>{_table('Copies', heads, rows[:MOST])}</section>"


def _protection(copy: CopyLeft) -> str:
    if copy.protects == "none":
        return "no"
    return {None: f"{copy.protects}, claimed", True: f"{copy.protects}, tried"}.get(copy.tried, "no: it was tried")


def _stewards(stewards: Stewards) -> str:
    rows = []
    for each in stewards.stewards:
        good = each.current and not each.problems and not each.void
        state = (
            ("good", "holds a good kit") if good else ("bad", "no kit" if each.epoch is None else "kit does not count")
        )
        seen = local_time(each.last_seen or each.written) if each.epoch is not None else "never"
        rows.append((_text(each.name), [state, ("", _text(seen)), ("", _text("; ".join(each.problems)) or "–")]))
    needed = f"<p>Any {stewards.shares_required} together open the config.</p>"
    return f"<section><h2>Stewards</h2>{needed}{_table('Stewards', ['Name', 'Kit', 'Last seen', 'Problems'], rows)}</section>"


def _next(status: Status) -> str:
    items = [
        f'<li><span class="tag {"bad" if each.level == "critical" else "few"}">{_text(each.level)}</span> {_text(each.text)}'
        f'<br><span class="quiet">{_text(each.hint)}</span></li>'
        for each in status.problems[:40]
    ]
    if not items:
        return "<section><h2>What to do next</h2><p>Nothing: all is well.</p></section>"
    return f"<section><h2>What to do next</h2><ul>{''.join(items)}</ul></section>"


def _foot(answer: WhatIf) -> str:
    lines = [f"Assumed: {each.place}: {each.why}." for each in answer.assumed[:20]]
    lines += [f"Nobody gets into {told(answer.unreachable, 20)} even now."] if answer.unreachable else []
    lines += answer.notes
    return f"<footer>{''.join(f'<p>{_text(line)}</p>' for line in lines)}</footer>"


def _table(name: str, heads: Sequence[str], rows: Iterable[tuple[str, Sequence[tuple[str, str]]]]) -> str:
    """A table that scrolls by itself, and is a list of cards on a phone; cells are (class, HTML)."""
    head = "".join(f'<th scope="col">{_text(each)}</th>' for each in heads)
    body = "".join(_row(heads, title, cells) for title, cells in rows)
    label = escape(name, quote=True)
    return (
        f'<div class="scroll" role="region" aria-label="{label}" tabindex="0"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _row(heads: Sequence[str], title: str, cells: Sequence[tuple[str, str]]) -> str:
    parts = "".join(_td(head, kind, text) for head, (kind, text) in zip(heads[1:], cells, strict=True))
    return f'<tr><th scope="row">{title}</th>{parts}</tr>'


def _td(head: str, kind: str, text: str) -> str:
    return f'<td class="{kind}" data-head="{escape(head, quote=True)}">{text}</td>'


def _text(value: str) -> str:
    """Text as HTML, without characters that turn its direction or that nobody sees."""
    return escape("".join(c if c.isprintable() else " " for c in value), quote=True)


_STYLE = """
:root { color-scheme: light; }
body { font: 1rem/1.5 system-ui, sans-serif; color: #1b1b1f; background: #fff; margin: 0 auto; padding: 1rem; max-width: 75rem;
  overflow-wrap: anywhere; }
h1 { font-size: 1.7rem; margin: 0 0 .5rem; } h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; }
.headline { font-size: 1.15rem; font-weight: 600; padding: .6rem .8rem; border-left: .4rem solid #555; }
.quiet { color: #555; } .dots { letter-spacing: .1em; } .tag { padding: 0 .4rem; border-radius: .2rem; }
.good { background: #e3f4e5; color: #123d17; } .few { background: #fff0cc; color: #4a3300; } .bad { background: #fbdcd8; color: #6b0f0a; }
.headline.good { border-color: #1d7a2b; } .headline.few { border-color: #a56a00; } .headline.bad { border-color: #b3261e; }
.scroll { overflow-x: auto; } .scroll:focus-visible { outline: 2px solid #1a56c4; outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; }
th, td { border: 1px solid #bbb; padding: .35rem .5rem; text-align: left; vertical-align: top; min-width: 6rem; }
thead th { background: #eee; }
tbody th { font-weight: 600; background: #f7f7f7; overflow-wrap: normal; word-break: normal; min-width: 9rem; }
figure { margin: 1rem 0; } svg { width: 100%; max-width: 40rem; height: auto; display: block; } figcaption { color: #333; }
li { margin: .3rem 0; } footer { margin-top: 2rem; color: #444; font-size: .9rem; }
@media (max-width: 40rem) {
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tr { display: block; border: 1px solid #999; margin-bottom: .8rem; } th, td { display: block; border: 0; border-bottom: 1px solid #ddd; }
  td::before { content: attr(data-head) ": "; font-weight: 600; }
}
@media print {
  body { padding: 0; font-size: 9pt; max-width: none; } .scroll { overflow: visible; }
  h2 { break-after: avoid; } tr, figure, li { break-inside: avoid; }
  * { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
}
"""

_DOCUMENT = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>What if?</title>
<style>{style}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""
