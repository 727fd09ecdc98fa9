"""Hostile Python: each would harm a process that runs it without walls."""

from __future__ import annotations


def forging(reply: str) -> str:
    """A source that leaves a reply of its own."""
    return (
        f"import os\nfor fd in range(3, 64):\n    try: os.write(fd, {reply.encode()!r})\n"
        "    except OSError: pass\nos._exit(0)"
    )


#: What a wall answers.
_DENIED = "exception Rejected: trace: PermissionError"
#: Name to (source, how the verdict begins; several are divided by `|`). `{folder}` is a folder that must stay as it is.
SOURCES: dict[str, tuple[str, str]] = {
    "os._exit": ("import os\nos._exit(0)", "exit code 0"),
    "os._exit with a code": ("import os\nos._exit(7)", "exit code 7"),
    "sys.exit": ("import sys\nsys.exit(3)", "exception Rejected: trace: SystemExit"),
    "infinite loop": ("while True: pass", "time limit"),
    "infinite loop of XLA": (
        "import jax\ndef kernel(x):\n    return jax.lax.while_loop(lambda v: v > 0, lambda v: v + 1, x)",
        "time limit",
    ),
    "fork bomb": ("import os\nwhile True: os.fork()", _DENIED),
    "a process that stays": (
        "import subprocess, sys\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True)",
        _DENIED,
    ),
    "thread bomb": (
        "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(600,)).start()",
        "exception Rejected",
    ),
    "memory bomb": ("import numpy\nheld = []\nwhile True: held.append(numpy.empty(1 << 24))", "memory limit"),
    "a terabyte": ("import numpy\nnumpy.ones(1 << 37)", "memory limit"),
    "write a file": ("open('{folder}/made', 'w').write('x')", _DENIED),
    "truncate a file": ("open('{folder}/kept', 'w')", _DENIED),
    "remove a file": ("import os\nos.remove('{folder}/kept')", _DENIED),
    "change a file's mode": ("import os\nos.chmod('{folder}/kept', 0)", _DENIED),
    "make a folder": ("import os\nos.mkdir('{folder}/made')", _DENIED),
    "rename a file": ("import os\nos.rename('{folder}/kept', '{folder}/made')", _DENIED),
    "open a socket": ("import socket\nsocket.socket()", _DENIED),
    "raise BaseException": ("class Mine(BaseException): pass\nraise Mine('out of the way')", "exception Mine"),
    "raise KeyboardInterrupt": ("raise KeyboardInterrupt", "exception KeyboardInterrupt"),
    "an exception whose text raises": (
        "class Mine(BaseException):\n    def __str__(self): raise SystemExit(9)\nraise Mine()",
        "exception Mine",
    ),
    "print a gigabyte": ("line = 'x' * (1 << 20)\nfor _ in range(1024): print(line)", "|time limit"),
    "kill the parent": ("import os, signal\nos.kill(os.getppid(), signal.SIGKILL)", _DENIED),
    "stop the parent": ("import os, signal\nos.kill(os.getppid(), signal.SIGSTOP)", _DENIED),
    "kill everything": ("import os, signal\nos.kill(-1, signal.SIGKILL)", _DENIED),
    "a signal without a name": ("import os\nos.kill(os.getpid(), 40)", "signal 40"),
    "kill itself": ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
    "segmentation fault": ("import ctypes\nctypes.string_at(0)", "SIGSEGV"),
    "abort": ("import os\nos.abort()", "SIGABRT"),
    # Python 3.11 takes memory for it, others the stack.
    "deep recursion": (
        "import sys\nsys.setrecursionlimit(1 << 30)\ndef f(): f()\nf()",
        "memory limit|time limit|SIGSEGV|exception Rejected",
    ),
    "close every file": ("import os\nos.closerange(0, 4096)", "exit code"),
    "forge a reply": (forging("[" * 100_000), "no result"),
    # Nothing tells it from a true one: what a verdict is used for must not rest on its shape.
    "forge a good reply": (forging('{"value": {"status": "agreed", "limits": "no json", "id": "another"}}'), ""),
    "a reply without end": (
        "import os\nwhile True:\n    for fd in range(3, 64):\n        try: os.write(fd, b'x' * 60000)\n"
        "        except OSError: pass",
        "result too large",
    ),
    "raise the limits": (
        "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (1 << 30, 1 << 30))",
        "exception Rejected: trace: ValueError",
    ),
    "ignore signals": (
        "import signal\nfor number in (1, 2, 15): signal.signal(number, signal.SIG_IGN)\nwhile True: pass",
        "time limit",
    ),
}
