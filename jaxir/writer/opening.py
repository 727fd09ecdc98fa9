"""What stands before a run: folders of something else, the identity of an earlier run, and what a kill left behind."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from jaxir import files
from jaxir.errors import UserError
from jaxir.writer import card, publish

log = logging.getLogger(__name__)

#: Folder of the run state within a corpus.
STATE = ".jaxir"
#: Runs in one folder, by `--fresh`, up to which a damaged record is looked for among them.
GENERATIONS = 1000
#: What hangs on the run record's seal alone.
_SEALED = ("ledger/000000.json", publish.PUBLISHED, publish.COPY)


def refuse_foreign(out: Path, fresh: bool) -> None:
    """`UserError` unless `out` is new, empty, a run's folder or, with `fresh`, a published corpus without its run."""
    if (out / STATE / "run.json").exists() or _remains(out / STATE) or not os.path.lexists(out):
        return
    if not out.is_dir():
        raise UserError(f"{out}: is a file; a corpus is a folder; choose another --out")
    visible = sorted(entry.name for entry in out.iterdir() if not entry.name.startswith("."))
    if not visible:
        return
    if not card.is_card(out / "README.md"):
        raise UserError(f"{out}: holds '{visible[0]}' and is no jaxir corpus; choose an empty or new folder with --out")
    if not fresh:
        raise UserError(
            f"{out}: is a published corpus without its run record ({STATE}/run.json), which cannot be "
            "continued; use --fresh to replace it or choose another --out"
        )


def refuse_foreign_data(out: Path) -> None:
    """`UserError` for a file among the shards that publishing would remove."""
    path = publish.foreign_file(out)
    if path is not None:
        raise UserError(f"{path}: is no shard of jaxir, and publishing replaces its folder; move it elsewhere")


def prepare(out: Path, identity: Mapping[str, Any], fresh: bool) -> tuple[str, dict[str, Any]]:
    """Finish what a killed run began, then compare or write the identity; the caller holds the lock.

    Returns:
        The seal that everything else of the run hangs on, and the identity with the version of pyarrow.

    Raises:
        UserError: a run of another identity, a damaged run record, or a foreign file among the shards.
    """
    state = out / STATE
    wanted: dict[str, Any] = json.loads(files.canonical_json({"pyarrow_version": pa.__version__, **identity}))
    for folder in (state, state / "ledger", state / "segments"):
        files.make_folder(folder)
        for path in sorted(folder.glob(f"*{files.TEMPORARY}")):
            files.remove(path)

    run = state / "run.json"
    entry = files.read_sealed(run)
    doubtful = run.exists() or _remains(state)
    if entry is None and doubtful and not fresh:
        entry = _rebuilt(state, wanted)
    generation = 0
    if entry is not None:
        body, root = entry
        publish.recover(out, state, root)
        refuse_foreign_data(out)
        if not fresh:
            _compare(out, body["identity"], wanted)
            return root, wanted
        generation = body["generation"] + 1
    elif doubtful and not fresh:
        raise UserError(
            f"{run}: is {'damaged' if run.exists() else 'missing'}, so the run goes on with its own settings and "
            "versions alone; give these, use --fresh to start anew, or choose another --out"
        )
    else:
        refuse_foreign_data(out)
        publish.drop(out, state)
    # The new seal alone makes everything of the earlier run void; removing it is only tidiness.
    root = files.write_sealed(run, {"identity": wanted, "generation": generation})
    for name in (publish.PUBLISHED, publish.COPY, "ledger", "segments"):
        files.remove(state / name)
    for name in ("ledger", "segments"):
        files.make_folder(state / name)
    return root, wanted


def _remains(state: Path) -> bool:
    """Whether a run has left more than its record: committed blocks, or what it published."""
    return any((state / name).exists() for name in _SEALED) or any((state / "segments").glob("*.arrow"))


def _rebuilt(state: Path, wanted: Mapping[str, Any]) -> tuple[Any, str] | None:
    """A lost run record as these settings would have it, if what was sealed under it says that it was that one."""
    for generation in range(GENERATIONS):
        body = {"identity": wanted, "generation": generation}
        root = files.seal(body)
        if any(files.read_sealed(state / name, root) for name in _SEALED):
            log.warning("%s: damaged or missing; it is written again, as its rows have it", state / "run.json")
            return body, files.write_sealed(state / "run.json", body)
    return None


def _compare(out: Path, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    def show(values: Mapping[str, Any], key: str) -> str:
        text = json.dumps(values[key]) if key in values else "nothing"
        return text if len(text) <= 60 else text[:57] + "..."

    differing = [key for key in sorted({*old, *new}) if key not in old or key not in new or old[key] != new[key]]
    if differing:
        changes = ", ".join(f"{key} was {show(old, key)}, now {show(new, key)}" for key in differing)
        raise UserError(
            f"{out}: holds a run with other settings: {changes}; use --fresh to start anew or another --out"
        )
