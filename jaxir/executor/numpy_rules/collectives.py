"""`shard_map` and the collectives inside of it: every device of the mesh runs the body on its own part.

The bodies take turns, device after device, each as far as its next collective; so a run is deterministic although each
has a thread of its own, which keeps its place inside of nested loops and calls.
"""

from __future__ import annotations

import contextvars
import dataclasses
import itertools
import math
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from jaxir.errors import Rejected
from jaxir.executor.numpy_rules.dtypes import convert, exact, kind, wide
from jaxir.executor.numpy_rules.registry import Array, Call, rule


class _Turns:
    """Threads of which one runs at a time, handed on in order at each exchange."""

    def __init__(self, count: int) -> None:
        self.posted: list[list[Any]] = []  # by exchange, then by device
        self.results: list[Any] = [None] * count
        self.error: BaseException | None = None
        self._running = [threading.Semaphore(0) for _ in range(count)]
        self._idle = threading.Semaphore(0)
        self._done = [False] * count

    def run(self, body: Callable[[int], Any]) -> list[Any]:
        """Results of `body(device)` for each device; the first exception of one is raised."""
        threads = []
        for device in range(len(self._running)):
            context = contextvars.copy_context()
            threads.append(threading.Thread(target=context.run, args=(self._alone, body, device), daemon=True))
            threads[-1].start()
        while not all(self._done):
            for device, running in enumerate(self._running):
                if not self._done[device]:
                    running.release()
                    self._idle.acquire()
            if self.error is None and any(self._done) and not all(self._done):
                self.error = Rejected("run", "collective without a partner")
        for thread in threads:
            thread.join()
        if self.error is not None:
            raise self.error
        return self.results

    def _alone(self, body: Callable[[int], Any], device: int) -> None:
        self._running[device].acquire()
        try:
            if self.error is None:
                self.results[device] = body(device)
        except BaseException as error:
            self.error = self.error or error
        self._done[device] = True
        self._idle.release()

    def exchange(self, device: int, number: int, value: Any) -> list[Any]:
        """What all devices hand in at their exchange of this number."""
        if number == len(self.posted):
            self.posted.append([None] * len(self._running))
        self.posted[number][device] = value
        self._idle.release()
        self._running[device].acquire()
        if self.error is not None:
            raise self.error
        return self.posted[number]


@dataclasses.dataclass
class _Device:
    """A device while it runs a body."""

    turns: _Turns
    number: int
    sizes: Mapping[str, int]  #: of the mesh's axes, in order
    exchanges: int = 0

    def group(self, axes: Sequence[str], groups: Sequence[Sequence[int]] | None = None) -> list[int]:
        """Numbers of the devices that differ from this one along `axes` only, in the order of these axes."""
        place = _place(self.number, self.sizes)
        members = []
        for index in itertools.product(*(range(self.sizes[axis]) for axis in axes)):
            members.append(_number(place | dict(zip(axes, index, strict=True)), self.sizes))
        if groups is None:
            return members
        position = members.index(self.number)
        return [members[other] for group in groups if position in group for other in group]

    def exchange(self, value: Any) -> list[Any]:
        self.exchanges += 1
        return self.turns.exchange(self.number, self.exchanges - 1, value)


_here: contextvars.ContextVar[_Device] = contextvars.ContextVar("device")


def _place(number: int, sizes: Mapping[str, int]) -> dict[str, int]:
    """Position along each axis of the mesh."""
    place = np.unravel_index(number, tuple(sizes.values()))
    return dict(zip(sizes, map(int, place), strict=True))


def _number(place: Mapping[str, int], sizes: Mapping[str, int]) -> int:
    return int(np.ravel_multi_index([place[axis] for axis in sizes], tuple(sizes.values())))


def _names(axes: Any) -> tuple[str, ...]:
    """Mesh axes as a tuple, from None, a name or several."""
    if axes is None:
        return ()
    return (axes,) if isinstance(axes, str) else tuple(axes)


