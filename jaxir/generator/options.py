"""Markers for a template's options, used as `Annotated[float, Uniform(lo, hi)]`."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Uniform:
    """A number drawn evenly from `lo` to `hi`, both ends included.

    For `Annotated[float, ...]` the draw is rounded to three significant digits; for `Annotated[int, ...]` it is whole.

    Raises:
        ValueError: if `lo > hi`.
    """

    lo: float
    hi: float

    def __post_init__(self) -> None:
        if not self.lo <= self.hi:
            raise ValueError(f"Uniform({self.lo}, {self.hi}): lo must not be greater than hi")
