"""Committed blocks as files, and their rows in the order of the shards.

A segment is one Arrow record batch of rows sorted by split, category and index. Arrow and not Parquet, because a block
is written once, read once or twice, and removed: 100 rows cost 5 ms this way and 34 ms as Parquet (78 ms with a row
group for each split and category). Equal rows give equal bytes under one pyarrow version.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from jaxir import files
from jaxir.errors import UserError
from jaxir.sample import SCHEMA, Sample, from_row, to_table
from jaxir.writer import card, shards
from jaxir.writer.ledger import Record

log = logging.getLogger(__name__)

#: Rows that `by_group` holds at a time, and `restore` of each split and category.
WINDOW = 5000
RESTORED = 100


def encode(samples: Iterable[Sample]) -> tuple[bytes, tuple[tuple[str, str, int], ...]]:
    """A segment's bytes, and its (split, category, rows) in the order in which they are in it."""
    rows = sorted(samples, key=lambda row: (*shards.group_order(row.split, row.category), row.index))
    groups = tuple((*key, len(list(part))) for key, part in itertools.groupby(rows, lambda r: (r.split, r.category)))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, SCHEMA, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(to_table(rows))
    return sink.getvalue().to_pybytes(), groups


def read(folder: Path, record: Record, columns: Sequence[str] = tuple(SCHEMA.names)) -> pa.Table:
    """The rows of a block as the segment has them, with `columns` in the order given.

    Raises:
        UserError: the file is not what the ledger says; it was whole when the corpus was opened.
    """
    path = folder / record.segment
    content = path.read_bytes()
    if files.sha256_bytes(content) != record.sha256:
        raise UserError(f"{path}: was changed while this run was open; run the same command again")
    options = pa.ipc.IpcReadOptions(included_fields=[SCHEMA.get_field_index(name) for name in columns])
    return pa.ipc.open_file(pa.py_buffer(content), options=options).read_all().select(list(columns))


@contextlib.contextmanager
def by_group(
    folder: Path, records: Sequence[Record], scratch: Path
) -> Iterator[Callable[[str, str], shards.RowStream]]:
    """Sort the rows of all blocks: gives a function from (split, category) to its rows in index order.

    Every segment is read once. The rows go through files in `scratch` (made here, removed on leaving), so that memory
    does not grow with the corpus.
    """
    paths: dict[tuple[str, str], Path] = {}
    with _made(scratch):
        with contextlib.ExitStack() as stack:
            writers: dict[tuple[str, str], pa.RecordBatchStreamWriter] = {}
            for window in _windows(records):
                parts: dict[tuple[str, str], list[pa.Table]] = {}
                for record in window:
                    table, start = read(folder, record), 0
                    for split, category, rows in record.groups:
                        parts.setdefault((split, category), []).append(table.slice(start, rows))
                        start += rows
                for key, tables in parts.items():
                    if key not in writers:
                        paths[key] = scratch / f"{len(paths)}.arrow"
                        writers[key] = stack.enter_context(_spill(paths[key]))
                    writers[key].write_table(pa.concat_tables(tables).combine_chunks())
        yield lambda split, category: shards.RowStream(_spilled(paths[split, category]))


@contextlib.contextmanager
def _made(scratch: Path) -> Iterator[None]:
    """An empty folder that is there inside only."""
    files.remove(scratch)
    scratch.mkdir()
    try:
        yield
    finally:
        files.remove(scratch)


@contextlib.contextmanager
def _spill(path: Path) -> Iterator[pa.RecordBatchStreamWriter]:
    """A file of rows that is read back batch by batch."""
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with open(path, "wb") as file, pa.ipc.new_stream(file, SCHEMA, options=options) as writer:
        yield writer


def _spilled(path: Path) -> Iterator[pa.Table]:
    with open(path, "rb") as file, pa.ipc.open_stream(file) as reader:
        for batch in reader:
            yield pa.Table.from_batches([batch])


def _windows(records: Iterable[Record]) -> Iterator[list[Record]]:
    window: list[Record] = []
    for record in records:
        window.append(record)
        if sum(entry.rows for entry in window) >= WINDOW:
            yield window
            window = []
    if window:
        yield window


def restore(
    out: Path,
    folder: Path,
    parquet: Callable[[str, str], list[card.DataFile]],
    records: Sequence[Record],
    scratch: Path,
) -> list[Record]:
    """Write missing segments again from the published Parquet shards; one shard at a time is in memory.

    Args:
        out: the corpus.
        folder: where the segments are.
        parquet: (split, category) to its published shards in row order.
        records: the committed blocks.
        scratch: a folder that is made here and removed at the end.

    Returns:
        The records that still have no segment: some of their rows were in a damaged shard, or in none. A segment is
        written only if its bytes have the SHA-256 of its record.
    """
    streams: dict[tuple[str, str], shards.RowStream] = {}
    lost: list[Record] = []
    with _made(scratch):
        for record in records:
            parts = []
            for split, category, rows in record.groups:
                if (split, category) not in streams:
                    spilled = scratch / f"{len(streams)}.arrow"
                    streams[split, category] = shards.RowStream(_published(out, parquet(split, category), spilled))
                part = streams[split, category].take(rows)
                parts += [] if part is None or part["index"].null_count else [part]
            path = folder / record.segment
            if path.exists():  # verified by the caller; its rows were only skipped above
                continue
            if len(parts) == len(record.groups):
                # By way of `Sample`, because buffers that were read from Parquet may hold other bytes under a null.
                content, _ = encode(from_row(row) for part in parts for row in part.to_pylist())
                if files.sha256_bytes(content) == record.sha256:
                    files.write_atomic(path, content)
                    continue
            lost.append(record)
    return lost


def _published(out: Path, entries: Iterable[card.DataFile], spilled: Path) -> Iterator[pa.Table]:
    """Rows of shards, nulls for those of a damaged one; a shard waits in `spilled`: a block takes few of its rows."""
    for entry in entries:
        path = out / entry.path
        if files.sha256_file(path) != entry.sha256:
            log.warning("%s: missing or damaged", path)
            yield pa.Table.from_arrays([pa.nulls(entry.rows, field.type) for field in SCHEMA], schema=SCHEMA)
            continue
        with _spill(spilled) as writer:
            writer.write_table(shards.read_parquet(path), max_chunksize=RESTORED)
        yield from _spilled(spilled)
