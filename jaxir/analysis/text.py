"""`Stats` as words and tables: the headline, the terminal text, Markdown. The HTML page shows the same tables.

Names come from the corpus, which may be hostile: control characters never reach a terminal, markup never Markdown.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from jaxir.analysis.coverage import FEW, missing_lines
from jaxir.analysis.universe import universe

if TYPE_CHECKING:
    from jaxir.analysis.stats import Stats

WIDTH = 100
KEY_LABELS = {
    "source": "Python source, exact text",
    "ir": "IR, exact text",
    "ir_names": "IR up to names",
    "canonical": "canonical hash",
    "skeleton": "program skeleton",
    "behavior": "behaviour",
}
LENGTH_LABELS = {"python_chars": "source, characters", "ir_chars": "IR, characters", "num_ops": "IR, ops"}
KIND_LABELS = {
    "jaxir": "a jaxir corpus",
    "legacy": "a corpus in the layout of the predecessor",
    "foreign": "a foreign corpus",
}


@dataclasses.dataclass(frozen=True)
class Table:
    """A titled table; the first column is text, the others are numbers. Cells are ready to print, not yet escaped."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def clean(text: str) -> str:
    """A name from a corpus on one line: control, escape and direction characters become a replacement character."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def number(value: float) -> str:
    """A figure for people, thousands apart: an `int` in full, a `float` to one digit, whatever its unit."""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"


def percent(part: int, whole: int) -> str:
    """A share that never rounds to all or nothing: 9,999 of 10,000 is 99.9 %, not 100 %."""
    if not whole or not part:
        return "0 %"
    if part == whole:
        return "100 %"
    return f"{min(max(100 * part / whole, 0.1), 99.9):.1f} %"


def headline(stats: Stats) -> str:
    """Honest sentences: what is distinct, what is missing, what leaks, what is covered."""
    n = stats.rows
    if not n:
        return "The corpus holds no rows."
    named, sources = stats.distinct.get("ir_names", 0), stats.distinct.get("source", 0)
    said = [
        f"{_many(n, 'row')} hold {_many(named, 'distinct IR')} up to names, {_many(sources, 'distinct source')} and "
        f"{_many(stats.distinct.get('skeleton', 0), 'program skeleton')}{basis(stats)}."
    ]
    fakes = sum(stats.placeholders[kind] for kind in ("empty", "marker", "no_code"))
    if fakes:
        said.append(f"{number(fakes)} of {number(n)} sources are placeholders.")
    if broken := stats.placeholders["broken"]:
        said.append(f"{number(broken)} of {number(n)} sources do not parse as Python.")
    if stats.missing["ir"]:
        said.append(f"{number(stats.missing['ir'])} rows have no IR.")
    if stats.missing["description"]:
        said.append(f"{number(stats.missing['description'])} rows have no description.")
    if any(stats.leakage.values()):
        if leaking := stats.leaking:
            what = ", ".join(f"{KEY_LABELS[key]} {number(count)}" for key, count in leaking.items())
            said.append(f"Splits leak; keys that are in two splits: {what}.")
        else:
            said.append("Splits do not leak: no source, IR, skeleton or behaviour is in two of them.")
    if any(row["reached"] for row in stats.coverage.values()):
        shown = ("stablehlo ops", "chlo ops", "op/type pairs", "public functions")
        ops, chlo, pairs, functions = (stats.coverage[name] for name in shown)
        said.append(
            f"Of what JAX {universe().jax} emits on a CPU it reaches {ops['reached']} of {ops['emittable']} StableHLO "
            f"ops, {chlo['reached']} of {chlo['emittable']} CHLO ops and {pairs['reached']} of {pairs['emittable']} "
            f"(op, element type) pairs, and {functions['reached']} of {functions['emittable']} public functions."
        )
    refused = sum(count for _, _, count in rejections(stats.run))
    if isinstance(candidates := stats.run.get("candidates"), int) and candidates > 0:
        said.append(f"{percent(refused, candidates)} of {number(candidates)} candidates were rejected.")
    return " ".join(said)


def _many(count: int, noun: str) -> str:
    return f"{number(count)} {noun}{'s' * (count != 1)}"


def basis(stats: Stats) -> str:
    """What to say after a count of skeletons: "" where hashes told them apart, else that (some of) the texts did."""
    return {"text": " (by text)", "mixed": " (partly by text)"}.get(stats.skeleton_basis, "")


def _key_label(stats: Stats, key: str) -> str:
    return KEY_LABELS[key] + (basis(stats) if key == "skeleton" else "")


def rejections(run: Mapping[str, Any]) -> list[tuple[str, str, int]]:
    """(stage, reason, count) of a run's figures, most first; entries of another form are left out."""
    found = []
    given = run.get("rejections")
    for entry in given if isinstance(given, list) else ():
        if isinstance(entry, Mapping):
            entry = [entry.get("stage"), entry.get("reason"), entry.get("count")]
        if isinstance(entry, list | tuple) and len(entry) == 3 and type(entry[2]) is int:
            found.append((str(entry[0]), str(entry[1]), entry[2]))
    return sorted(found, key=lambda entry: (-entry[2], entry[0], entry[1]))


