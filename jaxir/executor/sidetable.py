"""Results on the rows of a corpus, kept beside it: `OUT/verification/cpu-00000.parquet` and further parts.

The shards of the corpus stay as they are. Each part is written whole under a temporary name and moved in, so a run that
was killed goes on after its last part. The settings of the run are in the metadata of every part; parts of other
settings are refused.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from jaxir import files
from jaxir.errors import UserError

#: Rows of a part.
PART: Final = 200
_SETTINGS: Final = b"jaxir settings"


class SideTable:
    """The parts of one device.

    Args:
        folder: where the parts are.
        name: what their names begin with.
        schema: of each part; it has a column `id`.
        settings: what decides the results; plain JSON types.
        fresh: drop parts that are there.

    Raises:
        UserError: parts of other settings are there, or one is damaged.
    """

    def __init__(
        self, folder: Path, name: str, schema: pa.Schema, settings: Mapping[str, Any], *, fresh: bool = False
    ) -> None:
        self.folder = folder
        self.name = name
        self._settings = json.dumps(settings, sort_keys=True)
        self._schema = schema.with_metadata({_SETTINGS: self._settings.encode()})
        self._rows: list[dict[str, Any]] = []
        with files.disk_errors(folder):
            files.make_folder(folder)
            if fresh:
                for path in self.parts():
                    files.remove(path)
        self.done = {row["id"] for row in self.rows(["id"])}

    def parts(self) -> list[Path]:
        """The files that are written, sorted by name."""
        return sorted(path for path in self.folder.glob(f"{self.name}-*.parquet") if self._number(path) >= 0)

    def _number(self, path: Path) -> int:
        """The number in the name of a part, -1 where it is another file."""
        number = path.stem.removeprefix(f"{self.name}-")
        return int(number) if number.isdecimal() else -1

    def rows(self, columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
        """The rows of all parts that are written."""
        for path in self.parts():
            try:
                table = pq.read_table(path)
                settings = (table.schema.metadata or {})[_SETTINGS].decode()
                chosen = table.select(self._schema.names if columns is None else list(columns))
            except (pa.ArrowException, OSError, KeyError):
                raise UserError(f"{path}: damaged or no part of such a table; remove it, or give --fresh") from None
            if settings != self._settings:
                raise UserError(
                    f"{path}: was made with {settings}, not {self._settings}; give --fresh, or another --out"
                )
            yield from chosen.to_pylist()

    def add(self, row: Mapping[str, Any]) -> None:
        """Keep a row; a part is written when there are `PART` of them."""
        self._rows.append({name: row.get(name) for name in self._schema.names})
        if len(self._rows) == PART:
            self.flush()

    def flush(self) -> None:
        """Write what is kept as a part."""
        if not self._rows:
            return
        buffer = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(self._rows, schema=self._schema), buffer, compression="zstd")
        # Not their count: where a damaged part was removed, that is the number of another one.
        number = 1 + max(map(self._number, self.parts()), default=-1)
        path = self.folder / f"{self.name}-{number:05d}.parquet"
        with files.disk_errors(path):
            files.write_atomic(path, buffer.getvalue())
        self._rows = []
