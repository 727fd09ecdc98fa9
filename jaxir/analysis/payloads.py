"""The rows of a corpus as the executor takes them: plain JSON types, and of a sample the same ones every time."""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from jaxir.analysis.corpus import Corpus
from jaxir.analysis.records import read_records
from jaxir.errors import UserError
from jaxir.executor.timing.bench import COLUMNS as TIMED

#: Columns of a jaxir corpus that a replay reads.
REPLAYED: Final = (
    *("id", "index", "python_source", "function_name", "stablehlo", "inputs", "outputs", "platform", "x64"),
    *("num_devices", "jax_version", "input_seed", "output_digest", "behavior_hash", "canonical_hash"),
)
#: Columns of any other.
_OTHER: Final = ("id", "python_source", "function_name", "stablehlo", "inputs")


def payloads(corpus: Corpus, sample: int = 0) -> Iterator[dict[str, Any]]:
    """Rows of a corpus of any kind for `replay.check_row`, each with an `id` of its own.

    Args:
        corpus: from `open_corpus`.
        sample: rows at most, those whose ids have the smallest hashes, in the order of the corpus; 0 for all.
    """
    rows = _rows(corpus)
    if not sample:
        return rows
    chosen = heapq.nsmallest(sample, ((_rank(row["id"]), number, row) for number, row in enumerate(rows)))
    return (row for _, _, row in sorted(chosen, key=lambda entry: entry[1]))


def _rank(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _rows(corpus: Corpus) -> Iterator[dict[str, Any]]:
    seen: Counter[str] = Counter()
    given: set[str] = set()
    if corpus.kind == "jaxir":
        records: Iterator[Mapping[str, Any]] = (
            {name: record.get(name) for name in REPLAYED} for path in corpus.files for record in read_records(path)
        )
    else:
        records = ({name: row[name] for name in _OTHER} for row in corpus.rows())
    for number, record in enumerate(records):
        row = {name: list(value) if isinstance(value, (list, tuple)) else value for name, value in record.items()}
        row["python_source"], row["stablehlo"] = row["python_source"] or "", row["stablehlo"] or ""
        key = str(row["id"] or f"row-{number}")
        name = key
        while name in given:  # `a#2` may be the id of another row
            seen[key] += 1
            name = f"{key}#{seen[key] + 1}"
        given.add(name)
        row["id"] = name
        yield row


def timed_rows(corpus: Corpus, sample: int = 0) -> list[dict[str, Any]]:
    """Rows of a jaxir corpus for `timing.bench`, sorted by id, which is a content hash.

    Args:
        corpus: from `open_corpus`.
        sample: rows at most, those with the smallest ids; 0 for all.

    Raises:
        UserError: jaxir did not write the corpus, or an older one that lacks a column.
    """
    if corpus.kind != "jaxir":
        raise UserError(
            f"{corpus.path}: a {corpus.kind} corpus lacks what timing needs, such as input seeds; "
            "give one that jaxir wrote"
        )

    def records() -> Iterator[dict[str, Any]]:
        for path in corpus.files:
            for record in read_records(path):
                if missing := sorted({*TIMED} - record.keys()):
                    raise UserError(
                        f"{path}: lacks the column {missing[0]}; make the corpus with this version of jaxir"
                    )
                yield {**{name: record[name] for name in TIMED}, "inputs": list(record["inputs"])}

    if sample == 0:
        return sorted(records(), key=lambda row: str(row["id"]))
    return heapq.nsmallest(sample, records(), key=lambda row: str(row["id"]))
