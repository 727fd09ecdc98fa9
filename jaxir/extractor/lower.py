"""Kernel text to IR text, and IR text to the columns of a record.

`load` executes a module's text, `lower` makes the texts that public JAX makes, `extract_kernel` goes the whole way
from a `Kernel` to an `Extraction`: the `Sample` without its proof, and what the oracles need to find it.

The StableHLO text is that of `jax.jit(f).lower(*specs).as_text()` in a fresh process. JAX's tracing caches are bounded,
and a text can differ once entries were evicted (JAX issue 40312: two equal inner functions are emitted instead of one,
measured after about 1,020 lowered functions), so `lower` empties them every `LOWERINGS_PER_CACHE` kernels, and sooner
where the fast path can see that one of them fills up.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import linecache
import sys
import types
import weakref
from collections.abc import Callable, Collection, Sequence
from typing import Any, Final

import jax
import jaxlib.version

from jaxir.errors import Rejected, UserError
from jaxir.extractor import canonical, facts, program, symbolic
from jaxir.extractor.fastpath import FAST
from jaxir.sample import DIALECTS, ArraySpec, Kernel, Sample, split_of
from jaxir.version import __version__

#: JAX's caches hold 1,024 entries or more; a kernel adds a few for each of its jitted helpers.
LOWERINGS_PER_CACHE: Final = 25
#: The same where the fast path sees how full they are; what bounds it then is memory, some 100 kB a kernel.
LOWERINGS_PER_SEEN_CACHE: Final = 100
#: Platforms that JAX can lower for without having the device.
PLATFORMS: Final = ("cpu", "cuda", "rocm", "tpu")

_lowerings = 0
_had_x64: bool | None = None


@dataclasses.dataclass(frozen=True)
class Lowering:
    """A lowered function.

    Attributes:
        stablehlo, hlo, jaxpr: texts; "" for a dialect that was not asked for.
        inputs: the argument specs.
        outputs: the flat results, in the order of `jax.tree.leaves`.
        platforms: what it was lowered for.
        traced: JAX's traced function; `traced.lower()` lowers it for the device at hand.
        lowered: JAX's lowered function; it can be compiled where `platforms` names the device at hand. None with
            symbolic dims.
    """

    stablehlo: str
    hlo: str
    jaxpr: str
    inputs: tuple[ArraySpec, ...]
    outputs: tuple[ArraySpec, ...]
    platforms: tuple[str, ...]
    traced: Any
    lowered: Any


@dataclasses.dataclass(frozen=True)
class Extraction:
    """A sample without its proof, and what the oracles need to find the proof."""

    sample: Sample
    lowering: Lowering
    program: program.Program


def load(source: str, function_name: str) -> Callable[..., Any]:
    """Execute a module's text in an empty namespace and return one of its functions.

    The text is registered in `linecache` under a name made of its content, so that tracebacks and `inspect` show it as
    long as the function lives.

    Raises:
        Rejected: stage `trace` where the text does not compile, raises, or has no such function.
    """
    digest = hashlib.sha256(source.encode()).hexdigest()[:16]
    filename = f"<jaxir {digest}>"
    entry = (len(source), None, source.splitlines(keepends=True), filename)
    linecache.cache[filename] = entry
    module = types.ModuleType(f"jaxir_kernel_{digest}")
    # While it runs, the module can be found by its name, as dataclasses with annotations in quotes need.
    sys.modules[module.__name__] = module
    try:
        exec(compile(source, filename, "exec", dont_inherit=True), vars(module))
    except (Exception, SystemExit) as error:
        raise Rejected("trace", type(error).__name__, str(error)) from error
    finally:
        del sys.modules[module.__name__]
    function = vars(module).get(function_name)
    if not callable(function):
        raise Rejected("trace", "no such function", function_name)
    with contextlib.suppress(TypeError):  # a callable without weak references
        weakref.finalize(function, _drop_text, filename, entry).atexit = False
    return function  # type: ignore[no-any-return]  # `callable` cannot say which


def _drop_text(filename: str, entry: object) -> None:
    # The same text may have been loaded again, for a function that lives.
    if linecache.cache.get(filename) is entry:
        del linecache.cache[filename]


def shape_structs(specs: Sequence[ArraySpec]) -> list[jax.ShapeDtypeStruct]:
    """Specs as JAX reads them.

    Raises:
        UserError: a symbolic dim that is no name, or a 64-bit type while x64 is off (JAX would silently take 32 bits).
    """
    for spec in specs:
        for dim in spec.shape:
            if isinstance(dim, str) and not dim.isidentifier():
                raise UserError(f"'{spec}': '{dim}' is no size and no name; a symbolic dim of an argument is a name")
        dtype = jax.numpy.dtype(spec.dtype)
        if jax.dtypes.canonicalize_dtype(dtype) != dtype:
            raise UserError(f"'{spec}' needs 64-bit types, which are off; set JAX_ENABLE_X64=1 or use 32 bits")
    return symbolic.structs(specs)


def forget() -> None:
    """Empty JAX's caches, so that the next lowering is that of a fresh process (functions will be compiled again)."""
    global _lowerings
    _lowerings = 0
    jax.clear_caches()  # type: ignore[no-untyped-call]  # jax has no types here


