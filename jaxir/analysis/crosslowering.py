"""How the lowering of a corpus's sources differs from platform to platform, without any of the devices.

The sources are executed for it, so each is lowered in a child process that may die (`jaxir.executor.isolation`).
"""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from jaxir.analysis.corpus import Corpus
from jaxir.analysis.irtext import scan
from jaxir.executor.crossdevice import is_histogram
from jaxir.executor.isolation import Job, Limits, Verdict, run_isolated

#: The platform that the others are compared with.
BASE: Final = "cpu"
LIMITS: Final = Limits(seconds=60.0, memory_bytes=4 << 30)


def lower_each(payload: Mapping[str, Any]) -> dict[str, Any]:
    """In the child: lower one source for several platforms.

    Args:
        payload: `python_source`, `function_name`, `inputs` (type strings) and `platforms`, the base first.

    Returns:
        platform -> {"same": text equal to the base's, "ops": op or custom call -> count}, or {"fault": reason}.
    """
    import jax

    from jaxir.errors import Rejected, UserError
    from jaxir.extractor.lower import load, lower
    from jaxir.sample import DTYPES_64, ArraySpec

    found: dict[str, Any] = {}
    base = ""
    for platform in payload["platforms"]:
        try:
            specs = [ArraySpec.parse(text) for text in payload["inputs"]]
            function = load(payload["python_source"], payload["function_name"])
            with jax.enable_x64(any(spec.dtype in DTYPES_64 for spec in specs)):
                text = lower(function, specs, platforms=(platform,)).stablehlo
        except (Rejected, UserError) as error:
            found[platform] = {"fault": error.reason if isinstance(error, Rejected) else "no usable signature"}
            continue
        base = base or text
        facts = scan(text)
        ops = Counter(facts.ops)
        calls = ops.pop("stablehlo.custom_call", 0)
        targets = {f"custom_call @{target}": count for target, count in facts.custom_calls.items()}
        if calls > sum(targets.values()):
            targets["custom_call"] = calls - sum(targets.values())
        found[platform] = {"same": text == base, "ops": {**ops, **targets}}
    return found


def compare_lowerings(
    corpus: Corpus,
    platforms: Sequence[str],
    *,
    sample: int = 200,
    workers: int = 1,
    progress: Callable[[int], object] | None = None,
) -> dict[str, Any]:
    """Lower a random share of a corpus for several platforms and count what differs from the CPU.

    Args:
        corpus: from `open_corpus`; its sources are executed, in sandboxed children.
        platforms: what to compare with the CPU: `cuda`, `rocm`, `tpu`; no device is needed.
        sample: rows at most, those whose content has the smallest hashes.
        workers: children at a time.
        progress: is called with 1 for each row.

    Returns:
        `rows`: rows that were lowered for the CPU; `refused`: reason -> rows that could not be; and `platforms`:
        platform -> {"same": rows of equal text, "differ": rows of another text, "failed": rows that do not lower there,
        "ops": op -> {"rows": rows where its count differs, "cpu": count there, "here": count here}}.
    """
    wanted = [BASE, *(platform for platform in platforms if platform != BASE)]
    figures: dict[str, Any] = {"rows": 0, "refused": Counter(), "platforms": {}}
    for platform in wanted[1:]:
        figures["platforms"][platform] = {"same": 0, "differ": 0, "failed": 0, "ops": {}}
    jobs = _jobs(corpus, wanted, sample)
    for verdict in run_isolated(
        "jaxir.analysis.crosslowering:lower_each", jobs, workers=workers, limits=LIMITS, fresh=True
    ):
        _count(verdict, figures)
        if progress:
            progress(1)
    figures["refused"] = dict(sorted(figures["refused"].items(), key=lambda item: (-item[1], item[0])))
    for counts in figures["platforms"].values():
        counts["ops"] = dict(sorted(counts["ops"].items(), key=lambda item: (-item[1]["rows"], item[0])))
    return figures


def _jobs(corpus: Corpus, platforms: Sequence[str], sample: int) -> Iterator[Job]:
    """The rows whose content has the smallest hashes: a random choice that does not depend on the order of the rows."""

    def ranked() -> Iterator[tuple[int, int, Job]]:
        for number, row in enumerate(corpus.rows()):
            digest = hashlib.blake2b(f"{row['id']}\0{row['python_source']}".encode(), digest_size=8).digest()
            payload = {
                "python_source": row["python_source"],
                "function_name": row["function_name"],
                "inputs": list(row["inputs"]),
                "platforms": list(platforms),
            }
            yield int.from_bytes(digest), number, Job(row["id"] or str(number), payload)

    chosen = heapq.nsmallest(sample, ranked())
    return (job for _, _, job in sorted(chosen, key=lambda entry: entry[1]))


def _is_answer(answer: Any) -> bool:
    """Whether this is what `lower_each` says of a platform; foreign code may have written it."""
    if not isinstance(answer, dict):
        return False
    if "fault" in answer:
        return isinstance(answer["fault"], str) and answer["fault"].isprintable()
    return isinstance(answer.get("same"), bool) and is_histogram(answer.get("ops"))


def _count(verdict: Verdict, figures: dict[str, Any]) -> None:
    if verdict.value is None:
        figures["refused"][verdict.died] += 1
        return
    if not all(_is_answer(verdict.value.get(platform)) for platform in (BASE, *figures["platforms"])):
        figures["refused"]["no result"] += 1
        return
    base = verdict.value[BASE]
    if "fault" in base:
        figures["refused"][base["fault"]] += 1
        return
    figures["rows"] += 1
    for platform, counts in figures["platforms"].items():
        found = verdict.value[platform]
        if "fault" in found:
            counts["failed"] += 1
            continue
        counts["same" if found["same"] else "differ"] += 1
        for op in sorted({*base["ops"], *found["ops"]}):
            there, here = base["ops"].get(op, 0), found["ops"].get(op, 0)
            if there != here:
                line = counts["ops"].setdefault(op, {"rows": 0, "cpu": 0, "here": 0})
                line["rows"] += 1
                line["cpu"] += there
                line["here"] += here
