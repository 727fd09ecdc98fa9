"""What a process does to itself before it runs foreign code or text: it gives up everything but reading and computing.

`enter` is for a forked child with one thread. Each wall stands where the system has it, and none relies on another:

| wall | keeps in |
|---|---|
| own session | the group can be killed as one |
| parent-death signal | no orphan when the supervisor is killed |
| rlimits | memory, CPU time, file size 0, open files, no core dumps |
| Landlock | no file or folder is made, changed or removed; from ABI 4 no TCP, from ABI 6 no signals to others |
| seccomp (`jaxir.executor.isolation.seccomp`) | no processes, sockets, signals, modes, mounts, shared memory |

What stays open: foreign code reads what its user may read. It cannot send it anywhere but into its own result.
"""

from __future__ import annotations

import ctypes
import math
import os
import signal
import struct
import sys
import threading
import time
from typing import Final

from jaxir.executor.isolation import seccomp

#: Files that a child may hold open; XLA needs a handful.
OPEN_FILES: Final = 128

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
# The same numbers on every architecture; see linux/landlock.h.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_CREATE_RULESET_VERSION, _RULE_PATH_BENEATH = 1, 1
_READING: Final = 1 << 0 | 1 << 2 | 1 << 3  # execute, read a file, read a folder
_WRITE_FILE: Final = 1 << 1
#: Bits of file system access that an ABI knows, counted from 0.
_ACCESS_BITS: Final = {1: 13, 2: 14, 3: 15, 4: 15}
_NEWEST_ACCESS_BITS: Final = 16
_TCP: Final = 0b11  # bind, connect
_SCOPES: Final = 0b11  # abstract sockets, signals


def end_with(parent: int) -> None:
    """Let this process be killed when its parent ends.

    Args:
        parent: the parent's process id, taken before this process was started.
    """
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    else:

        def watch() -> None:
            while os.getppid() == parent:
                time.sleep(1)
            os._exit(1)

        threading.Thread(target=watch, daemon=True).start()
    if os.getppid() != parent:  # it ended before the line above
        os._exit(1)


def limit_memory(memory_bytes: int) -> None:
    """Bound the address space of this process, where the system can (not on macOS and Windows)."""
    if sys.platform.startswith("linux"):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


def landlock() -> int:
    """Make the file system read-only for this thread and those it starts; returns its ABI, 0 if missing."""
    if not sys.platform.startswith("linux"):
        return 0
    libc = ctypes.CDLL(None, use_errno=True)
    abi = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _CREATE_RULESET_VERSION)
    if abi < 1:
        return 0
    handled = ((1 << _ACCESS_BITS.get(abi, _NEWEST_ACCESS_BITS)) - 1) & ~_READING
    attributes = struct.pack("=Q", handled)
    if abi >= 4:
        attributes += struct.pack("=Q", _TCP)
    if abi >= 6:
        attributes += struct.pack("=Q", _SCOPES)
    ruleset = libc.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    if ruleset < 0:
        return 0
    null = os.open(os.devnull, os.O_PATH)
    rule = struct.pack("=Qi", _WRITE_FILE, null)
    done = (
        libc.syscall(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, rule, 0) == 0
        and libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
        and libc.syscall(_RESTRICT_SELF, ruleset, 0) == 0
    )
    os.close(null)
    os.close(ruleset)
    return abi if done else 0


def enter(parent: int, seconds: float, memory_bytes: int) -> None:
    """Shut this process in. It must have one thread: later threads inherit the walls, running ones would not.

    Args:
        parent: process id of the supervisor.
        seconds: wall-clock limit, which the supervisor enforces; CPU time is bounded by it times the cores.
        memory_bytes: address space. JAX needs 2 GB; with 1 GB it was seen to hang.
    """
    import resource

    os.setsid()
    end_with(parent)
    cpu_seconds = math.ceil(seconds * (os.cpu_count() or 1)) + 1
    limits = {
        resource.RLIMIT_AS: memory_bytes,
        resource.RLIMIT_CPU: cpu_seconds,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NOFILE: OPEN_FILES,
        resource.RLIMIT_CORE: 0,
    }
    for name, most in limits.items():
        resource.setrlimit(name, (most, most))
    landlock()
    seccomp.install()