def _forget_in_time() -> None:
    global _lowerings, _had_x64
    limit = LOWERINGS_PER_SEEN_CACHE if FAST.sees_caches else LOWERINGS_PER_CACHE
    has_x64: bool = jax.config.jax_enable_x64  # type: ignore[attr-defined]  # options are made at run time
    # What is cached with x64 off leaks into programs with x64 on: see `fastpath/constants.py`.
    leaks = _had_x64 not in (None, has_x64) and not FAST.knows_x64
    if leaks or _lowerings >= limit or (FAST.sees_caches and FAST.is_nearly_full()):
        forget()
    _lowerings, _had_x64 = _lowerings + 1, has_x64


def check_platforms(platforms: Sequence[str]) -> tuple[str, ...]:
    """The platforms as a tuple; `UserError` for an unknown or repeated one, or for none."""
    for platform in platforms:
        if platform not in PLATFORMS:
            raise UserError(f"unknown platform '{platform}'; expected one of {', '.join(PLATFORMS)}")
    if not platforms or len(set(platforms)) != len(platforms):
        raise UserError(f"platforms '{','.join(platforms)}': expected at least one, each once")
    return tuple(platforms)


def lower(
    function: Callable[..., Any],
    specs: Sequence[ArraySpec],
    *,
    dialects: Collection[str] = ("stablehlo",),
    platforms: Sequence[str] = ("cpu",),
) -> Lowering:
    """Trace a function once and lower it.

    With several platforms the module is JAX's multi-platform one, which takes the platform's index as an additional
    first argument; it has no HLO text. Neither has a module with symbolic dims (`jaxir.extractor.symbolic`), which is
    for one platform.

    Raises:
        UserError: unknown dialect or platform, `hlo` of a multi-platform lowering or one with symbolic dims, several
            platforms with symbolic dims, and as `shape_structs`.
        Rejected: stage `trace` or `lower`, with the type of JAX's exception.
    """
    platforms = check_platforms(platforms)
    for dialect in dialects:
        if dialect not in DIALECTS:
            raise UserError(f"unknown dialect '{dialect}'; expected one of {', '.join(DIALECTS)}")
    if "hlo" in dialects and len(platforms) > 1:
        raise UserError(f"there is no HLO text for several platforms at once ({','.join(platforms)}); ask for one")
    structs = shape_structs(specs)
    names = symbolic.symbols(specs)
    if names and ("hlo" in dialects or len(platforms) > 1):
        what = "HLO text" if "hlo" in dialects else f"module for several platforms ({','.join(platforms)})"
        raise UserError(f"there is no {what} with symbolic dims ({', '.join(names)}); give them sizes, or leave it out")
    _forget_in_time()
    try:
        with FAST.paused() if names else contextlib.nullcontext():
            traced = jax.jit(function).trace(*structs)
    except Exception as error:
        raise Rejected("trace", type(error).__name__, str(error)) from error
    is_public = bool(names) or not FAST.active or bool(FAST.unusual(traced.jaxpr))
    try:
        with FAST.paused() if is_public else contextlib.nullcontext():
            # Naming the platform also makes the text independent of the device that this machine has.
            lowered: Any = None if names else traced.lower(lowering_platforms=platforms)
            text = symbolic.exported_text(function, specs, platforms) if names else ""
        stablehlo = (text or lowered.as_text()) if "stablehlo" in dialects else ""
        hlo = lowered.as_text("hlo") if "hlo" in dialects else ""
        FAST.note(stablehlo)
    except Exception as error:
        raise Rejected("lower", type(error).__name__, str(error)) from error
    outputs = tuple(symbolic.spec_of(leaf) for leaf in jax.tree.leaves(traced.out_info))
    jaxpr = str(traced.jaxpr) if "jaxpr" in dialects else ""
    return Lowering(stablehlo, hlo, jaxpr, tuple(specs), outputs, platforms, traced, lowered)


