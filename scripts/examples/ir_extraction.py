"""`jaxir.extract`: the StableHLO of a function, its figures, and hashes that see through spelling."""

import jax
import jax.numpy as jnp

import jaxir


@jax.jit
def swish(x: jax.Array) -> jax.Array:
    """x times its own logistic function"""
    return x * jax.nn.sigmoid(x)


def also_swish(value: jax.Array) -> jax.Array:
    """the same with other names and the factors turned round"""
    gate = jax.nn.sigmoid(value)
    return gate * value


@jax.jit
def log_sum_exp(x: jax.Array) -> jax.Array:
    """the logarithm of a sum of exponentials, without overflow"""
    top = jnp.max(x)
    return top + jnp.log(jnp.sum(jnp.exp(x - top)))


def main() -> None:
    spec = jax.ShapeDtypeStruct((2, 3), jnp.float32)
    first, second, third = (jaxir.extract(fn, spec) for fn in (swish, also_swish, log_sum_exp))
    print(first.stablehlo)
    for sample in (first, second, third):
        print(f"{sample.signature}: {sample.num_ops} ops, {sample.flops:.0f} flops, IR {sample.canonical_hash[:12]}")
    print("swish and also_swish are one program:", first.canonical_hash == second.canonical_hash)
    print("swish(1) =", swish(1.0))


if __name__ == "__main__":
    main()
