"""From committed segments to the published files, and back.

Publishing builds everything in `.jaxir/staging/`, then writes a sealed journal (`publish.json`): from that moment the
new files win. They are swapped in one top-level name at a time, old folders moved aside first; last, the journal
becomes `published.json`. A kill before the journal leaves the old files, a kill after it is finished by the next open.
"""

from __future__ import annotations

import dataclasses
import logging
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from jaxir import files
from jaxir.errors import UserError
from jaxir.sample import SCHEMA
from jaxir.writer import card, croissant, segments, shards
from jaxir.writer.ledger import Ledger

log = logging.getLogger(__name__)

#: What a publish replaces at the top of the corpus; everything else there is left alone.
MANAGED: tuple[str, ...] = ("data", "jsonl", "croissant.json", "stats.json", "README.md")
#: Folder of the run state for rows on their way from segments to shards.
SCRATCH = "sorting"
#: The record of what is published, and a copy of it: without either nothing says where the rows are.
PUBLISHED, COPY = "published.json", "published.copy.json"
_SHARD_NAME = re.compile(r"(train|validation|test)-\d{5,}-of-\d{5,}\.(parquet|jsonl)")


@dataclasses.dataclass(frozen=True)
class Published:
    """What `published.json` says: the settings of the last complete publish and the hash of every file."""

    target: int
    formats: tuple[str, ...]
    layout: str
    shard_size: int
    data: tuple[card.DataFile, ...]
    others: dict[str, str]  #: SHA-256 of the README and its like by name
    record: dict[str, Any]  #: last record of the ledger
    seal: str  #: of that record

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def read(cls, path: Path, root: str) -> Published | None:
        """What a sealed file says; None if it is missing, damaged, of another run or of another version of jaxir."""
        entry = files.read_sealed(path, root)
        if entry is None:
            return None
        try:
            body = entry[0]
            data = tuple(card.DataFile(**file) for file in body["data"])
            return cls(**{**body, "formats": tuple(body["formats"]), "data": data})
        except (KeyError, TypeError):
            return None

    def hashes(self) -> dict[str, str]:
        """SHA-256 of every file by its path in the corpus."""
        return {entry.path: entry.sha256 for entry in self.data} | self.others

    def parquet(self, split: str, category: str) -> list[card.DataFile]:
        """The Parquet shards of a split and category in row order."""
        return [f for f in self.data if f.path.endswith(".parquet") and (f.split, f.category) == (split, category)]


def last(state: Path, root: str) -> Published | None:
    """What was published last; a damaged record is written again from its copy."""
    published = Published.read(state / PUBLISHED, root)
    if published is None and (published := Published.read(state / COPY, root)) is not None:
        log.warning("%s: damaged or missing; it is written again from its copy", state / PUBLISHED)
        files.write_atomic(state / PUBLISHED, (state / COPY).read_bytes())
    return published


def foreign_file(out: Path) -> Path | None:
    """A file in `data/` or `jsonl/` that no jaxir wrote and that a publish would remove; hidden files do not count."""
    for folder in (out / "data", out / "jsonl"):
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if not path.name.startswith(".") and not _SHARD_NAME.fullmatch(path.name):
                return path
    return None


def stage(
    staging: Path,
    segment_folder: Path,
    ledger: Ledger,
    *,
    run: Mapping[str, Any],
    target: int,
    formats: Sequence[str],
    layout: str,
    shard_size: int,
    stats: Mapping[str, Any],
    command: str,
) -> Published:
    """Write all files of a corpus under `staging`, synced; at most one shard's rows are in memory.

    `run`, the run's identity, goes into `stats.json`, so that a published corpus tells how its rows are made again.
    """
    counts = ledger.totals.counts
    files.make_folder(staging)
    data: list[card.DataFile] = []
    with segments.by_group(segment_folder, ledger.records, staging.with_name(SCRATCH)) as stream_of:
        stream: tuple[tuple[str, str], shards.RowStream] | None = None
        for shard in shards.plan(counts, shard_size):
            key = (shard.split, shard.category)
            if stream is None or stream[0] != key:
                stream = key, stream_of(*key)
            table = stream[1].take(shard.rows)
            assert table is not None, "the ledger counts more rows than the segments hold"
            data += _write_shard(staging, shard, table, formats, layout)
    for folder in sorted({entry.path.split("/")[0] for entry in data}):
        files.sync_folder(staging / folder)

    legacy = "parquet" not in formats and layout == "legacy"
    schema = shards.LEGACY_SCHEMA if legacy else SCHEMA
    main = [entry for entry in data if entry.path.startswith("data/")]
    digest = card.content_digest(main)
    totals = [{"stage": key[0], "reason": key[1], "count": n} for key, n in sorted(ledger.totals.rejections.items())]
    corpus = {"rows": sum(counts.values()), "content_digest": digest, "splits": _by_split(counts)}
    texts = {
        "croissant.json": files.pretty_json(croissant.describe(main, schema, digest)),
        "stats.json": files.pretty_json({"corpus": corpus, "run": run, "rejections": totals, **stats}),
        "README.md": card.render(
            data, schema=schema, layout=layout, counts=counts, stats=stats, command=command
        ).encode(),
    }
    for name, content in texts.items():
        files.write_synced(staging / name, content)
    files.sync_folder(staging)
    others = {name: files.sha256_bytes(content) for name, content in texts.items()}
    last_record = ledger.records[-1].to_json()
    return Published(target, tuple(formats), layout, shard_size, tuple(data), others, last_record, ledger.seal)


