"""Ops that the StableHLO reference interpreter cannot run and NumPy or SciPy can: LAPACK, bit generators, odd irffts.

JAX lowers linear algebra on a CPU to custom calls of LAPACK routines (`lapack_sgetrf_ffi`): jaxlib calls the routine
that SciPy ships, in the precision that the name tells, for each matrix of a batch. So does this module, through SciPy's
own wrappers. What each call takes and gives is that of jaxlib 0.10.2 (`jaxlib/cpu/lapack_kernels.cc`).
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import scipy.linalg.blas
import scipy.linalg.lapack

from jaxir.executor.numpy_rules import Type
from jaxir.executor.numpy_rules.generators import generate
from jaxir.extractor.facts import integers
from jaxir.extractor.program import Op, TensorType

Array = npt.NDArray[Any]
#: Of one item of a batch: options of the call and operands to results, in the order of the call.
Routine = Callable[["_Lapack", Mapping[str, str], Sequence[Array]], Sequence[Any]]

_TARGET: Final = re.compile(r'"lapack_([sdcz])([a-z0-9]+)_ffi"')
_ALGORITHM: Final = re.compile(r"THREE_FRY|PHILOX")
_OPTION: Final = re.compile(r"(\w+) = (\w+)")


@dataclasses.dataclass(frozen=True)
class _Lapack:
    """SciPy's routines of one precision: s, d, c or z."""

    letter: str

    def __getattr__(self, name: str) -> Callable[..., Sequence[Any]]:
        home = scipy.linalg.blas if name == "trsm" else scipy.linalg.lapack
        routine: Callable[..., Sequence[Any]] = getattr(home, self.letter + name)
        return routine

    @property
    def is_complex(self) -> bool:
        return self.letter in "cz"


def _character(options: Mapping[str, str], name: str) -> str:
    """An option of LAPACK, which the IR holds as the character's number."""
    return chr(int(options[name]))


def _is_lower(options: Mapping[str, str]) -> bool:
    return _character(options, "uplo") == "L"


def _getrf(lapack: _Lapack, options: Mapping[str, str], operands: Sequence[Array]) -> Sequence[Any]:
    factors, pivots, info = lapack.getrf(*operands)
    return factors, pivots + 1, info  # LAPACK counts from one, SciPy from zero


def _potrf(lapack: _Lapack, options: Mapping[str, str], operands: Sequence[Array]) -> Sequence[Any]:
    return lapack.potrf(*operands, lower=_is_lower(options), clean=False)


def _trsm(lapack: _Lapack, options: Mapping[str, str], operands: Sequence[Array]) -> Sequence[Any]:
    return [
        lapack.trsm(
            1.0,
            *operands,
            side=_character(options, "side") == "R",
            lower=_is_lower(options),
            trans_a="NTC".index(_character(options, "trans_x")),
            diag=_character(options, "diag") == "U",
        )
    ]


def _geqrf(lapack: _Lapack, options: Mapping[str, str], operands: Sequence[Array]) -> Sequence[Any]:
    return lapack.geqrf(*operands)[:2]


def _geqp3(lapack: _Lapack, options: Mapping[str, str], operands: Sequence[Array]) -> Sequence[Any]:
    matrix, fixed = operands
    if fixed.any():
        raise ValueError("SciPy's geqp3 takes no columns that stay in front")
    return lapack.geqp3(matrix)[:3]


def _orgqr(lapack: _Lapack, options: Mapping[str, str], operands: Sequence[Array]) -> Sequence[Any]:
    multiply = lapack.ungqr if lapack.is_complex else lapack.orgqr
    return multiply(*operands)[:1]


def _ormqr(lapack: _Lapack, options: Mapping[str, str], operands: Sequence[Array]) -> Sequence[Any]:
    side = "L" if options["left"] == "true" else "R"
    turned = ("C" if lapack.is_complex else "T") if options["transpose"] == "true" else "N"
    multiply = lapack.unmqr if lapack.is_complex else lapack.ormqr
    packed, scalars, matrix = operands
    work = 64 * max(1, *matrix.shape)
    return multiply(side, turned, packed[:, : len(scalars)], scalars, matrix, work)[:1]


