"""Golden kernels: text, IR, inputs and outputs as files, compared and executed.

`pytest --update-goldens` rewrites them.
"""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path

import jax
import numpy as np
import pytest
from conftest import ROOT

from jaxir import config
from jaxir.executor.inputs import draw, numpy_dtype
from jaxir.executor.oracle import IR_SIDE, Pair, first_of
from jaxir.extractor.lower import extract_kernel, load
from jaxir.generator.plan import Plan
from jaxir.generator.templates import load_library
from jaxir.sample import ArraySpec, Kernel

GOLDEN = ROOT / "tests" / "golden"
#: (index, attempt) of the balanced plan: one of each category, levels 1 to 5.
CHOSEN = {"arithmetic": 0, "math": 6, "array": 12, "control_flow": 18, "combined": 24}


def record(kernel: Kernel) -> dict:
    """What is kept beside the texts: types, inputs, the outputs of the plain Python on them, hashes, versions."""
    extraction = extract_kernel(kernel)
    arrays = draw(kernel.inputs, 0)
    results = jax.tree.leaves(load(kernel.source, kernel.function_name)(*map(jax.numpy.asarray, arrays)))
    return {
        "function_name": kernel.function_name,
        "inputs": [str(spec) for spec in kernel.inputs],
        "values": [np.asarray(array).astype(_plain(array)).tolist() for array in arrays],
        "outputs": list(extraction.sample.outputs),
        "results": [np.asarray(result).astype(_plain(result)).tolist() for result in results],
        "canonical_hash": extraction.sample.canonical_hash,
        "skeleton_hash": extraction.sample.skeleton_hash,
        "jax_version": importlib.metadata.version("jax"),
    }


def _plain(array) -> type:
    kind = np.asarray(array).dtype
    return np.int64 if kind.kind in "iu" else np.bool_ if kind.kind == "b" else np.float64


@pytest.fixture(scope="session", autouse=True)
def _updated(request) -> None:
    if not request.config.getoption("--update-goldens"):
        return
    plan = Plan(config.load("default", {"balanced": True}), load_library())
    for name, index in CHOSEN.items():
        kernel = plan.kernel(index)
        (GOLDEN / f"{name}.py").write_text(kernel.source)
        (GOLDEN / f"{name}.mlir").write_text(extract_kernel(kernel).sample.stablehlo)
        (GOLDEN / f"{name}.json").write_text(json.dumps(record(kernel), indent=1) + "\n")


def golden(name: str) -> tuple[Kernel, str, dict]:
    kept = json.loads((GOLDEN / f"{name}.json").read_text())
    inputs = tuple(ArraySpec.parse(text) for text in kept["inputs"])
    names = tuple(f"x{position}" for position in range(len(inputs)))
    kernel = Kernel((GOLDEN / f"{name}.py").read_text(), kept["function_name"], inputs, names)
    return kernel, (GOLDEN / f"{name}.mlir").read_text(), kept


def arrays_of(kept: dict) -> list[np.ndarray]:
    specs = [ArraySpec.parse(text) for text in kept["inputs"]]
    return [np.array(value, dtype=numpy_dtype(spec.dtype)) for value, spec in zip(kept["values"], specs, strict=True)]


def agree(kept: dict, results) -> None:
    for text, expected, result in zip(kept["outputs"], kept["results"], results, strict=True):
        spec = ArraySpec.parse(text)
        assert (np.shape(result), str(np.asarray(result).dtype)) == (spec.shape, spec.dtype)
        tolerance = 5e-2 if spec.dtype in ("float16", "bfloat16") else 1e-4
        np.testing.assert_allclose(np.asarray(result).astype(_plain(result)), expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", CHOSEN)
def test_the_stored_source_runs_to_the_stored_outputs(name):
    kernel, _, kept = golden(name)
    function = load(kernel.source, kernel.function_name)
    agree(kept, jax.tree.leaves(jax.jit(function)(*arrays_of(kept))))


@pytest.mark.parametrize("name", CHOSEN)
def test_the_stored_ir_runs_to_the_stored_outputs(name):
    kernel, text, kept = golden(name)
    outputs = [ArraySpec.parse(output) for output in kept["outputs"]]
    # The oracle runs the stored text, parsed afresh, whatever this JAX lowers the source to.
    stored = Pair(kernel.source, kernel.function_name, text, kernel.inputs, outputs)
    agree(kept, first_of(IR_SIDE, stored).prepare(stored).run(arrays_of(kept)))


@pytest.mark.parametrize("name", CHOSEN)
def test_the_stored_ir_is_what_this_jax_makes(name):
    kernel, text, kept = golden(name)
    sample = extract_kernel(kernel).sample
    if kept["jax_version"] == importlib.metadata.version("jax"):
        assert sample.stablehlo == text
        assert (sample.canonical_hash, sample.skeleton_hash) == (kept["canonical_hash"], kept["skeleton_hash"])
    assert list(sample.outputs) == kept["outputs"]


def test_the_files_are_exactly_these():
    assert {path.name for path in Path(GOLDEN).iterdir()} == {
        f"{name}.{suffix}" for name in CHOSEN for suffix in ("py", "mlir", "json")
    }
