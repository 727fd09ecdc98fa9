"""Primitives that the NumPy oracle does not evaluate, each with the reason."""

from __future__ import annotations

from typing import Final

_SIGNS: Final = "its result is unique up to signs or phases only"
_HOST: Final = "calls the host"
_DEVICES: Final = "needs several devices"
_STATE: Final = "reads or writes a mutable reference"

#: Known limits by primitive; one that stands neither here nor in the rules has no rule yet.
LIMITS: Final[dict[str, str]] = {
    **dict.fromkeys(("svd", "eig", "eigh", "qr", "geqrf", "geqp3", "householder_product", "orgqr"), _SIGNS),
    **dict.fromkeys(("schur", "hessenberg", "tridiagonal"), _SIGNS),
    **dict.fromkeys(("pure_callback", "io_callback", "debug_callback", "debug_print", "infeed", "outfeed"), _HOST),
    **dict.fromkeys(("psum", "psum2", "psum_invariant", "pmax", "pmin", "ppermute", "pbroadcast"), _DEVICES),
    **dict.fromkeys(("all_gather", "all_gather_invariant", "all_to_all", "reduce_scatter"), _DEVICES),
    **dict.fromkeys(("ragged_all_to_all", "axis_index", "shard_map", "xla_pmap"), _DEVICES),
    **dict.fromkeys(("get", "swap", "addupdate", "new_ref", "ref", "run_state", "freeze"), _STATE),
    "rng_bit_generator": "draws from a generator that the platform chooses",
    "rng_uniform": "draws from a generator that the platform chooses",
    "random_gamma": "draws by rejection from a private sampler",
    "approx_top_k": "its result is approximate",
    "create_token": "is a token of side effects",
    "after_all": "is a token of side effects",
    "ffi_call": "calls foreign code",
    "custom_partitioning": "calls foreign code",
    "pallas_call": "calls a hand-written device kernel",
}
