"""The pictures of the report, as SVG text to put into the page.

Deterministic: no date, salted ids, no shared pyplot state, no user settings of matplotlib. Colours are stand-ins that
become CSS variables, so that one picture serves light and dark pages.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import matplotlib.style
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from jaxir.analysis.text import number

#: Stand-in colour -> CSS variable of the page.
_COLOURS = {
    "#010101": "ink", "#020202": "soft", "#030303": "rule",
    "#0a0101": "s1", "#0a0202": "s2", "#0a0303": "s3", "#0a0404": "s4", "#0a0505": "s5", "#0b0101": "accent",
}  # fmt: skip
#: What they become in a file of its own: the light colours of the page.
_ALONE = {
    "ink": "#1b1f27", "soft": "#5a6373", "rule": "#d9dde4", "accent": "#2f6fb5",
    "s1": "#c9dcf1", "s2": "#93bbe3", "s3": "#5b97d0", "s4": "#2f6fb5", "s5": "#17457a",
}  # fmt: skip
_BY_NAME = {name: colour for colour, name in _COLOURS.items()}
_SERIES = tuple(_BY_NAME[f"s{n}"] for n in range(1, 6))
_WIDTH = 9.0  # inches; 72 SVG points each
_BAR = 0.19  # inches a horizontal bar


def _settings(salt: str) -> dict[str, Any]:
    return {
        "svg.hashsalt": salt,
        "svg.fonttype": "none",  # text stays text: smaller, searchable, in the font of the page
        "text.parse_math": False,  # a name of a corpus is no formula
        "font.family": ["DejaVu Sans"],
        "font.size": 9,
        "axes.edgecolor": _BY_NAME["rule"],
        "axes.labelcolor": _BY_NAME["soft"],
        "axes.axisbelow": True,
        "axes.grid": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.spines.left": False,
        "grid.color": _BY_NAME["rule"],
        "grid.linewidth": 0.6,
        "text.color": _BY_NAME["ink"],
        "xtick.color": _BY_NAME["soft"],
        "ytick.color": _BY_NAME["ink"],
        "xtick.major.size": 0,
        "xtick.minor.size": 0,
        "ytick.major.size": 0,
    }


def _svg(figure: Figure, name: str) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.S)
    # Several pictures share a page: their ids must differ.
    text = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', text)
    text = re.sub(r'(href="#|url\(#)', rf"\g<1>{name}-", text)
    # In attributes only: a name of a corpus may look like this.
    text = re.sub(r'(?<=style=")font: ([\d.]+px) [^;"<]+', r"font: \1 system-ui, sans-serif", text)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', rf'\1 role="img" aria-label="{name}"', text, count=1)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
    return re.sub("|".join(_COLOURS), lambda match: f"var(--{_COLOURS[match.group()]})", text)


def alone(svg: str) -> str:
    """A picture as the text of a file of its own: colours instead of variables, on white."""
    head, _, rest = re.sub(r"var\(--(\w+)\)", lambda match: _ALONE[match[1]], svg).partition(">")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{head}><rect width="100%" height="100%" fill="#ffffff"/>{rest}\n'


def _label(text: str) -> str:
    """A name for a picture: what the font lacks is left out (the tables have it), long names are cut."""
    plain = "".join(char if char.isascii() and char.isprintable() else "?" for char in text)
    return plain if len(plain) <= 36 else plain[:33] + "..."


def _thousands(axis: Any) -> None:
    axis.set_major_formatter(FuncFormatter(lambda value, _: number(int(value)) if value == int(value) else ""))


def bars(name: str, counts: Mapping[str, int], xlabel: str) -> str:
    """Horizontal bars, the first on top, the count beside each."""
    with matplotlib.style.context(["default", _settings(name)]):
        figure = Figure(figsize=(_WIDTH, 0.75 + _BAR * len(counts)), layout="constrained")
        axes = figure.subplots()
        at = range(len(counts))
        axes.barh(at, list(counts.values()), height=0.72, color=_BY_NAME["accent"])
        axes.set_yticks(at, [_label(key) for key in counts], fontsize=8)
        for y, count in zip(at, counts.values(), strict=True):
            axes.annotate(
                number(count), (count, y), xytext=(3, 0), textcoords="offset points", va="center", fontsize=7,
                color=_BY_NAME["soft"],
            )  # fmt: skip
        _finish_bars(axes, len(counts), xlabel)
        return _svg(figure, name)


def stacked(name: str, table: Mapping[str, Mapping[str, int]], keys: Sequence[str], legend: Sequence[str]) -> str:
    """One horizontal bar a row of the table, its parts in the order of `keys`."""
    with matplotlib.style.context(["default", _settings(name)]):
        figure = Figure(figsize=(_WIDTH, 1.1 + 0.3 * len(table)), layout="constrained")
        axes = figure.subplots()
        left = [0] * len(table)
        for number_of_key, key in enumerate(keys):
            parts = [row.get(key, 0) for row in table.values()]
            shade = _SERIES[number_of_key * (len(_SERIES) - 1) // max(1, len(keys) - 1)]
            axes.barh(
                range(len(table)), parts, left=left, height=0.72, color=shade, label=_label(legend[number_of_key])
            )
            left = [a + b for a, b in zip(left, parts, strict=True)]
        axes.set_yticks(range(len(table)), [_label(key) for key in table])
        _finish_bars(axes, len(table), "rows")
        figure.legend(loc="outside upper left", ncols=len(keys), frameon=False, fontsize=8, handlelength=1)
        return _svg(figure, name)


def _finish_bars(axes: Any, rows: int, xlabel: str) -> None:
    axes.set_ylim(rows - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.spines.bottom.set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    _thousands(axes.xaxis)
    axes.set_xlabel(xlabel)


def histograms(name: str, panels: Sequence[tuple[str, Mapping[str, Sequence[int]], int]]) -> str:
    """Side by side: (x label, {"edges", "counts"}, median), the x axis by logarithm."""
    with matplotlib.style.context(["default", _settings(name)]):
        figure = Figure(figsize=(_WIDTH, 2.6), layout="constrained")
        for axes, (label, histogram, median) in zip(
            figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True
        ):
            edges, counts = histogram["edges"], histogram["counts"]
            if edges:
                axes.stairs(counts, edges, fill=True, color=_BY_NAME["accent"])
                axes.set_xscale("log")
                axes.set_ylim(0, max(1, *counts) * 1.15)
                axes.axvline(max(1, median), color=_BY_NAME["ink"], linewidth=1)
                axes.set_title(f"median {number(median)}", fontsize=8, loc="left", color=_BY_NAME["soft"])
                wide = math.log10(edges[-1] / edges[0]) > 1
                axes.xaxis.set_major_locator(LogLocator(subs=(1, 3) if wide else (1, 2, 3, 5, 7), numticks=12))
                axes.xaxis.set_minor_formatter(NullFormatter())
            _thousands(axes.xaxis)
            axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
            _thousands(axes.yaxis)
            axes.grid(visible=False, axis="x")
            axes.set_xlabel(label)
        figure.supylabel("rows", fontsize=9, color=_BY_NAME["soft"])
        return _svg(figure, name)


def boxes(name: str, panels: Sequence[tuple[str, Mapping[str, Sequence[float]]]], columns: int = 2) -> str:
    """Panels of (x label, group -> values) with a box for each group, the x axis by logarithm.

    A box holds the quartiles, its whiskers reach from the 5th to the 95th percentile; the number of values stands in
    the label.
    """
    lines = {"color": _BY_NAME["ink"], "linewidth": 0.8}
    box = {"facecolor": _BY_NAME["s2"], "edgecolor": _BY_NAME["ink"], "linewidth": 0.8}
    rows = [panels[start : start + columns] for start in range(0, len(panels), columns)]
    heights = [0.75 + 0.26 * max(len(groups) for _, groups in row) for row in rows]
    with matplotlib.style.context(["default", _settings(name)]):
        figure = Figure(figsize=(_WIDTH, sum(heights)), layout="constrained")
        grid = figure.subplots(len(rows), columns, squeeze=False, height_ratios=heights)
        for axes, (label, groups) in zip(grid.flat, panels, strict=True):
            axes.boxplot(
                list(groups.values()), orientation="horizontal", whis=(5, 95), showfliers=False, widths=0.6,
                patch_artist=True, boxprops=box,
                medianprops={**lines, "linewidth": 1.6}, whiskerprops=lines, capprops=lines,
            )  # fmt: skip
            axes.set_yticks(
                range(1, len(groups) + 1), [_label(f"{key} ({len(values)})") for key, values in groups.items()]
            )
            axes.invert_yaxis()
            axes.set_xscale("log")
            _plain_powers(axes.xaxis, [value for values in groups.values() for value in values])
            axes.grid(visible=False, axis="y")
            axes.set_xlabel(label)
        return _svg(figure, name)


def points(name: str, series: Mapping[str, Sequence[tuple[float, float]]], xlabel: str, ylabel: str) -> str:
    """Points (x, y) of each series, both axes by logarithm, and the line where y equals x."""
    everything = [value for pairs in series.values() for pair in pairs for value in pair]
    low, high = min(everything) / 1.5, max(everything) * 1.5
    with matplotlib.style.context(["default", _settings(name)]):
        figure = Figure(figsize=(_WIDTH, 4.2), layout="constrained")
        axes = figure.subplots()
        axes.plot([low, high], [low, high], color=_BY_NAME["soft"], linewidth=0.8)
        for place, (label, pairs) in enumerate(series.items()):
            shade = _SERIES[place * (len(_SERIES) - 1) // max(1, len(series) - 1)]
            x, y = zip(*pairs, strict=True)
            axes.scatter(x, y, s=16, color=shade, edgecolors=_BY_NAME["ink"], linewidths=0.3, label=_label(label))
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlim(low, max(pair[0] for pairs in series.values() for pair in pairs) * 1.5)
        axes.set_ylim(min(pair[1] for pairs in series.values() for pair in pairs) / 1.5, high)
        for axis in (axes.xaxis, axes.yaxis):
            _plain_powers(axis, everything)
        axes.set_xlabel(xlabel)
        axes.set_ylabel(ylabel)
        figure.legend(loc="outside upper left", ncols=len(series), frameon=False, fontsize=8, handlelength=1)
        return _svg(figure, name)


def curves(name: str, panels: Sequence[tuple[str, Mapping[str, Sequence[tuple[float, float]]]]], xlabel: str) -> str:
    """Side by side: (y label, label -> points (x, y), joined in their order), all axes by logarithm, one legend."""
    with matplotlib.style.context(["default", _settings(name)]):
        figure = Figure(figsize=(_WIDTH, 3.2), layout="constrained")
        for axes, (ylabel, series) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
            for place, (label, pairs) in enumerate(series.items()):
                shade = _SERIES[1 + place * (len(_SERIES) - 2) // max(1, len(series) - 1)]  # the lightest is for areas
                x, y = zip(*pairs, strict=True)
                axes.plot(x, y, color=shade, linewidth=1.4, marker="o", markersize=3.5, label=_label(label))
            axes.set_xscale("log")
            axes.set_yscale("log")
            _plain_powers(axes.yaxis, [y for pairs in series.values() for _, y in pairs])
            _plain_powers(axes.xaxis, [x for pairs in series.values() for x, _ in pairs])
            axes.set_xticks(sorted({x for pairs in series.values() for x, _ in pairs}))  # what was measured
            axes.set_xlabel(xlabel)
            axes.set_ylabel(ylabel)
        handles, labels = axes.get_legend_handles_labels()
        figure.legend(
            handles, labels, loc="outside upper left", ncols=len(labels), frameon=False, fontsize=8, handlelength=1
        )
        return _svg(figure, name)


def _plain_powers(axis: Any, values: Sequence[float]) -> None:
    """A logarithmic axis with numbers as people write them: 0.01, 0.1, 1, 10; more of them where there are few."""
    decades = math.log10(max(values) / min(values))
    axis.set_major_locator(LogLocator(subs=(1,) if decades > 4 else (1, 3) if decades > 1.5 else (1, 2, 5), numticks=9))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.12g}"))
    axis.set_minor_formatter(NullFormatter())
    axis.set_tick_params(which="minor", size=0)
