"""One call of a job's function and the bounded text that says what came of it; runs in the process that may die."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from typing import Any, Final

#: Longest text of an exception that is handed on.
DETAIL_CHARS: Final = 300

Function = Callable[[dict[str, Any]], dict[str, Any]]

#: What allocators say when there is no more; they raise or abort with it.
_NO_MEMORY: Final = ("bad_alloc", "MemoryError", "RESOURCE_EXHAUSTED", "Out of memory", "Cannot allocate memory")


def resolve(function: str) -> Function:
    """The function named `package.module:name`."""
    module, _, name = function.partition(":")
    return getattr(importlib.import_module(module), name)  # type: ignore[no-any-return]  # `getattr` cannot say which


def no_memory(text: str) -> bool:
    """Whether a message says that memory ran out."""
    return any(phrase in text for phrase in _NO_MEMORY)


def one_line(text: str) -> str:
    """Printable text of one line, cut."""
    return "".join(char if char.isprintable() else " " for char in text[: 4 * DETAIL_CHARS]).strip()[:DETAIL_CHARS]


def _died(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return "memory limit"
    if isinstance(error, SystemExit):
        code = error.code if isinstance(error.code, int) else 0 if error.code is None else 1
        return f"exit code {code & 255}"
    try:
        detail = one_line(str(error))
    except BaseException:  # foreign code may raise an exception whose text raises another
        detail = ""
    name = one_line(type(error).__name__)
    return "memory limit" if no_memory(f"{name} {detail}") else f"exception {name}: {detail}".rstrip(": ")


def call(function: Function, payload: str, most_bytes: int) -> bytes:
    """JSON of `{"value": ...}` or `{"died": reason}`, never longer than `most_bytes`.

    Args:
        function: takes and returns a dict that JSON can hold.
        payload: JSON text of its argument.
        most_bytes: a longer reply becomes `result too large`.
    """
    try:
        value: object = function(json.loads(payload))
        if not isinstance(value, dict):
            return _reason(f"returned {one_line(type(value).__name__)}, not a dict")
        text = json.dumps({"value": value}).encode()
    except BaseException as error:
        # Foreign code may raise anything, and leave by `sys.exit`: each is a verdict on the job.
        return _reason(_died(error))
    return text if len(text) <= most_bytes else _reason("result too large")


def _reason(died: str) -> bytes:
    return json.dumps({"died": died}).encode()


def read(raw: bytes) -> tuple[dict[str, Any] | None, str]:
    """A reply as (value, died). Foreign code may have written it: anything else than `call` makes is `no result`."""
    try:
        reply = json.loads(raw)
    except (ValueError, RecursionError):
        return None, "no result"
    if isinstance(reply, dict):
        value, died = reply.get("value"), reply.get("died")
        if isinstance(value, dict):
            return value, ""
        if isinstance(died, str) and died.strip():
            return None, one_line(died)
    return None, "no result"
