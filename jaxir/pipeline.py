"""The one loop: plan -> (generate -> extract -> check) on an engine -> admit -> write.

Generated rows are admitted here and nowhere else (by the rules of `admission`), in index order within rounds within
blocks: a block is `BLOCK` indices; in each round every index of it that is still open offers its next candidate, and
the candidates are admitted in index order. What is admitted therefore depends on (seed, config) alone, whatever the
workers deliver first. Where other rows hold all that a template has on a level, an index goes up a level: the small
programs come to an end in a large corpus.

A finished block is committed, and the next ones are computed ahead while this one is admitted. The last block of a run
may be short; a run that is extended makes it anew, so that its rows are those of a run that went this far at once. A
block that was damaged on the disk is made again in its place, after the rows before it.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from jaxir import engines, files, resources
from jaxir.admission import COLUMNS, Admission, Tally, recall
from jaxir.analysis.corpus import open_corpus
from jaxir.analysis.report import write_report
from jaxir.analysis.stats import analyze
from jaxir.candidate import Outcome, Result, Setup, Task
from jaxir.config import Config
from jaxir.engines import Engine, WorkerDied
from jaxir.errors import UserError
from jaxir.executor.environment import show_devices
from jaxir.generator.plan import attempt_above
from jaxir.generator.templates import library_digest
from jaxir.sample import Rejection, Sample
from jaxir.writer.folder import Folder

#: Indices that are admitted and committed together. A constant: it decides which candidate meets which.
BLOCK = 100
#: Indices in one task of a worker.
CHUNK = 5
#: Blocks that are computed ahead of the one that is admitted, at least and for each worker: a slow candidate holds its
#: block up, and the workers need something to do for those seconds. What is ahead is lost when a run is stopped.
AHEAD = 4
AHEAD_PER_WORKER = 0.5
#: Candidates of an index that other rows may be in the way of before it goes up a level. When it never did, 0.57
#: candidates were refused for each of the rows around the 80,000th, and 0.30 around the 10,000th.
REFUSALS_PER_LEVEL = 2
#: Share of refused candidates of one root template, over this many of them, that is an error about the template.
BAD_TEMPLATE = (0.9, 20)


@dataclasses.dataclass
class Progress:
    """Figures of a run so far, for a progress bar."""

    rows: int
    target: int
    rejected: int = 0
    checked: int = 0  #: kernels that were lowered both ways, by the fast path and by JAX alone, in this run
    note: str = ""


def identity(config: Config, template_folders: Sequence[Path]) -> dict[str, str]:
    """Config, templates and versions: what decides the bytes of a corpus. A run resumes only one of equal identity."""
    folders = [resources.folder("templates"), *template_folders]
    return {
        **config.identity(),
        "templates": library_digest(folders),
        **engines.versions(),
    }


def generate(
    config: Config,
    out: Path,
    *,
    template_folders: Sequence[Path] = (),
    workers: int = 1,
    engine: engines.Opener = engines.local,
    fresh: bool = False,
    exact_check: float = 0.01,
    command: str = "",
    report: Callable[[Progress], None] = lambda progress: None,
) -> dict[str, Any]:
    """Make a corpus of `config.target` rows in the folder `out`, or go on with the one that is there.

    Args:
        config: what to make.
        out: the corpus folder.
        template_folders: templates beside the built-in ones.
        workers: worker processes; they change the speed, never the bytes.
        engine: where they are; likewise.
        fresh: start anew; what is published stays until the new corpus is complete.
        exact_check: share of kernels that public JAX lowers a second time; a difference is an error.
        command: the command line, for the dataset card.
        report: called with the figures after each block.

    Returns:
        The figures of `stats.json`.

    Raises:
        UserError: for a folder that cannot be used, a bad template, or templates that cannot fill the target.
    """
    if template_folders:
        _check_templates(config, template_folders)
    with Folder.open(out, identity(config, template_folders), fresh=fresh, mend=True) as folder:
        folder.check_target(config.target)
        settings: dict[str, Any] = {
            "formats": config.formats,
            "layout": config.layout,
            "shard_size": config.shard_size,
        }
        if not folder.is_published(config.target, **settings):
            last = folder.last_index
            if folder.committed_rows < config.target and last is not None and (last + 1) % BLOCK:
                folder.drop_last_block()
            # Reading what is there takes a while in a large corpus, and may be stopped too.
            report(Progress(folder.whole_rows, config.target, sum(folder.rejections.values())))
            run = _Run(config, folder, report)
            if folder.committed_rows < config.target or folder.lost:
                setup = Setup(config, tuple(template_folders), os.getpid(), exact_check)
                try:
                    with engine(setup, workers) as opened:
                        run.fill(opened)
                except BaseException as stop:
                    if not isinstance(stop, Exception):  # Ctrl-C or SIGTERM: what is shown last is what is safe
                        folder.recount()
                        run.show()
                    raise
            run.show("writing shards")
            with files.disk_errors(out):
                # An old report must not stand beside new data if this run ends between the two.
                (out / "report.html").unlink(missing_ok=True)
            folder.publish(config.target, **settings, stats=run.stats(), command=command)
        if not (out / "report.html").exists():
            report(
                Progress(
                    folder.committed_rows, config.target, sum(folder.rejections.values()), note="drawing report.html"
                )
            )
            with files.disk_errors(out):
                draft = out / ".jaxir" / f"report.html{files.TEMPORARY}"
                write_report(analyze(open_corpus(out), workers=min(workers, resources.cores())), draft)
                files.move(draft, out / "report.html")
        with files.disk_errors(out):
            figures: dict[str, Any] = json.loads((out / "stats.json").read_text(encoding="utf-8"))
        return figures


def _check_templates(config: Config, folders: Sequence[Path]) -> None:
    """Type-check a user's own templates before anything is written; the first wrong type is a `UserError`."""
    show_devices()
    from jaxir.generator.check import check_template
    from jaxir.generator.plan import composers
    from jaxir.generator.templates import load_library

    library = load_library(folders)
    growers = composers(config, library)
    for template in library.templates:
        if any(template.source.path.is_relative_to(folder) for folder in folders):
            for problem in check_template(template, growers, 8):
                raise UserError(str(problem))