def _gesdd(lapack: _Lapack, options: Mapping[str, str], operands: Sequence[Array]) -> Sequence[Any]:
    mode = _character(options, "mode")
    u, values, vh, info = lapack.gesdd(*operands, compute_uv=mode != "N", full_matrices=mode == "A")
    return operands[0], values, u, vh, info


def _syevd(lapack: _Lapack, options: Mapping[str, str], operands: Sequence[Array]) -> Sequence[Any]:
    solve = lapack.heevd if lapack.is_complex else lapack.syevd
    values, vectors, info = solve(*operands, compute_v=_character(options, "mode") == "V", lower=_is_lower(options))
    return vectors, values, info


def _geev(lapack: _Lapack, options: Mapping[str, str], operands: Sequence[Array]) -> Sequence[Any]:
    left, right = (_character(options, f"compute_{side}") == "V" for side in ("left", "right"))
    *values, of_left, of_right, info = lapack.geev(*operands, compute_vl=left, compute_vr=right)
    if not lapack.is_complex:
        of_left, of_right = (_unpacked(packed, values[1]) for packed in (of_left, of_right))
    return *values, of_left, of_right, info


def _unpacked(packed: Array, imaginary: Array) -> Array:
    """Eigenvectors of a real matrix: those of a conjugate pair share two columns, real part and imaginary part."""
    vectors = packed.astype(np.result_type(packed.dtype, np.complex64))
    if len(packed) < len(imaginary):
        return vectors  # they were not asked for
    for column in np.flatnonzero(imaginary > 0):
        vectors[:, column] = packed[:, column] + 1j * packed[:, column + 1]
        vectors[:, column + 1] = np.conj(vectors[:, column])
    return vectors


def _gees(lapack: _Lapack, options: Mapping[str, str], operands: Sequence[Array]) -> Sequence[Any]:
    form, count, *values, vectors, _, info = lapack.gees(
        lambda *value: False, *operands, compute_v=_character(options, "mode") == "V"
    )
    return form, vectors, *values, count, info


def _gehrd(lapack: _Lapack, options: Mapping[str, str], operands: Sequence[Array]) -> Sequence[Any]:
    return lapack.gehrd(*operands, lo=int(options["low"]) - 1, hi=int(options["high"]) - 1)


def _sytrd(lapack: _Lapack, options: Mapping[str, str], operands: Sequence[Array]) -> Sequence[Any]:
    reduce = lapack.hetrd if lapack.is_complex else lapack.sytrd
    return reduce(*operands, lower=_is_lower(options))


def _gtsv(lapack: _Lapack, options: Mapping[str, str], operands: Sequence[Array]) -> Sequence[Any]:
    lower, diagonal, upper, right = operands
    # jaxlib skips the first element of the one and the last of the other. What LAPACK leaves in both nobody reads.
    _, pivots, _, solution, info = lapack.gtsv(lower[1:], diagonal, upper[:-1], right)
    return lower, pivots, upper, solution, info


#: Routine by name without the precision -> how many trailing dims an item of each operand has, whether jaxlib gives NaN
#: at once where an operand is not finite, and how it is called.
_ROUTINES: Final[Mapping[str, tuple[tuple[int, ...], bool, Routine]]] = {
    "getrf": ((2,), False, _getrf),
    "potrf": ((2,), False, _potrf),
    "trsm": ((2, 2), False, _trsm),
    "geqrf": ((2,), False, _geqrf),
    "geqp3": ((2, 1), False, _geqp3),
    "orgqr": ((2, 1), False, _orgqr),
    "ungqr": ((2, 1), False, _orgqr),
    "ormqr": ((2, 1, 2), False, _ormqr),
    "unmqr": ((2, 1, 2), False, _ormqr),
    "gesdd": ((2,), True, _gesdd),
    "syevd": ((2,), True, _syevd),
    "heevd": ((2,), True, _syevd),
    "geev": ((2,), True, _geev),
    "gees": ((2,), True, _gees),
    "gehrd": ((2,), False, _gehrd),
    "sytrd": ((2,), False, _sytrd),
    "hetrd": ((2,), False, _sytrd),
    "gtsv": ((1, 1, 1, 2), False, _gtsv),
}
#: Names of the ops of which some are run here.
HOST_OPS: Final = ("stablehlo.custom_call", "stablehlo.fft", "stablehlo.rng_bit_generator")
#: What `info` says of a matrix that is not finite; every value but 0 makes JAX's code give NaN.
_NOT_FINITE: Final = -4


