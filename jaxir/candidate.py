"""One task of a worker: for each index the first candidate that passes every check that needs no other row."""

from __future__ import annotations

import ctypes
import dataclasses
import os
import threading
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Final

from jaxir.config import Config
from jaxir.errors import Rejected, UserError
from jaxir.sample import Kernel, Rejection, Sample

if TYPE_CHECKING:
    from jaxir.extractor.lower import Lowering
    from jaxir.generator.plan import Plan

#: Indices between two times that a worker gives memory back: each time costs some milliseconds.
INDICES_PER_TRIM: Final = 50


@dataclasses.dataclass(frozen=True)
class Setup:
    """What a worker needs to know once."""

    config: Config
    templates: tuple[Path, ...]
    parent: int  #: process that the worker works for, and ends with
    exact_check: float = 0.0  #: share of kernels that are lowered a second time, by JAX alone


@dataclasses.dataclass(frozen=True)
class Task:
    """Indices to make a candidate for, and the attempt to begin with.

    `attempts` limits how many attempts are made at each index; 0 means up to the config's `max_attempts`. `last_try`
    says that the attempt is refused if its worker dies once more, so that an engine gives it all the time there is.
    """

    indices: tuple[tuple[int, int], ...]  #: (index, first attempt)
    attempts: int = 0
    last_try: bool = False


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of one index: a sample, or None if every attempt was refused."""

    index: int
    next_attempt: int
    sample: Sample | None
    rejections: tuple[Rejection, ...]
    checked: int = 0  #: attempts that were lowered both ways


@dataclasses.dataclass(frozen=True)
class Result:
    """What came of a task; `error` is a user's mistake that only a worker can see, such as a bad template."""

    outcomes: tuple[Outcome, ...]
    error: str = ""


_plan: Plan | None = None
_error = ""
_exact_check = 0.0
_checked = 0
_untrimmed = 0  #: indices since memory was given back


def start(setup: Setup) -> None:
    """Prepare this worker: read the templates, take the fast path, end with the parent."""
    global _plan, _error, _exact_check
    _end_with(setup.parent)
    # What a kernel does that a later JAX will refuse is no news to who makes a corpus with this one.
    warnings.simplefilter("ignore", FutureWarning)
    from jaxir.extractor.fastpath import FAST
    from jaxir.generator.plan import Plan
    from jaxir.generator.templates import load_library

    _exact_check = setup.exact_check
    try:
        _plan = Plan(setup.config, load_library(setup.templates))
    except UserError as error:
        _error = str(error)
    if os.environ.get("JAXIR_FAST_PATH") != "0":
        FAST.install()
    _trim()


def _end_with(parent: int) -> None:
    """Leave no orphan: a worker whose parent was killed ends within a second, even inside a long computation."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _trim() -> None:
    """Give back what was freed: glibc keeps the 100 MB and more that reading templates and XLA take for a moment."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def run(task: Task) -> Result:
    """Make the candidates of a task; see `Outcome`.

    Raises:
        MemoryError: there is none left; the process is not to be trusted any more.
    """
    global _untrimmed
    if _plan is None:
        return Result((), _error)
    if _untrimmed >= INDICES_PER_TRIM:
        _untrimmed = 0
        _trim()
    _untrimmed += len(task.indices)
    try:
        return Result(tuple(_first_good(_plan, index, attempt, task.attempts) for index, attempt in task.indices))
    except UserError as error:
        return Result((), str(error))


def _first_good(plan: Plan, index: int, attempt: int, attempts: int) -> Outcome:
    last = attempt + attempts if attempts else plan.config.max_attempts
    rejections: list[Rejection] = []
    before = _checked
    while attempt < last:
        try:
            sample = make(plan, index, attempt)
            return Outcome(index, attempt + 1, sample, tuple(rejections), _checked - before)
        except Rejected as rejected:
            if isinstance(rejected.__cause__, MemoryError):
                raise MemoryError from rejected  # it says nothing of the candidate
            root = plan.entry(index, attempt).root.name
            rejections.append(Rejection(index, attempt, root, rejected.stage, rejected.reason, rejected.detail))
            attempt += 1
    return Outcome(index, attempt, None, tuple(rejections), _checked - before)


def make(plan: Plan, index: int, attempt: int) -> Sample:
    """The sample of one attempt: generated, lowered, checked and run; a pure function of its arguments.

    Raises:
        Rejected: the candidate failed an admission check (design rules 1 to 5).
    """
    import jax

    from jaxir.executor.inputs import DISTRIBUTIONS
    from jaxir.executor.oracle import Pair
    from jaxir.executor.verify import observe
    from jaxir.extractor.lower import extract_kernel

    config = plan.config
    kernel = plan.kernel(index, attempt)
    with jax.enable_x64(kernel.x64):
        extraction = extract_kernel(kernel, dialects=config.dialects, platforms=config.platforms)
        _lower_again(kernel, extraction.lowering)
    base = int(extraction.sample.id[:8], 16) * len(DISTRIBUTIONS)
    seen = observe(Pair.from_extraction(extraction), base, config.verify)
    return dataclasses.replace(
        extraction.sample,
        input_seed=seen.input_seed,
        output_digest=seen.output_digest,
        behavior_hash=seen.behavior_hash,
        verified=seen.verified,
        max_abs_error=seen.max_abs_error,
    )


def _lower_again(kernel: Kernel, lowering: Lowering) -> None:
    """Lower a share of the kernels once more, by JAX alone; which ones is a function of seed and index.

    Raises:
        UserError: the texts differ, so the fast path is wrong.
    """
    global _checked
    from jaxir.extractor.fastpath import FAST
    from jaxir.extractor.lower import forget, load, lower
    from jaxir.generator.rng import Rng

    if not FAST.active or not Rng("exact check", kernel.seed, kernel.index).chance(_exact_check):
        return
    _checked += 1
    with FAST.paused():
        # Otherwise JAX would find what the fast path traced.
        forget()
        again = lower(load(kernel.source, kernel.function_name), kernel.inputs, platforms=lowering.platforms)
    if again.stablehlo != lowering.stablehlo:
        raise UserError(
            f"index {kernel.index}, kernel '{kernel.function_name}': the fast path gives another text than public JAX; "
            "nothing wrong was written since the last commit; report it, and run with JAXIR_FAST_PATH=0 meanwhile"
        )
