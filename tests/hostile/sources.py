"""Hostile Python: each would harm a process that runs it without walls."""

from __future__ import annotations

#: Name to (source, how the verdict begins; several are divided by `|`). `{folder}` is a folder that must stay as it is.
SOURCES: dict[str, tuple[str, str]] = {
    "os._exit": ("import os\nos._exit(0)", "exit code 0"),
    "os._exit with a code": ("import os\nos._exit(7)", "exit code 7"),
    "sys.exit": ("import sys\nsys.exit(3)", "exception Rejected"),
    "infinite loop": ("while True: pass", "time limit"),
    "infinite loop of XLA": (
        "import jax\ndef kernel(x):\n    return jax.lax.while_loop(lambda v: v > 0, lambda v: v + 1, x)",
        "time limit",
    ),
    "fork bomb": ("import os\nwhile True: os.fork()", "exception Rejected"),
    "a process that stays": (
        "import subprocess, sys\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True)",
        "exception Rejected",
    ),
    "thread bomb": (
        "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(600,)).start()",
        "exception Rejected",
    ),
    "memory bomb": ("import numpy\nheld = []\nwhile True: held.append(numpy.empty(1 << 24))", "memory limit"),
    "a terabyte": ("import numpy\nnumpy.ones(1 << 37)", "memory limit"),
    "write a file": ("open('{folder}/made', 'w').write('x')", "exception Rejected"),
    "truncate a file": ("open('{folder}/kept', 'w')", "exception Rejected"),
    "remove a file": ("import os\nos.remove('{folder}/kept')", "exception Rejected"),
    "change a file's mode": ("import os\nos.chmod('{folder}/kept', 0)", "exception Rejected"),
    "make a folder": ("import os\nos.mkdir('{folder}/made')", "exception Rejected"),
    "rename a file": ("import os\nos.rename('{folder}/kept', '{folder}/made')", "exception Rejected"),
    "open a socket": ("import socket\nsocket.create_connection(('127.0.0.1', 9))", "exception Rejected"),
    "raise BaseException": ("class Mine(BaseException): pass\nraise Mine('out of the way')", "exception Mine"),
    "raise KeyboardInterrupt": ("raise KeyboardInterrupt", "exception KeyboardInterrupt"),
    "an exception whose text raises": (
        "class Mine(BaseException):\n    def __str__(self): raise SystemExit(9)\nraise Mine()",
        "exception Mine",
    ),
    "print a gigabyte": ("line = 'x' * (1 << 20)\nfor _ in range(1024): print(line)", "|time limit"),
    "kill the parent": ("import os, signal\nos.kill(os.getppid(), signal.SIGKILL)", "exception Rejected"),
    "stop the parent": ("import os, signal\nos.kill(os.getppid(), signal.SIGSTOP)", "exception Rejected"),
    "kill everything": ("import os, signal\nos.kill(-1, signal.SIGKILL)", "exception Rejected"),
    "kill itself": ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
    "segmentation fault": ("import ctypes\nctypes.string_at(0)", "SIGSEGV"),
    "abort": ("import os\nos.abort()", "SIGABRT"),
    # Python 3.11 takes memory for it, others the stack.
    "deep recursion": (
        "import sys\nsys.setrecursionlimit(1 << 30)\ndef f(): f()\nf()",
        "memory limit|time limit|SIGSEGV|exception Rejected",
    ),
    "close every file": ("import os\nos.closerange(0, 4096)", "exit code"),
    "forge a reply": (
        "import os\nfor fd in range(3, 64):\n    try: os.write(fd, b'[' * 100000)\n    except OSError: pass",
        "no result",
    ),
    "a reply without end": (
        "import os\nwhile True:\n    for fd in range(3, 64):\n        try: os.write(fd, b'x' * 60000)\n"
        "        except OSError: pass",
        "result too large",
    ),
    "raise the limits": (
        "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (1 << 30, 1 << 30))",
        "exception Rejected",
    ),
    "ignore signals": (
        "import signal\nfor number in (1, 2, 15): signal.signal(number, signal.SIG_IGN)\nwhile True: pass",
        "time limit",
    ),
}