def is_host_call(op: Op, types: Sequence[TensorType]) -> bool:
    """Whether `HostCall` runs this op, and the interpreter does not."""
    if op.name == "stablehlo.custom_call":
        found = _TARGET.fullmatch(op.attribute("call_target_name"))
        return found is not None and found[2] in _ROUTINES
    if op.name == "stablehlo.rng_bit_generator":
        return True
    if op.name == "stablehlo.fft":
        result = types[op.results[0]]
        return not result.element.startswith("complex") and result.dims[-1] % 2 == 1
    return False


class HostCall:
    """One op, ready to run.

    Args:
        op: one for which `is_host_call` is true.
        outputs: types of its results.
    """

    def __init__(self, op: Op, outputs: Sequence[Type]) -> None:
        self._outputs = outputs
        if op.name == "stablehlo.fft":
            self._lengths = integers(op.attribute("fft_length"))
            self._run = self._inverse_fft
            return
        if op.name == "stablehlo.rng_bit_generator":
            found = _ALGORITHM.search(op.attribute("rng_algorithm"))
            self._algorithm = found[0] if found else "DEFAULT"
            self._run = self._random_bits
            return
        found = _TARGET.fullmatch(op.attribute("call_target_name"))
        assert found is not None
        self._lapack = _Lapack(found[1])
        self._options = dict(_OPTION.findall(op.attribute("mhlo.backend_config")))
        self._ranks, self._must_be_finite, self._routine = _ROUTINES[found[2]]
        self._run = self._batch

    def run(self, operands: Sequence[Array]) -> list[Array]:
        """The results for arrays of the operands' types.

        Raises:
            ValueError: what LAPACK's wrapper in SciPy does not take.
        """
        return self._run(operands)

    def _inverse_fft(self, operands: Sequence[Array]) -> list[Array]:
        out = self._outputs[0]
        axes = tuple(range(-len(self._lengths), 0))
        wide = operands[0].astype(np.complex128)
        return [np.asarray(np.fft.irfftn(wide, self._lengths, axes)).reshape(out.shape).astype(out.dtype)]

    def _random_bits(self, operands: Sequence[Array]) -> list[Array]:
        return list(generate(self._algorithm, operands[0], self._outputs[1].shape, self._outputs[1].dtype))

    def _batch(self, operands: Sequence[Array]) -> list[Array]:
        batch = operands[0].shape[: operands[0].ndim - self._ranks[0]]
        count = math.prod(batch)
        stacks = [
            operand.reshape((count, *operand.shape[operand.ndim - rank :]))
            for operand, rank in zip(operands, self._ranks, strict=True)
        ]
        results = [np.zeros((count, *out.shape[len(batch) :]), out.dtype) for out in self._outputs]
        for number in range(count):
            items = [stack[number] for stack in stacks]
            if self._must_be_finite and not all(np.isfinite(item).all() for item in items):
                for result in results:
                    result[number] = _NOT_FINITE if result.dtype.kind == "i" else np.nan
                continue
            made = self._routine(self._lapack, self._options, items)
            for result, item in zip(results, made, strict=True):
                # Factors that were not asked for stay zero: LAPACK does not touch them.
                if np.shape(item) == result.shape[1:]:
                    result[number] = item
        return [result.reshape(out.shape) for result, out in zip(results, self._outputs, strict=True)]