def check_inputs(inputs: Sequence[ArraySpec], found: program.Program, structure: canonical.Structure) -> None:
    """Admission rule 3: every input is used and every output depends on an input.

    Raises:
        Rejected: stage `inputs`.
    """
    # JAX drops the arguments that the traced program does not read.
    if len(found.main.arguments) - len(found.implicit) != len(inputs) or len(structure.used) != len(inputs):
        raise Rejected("inputs", "unused input")
    if not structure.depends or not all(structure.depends):
        raise Rejected("inputs", "output ignores the inputs")


def signature_of(
    name: str, input_names: Sequence[str], inputs: Sequence[ArraySpec], outputs: Sequence[ArraySpec]
) -> str:
    """`softmax(logits: float32[2,3]) -> float32[2,3]`; more or fewer results than one stand in parentheses."""
    parameters = ", ".join(f"{parameter}: {spec}" for parameter, spec in zip(input_names, inputs, strict=True))
    results = ", ".join(map(str, outputs))
    return f"{name}({parameters}) -> {results if len(outputs) == 1 else f'({results})'}"


def sample_id(source: str, inputs: Sequence[ArraySpec], platforms: Sequence[str], stablehlo: str) -> str:
    """32 hex digits that stand for what a sample holds: source, input types, platform and IR."""
    digest = hashlib.sha256()
    for part in (source, ";".join(map(str, inputs)), ",".join(platforms), stablehlo):
        # The length before each part keeps two different splits of one text apart.
        digest.update(f"{len(part)}\n{part}".encode())
    return digest.hexdigest()[:32]


def extract_kernel(
    kernel: Kernel,
    *,
    dialects: Collection[str] = ("stablehlo",),
    platforms: Sequence[str] = ("cpu",),
    strict: bool = True,
) -> Extraction:
    """Lower a kernel and fill in everything of its record but the proof.

    The proof fields stay empty: `verified`, `behavior_hash`, `output_digest`, `max_abs_error`, `input_seed` 0.

    Args:
        kernel: text and specs.
        dialects: texts to store. StableHLO is always made, since everything else comes from it.
        platforms: what to lower for.
        strict: hold the kernel to admission rule 3.

    Raises:
        Rejected: stages `trace`, `lower`, `parse` and `inputs`: admission rules 1 to 3.
        UserError: as `lower`.
    """
    function = load(kernel.source, kernel.function_name)
    lowering = lower(function, kernel.inputs, dialects={"stablehlo", *dialects}, platforms=platforms)
    found = program.parse(lowering.stablehlo)
    structure = canonical.structure(found)
    if strict:
        check_inputs(kernel.inputs, found, structure)
    figures = facts.facts(found)
    if strict and not figures.num_ops:
        # The magnitude of an unsigned number, say: JAX sees that it is the number.
        raise Rejected("inputs", "no computation")
    stored = lowering.stablehlo if "stablehlo" in dialects else ""
    sample = Sample(
        id=sample_id(kernel.source, kernel.inputs, lowering.platforms, lowering.stablehlo),
        index=kernel.index,
        split=split_of(structure.skeleton),
        category=kernel.category,
        operation=kernel.operation,
        level=kernel.level,
        function_name=kernel.function_name,
        python_source=kernel.source,
        description=kernel.description,
        stablehlo=stored,
        hlo=lowering.hlo,
        jaxpr=lowering.jaxpr,
        signature=signature_of(kernel.function_name, kernel.input_names, kernel.inputs, lowering.outputs),
        inputs=tuple(map(str, kernel.inputs)),
        outputs=tuple(map(str, lowering.outputs)),
        input_names=kernel.input_names,
        templates=kernel.templates,
        transforms=kernel.transforms,
        options=kernel.options,
        seed=kernel.seed,
        attempt=kernel.attempt,
        ops=figures.ops,
        op_counts=json.dumps(figures.op_counts),
        num_ops=figures.num_ops,
        depth=structure.depth,
        python_chars=len(kernel.source),
        ir_chars=len(stored),
        flops=figures.flops,
        bytes_accessed=figures.bytes_accessed,
        transcendentals=figures.transcendentals,
        canonical_hash=structure.canonical,
        skeleton_hash=structure.skeleton,
        behavior_hash="",
        verified=(),
        input_seed=0,
        output_digest="",
        max_abs_error=None,
        platform=",".join(lowering.platforms),
        x64=jax.dtypes.canonicalize_dtype("float64") == "float64",
        num_devices=found.num_devices,
        jax_version=jax.__version__,
        jaxlib_version=jaxlib.version.__version__,
        jaxir_version=__version__,
    )
    return Extraction(sample, lowering, found)
