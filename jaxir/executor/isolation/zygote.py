"""The process that forks one sandboxed child for each job: `main` is all that it runs.

It imports the job's function, and with it JAX, once; a child then starts in hundredths of a second. It never starts a
JAX backend nor makes an MLIR context, because a fork after either hangs. It never reads what a child sends, only counts
it; it ends when its standard input does.

Frames on standard input: `JOB` (number, length) and the payload; on standard output: `END` (number, reason, exit code,
seconds, lengths), the result and the last bytes that the child printed. The first frame out says that it is ready.
"""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import os
import selectors
import signal
import struct
import sys
import time
import traceback
import warnings
from collections import deque
from typing import Final

from jaxir.executor.isolation import reply, sandbox

JOB: Final = struct.Struct("=QI")
END: Final = struct.Struct("=QBidII")
#: Why the supervisor killed a child; 0: it did not.
REASONS: Final = ("", "time limit", "result too large")
#: Number of the frame that says that the function could be imported, or its traceback.
READY: Final = 2**64 - 1
#: Exit code of a child that could not be shut in or could not reply.
FAILED: Final = 121
#: Bytes of a child's output that are kept.
TAIL_BYTES: Final = 4096

_CHUNK: Final = 1 << 16
#: Chunks that the pipe of a dead child may still hold; Linux allows pipes of 1 MiB.
_PIPE_CHUNKS: Final = 16


@dataclasses.dataclass(frozen=True)
class Settings:
    """What the parent passes on the command line."""

    function: str
    workers: int
    seconds: float
    memory_bytes: int
    result_bytes: int

    def arguments(self) -> list[str]:
        return [str(getattr(self, field.name)) for field in dataclasses.fields(self)]

    @classmethod
    def parse(cls, arguments: list[str]) -> Settings:
        function, workers, seconds, memory_bytes, result_bytes = arguments
        return cls(function, int(workers), float(seconds), int(memory_bytes), int(result_bytes))


class _Child:
    """A running job."""

    def __init__(self, number: int, pid: int, result: int, output: int, seconds: float) -> None:
        self.number = number
        self.pid = pid
        self.pidfd = os.pidfd_open(pid)
        self.started = time.monotonic()
        self.deadline = self.started + seconds
        self.reason = 0
        #: bytes so far by pipe
        self.pipes = {result: bytearray(), output: bytearray()}
        self.result, self.output = result, output

    def kill(self) -> None:
        for kill in (os.killpg, os.kill):  # the group exists once the child has made it
            with contextlib.suppress(ProcessLookupError):
                kill(self.pid, signal.SIGKILL)


def _run(function: reply.Function, payload: bytes, settings: Settings, result: int, output: int, parent: int) -> None:
    """The child's whole life."""
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    for name in os.listdir("/proc/self/fd"):
        if int(name) not in (0, 1, 2, result):
            with contextlib.suppress(OSError):  # the listing's own descriptor is gone already
                os.close(int(name))
    sandbox.enter(parent, settings.seconds, settings.memory_bytes)
    left = memoryview(reply.call(function, payload.decode(), settings.result_bytes))
    while left:
        left = left[os.write(result, left) :]


