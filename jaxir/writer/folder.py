"""`Folder`: the one way to write a corpus. Open, commit blocks of rows, publish; a kill at any moment loses nothing.

out/
  README.md stats.json croissant.json   replaced together by `publish`
  data/ (jsonl/)                        likewise
  .jaxir/
    lock owner.json                     one run at a time; host and process of the one that runs
    run.json                            identity of the run; everything below is sealed with it
    ledger/000000.json ...              what is committed (`jaxir.writer.ledger`)
    segments/000000.arrow ...           the committed rows until they are published
    publish.json                        journal of a publish under way
    published.json published.copy.json  what is published, with the hash of every file
"""

from __future__ import annotations

import itertools
import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import filelock
import pyarrow as pa

from jaxir import files
from jaxir.errors import UserError
from jaxir.sample import SCHEMA, Sample
from jaxir.writer import lock, opening, publish, segments, shards
from jaxir.writer.ledger import KEPT, Ledger, Record
from jaxir.writer.publish import Published

log = logging.getLogger(__name__)


class Folder:
    """A corpus folder that this process holds the lock of; made by `Folder.open`.

    Every method raises `UserError` (one line) where the disk refuses; what was committed before stays committed.
    """

    def __init__(
        self, path: Path, held: filelock.BaseFileLock, root: str, identity: Mapping[str, Any], mend: bool
    ) -> None:
        self.path = path
        self._lock = held
        self._mend = mend
        self._lost: list[Record] = []
        self._root = root
        self._identity = identity
        self._state = path / opening.STATE
        self._segments = self._state / "segments"
        self._published = publish.last(self._state, root)
        self._ledger = self._read_ledger()
        self._published_is_whole = self._published is not None and publish.is_whole(self._published, path)
        self._restored = False
        self._check_segments()

    # opening and closing

    @classmethod
    def open(
        cls, path: str | os.PathLike[str], identity: Mapping[str, Any], *, fresh: bool = False, mend: bool = False
    ) -> Folder:
        """Create a corpus folder, or go on with the run that is in it.

        Args:
            path: the folder; it need not exist.
            identity: everything the rows depend on (seed, configuration, templates, versions), as a flat dict of JSON
                values. The pyarrow version is added, because the bytes of the shards depend on it. How many rows are
                wanted is no part of it: a run may be extended.
            fresh: forget the rows of an earlier run. Published files stay until `publish` replaces them.
            mend: the caller makes the blocks in `lost` again. Without it, a committed block that cannot be had back is
                an error, and what is left of it stays.

        Raises:
            UserError: the folder holds something else, a run of another identity, or a run that is going on; or the
                disk refuses; or, without `mend`, a committed block is lost.
        """
        out = Path(path)
        with files.disk_errors(out):
            opening.refuse_foreign(out, fresh)
            files.make_folder(out / opening.STATE)
            held = lock.take(out, out / opening.STATE)
        try:
            with files.disk_errors(out):
                return cls(out, held, *opening.prepare(out, identity, fresh), mend)
        except BaseException:
            held.release()
            raise

    def close(self) -> None:
        """Release the lock; nothing else is left to do, since each commit is complete by itself."""
        self._lock.release()

    def __enter__(self) -> Folder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # what is committed

    @property
    def records(self) -> tuple[Record, ...]:
        """The committed blocks in order."""
        return tuple(self._ledger.records)

    @property
    def committed_rows(self) -> int:
        return self._ledger.totals.rows

    @property
    def whole_rows(self) -> int:
        """Committed rows but for those of `lost` blocks."""
        return self.committed_rows - sum(record.rows for record in self._lost)

    @property
    def last_index(self) -> int | None:
        """The highest committed index; None before the first row."""
        return self._ledger.totals.last

    @property
    def extra(self) -> dict[str, Any]:
        """What the caller handed over with the last committed block; empty before the first."""
        return dict(self._ledger.records[-1].extra) if self._ledger.records else {}

    @property
    def rejections(self) -> dict[tuple[str, str], int]:
        """Rejections of all committed blocks by (stage, reason), sorted."""
        return dict(sorted(self._ledger.totals.rejections.items()))

    @property
    def counts(self) -> dict[tuple[str, str], int]:
        """Committed rows by (split, category), in the order of the shards."""
        return dict(sorted(self._ledger.totals.counts.items(), key=lambda item: shards.group_order(*item[0])))

    @property
    def lost(self) -> tuple[Record, ...]:
        """Committed blocks whose rows are damaged and nowhere else; empty without `mend`.

        They still count as committed. `commit` takes their rows, in order, before any new ones.
        """
        return tuple(self._lost)

    def read(self, record: Record, columns: Sequence[str] | None = None) -> pa.Table | None:
        """The rows of a block in index order, with `columns` (all by default) in their order; None if it is lost."""
        names = list(columns) if columns is not None else SCHEMA.names
        with files.disk_errors(self.path):
            self._restore()
            if record in self._lost:
                return None
            table = segments.read(self._segments, record, sorted({*names, "index"}))
        return table.sort_by("index").select(names)

    def iter_committed(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """The committed rows in index order but for `lost` ones, one table a block, with `columns` as in `read`."""
        for record in self.records:
            table = self.read(record, columns)
            if table is not None:
                yield table

    # writing

    def recount(self) -> None:
        """Read the ledger again: a stop may have fallen between a block's commit and its entry in `committed_rows`."""
        with files.disk_errors(self.path):
            self._ledger = self._read_ledger()

    def commit(
        self,
        samples: Sequence[Sample],
        rejections: Mapping[tuple[str, str], int] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> bool:
        """Put a block of rows on the disk; on return it survives a kill and a power cut.

        Args:
            samples: rows in index order, above every committed index; or, as long as there are `lost` blocks, the rows
                of the first of them. May be empty.
            rejections: (stage, reason) -> count within this block.
            extra: small JSON dict kept with the block; `Folder.extra` gives the last one back.

        Returns:
            False if a lost block came out otherwise than before: it is committed as it is now, and the blocks after
            it, which were admitted beside other rows, are forgotten.

        Raises:
            ValueError: indices that do not ascend, or a value that is no JSON.
        """
        content, groups = segments.encode(samples)
        with files.disk_errors(self.path):
            self._restore()
            mends = bool(self._lost)
            if mends and self._put_back(content):
                return True
        ascending = [-1 if self.last_index is None else self.last_index, *(sample.index for sample in samples)]
        for before, after in itertools.pairwise(ascending):
            if after <= before:
                raise ValueError(f"index {after} is committed after {before}; indices must ascend")
        record = Record(
            number=len(self._ledger.records),
            sha256=files.sha256_bytes(content),
            rows=len(samples),
            first=samples[0].index if samples else None,
            last=samples[-1].index if samples else None,
            groups=groups,
            rejections=tuple((*key, count) for key, count in sorted((rejections or {}).items())),
            extra=json.loads(files.canonical_json(dict(extra or {}))),
        )
        with files.disk_errors(self.path):
            files.write_atomic(self._segments / record.segment, content)
            self._ledger.append(record)
        return not mends

    def drop_last_block(self) -> None:
        """Forget the last committed block, so that the caller makes it anew; published files stay as they are."""
        with files.disk_errors(self.path):
            self._restore()
            if self._ledger.records:
                self._forget(len(self._ledger.records) - 1)

    # publishing

    def check_target(self, target_rows: int) -> None:
        """`UserError` if the run has committed more rows than are wanted; call it before work begins."""
        # An extension that was stopped has begun by forgetting a short last block of what is published.
        rows = max(self.committed_rows, self._published.target if self._published else 0)
        if target_rows < rows:
            raise UserError(
                f"{self.path}: {rows} rows are committed, more than the target of {target_rows}; "
                f"ask for at least {rows}, use --fresh to start anew, or choose another --out"
            )

    def is_published(
        self,
        target_rows: int,
        *,
        formats: Sequence[str] = ("parquet",),
        layout: str = "native",
        shard_size: int = shards.ROW_GROUP,
    ) -> bool:
        """Whether exactly this is what the folder holds, every file with its recorded hash (taken at `open`)."""
        published = self._published
        asked = (target_rows, publish.check_settings(formats, layout, shard_size), layout, shard_size)
        return (
            published is not None
            and self._published_is_whole
            and published.seal == self._ledger.seal
            and self.committed_rows == target_rows
            and asked == (published.target, published.formats, published.layout, published.shard_size)
        )

    def publish(
        self,
        target_rows: int,
        *,
        formats: Sequence[str] = ("parquet",),
        layout: str = "native",
        shard_size: int = shards.ROW_GROUP,
        stats: Mapping[str, Any] | None = None,
        command: str = "",
    ) -> None:
        """Make the final files from the committed rows and swap them in.

        Rows are sorted by (split, category, index) and every shard holds one category, so the files depend on the rows
        alone, not on the blocks they came in.

        Args:
            target_rows: how many rows the corpus has; all of them are committed.
            formats: subset of `shards.FORMATS`. With both, JSON lines go to `jsonl/`.
            layout: field names of the JSON lines, one of `shards.LAYOUTS`.
            shard_size: most rows a shard.
            stats: figures for `stats.json`; its plain values are the card's table.
            command: the command line that makes this corpus, for the card.

        Raises:
            UserError: unknown settings, a smaller target than what is committed, a foreign file in `data/`.
            ValueError: rows are missing, or there are none.
        """
        chosen = publish.check_settings(formats, layout, shard_size)
        self.check_target(target_rows)
        if not 0 < target_rows == self.whole_rows:
            raise ValueError(f"{self.whole_rows} rows are committed, {target_rows} were to be published")
        with files.disk_errors(self.path):
            opening.refuse_foreign_data(self.path)
            self._restore()
            files.remove(self._state / "staging")
            files.remove(self._state / "old")
            published = publish.stage(
                self._state / "staging",
                self._segments,
                self._ledger,
                run=self._identity,
                target=target_rows,
                formats=chosen,
                layout=layout,
                shard_size=shard_size,
                stats=stats or {},
                command=command,
            )
            files.write_sealed(self._state / "publish.json", published.to_json(), self._root)
            publish.finish(self.path, self._state, published)
            self._published, self._published_is_whole = published, True
            self._drop_published_segments()

    # keeping segments and ledger in step

    def _read_ledger(self) -> Ledger:
        published = self._published
        copy = None if published is None else (published.record, published.seal)
        ledger = Ledger(self._state / "ledger", self._root, copy, keep=not self._mend)
        if published is not None and ledger.totals.rows < published.target and not self._mend:
            raise UserError(f"{self._state / 'ledger'}: lists fewer rows than were published; {KEPT}")
        return ledger

    def _check_segments(self) -> None:
        """Remove segments that are not listed or not whole; find the blocks that cannot be had back."""
        published = self._published if self._published_is_whole else None
        # Rows of an extension that was stopped may be others than those of the same number in the shards.
        if published is not None and not self._ledger.has(published.seal):
            published = None
        listed = {record.segment: record for record in self._ledger.records}
        for path in sorted(self._segments.iterdir()):
            record = listed.get(path.name)
            if record is None:
                files.remove(path)
            elif files.sha256_file(path) != record.sha256:
                if not self._mend and (published is None or record.number > published.record["number"]):
                    raise UserError(f"{path}: damaged (SHA-256 differs from the ledger); {KEPT}")
                log.warning("%s: damaged (SHA-256 differs from the ledger); it is dropped", path)
                files.remove(path)
        if published is not None and self._has_all_in_shards(published):
            if published.seal == self._ledger.seal:
                self._drop_published_segments()
            return
        if self._published is not None and not self._published_is_whole:
            log.warning("%s: a published file is missing or was changed; it is made again", self.path)
        self._restore_segments()

    def _has_all_in_shards(self, published: Published) -> bool:
        """Whether the (whole) published shards have the rows of every block that has no segment."""
        needed: dict[tuple[str, str], int] = {}
        seen: dict[tuple[str, str], int] = {}
        for record in self._ledger.records:
            for split, category, rows in record.groups:
                seen[split, category] = seen.get((split, category), 0) + rows
            if not (self._segments / record.segment).exists():
                needed.update(seen)
        return all(rows <= sum(entry.rows for entry in published.parquet(*key)) for key, rows in needed.items())

    def _restore(self) -> None:
        """Have a segment for every record that is not `lost`, before rows are read or added; `open` checked them."""
        if not self._restored:
            self._restore_segments()
            if self._lost:
                raise UserError(
                    f"{self.path}: its files were changed while this run was open; run the same command again"
                )

    def _restore_segments(self) -> None:
        """Make missing segments from the published shards; the other blocks are `lost`, or an error without `mend`."""
        records = self._ledger.records
        lost = [entry for entry in records if not (self._segments / entry.segment).exists()]
        if lost and self._published is not None:
            lost = segments.restore(
                self.path, self._segments, self._published.parquet, records, self._state / publish.SCRATCH
            )
        if lost and not self._mend:
            raise UserError(f"{self._segments / lost[0].segment}: damaged or missing; {KEPT}")
        if lost:
            rows = sum(entry.rows for entry in lost)
            log.warning("%s: %d committed rows cannot be read; they are made again", self.path, rows)
        self._lost = lost
        self._restored = True

    def _put_back(self, content: bytes) -> bool:
        """Write the segment of the first lost block; if these are other rows, forget that block and all after it."""
        lost = self._lost[0]
        path = self._segments / lost.segment
        if files.sha256_bytes(content) != lost.sha256:
            log.warning("%s: came out otherwise; the blocks after it are made again", path)
            self._forget(lost.number)
            return False
        files.write_atomic(path, content)
        self._lost.pop(0)
        return True

    def _forget(self, number: int) -> None:
        """Have the ledger end before a block."""
        dropped = self._ledger.records[number:]
        self._ledger.truncate(number)
        for entry in dropped:
            files.remove(self._segments / entry.segment)
        self._lost = [entry for entry in self._lost if entry.number < number]

    def _drop_published_segments(self) -> None:
        """Without Parquet the segments stay: JSON lines are no exact copy of the rows."""
        if self._published is not None and "parquet" in self._published.formats:
            self._restored = False
            for path in sorted(self._segments.iterdir()):
                files.remove(path)
