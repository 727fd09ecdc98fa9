"""Records out of one file, streaming: Parquet by batches, JSON Lines by lines, JSON by values.

Memory does not grow with the file. What is broken is a `UserError` that names the file and the place.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from jaxir.errors import UserError

PARQUET = (".parquet", ".pq")
LINES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")
VALUES = (".json", ".json.gz")
_BATCH_ROWS = 256
_CHUNK = 1 << 16
#: One JSON value may be this long, in characters; a longer one is no sample but a broken file.
_MAX_VALUE = 1 << 27


def read_records(path: Path, columns: list[str] | None = None) -> Iterator[dict[str, Any]]:
    """The records of a file in their order; `columns` are the top-level ones a Parquet file is read for.

    Raises:
        UserError: the file cannot be read, or is not what its name says.
    """
    name = path.name.lower()
    if name.endswith(PARQUET):
        return _parquet(path, columns)
    return _json_lines(path) if name.endswith(LINES) else _json_values(path)


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n", 1)[0][:200] or type(error).__name__


def _parquet(path: Path, columns: list[str] | None) -> Iterator[dict[str, Any]]:
    try:
        # No threads: they read ahead, and batches must come in a fixed order from bounded memory.
        with pq.ParquetFile(path, pre_buffer=False) as file:
            for batch in file.iter_batches(_BATCH_ROWS, columns=columns, use_threads=False):
                yield from batch.to_pylist()
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: no readable Parquet file ({_first_line(error)}); copy or make it again") from error


def _open(path: Path) -> IO[str]:
    if path.name.lower().endswith(".gz"):
        return gzip.open(path, "rt", encoding="utf-8-sig")
    return path.open(encoding="utf-8-sig")


def _json_lines(path: Path) -> Iterator[dict[str, Any]]:
    number = 0
    try:
        with _open(path) as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    record = json.loads(line)
                    if not isinstance(record, dict):
                        raise UserError(f"{path}:{number}: expected one JSON object a line, found {_kind(record)}")
                    yield record
    except UnicodeDecodeError as error:
        raise UserError(f"{path}:{number + 1}: not UTF-8 text ({_first_line(error)})") from error
    except (OSError, EOFError) as error:
        raise UserError(f"{path}: cannot be read ({_first_line(error)})") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}:{number}: broken JSON ({_first_line(error)}); expected one object a line") from error


def _json_values(path: Path) -> Iterator[dict[str, Any]]:
    """A list of objects, one object, or objects one after another; an object that only wraps a list is opened."""
    try:
        with _open(path) as file:
            for value in _Values(file, path):
                if isinstance(value, dict):
                    yield from _unwrapped(value)
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 text ({_first_line(error)})") from error
    except (OSError, EOFError) as error:
        raise UserError(f"{path}: cannot be read ({_first_line(error)})") from error


def _unwrapped(value: dict[str, Any]) -> Iterator[dict[str, Any]]:
    lists = [item for item in value.values() if isinstance(item, list) and item and isinstance(item[0], dict)]
    texts = [item for item in value.values() if isinstance(item, str) and "\n" in item]
    if lists and not texts:
        longest = max(lists, key=len)
        yield from (item for item in longest if isinstance(item, dict))
    else:
        yield value


class _Values:
    """Top-level JSON values of a text; the elements of a top-level list count as such. Memory: one value."""

    def __init__(self, file: IO[str], path: Path) -> None:
        self._file, self._path = file, path
        self._buffer, self._at, self._line, self._ended = "", 0, 1, False

    def _more(self, size: int) -> bool:
        chunk = self._file.read(size)
        self._line += self._buffer.count("\n", 0, self._at)
        self._buffer, self._at = self._buffer[self._at :] + chunk, 0
        self._ended = not chunk
        return bool(chunk)

    def _skip(self, characters: str) -> str:
        """Pass over white space and these characters; the next one, or "" at the end."""
        while True:
            while self._at < len(self._buffer) and self._buffer[self._at] in characters:
                self._at += 1
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._more(_CHUNK):
                return ""

    def _value(self) -> Any:
        decoder, size = json.JSONDecoder(), _CHUNK
        while True:
            try:
                value, end = decoder.raw_decode(self._buffer, self._at)
            except (ValueError, RecursionError) as error:
                # Maybe only cut off: read twice as much. A number cut off is no error, but no sample is a number.
                if isinstance(error, RecursionError) or len(self._buffer) > _MAX_VALUE or not self._more(size):
                    line = self._line + self._buffer.count("\n", 0, self._at)
                    raise UserError(
                        f"{self._path}:{line}: broken JSON ({_first_line(error)}) in the value that starts here"
                    ) from error
                size *= 2
            else:
                self._at = end
                return value

    def __iter__(self) -> Iterator[Any]:
        blank = " \t\r\n"
        in_list = False
        while char := self._skip(blank + "," if in_list else blank):
            if char == "[" and not in_list:
                in_list, self._at = True, self._at + 1
            elif char == "]" and in_list:
                in_list, self._at = False, self._at + 1
            else:
                yield self._value()
        if in_list:
            line = self._line + self._buffer.count("\n", 0, self._at)
            raise UserError(f"{self._path}:{line}: broken JSON (the list that it starts with never ends)")


def _kind(value: Any) -> str:
    names = {list: "a list", str: "a text", bool: "a truth value", int: "a number", float: "a number"}
    return names.get(type(value), "null")
