"""What some rows of a corpus say by themselves: counts that add up, and digests of what is compared between rows.

A part is a function of its rows alone, so any process may count it; `stats` adds the parts up in their order.
"""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import heapq
import re
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from jaxir.analysis.corpus import Row
from jaxir.analysis.coverage import Coverage, op_skeleton
from jaxir.analysis.functions import public_functions
from jaxir.analysis.irnames import canonical_text, skeleton_of_canonical
from jaxir.analysis.irtext import Facts, scan
from jaxir.analysis.keys import digest

#: What the rows are compared by, in the order of the tables. `ir_names` is the IR text up to names.
KEYS: Final = ("source", "ir", "ir_names", "canonical", "skeleton", "behavior")
#: The same, and the skeleton of ops alone (`coverage.op_skeleton`).
COMPARED: Final = (*KEYS, "op_skeleton")
#: Columns whose values are counted; of `templates` and `transforms` each value of a row once.
NAMES: Final = ("category", "level", "split", "operation", "template", "transform", "dialect")
LENGTHS: Final = ("python_chars", "ir_chars", "num_ops")
#: Random rows that a report shows.
SHOWN: Final = 10
#: Most rows of a part, and characters after which it ends.
_ROWS = 256
_CHARACTERS = 8_000_000
_NONE = "(none)"  # stands for a name that is empty
_MAX_PARSED = 300_000  # a longer source is no kernel; parsing it would cost seconds
_MARKER = re.compile(
    r"\b(?:source|code)\b[^\n]{0,40}\b(?:not available|unavailable|not found|missing)\b|^\W*TODO\W*$", re.I
)

#: A random row: its rank, its number, what is shown of it.
Shown = tuple[int, int, dict[str, str]]


@dataclasses.dataclass
class Part:
    """Counts over some rows; see `stats.Stats` for what the fields of the same name mean.

    Attributes:
        compared: of each row its split, its operation and the digests of `COMPARED`, b"" where it lacks one.
        shown: the rows of the smallest ranks, numbered within the part.
    """

    rows: int = 0
    names: dict[str, Counter[str]] = dataclasses.field(default_factory=lambda: {name: Counter() for name in NAMES})
    category_level: Counter[tuple[str, str]] = dataclasses.field(default_factory=Counter)
    placeholders: Counter[str] = dataclasses.field(default_factory=Counter)
    missing: Counter[str] = dataclasses.field(default_factory=Counter)
    hashed_skeletons: int = 0
    op_programs: Counter[str] = dataclasses.field(default_factory=Counter)
    op_counts: Counter[str] = dataclasses.field(default_factory=Counter)
    pairs: Counter[tuple[str, str]] = dataclasses.field(default_factory=Counter)
    bigrams: set[tuple[str, str]] = dataclasses.field(default_factory=set)
    custom_calls: Counter[str] = dataclasses.field(default_factory=Counter)
    dtypes: Counter[str] = dataclasses.field(default_factory=Counter)
    lengths: dict[str, Counter[int]] = dataclasses.field(default_factory=lambda: {name: Counter() for name in LENGTHS})
    coverage: Coverage = dataclasses.field(default_factory=Coverage)
    compared: list[tuple[str, str, tuple[bytes, ...]]] = dataclasses.field(default_factory=list)
    shown: list[Shown] = dataclasses.field(default_factory=list)

    def add(self, row: Row) -> None:
        source, ir = row["python_source"], row["stablehlo"]
        category, level, split, operation = (
            _name(text) for text in (row["category"], row["level"], row["split"], row["operation"])
        )
        for field, name in (("category", category), ("level", level), ("split", split), ("operation", operation)):
            self.names[field][name] += 1
        self.names["dialect"][_name(row["dialect"])] += 1
        self.category_level[category, level] += 1
        for field, values in (("template", row["templates"]), ("transform", row["transforms"])):
            self.names[field].update(map(_name, sorted(set(values))))
        verdict, tree = _parsed(source)
        self.placeholders[verdict] += 1
        self.missing["ir"] += not ir.strip()
        self.missing["description"] += not row["description"].strip()
        facts = scan(ir)
        self._count(facts)
        self.coverage.add(facts, () if tree is None else _functions(tree, self.coverage.functions))
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
            "op_skeleton": op_skeleton(facts),
        }
        self.compared.append((split, operation, tuple(digest(keys[name]) for name in COMPARED)))
        self.rows += 1

    def _count(self, facts: Facts) -> None:
        for op, count in facts.ops.items():
            self.op_programs[_name(op)] += 1
            self.op_counts[_name(op)] += count
        self.pairs.update(facts.pairs.keys())
        self.bigrams |= facts.bigrams.keys()
        self.custom_calls.update(map(_name, facts.custom_calls))
        self.dtypes.update(map(_name, facts.element_types))
        # Like the column `num_ops`, the length leaves out the ends of regions.
        self.lengths["num_ops"][_length(facts.ops.total() - facts.ops["stablehlo.return"])] += 1


def count(rows: Sequence[Row]) -> Part:
    """The part that some rows make."""
    part = Part()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # sources with odd escapes warn when they are parsed; that is their matter
        for row in rows:
            part.add(row)
    ranks = ((_rank(row), number) for number, row in enumerate(rows))
    part.shown = [(rank, number, _shown(rows[number])) for rank, number in heapq.nsmallest(SHOWN, ranks)]
    return part


def _rank(row: Row) -> int:
    """A hash of the content: the smallest ones are a random choice that neither order nor place of the rows changes."""
    text = "\0".join((row["id"], row["python_source"], row["stablehlo"]))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())


def _shown(row: Row) -> dict[str, str]:
    fields = ("id", "category", "operation", "level", "split", "function_name", "description")
    kept = {key: str(row[key])[:500] for key in fields}  # type: ignore[literal-required]
    return kept | {"python_source": row["python_source"], "ir": row["stablehlo"], "dialect": row["dialect"]}


def stretches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """The rows in order, as many at a time as make a part; where one ends depends on the rows alone."""
    stretch: list[Row] = []
    characters = 0
    for row in rows:
        stretch.append(row)
        characters += len(row["python_source"]) + len(row["stablehlo"])
        if len(stretch) >= _ROWS or characters >= _CHARACTERS:
            yield stretch
            stretch, characters = [], 0
    if stretch:
        yield stretch


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


def _name(text: str) -> str:
    return text.strip()[:200] or _NONE


def _length(value: int) -> int:
    """The value itself, to three or four digits above 100,000: so that a counter of lengths stays small."""
    return value if value < 100_000 else int(float(f"{value:.3e}"))
