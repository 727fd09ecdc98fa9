"""A network learns distributions by their Kullback-Leibler divergence; the step jitted and plain."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxir.executor.gains import benchmark_sustained_performance

RATE = 0.5
BATCH, FEATURES, HIDDEN, CLASSES = 32, 8, 32, 5
STEPS = 200


def divergence(targets: jax.Array, logits: jax.Array) -> jax.Array:
    """KL(targets || softmax(logits)), the mean over the rows; targets may be 0"""
    entropies = jnp.sum(jax.scipy.special.entr(targets), axis=-1)
    crossed = -jnp.sum(targets * jax.nn.log_softmax(logits), axis=-1)
    return jnp.mean(crossed - entropies)


def network(w1: jax.Array, b1: jax.Array, w2: jax.Array, b2: jax.Array, inputs: jax.Array) -> jax.Array:
    """logits, one hidden layer"""
    return jnp.tanh(inputs @ w1 + b1) @ w2 + b2


def loss(parameters: tuple, inputs: jax.Array, targets: jax.Array) -> jax.Array:
    return divergence(targets, network(*parameters, inputs))


@jax.jit
def kl_divergence(targets: jax.Array, logits: jax.Array) -> jax.Array:
    """the divergence of softmax(logits) from the targets, in nats"""
    return divergence(targets, logits)


@jax.jit
def predict(w1: jax.Array, b1: jax.Array, w2: jax.Array, b2: jax.Array, inputs: jax.Array) -> jax.Array:
    """the network's distribution for each input"""
    return jax.nn.softmax(network(w1, b1, w2, b2, inputs))


@jax.jit
def train_step(
    w1: jax.Array, b1: jax.Array, w2: jax.Array, b2: jax.Array, inputs: jax.Array, targets: jax.Array
) -> tuple:
    """the parameters after a step down the gradient, and the loss before it"""
    parameters = w1, b1, w2, b2
    value, slopes = jax.value_and_grad(loss)(parameters, inputs, targets)
    moved = [parameter - RATE * slope for parameter, slope in zip(parameters, slopes, strict=True)]
    return *moved, value


def problem(
    batch: int = BATCH, features: int = FEATURES, hidden: int = HIDDEN, classes: int = CLASSES
) -> tuple[jax.Array, ...]:
    """arguments of `train_step`: small random parameters, inputs, and the distributions of another network"""
    rng = np.random.default_rng(0)

    def normal(*shape: int) -> jax.Array:
        return jnp.asarray(rng.normal(size=shape), jnp.float32)

    w1, w2 = normal(features, hidden) / features**0.5, normal(hidden, classes) / hidden**0.5
    inputs = normal(batch, features)
    targets = jax.nn.softmax(inputs @ normal(features, classes))
    return w1, jnp.zeros(hidden), w2, jnp.zeros(classes), inputs, targets


def main() -> None:
    *parameters, inputs, targets = problem()
    for count in range(STEPS + 1):
        if count % 50 == 0:
            apart = kl_divergence(targets, jnp.log(predict(*parameters, inputs)))
            print(f"after {count} steps: {apart:.4f} nats")
        *parameters, _ = train_step(*parameters, inputs, targets)
    timed = benchmark_sustained_performance(train_step, *problem(), runs=6)
    jitted_ms, plain_ms = timed.jitted.median_ms, timed.plain.median_ms
    print(f"a step: {jitted_ms:.3f} ms jitted, {plain_ms:.3f} ms plain, {timed.ratio:.0f} times as long")


if __name__ == "__main__":
    main()
