"""A folder that replays one failed job: the texts as files, the rest as JSON, and the command in its README.

| file | content |
|---|---|
| `source.py` | payload entry `python_source`, if any |
| `module.mlir` | payload entry `stablehlo`, if any |
| `inputs.json` | the function that was called and the other entries of the payload |
| `verdict.json` | what came of it |
| `README.md` | the command |

`python -m jaxir.executor.reproducer FOLDER` runs the job again, in a fresh sandboxed child, and prints the verdict.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from jaxir.errors import UserError
from jaxir.executor.isolation import run_isolated
from jaxir.executor.isolation.jobs import Job, Limits, Verdict

#: Payload entries that are files of their own.
FILES: Final = {"python_source": "source.py", "stablehlo": "module.mlir"}


def write_reproducer(
    folder: Path, payload: Mapping[str, Any], verdict: Verdict, *, function: str, limits: Limits | None = None
) -> None:
    """Write the folder; files of an earlier reproducer are replaced.

    Args:
        folder: made if it is missing.
        payload: of the job.
        verdict: on the job.
        function: that was called, `package.module:name`.
        limits: that it ran under.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rest = {name: value for name, value in payload.items() if name not in FILES}
    for name, file in FILES.items():
        if name in payload:
            (folder / file).write_text(payload[name], encoding="utf-8", newline="")
    inputs = {"function": function, "limits": dataclasses.asdict(limits or Limits()), "payload": rest}
    (folder / "inputs.json").write_text(json.dumps(inputs, indent=2) + "\n")
    (folder / "verdict.json").write_text(json.dumps(dataclasses.asdict(verdict), indent=2) + "\n")
    (folder / "README.md").write_text(
        f"Job `{verdict.key}`: {verdict.died or 'returned a value'}. To run it again, in a sandboxed process:\n\n"
        f"    python -m jaxir.executor.reproducer {folder.name}\n"
    )


def replay(folder: Path) -> Verdict:
    """Run the job of a reproducer folder again, in a fresh child.

    Raises:
        UserError: the folder holds no reproducer.
    """
    try:
        inputs = json.loads((folder / "inputs.json").read_text())
        key = json.loads((folder / "verdict.json").read_text())["key"]
        payload = dict(inputs["payload"])
        function, limits = inputs["function"], Limits(**inputs["limits"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{folder}: no reproducer ({type(error).__name__}: {error}); expected inputs.json and verdict.json"
        ) from None
    for name, file in FILES.items():
        if (folder / file).exists():
            payload[name] = (folder / file).read_bytes().decode()
    return next(iter(run_isolated(function, [Job(key, payload)], workers=1, limits=limits, fresh=True)))


def main(arguments: list[str]) -> int:
    """The command: prints the verdict as JSON; 2 for a bad folder, else 0."""
    try:
        if len(arguments) != 1:
            raise UserError("expected one folder: python -m jaxir.executor.reproducer FOLDER")
        print(json.dumps(dataclasses.asdict(replay(Path(arguments[0]))), indent=2))
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