class _Run:
    """The state of one run: what is admitted, and the candidates that are under way."""

    def __init__(self, config: Config, folder: Folder, report: Callable[[Progress], None]) -> None:
        self.config = config
        self.folder = folder
        self.report = report
        self.admission = Admission(config.rows_per_skeleton)
        self.tally = Tally()
        self.checked = 0
        self.roots: dict[str, list[int]] = {}  #: root template -> [candidates, refused for its own sake]
        self.unread = deque(folder.records)  #: committed blocks that are not counted in
        self._recall()

    def _recall(self) -> None:
        """Count in the committed rows up to the next lost block."""
        while self.unread and (table := self.folder.read(self.unread[0], COLUMNS)) is not None:
            recall(table.to_pylist(), self.admission, self.tally)
            self.unread.popleft()

    @property
    def rejected(self) -> int:
        return sum(self.folder.rejections.values())

    def fill(self, engine: Engine) -> None:
        """Admit and commit block after block, lost ones first, until the target is reached."""
        blocks = deque(self._blocks())
        ahead: deque[tuple[range, list[_Pending]]] = deque()
        most_ahead = max(AHEAD, AHEAD_PER_WORKER * engine.workers)
        while blocks or ahead:
            while blocks and len(ahead) <= most_ahead:
                block = blocks.popleft()
                ahead.append((block, _submit(engine, [(index, 0) for index in block])))
            block, pending = ahead.popleft()
            samples, rejections = self._admit_block(engine, block, pending)
            counts = Counter((rejection.stage, rejection.reason) for rejection in rejections)
            if self.folder.commit(samples, counts):
                if self.unread:
                    self.unread.popleft()
            else:
                self.unread.clear()
                blocks, ahead = deque(self._blocks()), deque()
            for sample in samples:
                self.tally.add(vars(sample))
            self._recall()
            self.show()

    def show(self, note: str = "") -> None:
        self.report(Progress(self.folder.whole_rows, self.config.target, self.rejected, self.checked, note))

    def _blocks(self) -> Iterator[range]:
        """Ranges of indices that are still to be made; they break at multiples of `BLOCK` however a run was cut."""
        for record in self.folder.lost:
            assert record.first is not None, "the blocks of a run have rows"
            yield range(record.first, record.first + record.rows)
        start = 0 if self.folder.last_index is None else self.folder.last_index + 1
        while start < self.config.target:
            stop = min((start // BLOCK + 1) * BLOCK, self.config.target)
            yield range(start, stop)
            start = stop

    def _admit_block(
        self, engine: Engine, block: range, pending: list[_Pending]
    ) -> tuple[list[Sample], list[Rejection]]:
        """Rounds of candidates until every index of the block has a row."""
        admitted: dict[int, Sample] = {}
        rejections: list[Rejection] = []
        refusals: Counter[int] = Counter()  #: of each index, by other rows
        while pending:
            again: list[tuple[int, int]] = []
            for outcome in _outcomes(engine, pending, self.config.max_attempts):
                rejections.extend(outcome.rejections)
                self._note(outcome)
                if outcome.sample is None:
                    self._give_up(outcome)
                    continue
                reason = self.admission.refuse(vars(outcome.sample))
                if not reason:
                    admitted[outcome.index] = outcome.sample
                    continue
                sample = outcome.sample
                rejections.append(Rejection(sample.index, sample.attempt, sample.operation, "admit", reason))
                if outcome.next_attempt >= self.config.max_attempts:
                    self._give_up(outcome)
                refusals[sample.index] += 1
                again.append((sample.index, self._next_attempt(sample, refusals[sample.index])))
            pending = _submit(engine, again, urgent=True)
        return [admitted[index] for index in block], rejections

    def _next_attempt(self, refused: Sample, refusals: int) -> int:
        """The attempt after one that other rows were in the way of."""
        above = attempt_above(refused.attempt)
        is_room_above = refused.level < max(self.config.levels) and above < self.config.max_attempts
        return above if is_room_above and refusals % REFUSALS_PER_LEVEL == 0 else refused.attempt + 1

    def _give_up(self, outcome: Outcome) -> None:
        last = outcome.rejections[-1] if outcome.rejections else None
        why = f"the last one at {last.stage}: {last.reason} {last.detail}" if last else "as rows that exist already"
        raise UserError(
            f"index {outcome.index}: its candidates up to attempt {outcome.next_attempt} were refused, {why.rstrip()}; "
            "the templates of its category hold no more distinct programs: add templates or levels, or raise "
            "rows_per_skeleton"
        )

    def _note(self, outcome: Outcome) -> None:
        """Watch the reject rate of each root template: one that nearly always fails is at fault itself."""
        self.checked += outcome.checked
        share, least = BAD_TEMPLATE
        for rejection in outcome.rejections:
            if not rejection.operation:
                continue
            counts = self.roots.setdefault(rejection.operation, [0, 0])
            counts[0] += 1
            counts[1] += 1
            if counts[0] >= least and counts[1] > share * counts[0]:
                raise UserError(
                    f"template '{rejection.operation}': {counts[1]} of {counts[0]} candidates refused, the last at "
                    f"{rejection.stage}: {rejection.reason} {rejection.detail}; run `jaxir templates check` on it"
                )
        if outcome.sample is not None:
            self.roots.setdefault(outcome.sample.operation, [0, 0])[0] += 1

    def stats(self) -> dict[str, Any]:
        """Figures of the whole corpus, resumed parts included."""
        rejections = self.folder.rejections
        rejected = sum(rejections.values())
        candidates = self.folder.committed_rows + rejected
        return {
            "rows": self.folder.committed_rows,
            "candidates": candidates,
            "rejected": rejected,
            "rejection_rate": round(rejected / max(1, candidates), 4),
            "distinct_canonical_hashes": len(self.admission.canonical),
            "distinct_skeletons": len(self.admission.skeletons),
            "most_rows_per_skeleton": max(self.admission.skeletons.values(), default=0),
            **self.tally.figures(),
            "rejections": [
                {"stage": stage, "reason": reason, "count": count} for (stage, reason), count in rejections.items()
            ],
        }


@dataclasses.dataclass(frozen=True)
class _Pending:
    """A task and the future of its result; the task is kept for a second try."""

    task: Task
    future: Future[Result]


def _submit(engine: Engine, wanted: Sequence[tuple[int, int]], *, urgent: bool = False) -> list[_Pending]:
    """Tasks for (index, attempt) pairs, in order; small ones where there are few, so that every worker has some."""
    size = max(1, min(CHUNK, -(-len(wanted) // engine.workers)))
    tasks = [Task(tuple(wanted[start : start + size])) for start in range(0, len(wanted), size)]
    return [_Pending(task, engine.submit(task, urgent=urgent)) for task in tasks]


def _outcomes(engine: Engine, pending: Sequence[_Pending], last: int) -> Iterator[Outcome]:
    """Outcomes in the order of the tasks; a task whose worker died is tried again index by index."""
    for entry in pending:
        try:
            result = entry.future.result()
        except WorkerDied:
            for index, attempt in entry.task.indices:
                yield _one_by_one(engine, index, attempt, last)
            continue
        if result.error:
            raise UserError(result.error)
        yield from result.outcomes


def _one_by_one(engine: Engine, index: int, attempt: int, last: int) -> Outcome:
    """One attempt a task, so that the one that kills its worker is known; it is tried once more, then refused."""
    rejections: list[Rejection] = []
    died = 0
    while True:
        try:
            task = Task(((index, attempt),), attempts=1, last_try=died > 0)
            result = engine.submit(task, urgent=True).result()
        except WorkerDied as error:
            died += 1
            if died < 2:
                continue
            rejections.append(Rejection(index, attempt, "", "run", "worker died", str(error)))
            attempt, died = attempt + 1, 0
            if attempt >= last:
                return Outcome(index, attempt, None, tuple(rejections))
            continue
        if result.error:
            raise UserError(result.error)
        outcome = result.outcomes[0]
        rejections.extend(outcome.rejections)
        if outcome.sample is not None or outcome.next_attempt >= last:
            return dataclasses.replace(outcome, rejections=tuple(rejections))
        attempt, died = outcome.next_attempt, 0
