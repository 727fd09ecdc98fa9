"""Make JAX's own tracing and lowering faster in a process that does little else: the same text, byte for byte.

The only package that touches `jax._src`. It calls no private lowering function: `jax.jit(f).trace(...).lower(...)`
stays the way, and what makes it slow is replaced while `install` holds: `lowering.py` and `tracing.py` say what.

Each private symbol is looked up with a guard (`patches.py`): if one is missing, its half is not replaced and a warning
says so once. Programs of an unusual kind (`unusual.py`) are lowered in the public way. A few programs are lowered both
ways at the start, and on a difference the public path is taken for good.

Patches concern the whole process: install them in worker processes only, never in a user's.
"""

from __future__ import annotations

import contextlib
import gc
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final

import jax
import jax.numpy as jnp

from jaxir.extractor.fastpath.constants import keep_apart
from jaxir.extractor.fastpath.lowering import Lowering
from jaxir.extractor.fastpath.patches import Patch
from jaxir.extractor.fastpath.tracing import Tracing
from jaxir.extractor.fastpath.unusual import unusual


class FastPath:
    """The patches of one process.

    Attributes:
        active: whether the fast path is taken now.
        reason: why it is not, or what of it is missing, or "".
        fallbacks: what made programs take the public path -> how often.
        knows_x64: whether constants of programs with x64 off and on are kept apart (`constants.py`).
    """

    def __init__(self) -> None:
        self.active = False
        self.reason = "not installed"
        self.fallbacks: Counter[str] = Counter()
        self.knows_x64 = False
        self._patches: list[Patch] = []
        self._lowering: Lowering | None = None
        self._tracing: Tracing | None = None

    def install(self) -> None:
        """Take the fast path from now on, where this JAX allows it; a warning says where it does not."""
        if self.active:
            return
        self.knows_x64 = self.knows_x64 or keep_apart()
        self._lowering, self._tracing = Lowering(), Tracing()
        parts = [part for part in (self._lowering, self._tracing) if not part.missing]
        self.reason = "; ".join(part.missing for part in (self._lowering, self._tracing) if part.missing)
        differs = ""
        if parts:
            try:
                self._put([patch for part in parts for patch in part.patches()])
                differs = self._self_check()
            except Exception as error:
                differs = f"{type(error).__name__}: {error}".partition("\n")[0]
        if differs:
            self.remove()
            self.reason = f"lowers differently: {differs}"
        if self.reason:
            part = "partly off" if self._patches else "off"
            message = f"the fast path is {part}, the public one is taken: this JAX ({jax.__version__}) {self.reason}"
            warnings.warn(message, RuntimeWarning, stacklevel=2)
        if self._patches:
            # Everything that is alive now stays: the collector need not look at it again. What a lowering leaves in
            # cycles is small, so it may wait longer for its collection.
            gc.collect()
            gc.freeze()
            gc.set_threshold(20_000, 20, 100)

    def remove(self) -> None:
        """Take the public path again."""
        if self.active:
            self._swap()
        self._patches.clear()
        self._lowering = self._tracing = None
        self.active, self.reason = False, "removed"

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Trace and lower in the public way inside."""
        if not self.active:
            yield
            return
        self.active = False
        self._swap()
        try:
            yield
        finally:
            self._swap()
            self.active = True

    def unusual(self, closed_jaxpr: Any) -> str:
        """Why a traced program must take the public path, or ""; it is counted."""
        reason = unusual(closed_jaxpr)
        if reason:
            self.fallbacks[reason] += 1
        return reason

    def note(self, text: str) -> None:
        """Count what a lowering left behind."""
        if self._lowering is not None:
            self._lowering.note(text)

    @property
    def sees_caches(self) -> bool:
        """Whether `is_nearly_full` can tell."""
        return self.active and self._tracing is not None and not self._tracing.missing

    def is_nearly_full(self) -> bool:
        """Whether one of the bounded caches of JAX that hold programs is more than half full."""
        return self._tracing is not None and self._tracing.is_nearly_full()

    def _put(self, patches: list[Patch]) -> None:
        self._patches = patches
        self._swap()
        self.active = True

    def _swap(self) -> None:
        for patch in self._patches:
            patch.swap()

    def _self_check(self) -> str:
        """Name of a program whose text differs between the two ways, or ""."""
        for make in _CHECKS:
            spec = jax.ShapeDtypeStruct((3, 4), jnp.float32)  # type: ignore[no-untyped-call]  # jax has no types here
            fast = jax.jit(make()).lower(spec).as_text()
            with self.paused():
                jax.clear_caches()  # type: ignore[no-untyped-call]  # likewise
                public = jax.jit(make()).lower(spec).as_text()
            if public != fast:
                return make.__name__
        return ""


def _branches() -> Callable[..., Any]:
    return lambda x: jax.lax.cond(x[0, 0] > 0, lambda: jnp.where(x > 0, x, 1.0), lambda: jnp.sort(x) + jnp.max(x))


def _loop() -> Callable[..., Any]:
    return lambda x: jax.lax.scan(lambda c, row: (jnp.tanh(c * row), c @ row), x[0], x)


def _gradient() -> Callable[..., Any]:
    return jax.grad(lambda x: jnp.sum(jax.nn.softmax(jnp.einsum("ij,kj->ik", x, x)) ** 2))


def _mapped() -> Callable[..., Any]:
    return jax.vmap(lambda row: jnp.linalg.norm(row) + jax.scipy.special.digamma(row)[jnp.argmax(row)])


_CHECKS: Final = (_branches, _loop, _gradient, _mapped)

#: The one of this process.
FAST: Final = FastPath()
