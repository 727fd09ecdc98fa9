"""`write_report`: the statistics of a corpus as one HTML page that needs nothing else.

All text of the corpus is escaped, and the page forbids scripts and any loading: a hostile corpus can only show text.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from jaxir.analysis import charts, timings
from jaxir.analysis.coverage import missing_lines
from jaxir.analysis.stats import Stats
from jaxir.analysis.text import (
    KIND_LABELS,
    Table,
    basis,
    cells,
    clean,
    headline,
    lowering_tables,
    number,
    percent,
    rejections,
    tables,
)
from jaxir.analysis.universe import universe
from jaxir.errors import UserError

_MAX_TEXT = 12_000  # characters of one shown source or IR
_MAX_BARS = 14


def write_report(
    stats: Stats, path: str | os.PathLike[str], title: str = "", timed: Sequence[timings.Timing] = ()
) -> None:
    """Write the page; equal arguments give equal bytes.

    Args:
        title: heading of the page; without it the kind of the corpus.
        timed: runs of `jaxir bench` to show, from `timings.load`.

    Raises:
        UserError: the file cannot be written.
    """
    page = render(stats, title, timed)
    try:
        Path(path).write_text(page, encoding="utf-8", newline="\n")
    except OSError as error:
        raise UserError(f"{path}: cannot write the report ({error.strerror or error}); give another path") from error


def render(stats: Stats, title: str = "", timed: Sequence[timings.Timing] = ()) -> str:
    """The page as text."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    template = resources.files("jaxir.analysis").joinpath("report.html.j2").read_text(encoding="utf-8")
    known = universe()
    shown = {table.title.partition(":")[0]: _table(table) for table in tables(stats)}
    return environment.from_string(template).render(
        title=clean(title) or f"Report on {KIND_LABELS[stats.kind]}",
        headline=clean(headline(stats)),
        tiles=_tiles(stats),
        tables=shown,
        pictures=_pictures(stats),
        skeletons=f"Skeleton concentration{basis(stats)}",
        jax=known.jax,
        kinds=known.element_types,
        heat=_heat(stats),
        missing=[(name, clean(names)) for name, names in missing_lines(stats.coverage, None)],
        lowerings=[table.title for table in lowering_tables(stats)],
        timings=[
            {
                "table": _table(timings.table(timing)),
                "pictures": [(Markup(svg), note) for svg, note in timings.pictures(timing, f"t{place}")],
            }
            for place, timing in enumerate(timed)
        ],
        samples=[_sample(row) for row in stats.samples],
    )


def _table(table: Table) -> dict[str, Any]:
    return {
        "title": clean(table.title),
        "header": [clean(cell) for cell in table.header],
        "cells": list(cells(table)),
        "note": clean(table.note),
    }


def _tiles(stats: Stats) -> list[tuple[str, str]]:
    pairs, ops, functions = (stats.coverage[name] for name in ("op/type pairs", "stablehlo ops", "public functions"))
    tiles = [
        (number(stats.rows), "rows"),
        (number(stats.distinct.get("ir_names", 0)), "distinct IRs up to names"),
        (number(stats.distinct.get("skeleton", 0)), f"program skeletons{basis(stats)}"),
        (percent(stats.placeholders["good"], stats.rows), "sources that are Python"),
        (f"{ops['reached']} / {ops['emittable']}", "StableHLO ops"),
        (f"{pairs['reached']} / {pairs['emittable']}", "op/type pairs"),
        (f"{functions['reached']} / {functions['emittable']}", "public functions"),
    ]
    if any(stats.leakage.values()):
        tiles.append((number(sum(stats.leaking.values())), "keys in two splits"))
    candidates = stats.run.get("candidates")
    if isinstance(candidates, int) and candidates > 0:
        refused = sum(count for _, _, count in rejections(stats.run))
        tiles.append((percent(refused, candidates), "candidates rejected"))
    return tiles


def _pictures(stats: Stats) -> dict[str, Markup]:
    """The SVG texts; they are made here from numbers and escaped labels, so they are safe as they are."""
    if not stats.rows:
        return {}
    levels = list(stats.counts["level"])[:8]
    balance = {name: stats.category_level[name] for name in [*stats.category_level][:_MAX_BARS]}
    pictures = {}
    if set(balance) != {"(none)"}:
        legend = [f"level {level}" if level.isdigit() else level for level in levels]
        pictures["balance"] = charts.stacked("balance", balance, levels, legend)
    if stats.ops:
        top = {op: programs for op, (programs, _) in [*stats.ops.items()][:40]}
        pictures["ops"] = charts.bars("ops", top, "programs")
    pictures["lengths"] = charts.histograms(
        "lengths",
        [
            (label, stats.histograms[name], stats.lengths[name]["p50"])
            for name, label in (("python_chars", "source, characters"), ("ir_chars", "IR, characters"))
        ],
    )
    shared = [*stats.rows_per_skeleton.items()]
    concentration = {f"{rows:,} row{'s' * (rows > 1)}": skeletons for rows, skeletons in shared[:_MAX_BARS]}
    if rest := shared[_MAX_BARS:]:
        concentration[f"{rest[0][0]:,} to {rest[-1][0]:,} rows"] = sum(skeletons for _, skeletons in rest)
    pictures["skeletons"] = charts.bars("skeletons", concentration, "skeletons")
    return {name: Markup(svg) for name, svg in pictures.items()}


def _heat(stats: Stats) -> list[tuple[str, list[tuple[str, str]]]]:
    """op -> for each core element type (CSS class, text); empty if the corpus reaches none of the universe."""
    known = universe()
    if not any(row["reached"] for row in stats.coverage.values()):
        return []
    rows = []
    top = math.log(max(2, stats.rows))
    for op in sorted({op for op, _ in known.pairs}, key=lambda op: (op.startswith("chlo."), op)):
        cells_of_op = []
        for kind in known.element_types:
            programs = stats.pairs.get(op, {}).get(kind, 0)
            if programs:
                cells_of_op.append((f"h{1 + min(4, int(5 * math.log(programs) / top))}", _short(programs)))
            else:
                cells_of_op.append(("m", "0") if (op, kind) in known.pairs else ("", ""))
        rows.append((op.removeprefix("stablehlo."), cells_of_op))
    return rows


def _short(count: int) -> str:
    return str(count) if count < 10_000 else f"{count // 1000}k" if count < 10_000_000 else f"{count // 1_000_000}M"


def _sample(row: dict[str, str]) -> dict[str, Any]:
    parts = [row["operation"], row["category"], f"level {row['level']}" if row["level"].isdigit() else row["level"]]
    name = clean(" · ".join(part for part in [*parts, row["split"]] if part))
    return {
        "title": name[:160] or clean(row["id"])[:80] or "pair",
        "description": clean(row["description"]),
        "source": _cut(row["python_source"]),
        "ir": _cut(row["ir"]),
    }


def _cut(text: str) -> str:
    """A text for the page: control characters replaced, its tail left out if it is long."""
    shown = "".join(char if char.isprintable() or char in "\n\t" else "\ufffd" for char in text[:_MAX_TEXT])
    return shown if len(text) <= _MAX_TEXT else f"{shown}\n... ({number(len(text) - _MAX_TEXT)} more characters)"