class Zygote:
    """The loop over children; one thread, never blocked by a child."""

    def __init__(self, settings: Settings, function: reply.Function, frames_out: int) -> None:
        self.settings = settings
        self.function = function
        self.frames_out = frames_out
        self.selector = selectors.DefaultSelector()
        self.waiting: deque[tuple[int, bytes]] = deque()
        self.children: dict[int, _Child] = {}  # by pid
        self.unsent = bytearray()
        os.set_blocking(frames_out, False)
        self.selector.register(0, selectors.EVENT_READ, None)

    def serve(self) -> None:
        """Run jobs until the parent hangs up."""
        while True:
            deadline = min((child.deadline for child in self.children.values()), default=None)
            timeout = None if deadline is None else max(deadline - time.monotonic(), 0.0)
            for key, _ in self.selector.select(timeout):
                if key.data is not None:
                    self.event(key.fd, key.data)
                elif key.fd == self.frames_out:
                    self.flush()
                elif not self.receive():
                    for child in self.children.values():
                        child.kill()
                    return
            now = time.monotonic()
            for child in self.children.values():
                if now >= child.deadline:
                    child.reason = child.reason or 1
                    child.deadline = now + 1.0  # then once more
                    child.kill()
            while self.waiting and len(self.children) < self.settings.workers:
                self.fork(*self.waiting.popleft())

    def receive(self) -> bool:
        """Read one frame of the parent, which writes it as a whole; False at the end."""
        head = _read_exactly(0, JOB.size)
        if head is None:
            return False
        number, length = JOB.unpack(head)
        payload = _read_exactly(0, length)
        if payload is None:
            return False
        self.waiting.append((number, payload))
        return True

    def fork(self, number: int, payload: bytes) -> None:
        result, result_end = os.pipe()
        output, output_end = os.pipe()
        parent = os.getpid()
        pid = os.fork()
        if not pid:
            try:
                _run(self.function, payload, self.settings, result_end, output_end, parent)
            except BaseException:
                traceback.print_exc()
                os._exit(FAILED)
            os._exit(0)
        os.close(result_end)
        os.close(output_end)
        child = _Child(number, pid, result, output, self.settings.seconds)
        self.children[pid] = child
        for descriptor in (result, output, child.pidfd):
            os.set_blocking(descriptor, False)
            self.selector.register(descriptor, selectors.EVENT_READ, child)

    def event(self, descriptor: int, child: _Child) -> None:
        if child.pid not in self.children:
            return  # its end was among the same events
        if descriptor == child.pidfd:
            self.finish(child)
        elif not self.drain(descriptor, child):
            self.selector.unregister(descriptor)

    def drain(self, pipe: int, child: _Child) -> bool:
        """Take one chunk of a pipe that is ready; False where there is none."""
        try:
            chunk = os.read(pipe, _CHUNK)
        except BlockingIOError:
            return False
        data = child.pipes[pipe]
        if pipe == child.output:
            data += chunk
            del data[:-TAIL_BYTES]
        elif len(data) + len(chunk) > self.settings.result_bytes:
            child.reason = child.reason or 2
            child.kill()
        else:
            data += chunk
        return bool(chunk)

    def finish(self, child: _Child) -> None:
        child.kill()  # whatever else is in its group
        _, status = os.waitpid(child.pid, 0)
        for pipe in child.pipes:
            for _ in range(_PIPE_CHUNKS):
                if not self.drain(pipe, child):
                    break
        for descriptor in (*child.pipes, child.pidfd):
            with contextlib.suppress(KeyError):
                self.selector.unregister(descriptor)
            os.close(descriptor)
        del self.children[child.pid]
        seconds = time.monotonic() - child.started
        self.send(
            child.number,
            child.reason,
            os.waitstatus_to_exitcode(status),
            seconds,
            bytes(child.pipes[child.result]),
            bytes(child.pipes[child.output]),
        )

    def send(self, number: int, reason: int, code: int, seconds: float, result: bytes, tail: bytes) -> None:
        self.unsent += END.pack(number, reason, code, seconds, len(result), len(tail)) + result + tail
        self.flush()

    def flush(self) -> None:
        """Write what the parent takes at once, and the rest when it is ready."""
        with contextlib.suppress(BlockingIOError, BrokenPipeError):
            del self.unsent[: os.write(self.frames_out, self.unsent)]
        registered = self.frames_out in self.selector.get_map()
        if self.unsent and not registered:
            self.selector.register(self.frames_out, selectors.EVENT_WRITE, None)
        elif registered and not self.unsent:
            self.selector.unregister(self.frames_out)


def _read_exactly(descriptor: int, count: int) -> bytes | None:
    data = bytearray()
    while len(data) < count:
        chunk = os.read(descriptor, min(count - len(data), 1 << 20))
        if not chunk:
            return None
        data += chunk
    return bytes(data)


def main() -> None:
    """Import the function, say so, serve."""
    settings = Settings.parse(sys.argv[1:])
    # What imports print must not get between the frames.
    frames_out = os.dup(1)
    os.dup2(2, 1)
    # JAX's warning about a fork concerns a started backend.
    warnings.filterwarnings("ignore", message=".*fork.*")
    try:
        function = reply.resolve(settings.function)
    except Exception:
        text = traceback.format_exc().encode()
        os.write(frames_out, END.pack(READY, 0, 1, 0.0, 0, len(text)) + text)
        return
    zygote = Zygote(settings, function, frames_out)
    gc.freeze()  # children share these pages
    zygote.send(READY, 0, 0, 0.0, b"", b"")
    zygote.serve()
