"""Programs over several devices: `shard_map` over a mesh, with collectives inside."""

from collections.abc import Callable
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import Mesh, PartitionSpec
from jaxtyping import Array, Float, Float32, Num, Real

from jaxir import Uniform


def sharded_extreme(
    x: Real[Array, "8*m n"], *, devices: Literal[2, 4, 8], fn: Literal["pmax", "pmin"]
) -> Real[Array, "n"]:
    """the `fn` over `devices` devices of the extreme rows that each of them holds"""
    mesh = Mesh(np.array(jax.devices()[:devices]), ("i",))

    def body(rows):
        if fn == "pmax":
            local = jnp.max(rows, axis=0)
        else:
            local = jnp.min(rows, axis=0)
        return getattr(lax, fn)(local, "i")

    return jax.shard_map(body, mesh=mesh, in_specs=PartitionSpec("i"), out_specs=PartitionSpec())(x)


def sharded_mean(x: Float[Array, "8*m *d"], *, devices: Literal[2, 4, 8]) -> Float[Array, "*d"]:
    """the mean of the rows that `devices` devices hold"""
    mesh = Mesh(np.array(jax.devices()[:devices]), ("i",))

    def body(rows):
        return lax.pmean(jnp.mean(rows, axis=0), "i")

    return jax.shard_map(body, mesh=mesh, in_specs=PartitionSpec("i"), out_specs=PartitionSpec())(x)


def data_parallel_sum(
    x: Float[Array, "8*m *d"],
    *,
    devices: Literal[2, 4, 8],
    local: Callable[[Float[Array, "*d"]], Float[Array, "*d"]],
) -> Float[Array, "*d"]:
    """the sum of `local` of every row, rows spread over `devices` devices"""
    mesh = Mesh(np.array(jax.devices()[:devices]), ("batch",))

    def body(rows):
        return lax.psum(jnp.sum(jax.vmap(local)(rows), axis=0), "batch")

    return jax.shard_map(body, mesh=mesh, in_specs=PartitionSpec("batch"), out_specs=PartitionSpec())(x)


def data_parallel_gradient(
    weights: Float[Array, "n"], x: Float[Array, "4*m n"], targets: Float[Array, "4*m"], *, devices: Literal[2, 4]
) -> Float[Array, "n"]:
    """the gradient of a squared error, averaged over `devices` devices that each hold a part of the batch"""
    mesh = Mesh(np.array(jax.devices()[:devices]), ("batch",))

    def body(w, rows, wanted):
        def loss(v):
            return jnp.mean((jnp.tanh(rows @ v) - wanted) ** 2)

        return lax.pmean(jax.grad(loss)(lax.pcast(w, "batch", to="varying")), "batch")

    specs = (PartitionSpec(), PartitionSpec("batch"), PartitionSpec("batch"))
    return jax.shard_map(body, mesh=mesh, in_specs=specs, out_specs=PartitionSpec())(weights, x, targets)


def sharded_matmul(a: Num[Array, "m 4*k"], b: Num[Array, "4*k n"], *, devices: Literal[2, 4]) -> Num[Array, "m n"]:
    """a matrix product whose inner dim is split over `devices` devices and summed"""
    mesh = Mesh(np.array(jax.devices()[:devices]), ("k",))

    def body(left, right):
        return lax.psum(left @ right, "k")

    specs = (PartitionSpec(None, "k"), PartitionSpec("k", None))
    return jax.shard_map(body, mesh=mesh, in_specs=specs, out_specs=PartitionSpec())(a, b)


def scattered_matmul(
    a: Num[Array, "4*m 4*k"], b: Num[Array, "4*k n"], *, devices: Literal[2, 4]
) -> Num[Array, "4*m n"]:
    """a matrix product summed over `devices` devices of which each keeps its share of the rows"""
    mesh = Mesh(np.array(jax.devices()[:devices]), ("k",))

    def body(left, right):
        return lax.psum_scatter(left @ right, "k", scatter_dimension=0, tiled=True)

    specs = (PartitionSpec(None, "k"), PartitionSpec("k", None))
    return jax.shard_map(body, mesh=mesh, in_specs=specs, out_specs=PartitionSpec("k"))(a, b)


def scattered_sum(x: Num[Array, "4 4 *d"], *, terms: Literal["entries", "squares"]) -> Num[Array, "4 *d"]:
    """the `terms` of the slices of four devices summed, each device keeping the slice of its own number"""
    mesh = Mesh(np.array(jax.devices()[:4]), ("i",))

    def body(block):
        if terms == "entries":
            part = lax.psum_scatter(block[0], "i")
        else:
            part = lax.psum_scatter(block[0] * block[0], "i")
        return part[None]

    return jax.shard_map(body, mesh=mesh, in_specs=PartitionSpec("i"), out_specs=PartitionSpec("i"))(x)


