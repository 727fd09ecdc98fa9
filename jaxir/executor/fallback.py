"""`compile_or_fallback`: jit a function, with lists, sets and dicts as static arguments, or say why that cannot be."""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable, Hashable, Iterable
from typing import Any, Final, Generic, ParamSpec, TypeVar

import jax
import numpy as np

from jaxir.errors import UserError

P = ParamSpec("P")
R = TypeVar("R")

#: Characters of an exception's first line that a reason keeps.
_REASON_CHARS: Final = 200


def compile_or_fallback(fn: Callable[P, R], static_args: Iterable[str | int] = ()) -> CompiledOrPlain[P, R]:
    """Jit a function; where JAX cannot trace it, call it as it is from then on and say why.

    A trace runs the function's Python once, so side effects may show twice where it falls back.

    Args:
        fn: any function. Of one that `jax.jit` made the plain function is taken: name its static arguments again.
        static_args: names or positions of parameters whose values are fixed when the function is traced: numbers,
            text, arrays, and lists, tuples, sets and dicts of these. Each new value is traced and compiled anew.

    Raises:
        UserError: a static argument is no parameter of the function.
    """
    return CompiledOrPlain(plain_of(fn), static_args)


def is_jitted(fn: object) -> bool:
    """Whether `jax.jit` made it."""
    return all(hasattr(fn, name) for name in ("lower", "trace", "__wrapped__"))


def plain_of(fn: Callable[P, R]) -> Callable[P, R]:
    """What `jax.jit` wraps, or the function itself."""
    return fn.__wrapped__ if is_jitted(fn) else fn  # type: ignore[attr-defined]


class CompiledOrPlain(Generic[P, R]):
    """A function that is compiled as long as it can be; see `compile_or_fallback`.

    Attributes:
        reason: why the plain function is called, in one line; "" while the compiled one is.
    """

    def __init__(self, fn: Callable[P, R], static_args: Iterable[str | int]) -> None:
        functools.update_wrapper(self, fn)
        self.reason = ""
        self._plain = fn
        self._static = _names(fn, static_args)  # name -> position, None where it is keyword-only

        @functools.wraps(fn)
        def thawed(*args: Any, **kwargs: Any) -> Any:
            return fn(*map(_thaw, args), **{name: _thaw(value) for name, value in kwargs.items()})

        self._jitted = jax.jit(thawed, static_argnames=tuple(self._static))

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call it; as with `jax.jit`, the result may still be under way when this returns.

        Raises:
            Exception: what the plain function raises, which is no reason to fall back.
            jax.errors.JaxRuntimeError, FloatingPointError: what the compiler and the compiled program raise, likewise.
        """
        if not self.reason:
            try:
                return self._compiled(args, kwargs)
            except (jax.errors.JaxRuntimeError, FloatingPointError):  # the latter from `jax_debug_nans`
                raise
            except Exception as error:
                reason = _one_line(error)
        result = self._plain(*args, **kwargs)
        self.reason = self.reason or reason
        return result

    def _compiled(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> R:
        positions = set(self._static.values())
        return self._jitted(  # type: ignore[no-any-return]  # jax.jit has no types
            *(Frozen(value) if place in positions else value for place, value in enumerate(args)),
            **{name: Frozen(value) if name in self._static else value for name, value in kwargs.items()},
        )


def _names(fn: Callable[..., Any], static_args: Iterable[str | int]) -> dict[str, int | None]:
    """Name -> position of the static parameters."""
    static = tuple(static_args)
    if not static:
        return {}
    label = getattr(fn, "__name__", type(fn).__name__)
    try:
        parameters = list(inspect.signature(fn).parameters.values())
    except (TypeError, ValueError):
        raise UserError(f"{label}: its signature is not known; bind static arguments with functools.partial") from None
    named = [one for one in parameters if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]
    found: dict[str, int | None] = {}
    for wanted in static:
        for place, one in enumerate(named):
            if wanted == one.name or (wanted == place and one.kind is not one.KEYWORD_ONLY):
                found[one.name] = None if one.kind is one.KEYWORD_ONLY else place
                break
        else:
            known = ", ".join(one.name for one in named) or "none"
            raise UserError(f"{label}: static argument {wanted!r} is no parameter of it; it has {known}")
    return found


class Frozen:
    """A value that can be hashed, by its content; `value` is a copy that later changes do not reach.

    Values of different types differ (1, 1.0 and True do), and so do 0.0 and -0.0; dicts in another order differ, since
    a function may go through them in order.

    Raises:
        TypeError: it holds something that can neither be taken apart nor hashed.
    """

    __slots__ = ("_key", "value")

    def __init__(self, value: Any) -> None:
        self.value = copy.deepcopy(value)
        self._key = _key(value)

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Frozen) and self._key == other._key


def _thaw(value: Any) -> Any:
    """The value of an argument; a copy, because the function may change a list and be traced again."""
    return copy.deepcopy(value.value) if isinstance(value, Frozen) else value


def _key(value: Any) -> Hashable:
    kind = type(value)
    if isinstance(value, list | tuple):
        return kind, tuple(map(_key, value))
    if isinstance(value, set | frozenset):
        return kind, frozenset(map(_key, value))
    if isinstance(value, dict):
        return kind, tuple((_key(key), _key(item)) for key, item in value.items())
    if isinstance(value, jax.Array | np.ndarray):
        array = np.asarray(value)
        return kind, str(array.dtype), array.shape, array.tobytes()
    if isinstance(value, float | complex):
        return kind, repr(value)
    hash(value)
    return kind, value


def _one_line(error: Exception) -> str:
    text = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {text}"[:_REASON_CHARS].rstrip(": ")