def is_whole(published: Published, *roots: Path) -> bool:
    """Whether every file has its hash; each top-level name is looked for in the first root that has it."""
    base = {name: next((root for root in roots if (root / name).exists()), roots[-1]) for name in MANAGED}
    return all(
        files.sha256_file(base[path.split("/")[0]] / path) == sha256 for path, sha256 in published.hashes().items()
    )


def swap_in(out: Path, state: Path, published: Published) -> None:
    """Move the staged files to their places; may be repeated after a kill at any point."""
    staging, old = state / "staging", state / "old"
    files.make_folder(old)
    wanted = {path.split("/")[0] for path in published.hashes()}
    for name in MANAGED:
        live, staged = out / name, staging / name
        if name in wanted and not os.path.lexists(staged):
            continue  # already in its place
        if os.path.lexists(live) and (live.is_dir() or name not in wanted):
            files.remove(old / name)
            os.replace(live, old / name)
        if name in wanted:
            os.replace(staged, live)
    for folder in (out, old, *([staging] if staging.is_dir() else [])):
        files.sync_folder(folder)


def finish(out: Path, state: Path, published: Published) -> None:
    """Swap the journalled files in and close the journal; may be repeated after a kill at any point."""
    swap_in(out, state, published)
    files.write_atomic(state / COPY, (state / "publish.json").read_bytes())
    os.replace(state / "publish.json", state / PUBLISHED)
    files.sync_folder(state)
    for name in ("staging", "old"):
        files.remove(state / name)


def recover(out: Path, state: Path, root: str) -> None:
    """After a kill: roll a journalled publish forward, or drop what has no journal or is damaged."""
    published = Published.read(state / "publish.json", root)
    if published is not None and is_whole(published, state / "staging", out):
        finish(out, state, published)
    drop(out, state)


def drop(out: Path, state: Path) -> None:
    """Forget a publish that was not finished; the files that were there before stay, or return to their places."""
    if (state / "publish.json").exists():
        log.warning("%s: an interrupted publish is damaged; it is done again", out)
        _put_back(out, state)
    for name in ("publish.json", "staging", "old", SCRATCH):
        files.remove(state / name)


def _put_back(out: Path, state: Path) -> None:
    """Undo the half of a swap whose new files turned out damaged: what was moved aside returns to empty places."""
    old = state / "old"
    for path in sorted(old.iterdir()) if old.is_dir() else ():
        if not os.path.lexists(out / path.name):
            os.replace(path, out / path.name)
    files.sync_folder(out)


def check_settings(formats: Sequence[str], layout: str, shard_size: int) -> tuple[str, ...]:
    """The formats in canonical order; `UserError` for a setting that does not exist."""
    for name in formats:
        if name not in shards.FORMATS:
            raise UserError(f"format '{name}' does not exist; choose from {', '.join(shards.FORMATS)}")
    if not formats:
        raise UserError(f"no format given; choose from {', '.join(shards.FORMATS)}")
    if layout not in shards.LAYOUTS:
        raise UserError(f"layout '{layout}' does not exist; choose from {', '.join(shards.LAYOUTS)}")
    if shard_size < 1:
        raise UserError(f"shard size must be at least 1 row, got {shard_size}")
    return tuple(name for name in shards.FORMATS if name in formats)


def _write_shard(
    staging: Path, shard: shards.Shard, table: pa.Table, formats: Sequence[str], layout: str
) -> Iterator[card.DataFile]:
    contents: list[tuple[str, bytes, int, int]] = []  # path, file, rows, bytes in memory
    if "parquet" in formats:
        content = shards.parquet_bytes([table])
        written = shards.read_parquet(pa.BufferReader(content))
        assert written.equals(table), "Parquet does not give back what was written"
        contents.append((shard.path("data", "parquet"), content, table.num_rows, written.nbytes))
    if "jsonl" in formats:
        rows = table.to_pylist()
        lines = [line for row in rows for line in shards.legacy_lines(row)] if layout == "legacy" else rows
        content = shards.json_lines(lines)
        folder = "jsonl" if "parquet" in formats else "data"
        contents.append((shard.path(folder, "jsonl"), content, len(lines), len(content)))
    for path, content, rows_written, memory in contents:
        (staging / path).parent.mkdir(exist_ok=True)
        files.write_synced(staging / path, content)
        yield card.DataFile(
            path=path,
            split=shard.split,
            category=shard.category,
            rows=rows_written,
            bytes=len(content),
            memory=memory,
            sha256=files.sha256_bytes(content),
        )


def _by_split(counts: Mapping[tuple[str, str], int]) -> dict[str, dict[str, int]]:
    table: dict[str, dict[str, int]] = {}
    for split, category in sorted(counts, key=lambda key: shards.group_order(*key)):
        table.setdefault(split, {})[category] = counts[split, category]
    return table