def gathered_rows(
    x: Float[Array, "4*m n"], *, devices: Literal[2, 4], local: Callable[[Float[Array, "4*m n"]], Float[Array, "4*m n"]]
) -> Float[Array, "4*m n"]:
    """`local` of all rows, gathered on each of `devices` devices, of which each keeps what is its own"""
    mesh = Mesh(np.array(jax.devices()[:devices]), ("i",))

    def body(rows):
        everything = lax.all_gather(rows, "i", tiled=True)
        start = lax.axis_index("i") * rows.shape[0]
        return lax.dynamic_slice_in_dim(local(everything), start, rows.shape[0])

    return jax.shard_map(body, mesh=mesh, in_specs=PartitionSpec("i"), out_specs=PartitionSpec("i"))(x)


def gathered_distances(x: Float[Array, "4*m n"], *, devices: Literal[2, 4]) -> Float[Array, "4*m 4*m"]:
    """the squared distances between all rows, each of `devices` devices computing those of its own"""
    mesh = Mesh(np.array(jax.devices()[:devices]), ("i",))

    def body(rows):
        others = lax.all_gather(rows, "i")
        others = others.reshape(-1, rows.shape[1])
        return jnp.sum((rows[:, None] - others[None]) ** 2, axis=-1)

    return jax.shard_map(body, mesh=mesh, in_specs=PartitionSpec("i"), out_specs=PartitionSpec("i"))(x)


def distributed_transpose(x: Num[Array, "4*m 4*n"], *, devices: Literal[2, 4]) -> Num[Array, "4*n 4*m"]:
    """the transpose of a matrix whose rows lie on `devices` devices, by one exchange of all with all"""
    mesh = Mesh(np.array(jax.devices()[:devices]), ("i",))

    def body(rows):
        return lax.all_to_all(rows.T, "i", split_axis=0, concat_axis=1, tiled=True)

    return jax.shard_map(body, mesh=mesh, in_specs=PartitionSpec("i"), out_specs=PartitionSpec("i"))(x)


def expert_dispatch(tokens: Float[Array, "4 4 m n"], weights: Float[Array, "4 n"]) -> Float[Array, "4 4 m n"]:
    """groups of tokens sent to the four devices of their experts, weighted there and sent back"""
    mesh = Mesh(np.array(jax.devices()[:4]), ("expert",))

    def body(groups, weight):
        arrived = lax.all_to_all(groups[0], "expert", split_axis=0, concat_axis=0)
        worked = jnp.tanh(arrived * weight[0])
        return lax.all_to_all(worked, "expert", split_axis=0, concat_axis=0)[None]

    spec = PartitionSpec("expert")
    return jax.shard_map(body, mesh=mesh, in_specs=(spec, spec), out_specs=spec)(tokens, weights)


def ring_sum(
    x: Float[Array, "4*m *d"], *, devices: Literal[2, 4], decay: Annotated[float, Uniform(0.3, 0.9)]
) -> Float[Array, "4*m *d"]:
    """the decaying sum of the blocks that come by as they are passed around a ring of `devices` devices"""
    mesh = Mesh(np.array(jax.devices()[:devices]), ("i",))

    def body(block):
        ring = [(source, (source + 1) % devices) for source in range(devices)]

        def turn(_, carry):
            total, passing = carry
            passing = decay * lax.ppermute(passing, "i", ring)
            return total + passing, passing

        total, _ = lax.fori_loop(0, devices - 1, turn, (block, block))
        return total

    return jax.shard_map(body, mesh=mesh, in_specs=PartitionSpec("i"), out_specs=PartitionSpec("i"))(x)


def halo_smoothing(
    x: Float[Array, "8*n"], *, devices: Literal[2, 4, 8], ends: Literal["zero", "wrap"]
) -> Float[Array, "8*n"]:
    """the mean of each entry and its neighbours, edges exchanged between `devices` devices"""
    mesh = Mesh(np.array(jax.devices()[:devices]), ("i",))

    def body(part):
        if ends == "wrap":
            upward = [(source, (source + 1) % devices) for source in range(devices)]
            downward = [((source + 1) % devices, source) for source in range(devices)]
        else:
            upward = [(source, source + 1) for source in range(devices - 1)]
            downward = [(source + 1, source) for source in range(devices - 1)]
        left = lax.ppermute(part[-1:], "i", upward)
        right = lax.ppermute(part[:1], "i", downward)
        padded = jnp.concatenate([left, part, right])
        return (padded[:-2] + padded[1:-1] + padded[2:]) / 3

    return jax.shard_map(body, mesh=mesh, in_specs=PartitionSpec("i"), out_specs=PartitionSpec("i"))(x)


