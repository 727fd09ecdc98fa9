"""One worker process that may die: `candidate.run` on one task at a time.

Each has a pipe of its own and no lock or queue that others use too, so whatever a process is killed at, the others go
on and the task that it had is known for certain.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import struct
import traceback
from multiprocessing.connection import Connection
from typing import Final

from jaxir import candidate
from jaxir.candidate import Result, Setup, Task
from jaxir.executor.isolation.lone import signal_name

#: Seconds that a process may take to import JAX and to read the templates.
START_LIMIT: Final = 300.0
#: Seconds between two parts of an answer, so that a process which stops in the middle of one holds nobody up.
PART_LIMIT: Final = 30
_READY: Final = "ready"


class WorkerDied(Exception):
    """The worker of a task was killed, crashed or ran out of time; the task may be tried again."""


class NotStarted(Exception):
    """A process ended, or took too long, before it was ready for its first task."""


class Worker:
    """A process of this machine, started afresh (spawn): a forked JAX may hang. One thread uses it, any may kill it."""

    def __init__(self, setup: Setup) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        _limit_reads(self._pipe, PART_LIMIT)
        self._process = context.Process(target=_live, args=(theirs, setup), name="jaxir worker", daemon=True)
        self._process.start()
        theirs.close()
        self._ready = False
        self.tasks = 0  #: tasks that it was given

    @property
    def pid(self) -> int | None:
        return self._process.pid

    def wait_until_ready(self) -> None:
        """Wait for the process to have prepared itself.

        Raises:
            NotStarted: it died or took longer than `START_LIMIT`.
            RuntimeError: `candidate.start` raised, which is a bug; the message is the traceback.
        """
        if not self._ready:
            try:
                answer = self._receive(START_LIMIT)
            except WorkerDied as died:
                raise NotStarted(str(died)) from None
            if answer != _READY:
                raise RuntimeError(f"in a worker process:\n{answer}")
            self._ready = True

    def run(self, task: Task, seconds: float) -> Result:
        """The result of a task, which may take `seconds`.

        Raises:
            NotStarted, RuntimeError: see `wait_until_ready`; the task was not begun.
            WorkerDied: the process died, took longer or ran out of memory.
            RuntimeError: `candidate.run` raised, which is a bug; the message is the traceback.
        """
        self.wait_until_ready()
        self.tasks += 1
        try:
            self._pipe.send(task)
        except OSError:
            raise WorkerDied(self._how()) from None
        answer = self._receive(seconds)
        if isinstance(answer, str):
            raise RuntimeError(f"in a worker process:\n{answer}")
        return answer

    def _receive(self, seconds: float) -> Result | str:
        try:
            if not self._pipe.poll(seconds):
                raise WorkerDied("time limit")
            answer: Result | str = self._pipe.recv()
        except BlockingIOError:
            raise WorkerDied("time limit") from None
        except (EOFError, OSError):
            raise WorkerDied(self._how()) from None
        return answer

    def _how(self) -> str:
        # A process that closed its pipe is ending.
        self._process.join(10)
        code = self._process.exitcode
        if code is not None and code < 0:
            return signal_name(-code)
        return f"exit code {code}"

    def kill(self) -> None:
        """End the process; whoever waits for its answer gets `WorkerDied`."""
        self._process.kill()

    def close(self) -> None:
        """End the process, which holds nothing that could be lost, and what belongs to it."""
        self._process.kill()
        self._process.join()
        self._pipe.close()


def _limit_reads(pipe: Connection, seconds: int) -> None:
    """Have reads of this end fail that wait longer, where pipes are sockets (Windows: they are not)."""
    if hasattr(socket, "AF_UNIX"):
        with socket.socket(fileno=os.dup(pipe.fileno())) as end:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", seconds, 0))


def _live(pipe: Connection, setup: Setup) -> None:
    """The life of the process."""
    # Ctrl-C goes to the whole group; the parent decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        candidate.start(setup)
    except Exception:
        pipe.send(traceback.format_exc())
        return
    pipe.send(_READY)
    while True:
        try:
            task: Task = pipe.recv()
        except EOFError:
            return
        try:
            answer: Result | str = candidate.run(task)
        except MemoryError:
            os._exit(1)  # as if the system had killed it: what is left of this process is not to be trusted
        except Exception:
            answer = traceback.format_exc()
        pipe.send(answer)
