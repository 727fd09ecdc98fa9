"""What the parent remembers of each row: bytes and time a row of `jaxir.admission`, without any lowering.

    python scripts/admission_memory.py --rows 1000000

Rows are synthetic: each has a new IR, source and behaviour, two share a skeleton (of 100,000 real ones only every
twelfth shares one with an earlier row). Prints JSON.
"""

from __future__ import annotations

import hashlib
import json
import time
from typing import Any

import click
import psutil

from jaxir.admission import Admission, Tally
from jaxir.sample import CATEGORIES, split_of


def row(index: int) -> dict[str, Any]:
    mark = hashlib.sha256(str(index).encode()).hexdigest()
    skeleton = hashlib.sha256(f"skeleton {index // 2}".encode()).hexdigest()[:32]
    return {
        "canonical_hash": mark[:32],
        "skeleton_hash": skeleton,
        "behavior_hash": mark[32:],
        "python_source": mark,
        "split": split_of(skeleton),
        "category": CATEGORIES[index % len(CATEGORIES)],
        "level": 1 + index % 5,
        "operation": f"op_{index % 300}",
        "verified": ("numpy", "interpreter"),
        "python_chars": 300 + index * 7919 % 2000,
        "ir_chars": 500 + index * 104729 % 20000,
    }


@click.command()
@click.option("--rows", type=click.IntRange(1), default=1_000_000, show_default=True)
def main(rows: int) -> None:
    """See the text at the top of this file."""
    process = psutil.Process()
    before = process.memory_info().rss
    admission, tally = Admission(rows_per_skeleton=5), Tally()
    seconds = 0.0
    for start in range(0, rows, 1_000):
        made = [row(index) for index in range(start, min(start + 1_000, rows))]
        started = time.process_time()
        for new in made:
            if admission.refuse(new):
                raise AssertionError(f"row {new} is new and was refused")
            tally.add(new)
        seconds += time.process_time() - started
    after = process.memory_info().rss
    figures = {
        "rows": rows,
        "bytes_per_row": round((after - before) / rows, 1),
        "state_mb": round((after - before) / 1e6, 1),
        "rss_mb": round(after / 1e6, 1),
        "cpu_us_per_row": round(1e6 * seconds / rows, 2),
        "rows_per_cpu_second": round(rows / seconds),
    }
    click.echo(json.dumps(figures))


if __name__ == "__main__":
    main()