def tables(stats: Stats, top: int = 20) -> list[Table]:
    """The tables in reading order; long ones are cut to the `top` first lines, and say so."""
    out = [
        _distinct(stats),
        Table(
            "Sources",
            ("source", "rows", "share"),
            tuple(
                (label, number(stats.placeholders[kind]), percent(stats.placeholders[kind], stats.rows))
                for kind, label in (
                    ("good", "Python that parses"),
                    ("broken", "does not parse"),
                    ("marker", "placeholder, such as 'source not available'"),
                    ("no_code", "comments only"),
                    ("empty", "empty"),
                )
            ),
        ),
        _balance(stats),
        _splits(stats),
        _leakage(stats),
        _coverage(stats),
        _lengths(stats),
        _skeletons(stats),
        _top("Operations (root templates)", "operation", stats.counts["operation"], stats.rows, top),
        _top("Transforms", "transform", stats.counts["transform"], stats.rows, top),
        _top("Templates used", "template", stats.counts["template"], stats.rows, top),
        _top("Dialects", "dialect", stats.counts["dialect"], stats.rows, top),
        _top("Element types in the IR", "type", stats.dtypes, stats.rows, top, "programs"),
        Table(
            "Ops in the IR",
            ("op", "programs", "share", "occurrences"),
            tuple((op, number(n), percent(n, stats.rows), number(m)) for op, (n, m) in [*stats.ops.items()][:top]),
            _cut(len(stats.ops), top),
        ),
        _top("Custom calls", "target", stats.custom_calls, stats.rows, top, "programs"),
        _rejected(stats),
        *lowering_tables(stats, top),
    ]
    return [table for table in out if table.rows]


def _cut(total: int, top: int) -> str:
    return f"the first {top} of {number(total)}" if total > top else ""


def _top(title: str, name: str, counts: Mapping[str, int], rows: int, top: int, what: str = "rows") -> Table:
    if set(counts) <= {"(none)"}:  # the corpus has no such column
        return Table(title, (), ())
    lines = tuple((key, number(count), percent(count, rows)) for key, count in [*counts.items()][:top])
    return Table(title, (name, what, "share"), lines, _cut(len(counts), top))


def _distinct(stats: Stats) -> Table:
    lines = tuple(
        (_key_label(stats, key), number(count), number(stats.keyed[key]), percent(count, stats.keyed[key]))
        for key, count in stats.distinct.items()
    )
    return Table("Distinct", ("by", "distinct", "of rows", "share"), lines)


def _balance(stats: Stats) -> Table:
    levels = list(stats.counts["level"])[:8]
    more = ("more levels",) if len(stats.counts["level"]) > len(levels) else ()
    lines = []
    for category, by_level in [*stats.category_level.items()][:30]:
        total = sum(by_level.values())
        shown = [by_level.get(level, 0) for level in levels]
        rest = [total - sum(shown)] if more else []
        lines.append((category, *(number(count) for count in [*shown, *rest, total])))
    if set(stats.counts["category"]) | set(levels) <= {"(none)"}:
        return Table("Category by level", (), ())
    header = ("category", *(f"level {level}" if level.isdigit() else level for level in levels), *more, "all")
    return Table("Category by level", header, tuple(lines), _cut(len(stats.category_level), 30))


