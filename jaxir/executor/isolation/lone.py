"""One spawned process for each job: slower to start than a fork, but possible everywhere, and its end is exactly known.

Used where the system cannot fork a sandboxed child (macOS, Windows), then with psutil watching memory; and to decide on
a job that a persistent worker did not survive.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import multiprocessing
import os
import signal
import tempfile
import time
import traceback
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Final

import psutil

from jaxir.executor.isolation import reply, sandbox
from jaxir.executor.isolation.jobs import Job, Limits, Verdict

#: Bytes of a process's output that a verdict keeps.
TAIL_BYTES: Final = 4096
#: Jobs begun or done beyond the one whose verdict is due, for each worker.
_AHEAD: Final = 8
#: Seconds between two looks at the processes.
_LOOK: Final = 0.1
#: Seconds that importing the function may take.
_START: Final = 120.0
_READY: Final = b"ready"


def prepare(
    function: str, parent: int, memory_bytes: int | None, environment: Mapping[str, str], output: Path
) -> reply.Function:
    """Make this process ready for jobs, before anything imports JAX; returns the function."""
    sandbox.end_with(parent)
    # Python's own handlers need the interpreter, which a hanging job may hold.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(environment)
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    if memory_bytes:
        sandbox.limit_memory(memory_bytes)
    return reply.resolve(function)


def tail(output: Path) -> str:
    """The end of what a process printed."""
    try:
        with output.open("rb") as file:
            file.seek(max(output.stat().st_size - TAIL_BYTES, 0))
            return file.read(TAIL_BYTES).decode(errors="replace")
    except OSError:
        return ""


def how(code: int, output: str) -> str:
    """How a process ended that left no reply."""
    if code >= 0:
        return f"exit code {code}"
    return "memory limit" if reply.no_memory(output) else signal_name(-code)


def signal_name(number: int) -> str:
    """`SIGSEGV` and the like; most real-time signals have no name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _live(
    sender: Connection,
    function: str,
    parent: int,
    memory_bytes: int | None,
    environment: Mapping[str, str],
    output: Path,
    payload: str,
    most_bytes: int,
) -> None:
    """The whole life of the process."""
    if hasattr(os, "setsid"):
        os.setsid()  # what it starts is killed with it, as a group
    try:
        found = prepare(function, parent, memory_bytes, environment, output)
    except Exception:
        sender.send_bytes(traceback.format_exc().encode())
        return
    sender.send_bytes(_READY)
    sender.send_bytes(reply.call(found, payload, most_bytes))


class _Lone:
    """A process and what is known of it."""

    def __init__(
        self, function: str, job: Job, limits: Limits, environment: Mapping[str, str], output: Path, watched: bool
    ) -> None:
        self.function, self.job, self.limits, self.output, self.watched = function, job, limits, output, watched
        context = multiprocessing.get_context("spawn")
        self.receiver, sender = context.Pipe(duplex=False)
        memory_bytes = None if watched else limits.memory_bytes
        arguments = (function, os.getpid(), memory_bytes, dict(environment), output, json.dumps(job.payload))
        self.process = context.Process(target=_live, args=(sender, *arguments, limits.result_bytes))
        self.process.start()
        sender.close()
        self.ready = False
        self.started = time.monotonic()
        self.verdict: Verdict | None = None

    def look(self) -> None:
        """Find out whether it is done; RuntimeError if the function cannot be imported."""
        ended = not self.process.is_alive()  # asked first: what it sent before is then in the pipe
        with contextlib.suppress(EOFError, OSError):
            while self.verdict is None and self.receiver.poll():
                self._take(self.receiver.recv_bytes(self.limits.result_bytes + 1024))
        if self.verdict is None:
            limit = self.limits.seconds if self.ready else _START
            if ended:
                self.process.join()
                output = tail(self.output)
                self._end(None, how(self.process.exitcode or 0, output), output)
            elif time.monotonic() - self.started > limit:
                self._end(None, "time limit")
            elif self.watched and _resident(self.process.pid) > self.limits.memory_bytes:
                self._end(None, "memory limit")

    def _take(self, message: bytes) -> None:
        if self.ready:
            self._end(*reply.read(message))
        elif message == _READY:
            self.ready, self.started = True, time.monotonic()
        else:
            raise RuntimeError(f"cannot import {self.function} in a worker process:\n{message.decode()}")

    def _end(self, value: dict[str, Any] | None, died: str, output: str = "") -> None:
        self.verdict = Verdict(self.job.key, value, died, time.monotonic() - self.started, output)
        self.close()

    def close(self) -> None:
        """End the process and those that it started."""
        for process in _family(self.process.pid) if self.watched else ():
            process.kill()
        if hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)  # type: ignore[arg-type]  # it was started
        if self.process.is_alive():
            self.process.kill()
        self.process.join()
        self.receiver.close()


def _family(pid: int | None) -> list[Any]:
    """psutil's view of a process and its descendants; none of those that are gone."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []


def _resident(pid: int | None) -> int:
    """Resident bytes of a process and its descendants."""
    total = 0
    for process in _family(pid):
        with contextlib.suppress(Exception):  # it ended meanwhile: psutil has an error for each way
            total += int(process.memory_info().rss)
    return total


def run(
    function: str,
    jobs: Iterable[Job],
    workers: int,
    limits: Limits,
    environment: Mapping[str, str],
    *,
    watched: bool = True,
) -> Iterator[Verdict]:
    """Verdicts in the order of the jobs; see `jaxir.executor.isolation.run_isolated`.

    Args:
        watched: psutil watches resident memory; else the address space is limited.
    """
    source = iter(jobs)
    queue: deque[_Lone] = deque()
    more = True
    with tempfile.TemporaryDirectory(prefix="jaxir-", ignore_cleanup_errors=True) as folder:
        try:
            for number in itertools.count():
                running = [lone for lone in queue if lone.verdict is None]
                if more and len(running) < workers and len(queue) < _AHEAD * workers:
                    job = next(source, None)
                    if job is not None:
                        output = Path(folder) / f"{number}.txt"
                        queue.append(_Lone(function, job, limits, environment, output, watched))
                        continue
                    more = False
                if not queue and not more:
                    return
                wait([lone.receiver for lone in running] + [lone.process.sentinel for lone in running], _LOOK)
                for lone in running:
                    lone.look()
                while queue and queue[0].verdict is not None:
                    yield queue.popleft().verdict  # type: ignore[misc]  # it is none no more
        finally:
            for lone in queue:
                lone.close()
