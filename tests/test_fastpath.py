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
    import jax
    from jaxir import config
    from jaxir.errors import Rejected
    from jaxir.extractor.fastpath import FAST, lowering, patches, tracing
    from jaxir.extractor.lower import forget, load, lower
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
            with jax.enable_x64(kernel.x64):
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
                # Otherwise the public path would find what the fast one traced.
                forget()
                if text(kernel) != fast:
                    different.append(kernel.index)
            assert FAST.active
        print(different, sorted(levels), len(categories), sorted(FAST.fallbacks))
        """
    )
    # `lax.dce_sink` is an effect.
    assert out.strip() == "[] [1, 2, 3, 4, 5] 5 ['effects', 'shard_map']"


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


@pytest.mark.parametrize("way", ["FAST.install()", "pass"])
@pytest.mark.parametrize("first", [False, True])
def test_a_constant_of_a_module_has_the_type_of_its_program(way: str, first: bool) -> None:
    """JAX itself keeps a NumPy constant in the type that it had where it was first traced."""
    out = run(
        f"""
        from jax.scipy import special
        from jaxir.sample import ArraySpec
        {way}
        for x64 in ({first}, not {first}):
            specs = [ArraySpec((), "float64" if x64 else "float32")] * 2
            with jax.enable_x64(x64):
                print(x64, "13x" + ("f64" if x64 else "f32") in lower(jax.checkpoint(special.owens_t), specs).stablehlo)
        """
    )
    assert out.split() == [str(first), "True", str(not first), "True"]


def test_contexts_are_replaced_by_count_and_by_size() -> None:
    out = run(
        """
        made = list(kernels(range(40, 52)))
        expected = [text(kernel) for kernel in made]
        FAST.install()
        for count, size in ((3, 10**9), (10**9, 2_000)):
            lowering.LOWERINGS_PER_CONTEXT, lowering.TEXT_PER_CONTEXT = count, size
            seen = []
            assert [(text(kernel), seen.append(id(FAST._lowering.shared)))[0] for kernel in made] == expected
            assert FAST._lowering.shared is not None
            print(len(set(seen)) > 1)
        """
    )
    assert out.split() == ["True", "True"]


@pytest.mark.parametrize(("halves", "extent"), [("lowering", "partly off"), ("tracing", "partly off"), ("both", "off")])
def test_a_missing_symbol_means_the_public_path_for_its_half_and_one_warning(halves: str, extent: str) -> None:
    out = run(
        f"""
        import warnings
        made = list(kernels(range(3, 9)))
        expected = [text(kernel) for kernel in made]
        for half in (lowering, tracing) if "{halves}" == "both" else ({halves},):
            half.WANTED = {{**half.WANTED, "interpreters.mlir": ("no_such_symbol",)}}
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            FAST.install()
        message = str(caught[0].message)
        named = "lacks jax._src.interpreters.mlir.no_such_symbol" in message
        print(len(caught), named, "path is {extent}," in message, FAST.active)
        assert [text(kernel) for kernel in made] == expected
        """
    )
    assert out.split() == ["1", "True", "True", str(extent == "partly off")]


def test_another_jax_is_traced_without_short_cuts() -> None:
    out = run(
        """
        import warnings
        from jax._src import pjit
        kernel = next(kernels([3]))
        expected = text(kernel)
        tracing.READ = {"0" * 16: "another"}
        usual = pjit._trace_for_jit
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            FAST.install()
        print(len(caught), "another way" in str(caught[0].message), FAST.active, FAST.sees_caches)
        assert pjit._trace_for_jit is usual
        assert text(kernel) == expected
        """
    )
    assert out.split() == ["1", "True", "True", "False"]


def test_a_wrong_text_is_found_at_the_start_and_everything_is_put_back() -> None:
    out = run(
        """
        import warnings
        from jax._src import pjit
        from jax._src.interpreters import mlir
        def replaced():
            return mlir.ModuleContext.__init__, mlir.passmanager, mlir.sanitize_name, pjit._trace_for_jit
        usual = replaced()
        right = lowering.Lowering.patches
        wrong = patches.Patch(mlir, "sanitize_name", lambda name: "wrong")
        lowering.Lowering.patches = lambda self: [*right(self), wrong]
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            FAST.install()
        print(len(caught), "lowers differently" in str(caught[0].message), FAST.active, replaced() == usual)
        """
    )
    assert out.split() == ["1", "True", "False", "True"]


def test_errors_of_kernels_are_those_of_public_jax() -> None:
    out = run(
        """
        import jax.numpy as jnp
        from jaxir.sample import ArraySpec
        BODIES = (
            "if x > 0: return x",
            "return jnp.reshape(x, (7,))",
            "return jnp.where(x, jnp.ones((2, 3)), jnp.zeros((4, 5)))",
            "return jnp.clip(x, min='a')",
            "return jax.vmap(lambda v: v[:, 0])(x)",
            "return jnp.dot(x, jnp.ones((9, 9)))",
            "return jax.grad(lambda v: v * 2)(x)",
            "return lax.scan(lambda c, v: (c[None], v), x, x)",
            "return x.at[0].set('text')",
            "return jnp.zeros(int(x[0]))",
        )
        def errors():
            for body in BODIES:
                head = "import jax; import jax.numpy as jnp; from jax import lax"
                source = chr(10).join([head, "def f(x):", "    " + body])
                try:
                    lower(load(source, "f"), [ArraySpec((3,), "float32")])
                except Rejected as error:
                    yield error.stage, error.reason, error.detail
        expected = list(errors())
        forget()
        FAST.install()
        found = list(errors())
        print(len(found), [(a, b) for a, b in zip(found, expected) if a != b])
        """
    )
    assert out.strip() == "10 []"


def test_caches_are_emptied_before_one_is_full() -> None:
    out = run(
        """
        from jaxir.extractor import lower as module
        FAST.install()
        module.LOWERINGS_PER_SEEN_CACHE = 10**9
        emptied, highest = 0, 0
        for kernel in kernels(range(160)):
            before = module._lowerings
            text(kernel)
            emptied += module._lowerings < before
            highest = max(highest, *(info().currsize / size for info, size in FAST._tracing._bounded))
        print(emptied > 0, highest < 0.75)
        """
    )
    assert out.split() == ["True", "True"]


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