def _splits(stats: Stats) -> Table:
    return _top("Splits", "split", stats.counts["split"], stats.rows, 10)


def _leakage(stats: Stats) -> Table:
    between = list(next(iter(stats.leakage.values()), {}))[:6]
    pairs = [pair for pair in between if any(pair in counts for counts in stats.leakage.values())]
    if not pairs:
        return Table("Leakage", (), ())
    lines = tuple(
        (_key_label(stats, key), *(number(counts.get(pair, 0)) for pair in pairs))
        for key, counts in stats.leakage.items()
    )
    return Table("Leakage: keys that are in both splits", ("key", *pairs), lines)


def _coverage(stats: Stats) -> Table:
    lines = []
    for name, row in stats.coverage.items():
        share = percent(row["reached"], row["emittable"])
        thin = f"{number(len(row['thin']))} under {row['thin_below']}"
        lines.append((name, number(row["reached"]), number(row["emittable"]), share, thin))
    if not any(row["reached"] for row in stats.coverage.values()):
        return Table("Coverage", (), ())
    note = (
        f"of what JAX {universe().jax} emits on a CPU and of its public functions; op/type pairs: 15 core element "
        "types, low-bit pairs: the others; thin: in so few programs"
    )
    return Table("Coverage", ("universe", "reached", "emit-able", "share", "thin"), tuple(lines), note)


def _lengths(stats: Stats) -> Table:
    names = tuple(next(iter(stats.lengths.values())))
    lines = tuple((LENGTH_LABELS[name], *(number(row[q]) for q in names)) for name, row in stats.lengths.items())
    return Table("Lengths", ("of", *names), lines)


def _skeletons(stats: Stats) -> Table:
    total = stats.distinct.get("skeleton", 0)
    shown = [*stats.rows_per_skeleton.items()]
    lines = [(f"{n:,}", number(m), percent(m, total), number(n * m)) for n, m in shown[:6]]
    if rest := shown[6:]:
        skeletons, rows = sum(m for _, m in rest), sum(n * m for n, m in rest)
        lines.append((f"{rest[0][0]:,} to {rest[-1][0]:,}", number(skeletons), percent(skeletons, total), number(rows)))
    note = ""
    if stats.top_skeletons and stats.top_skeletons[0][0] > 1:
        most, operation = stats.top_skeletons[0]
        note = f"the most frequent one has {number(most)} rows ({operation[:60]})"
    if stats.top_op_skeletons:
        most, operation = stats.top_op_skeletons[0]
        alone = f"of ops alone there are {number(stats.op_skeletons)}, the most frequent one"
        alone += f" in {number(most)} rows, {percent(most, stats.rows)} ({operation[:60]})"
        note = f"{note}; {alone}" if note else alone
    return Table(
        f"Skeleton concentration{basis(stats)}", ("rows a skeleton", "skeletons", "share", "rows"), tuple(lines), note
    )


def _rejected(stats: Stats) -> Table:
    found = rejections(stats.run)
    total = sum(count for _, _, count in found)
    lines = tuple((f"{stage}: {reason}", number(count), percent(count, total)) for stage, reason, count in found[:30])
    return Table("Rejected candidates", ("stage and reason", "candidates", "share"), lines, _cut(len(found), 30))


