"""The fast path gives the texts of public JAX, byte for byte, and steps aside where it cannot.

Patches concern the whole process, so each test runs them in one of its own.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

from jaxir import candidate
from jaxir.errors import UserError
from jaxir.extractor.fastpath import FAST
from jaxir.extractor.lower import extract_kernel
from jaxir.sample import ArraySpec, Kernel

KERNELS = """
    from jaxir import config
    from jaxir.errors import Rejected
    from jaxir.extractor import fastpath
    from jaxir.extractor.fastpath import FAST
    from jaxir.extractor.lower import load, lower
    from jaxir.generator.plan import Plan
    from jaxir.generator.templates import load_library

    def kernels(indices):
        plan = Plan(config.load("default", {"balanced": True}), load_library())
        for index in indices:
            try:
                yield plan.kernel(index)
            except Rejected:
                pass

    def text(kernel):
        try:
            return lower(load(kernel.source, kernel.function_name), kernel.inputs).stablehlo
        except Rejected as error:
            return str(error)
"""


def run(body: str, *, warnings: str = "error") -> str:
    """Run code in a new process; returns what it prints."""
    code = textwrap.dedent(KERNELS) + textwrap.dedent(body)
    done = subprocess.run([sys.executable, "-W", warnings, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_150_texts_of_every_category_and_level_are_those_of_public_jax() -> None:
    out = run(
        """
        FAST.install()
        assert FAST.active, FAST.reason
        different, levels, categories = [], set(), set()
        for kernel in kernels(range(0, 300, 2)):
            levels.add(kernel.level)
            categories.add(kernel.category)
            fast = text(kernel)
            with FAST.paused():
                assert not FAST.active
                if text(kernel) != fast:
                    different.append(kernel.index)
            assert FAST.active
        print(different, sorted(levels), len(categories), dict(FAST.fallbacks))
        """
    )
    assert out.strip() == "[] [1, 2, 3, 4, 5] 5 {}"


def test_a_text_is_the_same_first_last_and_alone() -> None:
    body = """
        FAST.install()
        import hashlib
        made = list(kernels([{indices}]))
        texts = [text(kernel) for kernel in made]
        print(hashlib.sha256(texts[{place}].encode()).hexdigest())
        """
    others = ",".join(map(str, range(100, 130)))
    first = run(body.format(indices=f"7,{others}", place=0))
    last = run(body.format(indices=f"{others},7", place=-1))
    alone = run(body.format(indices="7", place=0).replace("FAST.install()", ""))
    assert first == last == alone


def test_contexts_are_replaced_by_count_and_by_size() -> None:
    out = run(
        """
        made = list(kernels(range(40, 52)))
        expected = [text(kernel) for kernel in made]
        FAST.install()
        for count, size in ((3, 10**9), (10**9, 2_000)):
            fastpath.LOWERINGS_PER_CONTEXT, fastpath.TEXT_PER_CONTEXT = count, size
            seen = []
            assert [(text(kernel), seen.append(id(FAST._shared)))[0] for kernel in made] == expected
            assert all(FAST._shared is not None for _ in seen)
            print(len(set(seen)) > 1)
        """
    )
    assert out.split() == ["True", "True"]


@pytest.mark.parametrize("symbol", ["TracebackCaches", "ModuleContext", "source_info_to_location"])
def test_a_missing_symbol_means_the_public_path_and_one_warning(symbol: str) -> None:
    out = run(
        f"""
        import warnings
        from jax._src.interpreters import mlir
        kernel = next(kernels([3]))
        expected = text(kernel)
        keep = mlir.{symbol}
        del mlir.{symbol}
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            FAST.install()
        mlir.{symbol} = keep
        print(len(caught), "{symbol}" in str(caught[0].message), FAST.active, text(kernel) == expected)
        """
    )
    assert out.split() == ["1", "True", "False", "True"]


def test_a_wrong_text_is_found_at_the_start_and_everything_is_put_back() -> None:
    out = run(
        """
        import warnings
        from jax._src.interpreters import mlir
        usual = mlir.ModuleContext.__init__, mlir.passmanager, mlir.sanitize_name
        patch = FAST._patch
        def wrong():
            patch()
            FAST._replace(mlir, "sanitize_name", lambda name: "wrong")
        FAST._patch = wrong
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            FAST.install()
        back = (mlir.ModuleContext.__init__, mlir.passmanager, mlir.sanitize_name) == usual
        print(len(caught), "lowers differently" in str(caught[0].message), FAST.active, back)
        """
    )
    assert out.split() == ["1", "True", "False", "True"]


def test_unusual_programs_take_the_public_path_and_are_counted() -> None:
    out = run(
        """
        import jax, jax.numpy as jnp
        from jaxir.sample import ArraySpec
        def printing(x):
            jax.debug.print("{}", x[0])
            return x * 2
        def placed(x):
            return jax.device_put(x, jax.devices()[0]) * 2
        spec = [ArraySpec((4,), "float32")]
        expected = [lower(function, spec).stablehlo for function in (printing, placed)]
        FAST.install()
        found = [lower(function, spec).stablehlo for function in (printing, placed)]
        print(found[1] == expected[1], "callback" in found[0], sorted(FAST.fallbacks.items()))
        """
    )
    assert out.strip() == "True True [('device_put', 1), ('effects', 1)]"


def test_the_exact_check_ends_a_run_whose_text_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = Kernel("def f(x):\n    return x * 2\n", "f", (ArraySpec((3,), "float32"),), ("x",))
    lowering = extract_kernel(kernel).lowering
    monkeypatch.setattr(candidate, "_exact_check", 1.0)
    monkeypatch.setattr(FAST, "active", True)
    candidate._lower_again(kernel, lowering)
    wrong = lowering.__class__(**{**vars(lowering), "stablehlo": lowering.stablehlo + " "})
    with pytest.raises(UserError, match="index 0, kernel 'f': the fast path gives another text"):
        candidate._lower_again(kernel, wrong)
    monkeypatch.setattr(candidate, "_exact_check", 0.0)
    candidate._lower_again(kernel, wrong)
