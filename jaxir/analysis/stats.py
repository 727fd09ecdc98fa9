"""What a corpus holds, in one streaming pass: distinctness, balance, coverage, lengths, leakage, ten random pairs.

Memory does not grow with the corpus: keys that are compared between rows go through `keys.KeyColumn`, which spills to
temporary files, and everything else is a counter of bounded size. The result is a function of the rows alone: no path,
no clock, no order of a set, no number of processes gets into it.
"""

from __future__ import annotations

import dataclasses
import heapq
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jaxir.analysis.corpus import Corpus
from jaxir.analysis.coverage import Coverage
from jaxir.analysis.keys import KeyColumn, Shares
from jaxir.analysis.parallel import ordered
from jaxir.analysis.part import COMPARED, KEYS, LENGTHS, NAMES, SHOWN, Part, Shown, count, stretches
from jaxir.sample import CATEGORIES, SPLITS

QUANTILES = (("min", 0.0), ("p10", 0.1), ("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1.0))

_MAX_NAMES = 10_000  # a foreign column may hold a new name in every row
_OTHER = "(other)"
_MAX_SPLITS = 60


@dataclasses.dataclass(frozen=True)
class Stats:
    """Figures of a corpus; every mapping is sorted, so equal corpora give equal texts.

    Attributes:
        kind: `jaxir`, `legacy` or `foreign`.
        rows: number of rows.
        distinct: key of `KEYS` -> distinct values; a key that no row has is missing.
        keyed: key of `KEYS` -> rows that have it.
        skeleton_basis: `hash` (the column `skeleton_hash`), `text` (made here from the IR text, finer) or `mixed`.
        placeholders: `empty`, `marker` ("source not available"), `no_code` (only comments), `broken` (`ast.parse`
            refuses), `good`: every source is counted once.
        missing: rows without `ir`, without `description`.
        counts: field -> value -> rows, for category, level, split, operation, template, transform, dialect; for
            template and transform a row counts once for each value it has.
        category_level: category -> level -> rows.
        dtypes: element type (MLIR's spelling) -> programs whose IR holds it.
        ops: op -> (programs, occurrences).
        pairs: op -> element type -> programs.
        custom_calls: target -> programs.
        bigrams: distinct def-use pairs of ops.
        coverage: name of `coverage.TABLES` -> {"reached", "emittable", "missing", "thin", "thin_below"} against what
            JAX emits on a CPU; see `coverage.Coverage.tables`.
        lengths: name of `LENGTHS` -> quantile -> value.
        histograms: name of `LENGTHS` -> {"edges", "counts"}; equal steps of the logarithm.
        rows_per_skeleton: rows that share a skeleton -> number of such skeletons.
        top_skeletons: the most frequent ones, (rows, operation of the first row).
        op_skeletons: number of skeletons of ops alone (see `coverage.op_skeleton`).
        top_op_skeletons: the most frequent of those, (rows, operation of the first row).
        leakage: key -> "train/test" -> keys that are in both splits.
        samples: ten random rows, chosen by a hash of their content.
        run: figures of the run (`candidates`, `rejections` as {stage, reason, count}); {} if not recorded.
        lowering: what `crosslowering.compare_lowerings` found; {} if it was not asked.
    """

    kind: str
    rows: int
    distinct: dict[str, int]
    keyed: dict[str, int]
    skeleton_basis: str
    placeholders: dict[str, int]
    missing: dict[str, int]
    counts: dict[str, dict[str, int]]
    category_level: dict[str, dict[str, int]]
    dtypes: dict[str, int]
    ops: dict[str, tuple[int, int]]
    pairs: dict[str, dict[str, int]]
    custom_calls: dict[str, int]
    bigrams: int
    coverage: dict[str, dict[str, Any]]
    lengths: dict[str, dict[str, int]]
    histograms: dict[str, dict[str, list[int]]]
    rows_per_skeleton: dict[int, int]
    top_skeletons: list[tuple[int, str]]
    op_skeletons: int
    top_op_skeletons: list[tuple[int, str]]
    leakage: dict[str, dict[str, int]]
    samples: list[dict[str, str]]
    run: dict[str, Any]
    lowering: dict[str, Any] = dataclasses.field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types in a fixed order; of the random rows only the names, not the texts."""
        plain = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        plain["ops"] = {op: {"programs": n, "count": m} for op, (n, m) in self.ops.items()}
        plain["rows_per_skeleton"] = {str(n): m for n, m in self.rows_per_skeleton.items()}
        for field in ("top_skeletons", "top_op_skeletons"):
            plain[field] = [{"rows": n, "operation": name} for n, name in plain[field]]
        plain["samples"] = [
            {key: row[key] for key in ("id", "category", "operation", "level", "split")} for row in self.samples
        ]
        return plain

    def headline(self) -> str:
        """A few sentences that say what the corpus is worth."""
        from jaxir.analysis.text import headline

        return headline(self)

    def to_text(self, everything: bool = False) -> str:
        """Tables for a terminal of 100 columns; with `everything`, each missing and thin name of the universe."""
        from jaxir.analysis.text import to_text

        return to_text(self, everything)

    def to_markdown(self) -> str:
        """The same tables in Markdown, with each missing and thin name of the universe."""
        from jaxir.analysis.text import to_markdown

        return to_markdown(self)

    @property
    def leaking(self) -> dict[str, int]:
        """Key -> number of values that are in two splits, for the keys where there are any."""
        return {key: total for key, pairs in self.leakage.items() if (total := sum(pairs.values()))}


def analyze(
    corpus: Corpus,
    progress: Callable[[int], object] | None = None,
    run: Mapping[str, Any] | None = None,
    *,
    workers: int = 1,
) -> Stats:
    """Read a corpus once and count.

    Args:
        corpus: from `open_corpus`.
        progress: is called with the number of rows read since the last call, such as `tqdm.update`.
        run: figures of the run, where the caller knows better than the corpus's own `stats.json`.
        workers: processes that count the rows of a large corpus; they change the speed, never the figures.

    Raises:
        UserError: a file of the corpus is broken.
    """
    total = _Total()
    for part in ordered(count, stretches(corpus.rows()), workers):
        total.add(part)
        if progress:
            progress(part.rows)
    return total.finish(corpus.kind, dict(corpus.run if run is None else run))


class _Names(Counter[str]):
    """A counter whose number of names is bounded."""

    def note(self, name: str, rows: int) -> None:
        if name not in self and len(self) >= _MAX_NAMES:
            name = _OTHER
        self[name] += rows

    def known(self, name: str) -> str:
        """What a name that was noted is counted as."""
        return name if name in self else _OTHER

    def merge(self, names: Mapping[str, int]) -> None:
        for name, rows in names.items():
            self.note(name, rows)


class _Total:
    """The sum of the parts of a corpus, which are added in their order."""

    def __init__(self) -> None:
        self.rows = 0
        self.keys = {key: KeyColumn() for key in COMPARED}
        self.coverage = Coverage()
        self.hashed_skeletons = 0
        self.placeholders = Counter[str](dict.fromkeys(("empty", "marker", "no_code", "broken", "good"), 0))
        self.missing = Counter[str](ir=0, description=0)
        self.names = {field: _Names() for field in NAMES}
        self.category_level: dict[str, _Names] = {}
        self.dtypes = _Names()
        self.op_programs = _Names()
        self.op_counts = _Names()
        self.pairs: Counter[tuple[str, str]] = Counter()
        self.custom_calls = _Names()
        self.bigrams: set[tuple[str, str]] = set()
        self.lengths: dict[str, Counter[int]] = {name: Counter() for name in LENGTHS}
        self.splits: dict[str, int] = {}
        self.operations: dict[str, int] = {}
        self.shown: list[Shown] = []

    def add(self, part: Part) -> None:
        for field, names in part.names.items():
            self.names[field].merge(names)
        for (category, level), rows in part.category_level.items():
            levels = self.category_level.setdefault(self.names["category"].known(category), _Names())
            levels.note(self.names["level"].known(level), rows)
        for total, names in (
            (self.op_programs, part.op_programs),
            (self.op_counts, part.op_counts),
            (self.custom_calls, part.custom_calls),
            (self.dtypes, part.dtypes),
        ):
            total.merge(names)
        self.placeholders.update(part.placeholders)
        self.missing.update(part.missing)
        self.hashed_skeletons += part.hashed_skeletons
        is_open = len(self.pairs) < _MAX_NAMES
        self.pairs.update({pair: rows for pair, rows in part.pairs.items() if is_open or pair in self.pairs})
        if len(self.bigrams) < _MAX_NAMES:
            self.bigrams |= part.bigrams
        for name, lengths in part.lengths.items():
            self.lengths[name].update(lengths)
        self.coverage.merge(part.coverage)
        shown = [(rank, self.rows + number, kept) for rank, number, kept in part.shown]
        self.shown = heapq.nsmallest(SHOWN, [*self.shown, *shown])
        for split, operation, digests in part.compared:
            self._compare(split, operation, digests)

    def _compare(self, split: str, operation: str, digests: tuple[bytes, ...]) -> None:
        operation, split = self.names["operation"].known(operation), self.names["split"].known(split)
        label = self.operations.setdefault(operation, len(self.operations))
        group = self.splits.get(split)
        if group is None:
            group = self.splits.setdefault(split, len(self.splits)) if len(self.splits) < _MAX_SPLITS else 0
        for column, key in zip(self.keys.values(), digests, strict=True):
            column.add(self.rows, key, group, label)
        self.rows += 1

    def finish(self, kind: str, run: dict[str, Any]) -> Stats:
        every = {key: column.finish() for key, column in self.keys.items()}
        shares = {key: every[key] for key in KEYS}
        skeletons, op_skeletons = every["skeleton"], every["op_skeleton"]
        pairs: dict[str, dict[str, int]] = {}
        for (op, element), programs in sorted(self.pairs.items()):
            pairs.setdefault(op, {})[element] = programs
        operations = list(self.operations)
        return Stats(
            kind=kind,
            rows=self.rows,
            distinct={key: share.distinct for key, share in shares.items() if share.rows},
            keyed={key: share.rows for key, share in shares.items() if share.rows},
            skeleton_basis={0: "text", skeletons.rows: "hash"}.get(self.hashed_skeletons, "mixed"),
            placeholders=dict(self.placeholders),
            missing=dict(self.missing),
            counts={field: _sorted(field, names) for field, names in self.names.items()},
            category_level={
                category: _sorted("level", self.category_level[category])
                for category in _sorted("category", self.names["category"])
                if category in self.category_level
            },
            dtypes=_by_count(self.dtypes),
            ops={op: (programs, self.op_counts[op]) for op, programs in _by_count(self.op_programs).items()},
            pairs=pairs,
            custom_calls=_by_count(self.custom_calls),
            bigrams=len(self.bigrams),
            coverage=self.coverage.tables(),
            lengths={name: _quantiles(values) for name, values in self.lengths.items()},
            histograms={name: _histogram(values) for name, values in self.lengths.items()},
            rows_per_skeleton=skeletons.sizes,
            top_skeletons=[(rows, operations[label]) for rows, label in skeletons.top],
            op_skeletons=op_skeletons.distinct,
            top_op_skeletons=[(rows, operations[label]) for rows, label in op_skeletons.top],
            leakage=self._leakage(shares),
            samples=[kept for _, _, kept in self.shown],
            run=run,
        )

    def _leakage(self, shares: Mapping[str, Shares]) -> dict[str, dict[str, int]]:
        names = {number: name for name, number in self.splits.items()}
        order = list(_sorted("split", self.names["split"]))
        return {
            key: {
                "/".join(sorted((names[a], names[b]), key=order.index)): count
                for (a, b), count in sorted(
                    share.shared.items(), key=lambda item: [order.index(names[n]) for n in item[0]]
                )
            }
            for key, share in shares.items()
            if share.rows
        }


_ORDER = {"category": CATEGORIES, "split": SPLITS}


def _sorted(field: str, names: Mapping[str, int]) -> dict[str, int]:
    """Categories and splits in the order of the contract, levels by number, everything else by count."""
    if field in ("category", "split"):
        known = _ORDER[field]
        return dict(sorted(names.items(), key=lambda item: (known.index(item[0]) if item[0] in known else 99, item[0])))
    if field == "level":
        return dict(sorted(names.items(), key=lambda item: (not item[0].isdigit(), item[0].zfill(9))))
    return _by_count(names)


def _by_count(names: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(names.items(), key=lambda item: (-item[1], item[0])))


def _weighted(counts: Counter[int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The values in order, and how often each occurs."""
    values = sorted(counts)
    return np.array(values, dtype=np.int64), np.array([counts[value] for value in values], dtype=np.int64)


def _quantiles(counts: Counter[int]) -> dict[str, int]:
    if not counts:
        return {name: 0 for name, _ in QUANTILES}
    values, weights = _weighted(counts)
    found = np.quantile(values, [share for _, share in QUANTILES], method="inverted_cdf", weights=weights)
    return {name: int(value) for (name, _), value in zip(QUANTILES, found, strict=True)}


def _histogram(counts: Counter[int]) -> dict[str, list[int]]:
    """Counts in up to 40 bins between the shortest and the longest, in equal steps of the logarithm."""
    if not counts:
        return {"edges": [], "counts": []}
    values, weights = _weighted(counts)
    low, high = max(1, int(values.min())), max(2, int(values.max()) + 1)
    edges = np.unique(np.round(np.geomspace(low, high, 41)).astype(np.int64))
    if len(edges) < 2:
        edges = np.array([low, low + 1], dtype=np.int64)
    heights, _ = np.histogram(np.maximum(values, low), bins=edges, weights=weights)
    return {"edges": edges.tolist(), "counts": heights.tolist()}