def shifted_shards(x: Num[Array, "4*m *d"], *, perm: Literal["swap", "shift", "reverse"]) -> Num[Array, "4*m *d"]:
    """blocks that move between four devices in a `perm`, added to those that stay"""
    mesh = Mesh(np.array(jax.devices()[:4]), ("i",))

    def body(block):
        if perm == "swap":
            moved = lax.pshuffle(block, "i", [1, 0, 3, 2])
        elif perm == "shift":
            moved = lax.ppermute(block, "i", [(0, 1), (1, 2), (2, 3)])
        else:
            moved = lax.pshuffle(block, "i", [3, 2, 1, 0])
        return block + moved

    return jax.shard_map(body, mesh=mesh, in_specs=PartitionSpec("i"), out_specs=PartitionSpec("i"))(x)


def shard_offsets(
    x: Num[Array, "8*m *d"], *, devices: Literal[2, 4, 8], step: Literal[1, 2, 3]
) -> Num[Array, "8*m *d"]:
    """each row scaled by `step` times the number of the device that holds it, plus one"""
    mesh = Mesh(np.array(jax.devices()[:devices]), ("i",))

    def body(rows):
        number = lax.axis_index("i")
        return rows * (step * number + 1).astype(rows.dtype)

    return jax.shard_map(body, mesh=mesh, in_specs=PartitionSpec("i"), out_specs=PartitionSpec("i"))(x)


def distributed_softmax(x: Float32[Array, "m 8*n"], *, devices: Literal[2, 4, 8]) -> Float32[Array, "m 8*n"]:
    """softmax over the last axis, whose columns lie on `devices` devices"""
    mesh = Mesh(np.array(jax.devices()[:devices]), ("i",))

    def body(columns):
        highest = lax.pmax(jnp.max(columns, axis=-1, keepdims=True), "i")
        weights = jnp.exp(columns - highest)
        return weights / lax.psum(jnp.sum(weights, axis=-1, keepdims=True), "i")

    spec = PartitionSpec(None, "i")
    return jax.shard_map(body, mesh=mesh, in_specs=spec, out_specs=spec)(x)


def distributed_prefix_sum(x: Float[Array, "8*n"], *, devices: Literal[2, 4, 8]) -> Float[Array, "8*n"]:
    """running sums over `devices` devices: each adds the totals of those before it"""
    mesh = Mesh(np.array(jax.devices()[:devices]), ("i",))

    def body(part):
        totals = lax.all_gather(jnp.sum(part), "i")
        before = jnp.where(jnp.arange(devices) < lax.axis_index("i"), totals, 0)
        return jnp.cumsum(part) + jnp.sum(before)

    return jax.shard_map(body, mesh=mesh, in_specs=PartitionSpec("i"), out_specs=PartitionSpec("i"))(x)


def grid_of_devices(x: Float[Array, "4*m 4*n"], *, along: Literal["rows", "columns"]) -> Float[Array, "4*m 4*n"]:
    """a matrix on a grid of two by two devices minus its means over the `along` of the grid"""
    mesh = Mesh(np.array(jax.devices()[:4]).reshape(2, 2), ("rows", "columns"))

    def body(block):
        if along == "rows":
            mean = lax.pmean(jnp.mean(block, axis=0, keepdims=True), "rows")
        else:
            mean = lax.pmean(jnp.mean(block, axis=1, keepdims=True), "columns")
        return block - mean

    spec = PartitionSpec("rows", "columns")
    return jax.shard_map(body, mesh=mesh, in_specs=spec, out_specs=spec)(x)


def two_level_sum(x: Float[Array, "8*m *d"]) -> Float[Array, "*d"]:
    """the sum of the rows of eight devices in two steps: inside of each node, then between the nodes"""
    mesh = Mesh(np.array(jax.devices()[:8]).reshape(2, 4), ("node", "core"))

    def body(rows):
        inside = lax.psum(jnp.sum(rows, axis=0), "core")
        return lax.psum(jnp.tanh(inside), "node")

    spec = PartitionSpec(("node", "core"))
    return jax.shard_map(body, mesh=mesh, in_specs=spec, out_specs=PartitionSpec())(x)


def pipeline_stages(
    x: Float[Array, "*d"],
    weights: Float[Array, "4 *d"],
    *,
    stage: Callable[[Float[Array, "*d"], Float[Array, "*d"]], Float[Array, "*d"]],
) -> Float[Array, "*d"]:
    """`stage` applied by four devices in turn, each with weights of its own, the value handed on"""
    mesh = Mesh(np.array(jax.devices()[:4]), ("stage",))

    def body(value, own):
        ring = [(source, (source + 1) % 4) for source in range(4)]
        number = lax.axis_index("stage")
        value = lax.pcast(value, "stage", to="varying")
        for turn in range(4):
            worked = jnp.where(number == turn, stage(value, own[0]), value)
            value = lax.ppermute(worked, "stage", ring)
        return lax.psum(jnp.where(number == 0, value, jnp.zeros_like(value)), "stage")

    specs = (PartitionSpec(), PartitionSpec("stage"))
    return jax.shard_map(body, mesh=mesh, in_specs=specs, out_specs=PartitionSpec())(x, weights)
