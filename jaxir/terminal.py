"""What a run shows: a progress bar on a terminal, plain lines in a log file, and how to go on after Ctrl-C."""

from __future__ import annotations

import contextlib
import shlex
import signal
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from tqdm import tqdm

from jaxir.pipeline import Progress

#: Seconds between two lines where the output is no terminal.
LOG_INTERVAL = 10.0


def command_line() -> str:
    """The command as it was typed, for the card and for how to go on; without `--fresh`, which would begin anew."""
    return shlex.join(["jaxir", *(word for word in sys.argv[1:] if word != "--fresh")])


class _Terminated(BaseException):
    """SIGTERM arrived; like KeyboardInterrupt it is no Exception, so that nothing catches it on the way."""


class Bar:
    """Shows `Progress`; as a context it turns Ctrl-C and SIGTERM into one line on how to go on (exit code 130, 143)."""

    def __init__(self, folder: Path, again: str) -> None:
        self._folder = folder
        self._again = again
        self._bar: Any = None
        self._shown: Progress | None = None
        self.checked = 0  #: kernels that were lowered both ways
        self._before: Any = None

    def __call__(self, progress: Progress) -> None:
        if self._bar is None:
            live = sys.stderr.isatty()
            self._bar = tqdm(
                total=progress.target,
                initial=progress.rows,
                unit="row",
                desc="distinct rows",
                dynamic_ncols=live,
                ncols=None if live else 110,
                mininterval=0.2 if live else LOG_INTERVAL,
                maxinterval=LOG_INTERVAL,
                smoothing=0.1,
                # In a log file each state is a line of its own instead of overwriting the last one.
                file=sys.stderr if live else _Lines(),
            )
        candidates = progress.rows + progress.rejected
        share = progress.rejected / candidates if candidates else 0.0
        self._bar.set_postfix_str(f"rejected {progress.rejected} ({share:.1%}) {progress.note}".rstrip(), refresh=False)
        self._bar.update(progress.rows - self._bar.n)
        self._shown = progress
        self.checked = max(self.checked, progress.checked)

    def __enter__(self) -> Bar:
        self._before = signal.signal(signal.SIGTERM, _raise_terminated)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.signal(signal.SIGTERM, self._before)
        if self._bar is not None:
            self._bar.close()
        if isinstance(error, KeyboardInterrupt | _Terminated):
            safe = f"{self._shown.rows} rows are safe in {self._folder}; " if self._shown else ""
            _Lines().write(f"jaxir: stopped; {safe}go on with: {self._again}")
            sys.exit(130 if isinstance(error, KeyboardInterrupt) else 143)


def _raise_terminated(number: int, frame: FrameType | None) -> None:
    raise _Terminated


class _Lines:
    """Standard error as a log of lines, each state of tqdm's bar one; a log that cannot be written ends no run."""

    def write(self, text: str) -> None:
        text = text.strip("\r\n ")
        if text:
            with contextlib.suppress(OSError):
                sys.stderr.write(text + "\n")

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            sys.stderr.flush()


def summary(folder: Path, figures: Mapping[str, Any], checked: int = 0) -> Iterator[str]:
    """The lines after a run: what is there, what was refused and why, and what to do with it.

    Args:
        folder: of the corpus.
        figures: of `stats.json`.
        checked: kernels that were lowered both ways in this run.
    """
    yield (
        f"{folder}: {figures['rows']} rows, {figures['distinct_canonical_hashes']} distinct IRs, "
        f"{figures['distinct_skeletons']} distinct skeletons"
    )
    yield "  categories: " + ", ".join(f"{name} {count}" for name, count in figures["categories"].items())
    yield "  splits: " + ", ".join(f"{name} {count}" for name, count in figures["splits"].items())
    verified = ", ".join(f"{oracles or 'none'} {count}" for oracles, count in figures["verified"].items())
    yield f"  verified by: {verified}"
    if checked:
        yield f"  {checked} kernels were lowered again by public JAX: every text was the same"
    yield f"  rejected: {figures['rejected']} of {figures['candidates']} candidates ({figures['rejection_rate']:.1%})"
    most = sorted(figures["rejections"], key=lambda entry: -entry["count"])
    for entry in most[:8]:
        yield f"    {entry['count']:>6}  {entry['stage']}: {entry['reason']}"
    if len(most) > 8:
        yield f"    {sum(entry['count'] for entry in most[8:]):>6}  for {len(most) - 8} other reasons, see stats.json"
    yield f'  load it: datasets.load_dataset("{folder}")    look at it: jaxir analyze {folder}'