def _part(spec: Any, shape: Sequence[int], place: Mapping[str, int], sizes: Mapping[str, int]) -> tuple[slice, ...]:
    """The slices of a whole array that a device holds."""
    slices = []
    for axis, whole in enumerate(shape):
        names = _names(spec[axis]) if axis < len(spec) else ()
        count = math.prod(sizes[name] for name in names)
        index = 0
        for name in names:
            index = index * sizes[name] + place[name]
        size = whole // count
        slices.append(slice(index * size, (index + 1) * size))
    return tuple(slices)


@rule("shard_map")
def _shard_map(call: Call, *operands: Array) -> list[Array]:
    params = call.params
    sizes = dict(params["mesh"].shape)
    count = math.prod(sizes.values())
    turns = _Turns(count)

    def body(number: int) -> list[Array]:
        _here.set(_Device(turns, number, sizes))
        place = _place(number, sizes)
        parts = [
            operand[_part(spec, operand.shape, place, sizes)]
            for operand, spec in zip(operands, params["in_specs"], strict=True)
        ]
        with np.errstate(all="ignore"):
            return call.run(params["jaxpr"], parts)

    made = turns.run(body)
    results = []
    for position, (out, spec) in enumerate(zip(call.outs, params["out_specs"], strict=True)):
        whole = np.empty(out.shape, out.dtype)
        # What several devices hold is taken from the first of them.
        for number in reversed(range(count)):
            whole[_part(spec, out.shape, _place(number, sizes), sizes)] = made[number][position]
        results.append(whole)
    return results


def _of_group(call: Call, operand: Array, axes: Any) -> tuple[list[Array], int]:
    """The operands of the group in order, and the position of this device."""
    device = _here.get()
    group = device.group(_names(axes), call.params.get("axis_index_groups"))
    everything = device.exchange(operand)
    return [everything[number] for number in group], group.index(device.number)


def _total(call: Call, values: Sequence[Array]) -> Array:
    """Sums are formed in a wider type and rounded once."""
    dtype = values[0].dtype
    computed = exact(dtype) if kind(dtype) in "fc" else wide(dtype)
    return np.asarray(sum(convert(value, computed) for value in values)).astype(dtype)


@rule("psum", "psum_invariant")
def _psum(call: Call, *operands: Array) -> Any:
    totals = [_total(call, _of_group(call, operand, call.params["axes"])[0]) for operand in operands]
    return totals if len(totals) > 1 else totals[0]


@rule("pmax", "pmin")
def _extreme(call: Call, operand: Array) -> Array:
    choose = np.maximum if call.name == "pmax" else np.minimum
    values, _ = _of_group(call, operand, call.params["axes"])
    result = values[0]
    for value in values[1:]:
        result = choose(result, value)
    return np.asarray(result)


@rule("pvary", "pcast")
def _same(call: Call, operand: Array) -> Array:
    return operand


@rule("axis_index")
def _axis_index(call: Call) -> Array:
    device = _here.get()
    return np.asarray(device.group(_names(call.params["axis_name"])).index(device.number), np.int32)


@rule("all_gather", "all_gather_invariant")
def _all_gather(call: Call, operand: Array) -> Array:
    params = call.params
    values, _ = _of_group(call, operand, params["axis_name"])
    join = np.concatenate if params["tiled"] else np.stack
    return np.asarray(join(values, axis=params["all_gather_dimension"]))


@rule("reduce_scatter")
def _reduce_scatter(call: Call, operand: Array) -> Array:
    params, axis = call.params, call.params["scatter_dimension"]
    values, position = _of_group(call, operand, params["axis_name"])
    part = np.split(_total(call, values), len(values), axis)[position]
    return part if params["tiled"] else np.squeeze(part, axis)


@rule("all_to_all")
def _all_to_all(call: Call, operand: Array) -> Array:
    """Part number i of the split axis goes to device i; what comes is joined along the other axis."""
    params = call.params
    values, position = _of_group(call, operand, params["axis_name"])
    parts = [np.split(value, len(values), params["split_axis"])[position] for value in values]
    return np.asarray(np.concatenate(parts, axis=params["concat_axis"]))


@rule("ppermute")
def _ppermute(call: Call, operand: Array) -> Array:
    """Values move along (source, target); who gets none has zeros."""
    values, position = _of_group(call, operand, call.params["axis_name"])
    for source, target in call.params["perm"]:
        if target == position:
            return np.asarray(values[source])
    return np.zeros_like(operand)
