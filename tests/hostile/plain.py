"""What the child processes of the isolation tests do where no JAX is needed; a worker then starts in no time."""

from __future__ import annotations

import os
import time
from typing import Any


def echo(payload: dict[str, Any]) -> dict[str, Any]:
    return payload | {"pid": os.getpid(), "variables": {name: os.environ.get(name) for name in ("JAX_PLATFORMS", "X")}}


def sleep_and_echo(payload: dict[str, Any]) -> dict[str, Any]:
    time.sleep(payload["seconds"])
    return {"pid": os.getpid()}


def execute(payload: dict[str, Any]) -> dict[str, Any]:
    exec(payload["python_source"], {})
    return {}