def lowering_tables(stats: Stats, top: int = 20) -> list[Table]:
    """One table a platform: how its lowering differs from that for the CPU; and what could not be lowered."""
    out = []
    for platform, counts in stats.lowering.get("platforms", {}).items():
        note = (
            f"of {_many(stats.lowering['rows'], 'row')}, {number(counts['same'])} lower to the same text, "
            f"{number(counts['differ'])} to another one and {number(counts['failed'])} not at all"
        )
        cut = _cut(len(counts["ops"]), top)
        lines = [
            (op, number(line["rows"]), number(line["cpu"]), number(line["here"]))
            for op, line in [*counts["ops"].items()][:top]
        ]
        header = ("op or custom call", "rows that differ", "on cpu", f"on {platform}")
        shown = tuple(lines) or (("no op count differs", "0", "", ""),)
        out.append(Table(f"Lowering for {platform} against cpu", header, shown, f"{note}; {cut}" if cut else note))
    if refused := stats.lowering.get("refused", {}):
        rows = tuple((reason, number(count)) for reason, count in [*refused.items()][:top])
        out.append(Table("Sources that could not be lowered", ("reason", "rows"), rows, _cut(len(refused), top)))
    return out


# --- terminal -----------------------------------------------------------------------------------------------------


def to_text(stats: Stats, everything: bool = False) -> str:
    """The tables; with `everything`, all names of the universe that are missing or thin instead of the first few."""
    parts = [_wrapped(headline(stats))]
    parts += [text_table(table) for table in tables(stats)]
    parts += [
        f"{title}\n{_wrapped(names, '  ')}"
        for title, names in missing_lines(stats.coverage, None if everything else FEW)
    ]
    return "\n\n".join(parts) + "\n"


def _wrapped(text: str, indent: str = "") -> str:
    lines, line = [], indent
    for word in clean(text).split():
        if len(line) + len(word) >= WIDTH and line.strip():
            lines.append(line.rstrip())
            line = indent
        line += word + " "
    return "\n".join([*lines, line.rstrip()])


def text_table(table: Table) -> str:
    """A table with its title, for a terminal of `WIDTH` columns."""
    cells = [tuple(clean(cell) for cell in row) for row in (table.header, *table.rows)]
    widths = [max(len(row[at]) for row in cells) for at in range(len(table.header))]
    while sum(widths) + 2 * len(widths) > WIDTH and max(widths) > 6:  # cut the widest column first
        widths[widths.index(max(widths))] -= 1
    lines = [_text_row(row, widths) for row in cells]
    rule = "  " + "  ".join("-" * width for width in widths)
    note = [_wrapped(f"({table.note})", "  ")] if table.note else []
    return "\n".join([clean(table.title), lines[0], rule, *lines[1:], *note])


def _text_row(row: Sequence[str], widths: Sequence[int]) -> str:
    fitted = [cell if len(cell) <= width else cell[: width - 1] + "~" for cell, width in zip(row, widths, strict=True)]
    numbers = (cell.rjust(width) for cell, width in zip(fitted[1:], widths[1:], strict=True))
    return ("  " + "  ".join([fitted[0].ljust(widths[0]), *numbers])).rstrip()


# --- Markdown -----------------------------------------------------------------------------------------------------

_MARKUP = str.maketrans({char: f"\\{char}" for char in "\\`*_[]|<>#"} | {"&": "&amp;"})


def to_markdown(stats: Stats) -> str:
    """A page of Markdown: the headline, the tables (long ones up to 40 lines), all names that are missing or thin."""
    parts = ["# Corpus statistics", escape(headline(stats))]
    parts += [markdown_table(table) for table in tables(stats, top=40)]
    parts += [f"**{title}:** {escape(names)}" for title, names in missing_lines(stats.coverage, None)]
    return "\n\n".join(parts) + "\n"


def escape(text: str) -> str:
    """A name from a corpus for Markdown: on one line, and nothing in it is markup."""
    return clean(text).translate(_MARKUP)


def markdown_table(table: Table) -> str:
    """A table with its title as a heading, for Markdown."""
    rule = "|".join([":--", *["--:"] * (len(table.header) - 1)])
    lines = [f"| {' | '.join(escape(cell) for cell in row)} |" for row in (table.header, *table.rows)]
    note = ["", escape(table.note)] if table.note else []
    return "\n".join([f"## {escape(table.title)}", "", lines[0], f"|{rule}|", *lines[1:], *note])


def cells(table: Table) -> Iterable[tuple[str, ...]]:
    """The rows of a table without control characters, for the HTML page (which escapes them)."""
    return (tuple(clean(cell) for cell in row) for row in table.rows)
