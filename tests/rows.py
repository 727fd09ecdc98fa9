"""Cheap valid rows for tests of the writer and its readers: text that looks like a sample, without any lowering."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import random
from typing import Any

from jaxir.sample import CATEGORIES, Sample, split_of
from jaxir.version import __version__

#: An identity as the pipeline would give it.
IDENTITY: dict[str, Any] = {"seed": 7, "config": "f00d", "templates": "cafe", "jax": "0.10.2", "levels": [1, 2, 3]}


def make_sample(index: int, *, seed: int = 7, dialects: tuple[str, ...] = ("stablehlo",), **changes: Any) -> Sample:
    """The row at `index`: a pure function of its arguments, about 1 kB; `changes` replaces fields."""
    rng = random.Random(f"{seed}/{index}")
    skeleton = hashlib.sha256(f"{seed}/{index // 2}".encode()).hexdigest()  # two rows share a skeleton
    canonical = hashlib.sha256(f"{seed}/{index}".encode()).hexdigest()
    n = rng.randint(1, 9)
    body = "\n".join(f"    x = x * {rng.random():.6f}" for _ in range(rng.randint(3, 12)))
    source = f"import jax.numpy as jnp\n\n\ndef kernel(x):\n{body}\n    return jnp.sum(x)  # π, \\n and \u2028\n"
    stablehlo = f"module @jit_kernel {{\n  func.func public @main(%arg0: tensor<{n}xf32>) {{}}\n}}\n" + body
    texts = {"stablehlo": stablehlo, "hlo": f"HloModule jit_kernel_{n}\n", "jaxpr": "{ lambda ; a. let in () }"}
    texts = {name: text if name in dialects else "" for name, text in texts.items()}
    sample = Sample(
        id=canonical[:32],
        index=index,
        split=split_of(skeleton),
        category=CATEGORIES[index % len(CATEGORIES)],
        operation=rng.choice(("add", "sin", "where", "matmul", "softmax")),
        level=rng.randint(1, 5),
        function_name="kernel",
        python_source=source,
        description="computes the sum of `x`",
        **texts,
        signature=f"kernel(x: float32[{n}]) -> float32[]",
        inputs=(f"float32[{n}]",),
        outputs=("float32[]",),
        input_names=("x",),
        templates=("sum", "mul"),
        transforms=("grad",) if index % 7 == 0 else (),
        options=json.dumps({"sum.axis": None}),
        seed=seed,
        attempt=index % 3,
        ops=("stablehlo.multiply", "stablehlo.reduce"),
        op_counts=json.dumps({"stablehlo.multiply": n, "stablehlo.reduce": 1}),
        num_ops=n + 1,
        depth=n,
        python_chars=len(source),
        ir_chars=len(stablehlo),
        flops=2.0 * n,
        bytes_accessed=4.0 * n,
        transcendentals=0.0,
        canonical_hash=canonical,
        skeleton_hash=skeleton,
        behavior_hash=canonical[::-1],
        verified=("interpreter", "compiled") if index % 2 else (),
        input_seed=index,
        output_digest=canonical,
        max_abs_error=None if index % 2 == 0 else 1e-6,
        platform="cpu",
        x64=False,
        num_devices=1,
        jax_version="0.10.2",
        jaxlib_version="0.10.2",
        jaxir_version=__version__,
    )
    return dataclasses.replace(sample, **changes)


def make_samples(start: int, stop: int, **options: Any) -> list[Sample]:
    """The rows from `start` up to and without `stop`."""
    return [make_sample(index, **options) for index in range(start, stop)]
