import jax
import jax.numpy as jnp


def focal_loss(logits, targets):
    """The focal loss of binary logits."""
    probability = jax.nn.sigmoid(logits)
    likelihood = probability * targets + (1 - probability) * (1 - targets)
    surprise = -jnp.log(jnp.clip(likelihood, 0.001, 1)) * jnp.abs(1 - likelihood) ** 3
    return jnp.sum(surprise, axis=-1)


def log_sub(x, y):
    """The logarithm of the difference of two exponentials."""
    high = jnp.maximum(x, y) + 0.1
    gap = high - jnp.minimum(x, y)
    tail = jnp.log(-jnp.expm1(-gap))
    return high + tail


def trapezoid_area(y, x):
    """The area under `y` over the points `x` by the trapezoidal rule."""
    widths = jnp.diff(x)
    heights = (y[..., 1:] + y[..., :-1]) / 2
    return jnp.sum(widths * heights, axis=-1)


def hopfield_update(state, patterns):
    """The state after one retrieval step of a Hopfield memory."""
    overlaps = state @ patterns.T
    recalled = jax.nn.softmax(0.519 * overlaps, axis=-1) @ patterns
    return recalled


def sampling_mask(logits):
    """The probabilities of a language model cut to its likely tokens."""
    probabilities = jax.nn.softmax(logits, axis=-1)
    order = jnp.sum(logits[..., None, :] > logits[..., :, None], axis=-1)
    kept = order < (logits.shape[-1] + 1) // 2
    filtered = jnp.where(kept, probabilities, 0)
    return filtered / (jnp.sum(filtered, axis=-1, keepdims=True) + 0.001)


def sampling_mask_of_hopfield_update(state, logits, targets, x, y):
    logits_2 = hopfield_update(state, trapezoid_area(focal_loss(logits, targets), log_sub(x, y)))
    return sampling_mask(logits_2)
