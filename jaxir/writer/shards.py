"""Rows to bytes: Parquet shards, JSON lines in two layouts, and how the rows of a corpus are cut into shards.

The bytes of a Parquet file depend on the chunks and the write calls, so a row group is always written from one
combined table with one call; then equal rows give equal bytes under one pyarrow version (which the run's identity
records and the file's footer names).
"""

from __future__ import annotations

import dataclasses
import io
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from jaxir.sample import CATEGORIES, DIALECTS, SCHEMA, SPLITS, ArraySpec

FORMATS: tuple[str, ...] = ("parquet", "jsonl")
LAYOUTS: tuple[str, ...] = ("native", "legacy")
#: Rows a row group, the unit in which readers fetch and skip.
ROW_GROUP = 1000

#: Record fields under the predecessor's names; the remaining fields are the line's `metadata`.
_LEGACY_NAMES = {
    "id": "id",
    "function_name": "kernel_name",
    "python_source": "python_source",
    "level": "complexity",
    "category": "category",
    "operation": "operation",
}
_METADATA = [field for field in SCHEMA if field.name not in (*_LEGACY_NAMES, *DIALECTS)]
_ARRAYS = pa.list_(pa.field("element", pa.struct([("shape", pa.list_(pa.int64())), ("dtype", pa.string())])))

#: Types of a line of the `legacy` layout: the contract names of the predecessor, with every other field in `metadata`.
LEGACY_SCHEMA: pa.Schema = pa.schema(
    [
        ("id", pa.string()),
        ("kernel_name", pa.string()),
        ("python_source", pa.string()),
        ("ir_code", pa.string()),
        ("dialect", pa.string()),
        ("input_info", _ARRAYS),
        ("output_info", _ARRAYS),
        ("complexity", pa.int64()),
        ("category", pa.string()),
        ("operation", pa.string()),
        ("metadata", pa.struct(_METADATA)),
    ]
)


@dataclasses.dataclass(frozen=True)
class Shard:
    """One planned file: rows of one split and one category."""

    split: str
    category: str
    number: int  #: within the split
    count: int  #: shards of the split
    rows: int

    def path(self, folder: str, suffix: str) -> str:
        """`data/train-00000-of-00010.parquet`, relative to the corpus."""
        return f"{folder}/{self.split}-{self.number:05d}-of-{self.count:05d}.{suffix}"


def group_order(split: str, category: str) -> tuple[int, int, str]:
    """Sort key of a (split, category): splits as in `SPLITS`, categories as in `CATEGORIES`, then others by name."""
    known = CATEGORIES.index(category) if category in CATEGORIES else len(CATEGORIES)
    return SPLITS.index(split), known, category


def plan(counts: Mapping[tuple[str, str], int], shard_size: int) -> list[Shard]:
    """Cut (split, category) -> rows into shards of one category each and at most `shard_size` rows."""
    pieces: dict[str, list[tuple[str, int]]] = {split: [] for split in SPLITS}
    for split, category in sorted(counts, key=lambda key: group_order(*key)):
        rows = counts[split, category]
        pieces[split] += [(category, min(shard_size, rows - start)) for start in range(0, rows, shard_size)]
    return [
        Shard(split, category, number, len(parts), rows)
        for split, parts in pieces.items()
        for number, (category, rows) in enumerate(parts)
    ]


class RowStream:
    """Rows of consecutive tables, taken by count; holds no more than what `take` needs and one table."""

    def __init__(self, tables: Iterable[pa.Table]) -> None:
        self._tables = iter(tables)
        self._rest: pa.Table | None = None

    def take(self, count: int) -> pa.Table | None:
        """The next `count` rows as one combined table; None if fewer are left."""
        parts: list[pa.Table] = []
        while count:
            if self._rest is None or not self._rest.num_rows:
                self._rest = next(self._tables, None)
                if self._rest is None:
                    return None
            parts.append(self._rest.slice(0, count))
            self._rest = self._rest.slice(parts[-1].num_rows)
            count -= parts[-1].num_rows
        return pa.concat_tables(parts).combine_chunks() if parts else SCHEMA.empty_table()


def parquet_bytes(tables: Sequence[pa.Table], schema: pa.Schema = SCHEMA) -> bytes:
    """A Parquet file of the tables; each starts a row group. Equal tables give equal bytes."""
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, schema, compression="zstd", compression_level=9, write_page_checksum=True) as writer:
        for table in tables:
            writer.write_table(table.combine_chunks(), row_group_size=ROW_GROUP)
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]


def read_parquet(source: Any, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a Parquet file (path or buffer) with its page checksums verified."""
    with pq.ParquetFile(source, page_checksum_verification=True) as file:
        return file.read(columns=list(columns) if columns is not None else None)


def legacy_lines(row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A record in the predecessor's field names: one line for each dialect whose text is present.

    The predecessor's shapes are numbers, so a symbolic dimension is -1 there; `metadata.inputs` has its name.
    """
    common = {legacy: row[name] for name, legacy in _LEGACY_NAMES.items()}
    arrays = {"input_info": _array_info(row["inputs"]), "output_info": _array_info(row["outputs"])}
    metadata = {field.name: row[field.name] for field in _METADATA}
    for dialect in DIALECTS:
        if row[dialect]:
            line = {**common, **arrays, "ir_code": row[dialect], "dialect": dialect, "metadata": metadata}
            yield {name: line[name] for name in LEGACY_SCHEMA.names}


def json_lines(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """One JSON object a line, UTF-8; NaN and infinities, which JSON lacks, become null."""
    text = io.StringIO()
    for row in rows:
        text.write(json.dumps(_finite(row), ensure_ascii=False, allow_nan=False, separators=(",", ":")))
        text.write("\n")
    return text.getvalue().encode()


def _array_info(specs: Iterable[str]) -> list[dict[str, Any]]:
    parsed = [ArraySpec.parse(text) for text in specs]
    return [
        {"shape": [dim if isinstance(dim, int) else -1 for dim in spec.shape], "dtype": spec.dtype} for spec in parsed
    ]


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    return value
