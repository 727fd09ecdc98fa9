"""How much of what JAX can emit a corpus reaches: one `Reached` table for each part of the universe."""

from __future__ import annotations

import dataclasses
import functools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from jaxir.analysis.irtext import Facts
from jaxir.analysis.universe import universe

#: Ops that fewer programs hold than this are thin; tokens, the old `rng` and asynchronous ops are rare by nature.
THIN_OP = 50
#: The same for everything else.
THIN = 10
FEW = 12  #: names of a list that a terminal shows
RARE_OPS = frozenset(
    f"stablehlo.{name}" for name in ("after_all", "create_token", "rng", "async_start", "async_done", "partition_id")
)
#: The tables in the order in which they are shown.
TABLES = (
    "stablehlo ops", "chlo ops", "op/type pairs", "low-bit pairs", "op bigrams", "attribute values",
    "public functions", "transforms", "custom calls",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class _Members:
    """The universe as sets to intersect with."""

    ops: frozenset[str]  #: of both dialects
    pairs: frozenset[tuple[str, str]]
    functions: frozenset[str]
    targets: frozenset[str]


@functools.cache
def _members() -> _Members:
    known = universe()
    return _Members(
        ops=frozenset((*known.ops, *known.chlo)),
        pairs=known.pairs | known.low_bit_pairs,
        functions=frozenset((*known.functions, *known.transforms)),
        targets=frozenset(known.custom_calls),
    )


class Coverage:
    """Counts programs for each member of the universe; what is not in it is not counted, so memory is bounded."""

    def __init__(self) -> None:
        self._counts: dict[str, Counter[Any]] = {
            name: Counter() for name in ("ops", "pairs", "bigrams", "attributes", "functions", "targets")
        }

    @property
    def functions(self) -> frozenset[str]:
        """Names that `add` counts as functions."""
        return _members().functions

    def add(self, facts: Facts, functions: Iterable[str]) -> None:
        """Count one program: the facts of its IR, the public functions of its source."""
        counts = self._counts
        known, members = universe(), _members()
        # `intersection` walks the few names of the program; `&` with a view of keys would walk the universe.
        counts["ops"].update(members.ops.intersection(facts.ops))
        counts["pairs"].update(members.pairs.intersection(facts.pairs))
        counts["bigrams"].update(known.bigrams.intersection(facts.bigrams))
        counts["attributes"].update(known.attributes & facts.attributes)
        counts["targets"].update(members.targets.intersection(facts.custom_calls))
        counts["functions"].update(functions)

    def merge(self, other: Coverage) -> None:
        """Add the counts of other programs."""
        for name, counts in other._counts.items():
            self._counts[name].update(counts)

    def tables(self) -> dict[str, dict[str, Any]]:
        """Name of `TABLES` -> {"reached", "emittable", "missing", "thin", "thin_below"}.

        `missing` is a sorted list of names, `thin` is name -> programs, `thin_below` the number that is not thin.
        """
        known = universe()
        counts = self._counts
        out = {
            "stablehlo ops": _table(known.ops, counts["ops"], THIN_OP),
            "chlo ops": _table(known.chlo, counts["ops"], THIN_OP),
            "op/type pairs": _table(sorted(known.pairs), counts["pairs"], THIN, " ".join),
            "low-bit pairs": _table(sorted(known.low_bit_pairs), counts["pairs"], THIN, " ".join),
            "op bigrams": _table(sorted(known.bigrams), counts["bigrams"], THIN, " > ".join),
            "attribute values": _table(
                sorted(known.attributes), counts["attributes"], THIN, lambda key: f"{key[0]} {key[1]} = {key[2]}"
            ),
            "public functions": _table(known.functions, counts["functions"], THIN),
            "transforms": _table(known.transforms, counts["functions"], THIN),
            "custom calls": _table(known.custom_calls, counts["targets"], THIN),
        }
        return {name: out[name] for name in TABLES}


def op_skeleton(facts: Facts) -> str:
    """What is left of a program without types, ranks, sizes, attributes and constants: its ops and who uses whom.

    Two programs of one op graph have the same text, whatever the order of their lines; the reverse need not hold, so a
    share of rows by this text is never less than the share by graph.
    """
    ops = " ".join(f"{op}*{count}" for op, count in sorted(facts.ops.items()))
    uses = " ".join(f"{op}>{user}*{count}" for (op, user), count in sorted(facts.bigrams.items()))
    return f"{ops}|{uses}" if ops else ""


def _table(
    emittable: Iterable[Any], programs: Mapping[Any, int], below: int, label: Callable[[Any], str] = str
) -> dict[str, Any]:
    every = list(emittable)
    reached = [name for name in every if programs.get(name)]
    return {
        "reached": len(reached),
        "emittable": len(every),
        "missing": [label(name) for name in every if not programs.get(name)],
        "thin": {
            label(name): programs[name] for name in reached if programs[name] < (THIN if name in RARE_OPS else below)
        },
        "thin_below": below,
    }


def missing_lines(tables: Mapping[str, Mapping[str, Any]], most: int | None = FEW) -> list[tuple[str, str]]:
    """(title, names) of what is not reached and of what is thin, for each part of the universe that is reached at all.

    Args:
        tables: from `Coverage.tables`.
        most: so many names of each list, and how many more there are; None for all.
    """
    out = []
    for name, row in tables.items():
        if row["reached"] and row["missing"]:
            title = f"Missing {name} ({len(row['missing']):,})"
            out.append((title, _some([_short_name(entry) for entry in row["missing"]], most)))
        if row["thin"]:
            thin = [f"{_short_name(entry)} ({count})" for entry, count in row["thin"].items()]
            out.append((f"Thin {name} ({len(thin):,})", _some(thin, most)))
    return out


def _some(names: Sequence[str], most: int | None) -> str:
    if most is None or len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most:,} more"


def _short_name(name: str) -> str:
    """Without what most names of a table start with; CHLO and the rest of `jax` keep their prefix."""
    return name.replace("stablehlo.", "").removeprefix("jax.")
