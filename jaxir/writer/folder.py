"""`Folder`: the one way to write a corpus. Open, commit blocks of rows, publish; a kill at any moment loses nothing.

out/
  README.md stats.json croissant.json   replaced together by `publish`
  data/ (jsonl/)                        likewise
  .jaxir/
    lock owner.json                     one run at a time; host and process of the one that runs
    run.json                            identity of the run; everything below is sealed with it
    ledger/000000.json ...              what is committed (`jaxir.writer.ledger`)
    segments/000000.parquet ...         the committed rows until they are published
    publish.json                        journal of a publish under way
    published.json                      what is published, with the hash of every file
"""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import filelock
import pyarrow as pa

from jaxir.errors import UserError
from jaxir.sample import SCHEMA, Sample, to_table
from jaxir.writer import card, files, publish, shards
from jaxir.writer.ledger import Ledger, Record
from jaxir.writer.publish import Published

log = logging.getLogger(__name__)

_NAME_OF_STATE = ".jaxir"


class Folder:
    """A corpus folder that this process holds the lock of; made by `Folder.open`.

    Every method raises `UserError` (one line) where the disk refuses; what was committed before stays committed.
    """

    def __init__(self, path: Path, lock: filelock.BaseFileLock, root: str) -> None:
        self.path = path
        self._lock = lock
        self._root = root
        self._state = path / _NAME_OF_STATE
        self._segments = self._state / "segments"
        self._ledger = Ledger(self._state / "ledger", root)
        self._published = self._read_published()
        self._published_is_whole = self._published is not None and publish.is_whole(self._published, path)
        self._restored = False
        self._check_segments()

    # opening and closing

    @classmethod
    def open(cls, path: str | os.PathLike[str], identity: Mapping[str, Any], *, fresh: bool = False) -> Folder:
        """Create a corpus folder, or go on with the run that is in it.

        Args:
            path: the folder; it need not exist.
            identity: everything the rows depend on (seed, configuration, templates, versions), as a flat dict of JSON
                values. The pyarrow version is added, because the bytes of the shards depend on it. How many rows are
                wanted is no part of it: a run may be extended.
            fresh: forget the rows of an earlier run. Published files stay until `publish` replaces them.

        Raises:
            UserError: the folder holds something else, a run of another identity, or a run that is going on; or the
                disk refuses.
        """
        out = Path(path)
        with files.disk_errors(out):
            _refuse_foreign(out, fresh)
            files.make_folder(out / _NAME_OF_STATE)
            lock = _take_lock(out)
        try:
            with files.disk_errors(out):
                return cls(out, lock, _prepare(out, identity, fresh))
        except BaseException:
            lock.release()
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
        return sum(record.rows for record in self._ledger.records)

    @property
    def last_index(self) -> int | None:
        """The highest committed index; None before the first row."""
        return max((record.last for record in self._ledger.records if record.last is not None), default=None)

    @property
    def extra(self) -> dict[str, Any]:
        """What the caller handed over with the last committed block; empty before the first."""
        return dict(self._ledger.records[-1].extra) if self._ledger.records else {}

    @property
    def rejections(self) -> dict[tuple[str, str], int]:
        """Rejections of all committed blocks by (stage, reason), sorted."""
        total: dict[tuple[str, str], int] = {}
        for record in self._ledger.records:
            for stage, reason, count in record.rejections:
                total[stage, reason] = total.get((stage, reason), 0) + count
        return dict(sorted(total.items()))

    @property
    def counts(self) -> dict[tuple[str, str], int]:
        """Committed rows by (split, category), in the order of the shards."""
        total: dict[tuple[str, str], int] = {}
        for record in self._ledger.records:
            for split, category, rows in record.groups:
                total[split, category] = total.get((split, category), 0) + rows
        return dict(sorted(total.items(), key=lambda item: shards.group_order(*item[0])))

    def iter_committed(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """The committed rows in index order, one table a block, with `columns` in the order given (all by default)."""
        names = list(columns) if columns is not None else SCHEMA.names
        with files.disk_errors(self.path):
            self._restore()
        for record in self._ledger.records:
            with files.disk_errors(self.path):
                table = shards.read_parquet(self._segments / record.segment, sorted({*names, "index"}))
            yield table.sort_by("index").select(names)

    # writing

    def commit(
        self,
        samples: Sequence[Sample],
        rejections: Mapping[tuple[str, str], int] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        """Put a block of rows on the disk; on return it survives a kill and a power cut.

        Args:
            samples: rows in index order, above every committed index. May be empty.
            rejections: (stage, reason) -> count within this block.
            extra: small JSON dict kept with the block; `Folder.extra` gives the last one back.

        Raises:
            ValueError: indices that do not ascend, or a value that is no JSON.
        """
        with files.disk_errors(self.path):
            self._restore()
        ascending = [-1 if self.last_index is None else self.last_index, *(sample.index for sample in samples)]
        for before, after in itertools.pairwise(ascending):
            if after <= before:
                raise ValueError(f"index {after} is committed after {before}; indices must ascend")
        groups: list[tuple[str, str, int]] = []
        tables: list[pa.Table] = []
        by_group = sorted(samples, key=lambda row: (*shards.group_order(row.split, row.category), row.index))
        # One row group for each split and category: publishing then reads every row once, in the order of the shards.
        for (split, category), rows in itertools.groupby(by_group, key=lambda row: (row.split, row.category)):
            table = to_table(rows)
            for start in range(0, table.num_rows, shards.ROW_GROUP):
                tables.append(table.slice(start, shards.ROW_GROUP))
                groups.append((split, category, tables[-1].num_rows))
        content = shards.parquet_bytes(tables)
        record = Record(
            number=len(self._ledger.records),
            sha256=files.sha256_bytes(content),
            rows=len(samples),
            first=samples[0].index if samples else None,
            last=samples[-1].index if samples else None,
            groups=tuple(groups),
            rejections=tuple((*key, count) for key, count in sorted((rejections or {}).items())),
            extra=json.loads(files.canonical_json(dict(extra or {}))),
        )
        with files.disk_errors(self.path):
            files.write_atomic(self._segments / record.segment, content)
            self._ledger.append(record)

    def drop_last_block(self) -> None:
        """Forget the last committed block, so that the caller makes it anew; published files stay as they are."""
        with files.disk_errors(self.path):
            self._restore()
            if self._ledger.records:
                dropped = self._ledger.records[-1]
                self._ledger.truncate(len(self._ledger.records) - 1)
                files.remove(self._segments / dropped.segment)

    # publishing

    def check_target(self, target_rows: int) -> None:
        """`UserError` if the run has committed more rows than are wanted; call it before work begins."""
        if target_rows < self.committed_rows:
            raise UserError(
                f"{self.path}: {self.committed_rows} rows are committed, more than the target of {target_rows}; "
                f"ask for at least {self.committed_rows}, use --fresh to start anew, or choose another --out"
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
        if not 0 < target_rows == self.committed_rows:
            raise ValueError(f"{self.committed_rows} rows are committed, {target_rows} were to be published")
        with files.disk_errors(self.path):
            _refuse_foreign_data(self.path)
            self._restore()
            files.remove(self._state / "staging")
            files.remove(self._state / "old")
            published = publish.stage(
                self._state / "staging",
                self._segments,
                self._ledger.records,
                target=target_rows,
                formats=chosen,
                layout=layout,
                shard_size=shard_size,
                stats=stats or {},
                command=command,
            )
            files.write_sealed(self._state / "publish.json", published.to_json(), self._root)
            _finish_publish(self.path, self._state, published)
            self._published, self._published_is_whole = published, True
            self._drop_published_segments()

    # keeping segments and ledger in step

    def _read_published(self) -> Published | None:
        entry = files.read_sealed(self._state / "published.json", self._root)
        return Published.from_json(entry[0]) if entry else None

    def _check_segments(self) -> None:
        """Remove segments that are not listed or not whole; forget the blocks that cannot be had back."""
        listed = {record.segment: record for record in self._ledger.records}
        for path in sorted(self._segments.iterdir()):
            record = listed.get(path.name)
            if record is None or files.sha256_file(path) != record.sha256:
                if record is not None:
                    log.warning("%s: damaged (SHA-256 differs from the ledger); it is dropped", path)
                files.remove(path)
        if self._published is not None and self._published_is_whole and self._has_all_in_shards(self._published):
            if self._published.target == self.committed_rows:
                self._drop_published_segments()
            return
        if self._published is not None and not self._published_is_whole:
            log.warning("%s: a published file is missing or was changed; it is made again", self.path)
        missing = self._restore_segments()
        if missing:
            log.warning("%s: %d committed rows cannot be read; they are made again", self.path, missing)

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
        """Have a segment for every record before rows are read or added; they were checked by `open`."""
        if not self._restored and self._restore_segments():
            raise UserError(f"{self.path}: its files were changed while this run was open; run the same command again")

    def _restore_segments(self) -> int:
        """Make missing segments from the published shards; forget the blocks from the first that is lost.

        Returns the number of rows that were forgotten.
        """
        records = self._ledger.records
        whole = next((n for n, entry in enumerate(records) if not (self._segments / entry.segment).exists()), None)
        if whole is not None and self._published is not None:
            whole = publish.restore(self.path, self._segments, self._published, records)
        lost = records[whole:] if whole is not None else []
        if lost:
            self._ledger.truncate(len(records) - len(lost))
            for entry in lost:
                files.remove(self._segments / entry.segment)
        self._restored = True
        return sum(entry.rows for entry in lost)

    def _drop_published_segments(self) -> None:
        """Without Parquet the segments stay: JSON lines are no exact copy of the rows."""
        if self._published is not None and "parquet" in self._published.formats:
            self._restored = False
            for path in sorted(self._segments.iterdir()):
                files.remove(path)


def _refuse_foreign(out: Path, fresh: bool) -> None:
    """`UserError` unless `out` is new, empty, a run's folder or, with `fresh`, a published corpus without its run."""
    if (out / _NAME_OF_STATE / "run.json").exists() or not os.path.lexists(out):
        return
    if not out.is_dir():
        raise UserError(f"{out}: is a file; a corpus is a folder; choose another --out")
    visible = sorted(entry.name for entry in out.iterdir() if not entry.name.startswith("."))
    if not visible:
        return
    if not card.is_card(out / "README.md"):
        raise UserError(f"{out}: holds '{visible[0]}' and is no jaxir corpus; choose an empty or new folder with --out")
    if not fresh:
        raise UserError(
            f"{out}: is a published corpus without its run record ({_NAME_OF_STATE}/run.json), which cannot be "
            "continued; use --fresh to replace it or choose another --out"
        )


def _refuse_foreign_data(out: Path) -> None:
    path = publish.foreign_file(out)
    if path is not None:
        raise UserError(f"{path}: is no shard of jaxir, and publishing replaces its folder; move it elsewhere")


def _take_lock(out: Path) -> filelock.BaseFileLock:
    """Lock the corpus for this process; the system releases the lock when the process ends, however it ends."""
    state = out / _NAME_OF_STATE
    lock = filelock.FileLock(state / "lock", timeout=0)
    owner = state / "owner.json"
    try:
        lock.acquire()
    except filelock.Timeout:
        who = ""
        with contextlib.suppress(OSError, ValueError, KeyError):
            entry = json.loads(owner.read_text())
            who = f" (process {entry['pid']} on {entry['host']})"
        raise UserError(
            f"{out}: another run is writing here{who}; wait for it, stop it, or choose another --out"
        ) from None
    try:
        files.write_atomic(owner, files.pretty_json({"host": socket.gethostname(), "pid": os.getpid()}))
    except BaseException:
        lock.release()
        raise
    return lock


def _prepare(out: Path, identity: Mapping[str, Any], fresh: bool) -> str:
    """Finish what a killed run began, compare or write the identity; returns the seal that everything else hangs on."""
    state = out / _NAME_OF_STATE
    wanted = json.loads(files.canonical_json({"pyarrow_version": pa.__version__, **identity}))
    for folder in (state, state / "ledger", state / "segments"):
        files.make_folder(folder)
        for path in sorted(folder.glob(f"*{files.TEMPORARY}")):
            files.remove(path)

    run = state / "run.json"
    entry = files.read_sealed(run)
    generation = 0
    if entry is not None:
        body, root = entry
        _recover_publish(out, state, root)
        _refuse_foreign_data(out)
        if not fresh:
            _compare(out, body["identity"], wanted)
            return root
        generation = body["generation"] + 1
    elif run.exists() and not fresh:
        raise UserError(
            f"{run}: is damaged, so the run cannot be continued; use --fresh to start anew or another --out"
        )
    else:
        _refuse_foreign_data(out)
        _drop_staging(out, state)
    # The new seal alone makes everything of the earlier run void; removing it is only tidiness.
    root = files.write_sealed(run, {"identity": wanted, "generation": generation})
    for name in ("published.json", "ledger", "segments"):
        files.remove(state / name)
    for name in ("ledger", "segments"):
        files.make_folder(state / name)
    return root


def _compare(out: Path, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    def show(values: Mapping[str, Any], key: str) -> str:
        text = json.dumps(values[key]) if key in values else "nothing"
        return text if len(text) <= 60 else text[:57] + "..."

    differing = [key for key in sorted({*old, *new}) if key not in old or key not in new or old[key] != new[key]]
    if differing:
        changes = ", ".join(f"{key} was {show(old, key)}, now {show(new, key)}" for key in differing)
        raise UserError(
            f"{out}: holds a run with other settings: {changes}; use --fresh to start anew or another --out"
        )


def _recover_publish(out: Path, state: Path, root: str) -> None:
    """Roll a journalled publish forward, or drop a staging folder without a journal."""
    entry = files.read_sealed(state / "publish.json", root)
    if entry is not None:
        published = Published.from_json(entry[0])
        if publish.is_whole(published, state / "staging", out):
            _finish_publish(out, state, published)
            return
    _drop_staging(out, state)


def _drop_staging(out: Path, state: Path) -> None:
    if (state / "publish.json").exists():
        log.warning("%s: an interrupted publish is damaged; it is done again", out)
        publish.put_back(out, state)
    for name in ("publish.json", "staging", "old"):
        files.remove(state / name)


def _finish_publish(out: Path, state: Path, published: Published) -> None:
    publish.swap_in(out, state, published)
    os.replace(state / "publish.json", state / "published.json")
    files.sync_folder(state)
    for name in ("staging", "old"):
        files.remove(state / name)
