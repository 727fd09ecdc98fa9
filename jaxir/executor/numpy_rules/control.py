"""Calls, loops and branches: primitives that hold jaxprs."""

from __future__ import annotations

import numpy as np

from jaxir.executor.numpy_rules.registry import TOKEN, Array, Call, rule


@rule("jit", "pjit", "remat2", "checkpoint", "composite")
def _call(call: Call, *operands: Array) -> list[Array]:
    return call.run(call.params["jaxpr"], operands)


@rule("custom_jvp_call", "custom_vjp_call", "closed_call", "core_call")
def _custom_call(call: Call, *operands: Array) -> list[Array]:
    return call.run(call.params["call_jaxpr"], operands)


@rule("create_token", "after_all")
def _token(call: Call, *operands: Array) -> Array:
    """A token orders effects, of which there are none here."""
    return np.zeros(TOKEN.shape, TOKEN.dtype)


@rule("dce_sink")
def _dce_sink(call: Call, *operands: Array) -> list[Array]:
    """A sink keeps what computes its operand, and has no results."""
    return []


@rule("custom_linear_solve")
def _linear_solve(call: Call, *operands: Array) -> list[Array]:
    """Run the solver that the primitive carries on its own constants and the right-hand side."""
    lengths, jaxprs = call.params["const_lengths"], call.params["jaxprs"]
    before = lengths.matvec + lengths.vecmat
    right = operands[sum(lengths) :]
    return call.run(jaxprs.solve, [*operands[before : before + lengths.solve], *right])


@rule("cond")
def _cond(call: Call, index: Array, *operands: Array) -> list[Array]:
    branches = call.params["branches"]
    return call.run(branches[min(max(int(index), 0), len(branches) - 1)], operands)


@rule("while")
def _while(call: Call, *operands: Array) -> list[Array]:
    params = call.params
    first, second = params["cond_nconsts"], params["cond_nconsts"] + params["body_nconsts"]
    cond_consts, body_consts, carry = operands[:first], operands[first:second], list(operands[second:])
    while (alive := call.run(params["cond_jaxpr"], [*cond_consts, *carry])[0]).any():
        turned = call.run(params["body_jaxpr"], [*body_consts, *carry])
        if alive.ndim:
            # A loop under vmap: its turns go on while any of the batch does, and those that ended stay as they are.
            turned = [
                np.where(alive.reshape((*alive.shape, *(1,) * (new.ndim - alive.ndim))), new, old)
                for new, old in zip(turned, carry, strict=True)
            ]
        carry = turned
    return carry


@rule("scan")
def _scan(call: Call, *operands: Array) -> list[Array]:
    params = call.params
    count, length, body = params["num_carry"], params["length"], params["jaxpr"]
    consts, carry = operands[: params["num_consts"]], list(operands[params["num_consts"] :][:count])
    sequences = operands[params["num_consts"] + count :]
    stacked = [np.empty(out.shape, out.dtype) for out in call.outs[count:]]
    for position in reversed(range(length)) if params["reverse"] else range(length):
        results = call.run(body, [*consts, *carry, *(sequence[position] for sequence in sequences)])
        carry = results[:count]
        for whole, result in zip(stacked, results[count:], strict=True):
            whole[position] = result
    return [*carry, *stacked]


@rule("platform_index")
def _platform_index(call: Call) -> Array:
    """Which entry of `platforms` speaks of the CPU; None is the default."""
    platforms = call.params["platforms"]
    found = [number for number, names in enumerate(platforms) if names is None or "cpu" in names]
    return np.asarray(found[0] if found else len(platforms) - 1, np.int32)
