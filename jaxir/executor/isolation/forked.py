"""The parent's side of fresh children: it feeds a zygote process (`zygote.py`) and judges what comes back.

A zygote that is lost (a child that got through every wall, the kernel short of memory) is replaced; the jobs under way
are then tried one at a time, so that only the one that does it again is blamed.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from jaxir.executor.isolation import lone, reply, zygote
from jaxir.executor.isolation.jobs import Job, Limits, Verdict

#: Jobs that the zygote has at hand for each worker, running or next.
_AT_HAND: Final = 2
#: Verdicts that may wait for an earlier job's, for each worker: what bounds the memory of an ordered result.
_AHEAD: Final = 8
#: Seconds beyond a job's limit after which a silent zygote is given up.
_PATIENCE: Final = 60.0


class _Lost(Exception):
    """The zygote ended or fell silent."""


class _Zygote:
    """One zygote process and its two pipes."""

    def __init__(self, settings: zygote.Settings, environment: Mapping[str, str]) -> None:
        self.patience = _PATIENCE + _AT_HAND * settings.seconds
        path = os.pathsep.join(place or os.getcwd() for place in sys.path)
        # Its own session: Ctrl-C is for the parent, which then ends this one.
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", f"from {zygote.__name__} import main; main()", *settings.arguments()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**environment, "PYTHONPATH": path},
            bufsize=0,
            start_new_session=True,
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.stdin, self.stdout = self.process.stdin, self.process.stdout
        try:
            _, code, _, _, text = self.receive()
        except _Lost:
            self.close()
            raise RuntimeError(f"{settings.function}: the child process ended while importing it") from None
        if code:
            self.close()
            raise RuntimeError(f"cannot import {settings.function} in a child process:\n{text}")

    def send(self, number: int, payload: str) -> None:
        """Hand over a job; `_Lost`."""
        raw = payload.encode()
        left = memoryview(zygote.JOB.pack(number, len(raw)) + raw)
        try:
            while left:
                left = left[self.stdin.write(left) :]
        except BrokenPipeError:
            raise _Lost from None

    def receive(self) -> tuple[int, int, tuple[str, float], bytes, str]:
        """Number, exit code, (why it was killed, seconds), reply and output of a child that ended; `_Lost`."""
        number, reason, code, seconds, reply_length, tail_length = zygote.END.unpack(self._read(zygote.END.size))
        raw, tail = self._read(reply_length), self._read(tail_length)
        return number, code, (zygote.REASONS[reason], seconds), raw, tail.decode(errors="replace")

    def _read(self, count: int) -> bytes:
        data = bytearray()
        deadline = time.monotonic() + self.patience
        while len(data) < count:
            ready, _, _ = select.select([self.stdout], [], [], max(deadline - time.monotonic(), 0.0))
            chunk = self.stdout.read(count - len(data)) if ready else b""
            if not chunk:
                raise _Lost
            data += chunk
        return bytes(data)

    def close(self) -> None:
        """End it and its children."""
        with contextlib.suppress(BrokenPipeError):
            self.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()  # its children end with it
            self.process.wait()
        self.stdout.close()


def _verdict(key: str, code: int, ended: tuple[str, float], raw: bytes, output: str) -> Verdict:
    killed, seconds = ended
    value, died = None, killed
    if not died and raw:
        value, died = reply.read(raw)
    elif not died:
        died = "time limit" if code == -signal.SIGXCPU else lone.how(code, output)
    return Verdict(key, value, died, seconds, output)


def run(
    function: str, jobs: Iterable[Job], workers: int, limits: Limits, environment: Mapping[str, str]
) -> Iterator[Verdict]:
    """Verdicts in the order of the jobs; see `jaxir.executor.isolation.run_isolated`."""
    settings = zygote.Settings(function, workers, limits.seconds, limits.memory_bytes, limits.result_bytes)
    numbered = enumerate(jobs)
    waiting: dict[int, Job] = {}  # by number, handed to the zygote
    suspects: dict[int, Job] = {}  # handed to one that was lost
    done: dict[int, Verdict] = {}
    taken, given, alone, more = 0, 0, -1, True
    process = _Zygote(settings, environment)
    try:
        while more or waiting or suspects:
            try:
                if suspects and not waiting:
                    alone = min(suspects)
                    waiting[alone] = suspects.pop(alone)
                    process.send(alone, json.dumps(waiting[alone].payload))
                while more and not suspects and len(waiting) < _AT_HAND * workers and taken - given < _AHEAD * workers:
                    number, job = next(numbered, (-1, None))
                    if job is None:
                        more = False
                        break
                    waiting[number] = job
                    taken = number + 1
                    process.send(number, json.dumps(job.payload))
                if waiting:
                    number, code, ended, raw, output = process.receive()
                    done[number] = _verdict(waiting.pop(number).key, code, ended, raw, output)
            except _Lost:
                if alone in waiting:
                    done[alone] = Verdict(waiting.pop(alone).key, None, "supervisor lost", 0.0)
                suspects |= waiting
                waiting.clear()
                process.close()
                process = _Zygote(settings, environment)
            while given in done:
                yield done.pop(given)
                given += 1
    finally:
        process.close()
