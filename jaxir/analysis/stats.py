"""What a corpus holds, in one streaming pass: distinctness, balance, coverage, lengths, leakage, ten random pairs.

Memory does not grow with the corpus: keys that are compared between rows go through `keys.KeyColumn`, which spills to
temporary files, and everything else is a counter of bounded size. The result is a function of the rows alone: no path,
no clock, no order of a set gets into it.
"""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import heapq
import re
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jaxir.analysis.corpus import Corpus, Row
from jaxir.analysis.coverage import Coverage, op_skeleton
from jaxir.analysis.functions import public_functions
from jaxir.analysis.irnames import canonical_text, skeleton_of_canonical
from jaxir.analysis.irtext import Facts, scan
from jaxir.analysis.keys import KeyColumn, Shares
from jaxir.sample import CATEGORIES, SPLITS

#: What the rows are compared by, in the order of the tables. `ir_names` is the IR text up to names.
KEYS = ("source", "ir", "ir_names", "canonical", "skeleton", "behavior")
QUANTILES = (("min", 0.0), ("p10", 0.1), ("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1.0))
LENGTHS = ("python_chars", "ir_chars", "num_ops")

_PAIRS = 10
_MAX_NAMES = 10_000  # a foreign column may hold a new name in every row
_OTHER = "(other)"
_NONE = "(none)"
_MAX_SPLITS = 60
_MAX_PARSED = 300_000  # a longer source is no kernel; parsing it would cost seconds
_MARKER = re.compile(
    r"\b(?:source|code)\b[^\n]{0,40}\b(?:not available|unavailable|not found|missing)\b|^\W*TODO\W*$", re.I
)


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
    corpus: Corpus, progress: Callable[[int], object] | None = None, run: Mapping[str, Any] | None = None
) -> Stats:
    """Read a corpus once and count.

    Args:
        corpus: from `open_corpus`.
        progress: is called with the number of rows read since the last call, such as `tqdm.update`.
        run: figures of the run, where the caller knows better than the corpus's own `stats.json`.

    Raises:
        UserError: a file of the corpus is broken.
    """
    counting = _Counting()
    done = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # sources with odd escapes warn when they are parsed; that is their matter
        for row in corpus.rows():
            counting.add(row)
            if progress and counting.rows - done >= 64:
                progress(counting.rows - done)
                done = counting.rows
    if progress and counting.rows > done:
        progress(counting.rows - done)
    return counting.finish(corpus.kind, dict(corpus.run if run is None else run))


class _Names(Counter[str]):
    """A counter whose number of names is bounded."""

    def note(self, name: str, rows: int = 1) -> str:
        name = name.strip()[:200] or _NONE
        if name not in self and len(self) >= _MAX_NAMES:
            name = _OTHER
        self[name] += rows
        return name


class _Counting:
    def __init__(self) -> None:
        self.rows = 0
        self.keys = {key: KeyColumn() for key in KEYS}
        self.op_skeletons = KeyColumn()
        self.coverage = Coverage()
        self.hashed_skeletons = 0
        self.placeholders = Counter[str](dict.fromkeys(("empty", "marker", "no_code", "broken", "good"), 0))
        self.missing = Counter[str](ir=0, description=0)
        fields = ("category", "level", "split", "operation", "template", "transform", "dialect")
        self.names = {field: _Names() for field in fields}
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
        self.reservoir: list[tuple[int, int, dict[str, str]]] = []

    def add(self, row: Row) -> None:
        number, source, ir = self.rows, row["python_source"], row["stablehlo"]
        self.rows += 1
        category = self.names["category"].note(row["category"])
        level = self.names["level"].note(row["level"])
        operation = self.names["operation"].note(row["operation"])
        split = self.names["split"].note(row["split"])
        self.names["dialect"].note(row["dialect"])
        self.category_level.setdefault(category, _Names()).note(level)
        for field, values in (("template", row["templates"]), ("transform", row["transforms"])):
            for name in sorted(set(values)):
                self.names[field].note(name)
        label = self.operations.setdefault(operation, len(self.operations))
        group = self.splits.get(split)
        if group is None:
            group = self.splits.setdefault(split, len(self.splits)) if len(self.splits) < _MAX_SPLITS else 0

        verdict, tree = _parsed(source)
        self.placeholders[verdict] += 1
        self.missing["ir"] += not ir.strip()
        self.missing["description"] += not row["description"].strip()
        facts = scan(ir)
        self._count(facts)
        self.coverage.add(facts, () if tree is None else _functions(tree, self.coverage.functions))
        self.op_skeletons.add(number, op_skeleton(facts), 0, label)
        self.lengths["python_chars"][_length(len(source))] += 1
        self.lengths["ir_chars"][_length(len(ir))] += 1

        names = canonical_text(ir)
        self.hashed_skeletons += bool(row["skeleton_hash"])
        keys = {
            "source": source,
            "ir": ir,
            "ir_names": names,
            "canonical": row["canonical_hash"],
            "skeleton": row["skeleton_hash"] or skeleton_of_canonical(names),
            "behavior": row["behavior_hash"],
        }
        for key, value in keys.items():
            self.keys[key].add(number, value, group, label)
        self._maybe_keep(number, row)

    def _count(self, facts: Facts) -> None:
        for op, count in facts.ops.items():
            self.op_programs.note(op)
            self.op_counts.note(op, count)
        self.pairs.update(
            facts.pairs.keys() if len(self.pairs) < _MAX_NAMES else facts.pairs.keys() & self.pairs.keys()
        )
        for target in facts.custom_calls:
            self.custom_calls.note(target)
        if len(self.bigrams) < _MAX_NAMES:
            self.bigrams |= facts.bigrams.keys()
        for kind in facts.element_types:
            self.dtypes.note(kind)
        # Like the column `num_ops`, the length leaves out the ends of regions.
        self.lengths["num_ops"][_length(facts.ops.total() - facts.ops["stablehlo.return"])] += 1

    def _maybe_keep(self, number: int, row: Row) -> None:
        """Keep the ten rows whose hash is smallest: a random choice that the content alone makes."""
        text = "\0".join((row["id"], row["python_source"], row["stablehlo"]))
        rank = -int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())
        if len(self.reservoir) == _PAIRS and rank <= self.reservoir[0][0]:
            return
        fields = ("id", "category", "operation", "level", "split", "function_name", "description")
        kept = {key: str(row[key])[:500] for key in fields}  # type: ignore[literal-required]
        kept |= {"python_source": row["python_source"], "ir": row["stablehlo"], "dialect": row["dialect"]}
        push = heapq.heappush if len(self.reservoir) < _PAIRS else heapq.heapreplace
        push(self.reservoir, (rank, -number, kept))

    def finish(self, kind: str, run: dict[str, Any]) -> Stats:
        shares = {key: column.finish() for key, column in self.keys.items()}
        skeletons, op_skeletons = shares["skeleton"], self.op_skeletons.finish()
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
            samples=[kept for _, _, kept in sorted(self.reservoir, key=lambda entry: (-entry[0], -entry[1]))],
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


def classify_source(source: str) -> str:
    """`empty`, `marker`, `no_code`, `broken` or `good`; see `Stats.placeholders`. The source is parsed, never run."""
    return _parsed(source)[0]


def _parsed(source: str) -> tuple[str, ast.Module | None]:
    """What `classify_source` says, and the syntax tree of a good source."""
    if not source.strip():
        return "empty", None
    if len(source) < 300 and _MARKER.search(source):
        return "marker", None
    if len(source) > _MAX_PARSED:
        return "broken", None
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "broken", None
    return ("good", tree) if tree.body else ("no_code", None)


def _functions(tree: ast.Module, known: frozenset[str]) -> set[str]:
    try:
        return public_functions(tree, known)
    except RecursionError:  # deeper than people write, and than the walk can follow
        return set()


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


def _length(value: int) -> int:
    """The value itself, to three or four digits above 100,000: so that a counter of lengths stays small."""
    return value if value < 100_000 else int(float(f"{value:.3e}"))


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
