"""The system call filter by itself: in a sandboxed child Landlock would hide what it lets through."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

SCRIPT = """
import fcntl, json, os, resource, signal, socket, struct, sys, threading
from jaxir.executor.isolation import seccomp

parent = os.getppid()
one, other = socket.socketpair()
path = sys.argv[1]
to_parent = struct.pack("ii", 1, parent)  # F_OWNER_PID
calls = {
    "fork": lambda: os.fork() or os._exit(0),
    "execve": lambda: os.execv("/bin/true", ["true"]),
    "kill": lambda: os.kill(parent, 0),
    "socket": lambda: socket.socket(),
    "chmod": lambda: os.chmod(path, 0o600),
    "sched_setaffinity": lambda: os.sched_setaffinity(parent, os.sched_getaffinity(parent)),
    "prlimit": lambda: resource.prlimit(parent, resource.RLIMIT_CORE, resource.getrlimit(resource.RLIMIT_CORE)),
    "F_SETOWN": lambda: fcntl.fcntl(one, fcntl.F_SETOWN, parent),
    "F_SETSIG": lambda: fcntl.fcntl(one, fcntl.F_SETSIG, signal.SIGKILL),
    "F_SETOWN_EX": lambda: fcntl.fcntl(one, 15, to_parent),
    "FIOSETOWN": lambda: fcntl.ioctl(one, 0x8901, struct.pack("i", parent)),
    "SIOCSPGRP": lambda: fcntl.ioctl(one, 0x8902, struct.pack("i", parent)),
    # What must go on.
    "kill oneself": lambda: os.kill(os.getpid(), 0),
    "F_GETFL": lambda: fcntl.fcntl(one, fcntl.F_GETFL),
    "F_SETFL": lambda: fcntl.fcntl(one, fcntl.F_SETFL, os.O_NONBLOCK),
    "F_GETOWN": lambda: fcntl.fcntl(one, fcntl.F_GETOWN),
    "F_DUPFD_CLOEXEC": lambda: fcntl.fcntl(one, fcntl.F_DUPFD_CLOEXEC, 10),
    "FIONREAD": lambda: fcntl.ioctl(one, 0x541B, b"1234"),
    "thread": lambda: threading.Thread(target=int).start(),
    "sched_getaffinity": lambda: os.sched_getaffinity(0),
    "getrlimit": lambda: resource.getrlimit(resource.RLIMIT_NOFILE),
}
assert seccomp.install()
denied = []
for name, call in calls.items():
    try:
        call()
    except PermissionError:
        denied.append(name)
print(json.dumps(denied))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="seccomp is Linux's")
def test_calls_that_reach_out_are_denied_and_others_go_on(tmp_path):
    path = tmp_path / "file"
    path.touch()
    done = subprocess.run([sys.executable, "-c", SCRIPT, path], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [
        *("fork", "execve", "kill", "socket", "chmod", "sched_setaffinity", "prlimit"),
        *("F_SETOWN", "F_SETSIG", "F_SETOWN_EX", "FIOSETOWN", "SIOCSPGRP"),
    ]
