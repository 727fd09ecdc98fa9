"""Loops of templates end on whatever a program around them may compute: infinities, NaN, the largest integers."""

from __future__ import annotations

import inspect
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
from conftest import ROOT

from jaxir import config
from jaxir.errors import Rejected
from jaxir.executor.inputs import numpy_dtype
from jaxir.extractor.lower import load
from jaxir.generator.compose import Composer, Quota
from jaxir.generator.plan import composers
from jaxir.generator.rng import Rng
from jaxir.generator.source import write
from jaxir.generator.templates import Template, load_library
from jaxir.sample import ArraySpec

#: Seconds for all of them, which take ten. A loop that goes on is stopped with its process.
LIMIT = 240


def extreme(spec: ArraySpec, value: float) -> np.ndarray:
    """`value`, or the largest one of an integer type, in every place."""
    dtype, shape = numpy_dtype(spec.dtype), tuple(map(int, spec.shape))
    return np.full(shape, jnp.iinfo(dtype).max if jnp.issubdtype(dtype, jnp.integer) else value).astype(dtype)


def run(template: Template, growers: dict[bool, Composer]) -> None:
    for x64 in (False, True):
        try:
            program, _ = growers[x64].compose(template, 1, Rng("loops", template.name), Quota(rank=2))
        except Rejected:  # takes 64-bit types alone, or no such shape
            continue
        text = write(program, (), "statements", docstring=False)
        with jax.enable_x64(x64):
            compiled = jax.jit(load(text.source, text.function_name))
            for value in (np.inf, -np.inf, np.nan):
                jax.block_until_ready(compiled(*(extreme(item.spec, value) for item in program.inputs)))
        return
    raise AssertionError(f"{template.name}: nothing could be drawn")


def test_loops_end_on_infinities_and_nan():
    done = subprocess.run(
        [sys.executable, __file__], cwd=ROOT / "tests", capture_output=True, text=True, timeout=LIMIT, check=False
    )
    assert done.returncode == 0, done.stderr
    ended = done.stdout.split()
    assert {"divide_until_small", "loop_per_row"} < set(ended)  # that did not end on an infinite number
    assert len(ended) > 15


if __name__ == "__main__":
    library = load_library()
    growers = composers(config.load("default", {}), library)
    for template in library.templates:
        if "while_loop" in inspect.getsource(template.fn):
            run(template, growers)
            print(template.name, flush=True)
