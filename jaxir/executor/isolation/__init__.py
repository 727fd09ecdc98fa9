"""Run what may abort, hang or eat memory in processes that may die; the parent gets a verdict on each job.

* `fresh=True`, for foreign rows: one child for each job, forked from a process that imported JAX and started nothing,
  shut in before it reads the job (`jaxir.executor.isolation.sandbox`), killed with its group at its deadline.
* `fresh=False`, for own rows: persistent workers (spawn) with a memory limit. One that dies or hangs costs its job and
  is replaced; a job whose worker died is decided on in a process of its own, so that the verdict is on the job alone.

Where the system cannot fork safely or hold a child (macOS, Windows), a fresh child is spawned and psutil watches it.

The parent imports no JAX for this, reads no foreign text and gets nothing but JSON of bounded size. The value of a job
that executes foreign code is only as true as that code: it shares a process with what writes the reply.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from jaxir.executor.environment import REPRODUCIBLE
from jaxir.executor.isolation import forked, lone, persistent
from jaxir.executor.isolation.jobs import Job, Limits, Verdict

__all__ = ["ENVIRONMENT", "Job", "Limits", "Verdict", "can_fork", "run_isolated"]

#: What children see of these; a user's own `JAX_*` variables stay outside.
ENVIRONMENT: Final[Mapping[str, str]] = {
    **REPRODUCIBLE,
    # A foreign source that walks a set gives the same text in each child.
    "PYTHONHASHSEED": "0",
}


def run_isolated(
    function: str,
    jobs: Iterable[Job],
    *,
    workers: int,
    limits: Limits | None = None,
    fresh: bool,
    environment: Mapping[str, str] = ENVIRONMENT,
) -> Iterator[Verdict]:
    """Call `function` on the payload of each job, each behind a process boundary.

    Verdicts come in the order of the jobs, which are taken lazily: never more than a few for each worker are under way.
    Leaving the iterator ends every process.

    Args:
        function: `package.module:name`; takes and returns a dict that JSON can hold. Importing its module must not
            start a JAX backend.
        jobs: any number, also endless.
        workers: processes at a time.
        limits: for each job; by default `Limits()`.
        fresh: a new, sandboxed process for each job (foreign rows), or persistent workers (own rows).
        environment: variables of the children; of the parent's, those that begin with `JAX_` are left out.

    Raises:
        RuntimeError: the function cannot be imported; with the traceback.
    """
    limits = limits or Limits()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("JAX_")}
    run = persistent.run if not fresh else forked.run if can_fork() else lone.run
    yield from run(function, jobs, workers, limits, {**kept, **environment})


def can_fork() -> bool:
    """Whether fresh children can be forked and shut in."""
    return sys.platform.startswith("linux") and hasattr(os, "pidfd_open")
