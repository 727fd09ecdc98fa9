"""Which arguments of `main` each result depends on, result by result.

Several ops have results that do not depend on all of their operands: the slots of a loop's carry, the arms of a branch,
the operands that a sort or a barrier takes along. A set of arguments is a bit mask, bit `i` for argument `i`.
"""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Final

from jaxir.extractor.program import Block, Op, Program, symbol

#: Ops that count although nothing reads their results, or whose two executions are not one value.
EFFECTS: Final = frozenset(f"stablehlo.{name}" for name in ("infeed", "outfeed", "send", "recv", "rng"))


def _union(masks: list[int]) -> int:
    return reduce(or_, masks, 0)


class Dependence:
    """Masks of a program; `effects` collects what ops with side effects read."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.effects = 0
        self._calls: dict[tuple[str, tuple[int, ...]], list[int]] = {}

    def of_results(self, arguments: list[int]) -> list[int]:
        """The mask of each result of `main`, for the masks of its arguments."""
        main = self.program.main
        return self._block(main, dict(zip(main.arguments, arguments, strict=True)))

    def _block(self, block: Block, env: dict[int, int]) -> list[int]:
        for op in block.ops:
            operands = [env[number] for number in op.operands]
            if op.name in EFFECTS or op.attribute("has_side_effect") == "true":
                self.effects |= _union(operands)
            env.update(zip(op.results, self._op(op, operands, env), strict=True))
        return [env[number] for number in block.returns]

    def _op(self, op: Op, operands: list[int], env: dict[int, int]) -> list[int]:
        match op.name:
            case "func.call":
                return self._call(op, operands)
            case "stablehlo.optimization_barrier":
                return operands
            case "stablehlo.case" | "stablehlo.if":
                arms = [self._block(region, env) for region in op.regions]
                return [operands[0] | _union(list(masks)) for masks in zip(*arms, strict=True)]
            case "stablehlo.while":
                return self._while(op, operands, env)
            case "stablehlo.sort":
                order = self._region(op.regions[0], [mask for mask in operands for _ in range(2)], env)[0]
                return [mask | order for mask in operands]
            case "stablehlo.reduce":
                return self._reduce(op, operands, env)
        everything = _union(operands)
        for region in op.regions:
            everything |= _union(self._region(region, [everything] * len(region.arguments), env))
        return [everything] * len(op.results)

    def _region(self, region: Block, arguments: list[int], env: dict[int, int]) -> list[int]:
        # Value numbers are unique, so one table serves a region and what is around it.
        env.update(zip(region.arguments, arguments, strict=True))
        return self._block(region, env)

    def _call(self, op: Op, operands: list[int]) -> list[int]:
        callee = symbol(op.attribute("callee"))
        key = (callee, tuple(operands))
        if key not in self._calls:
            body = self.program.functions[callee]
            self._calls[key] = self._block(body, dict(zip(body.arguments, operands, strict=True)))
        return self._calls[key]

    def _while(self, op: Op, carry: list[int], env: dict[int, int]) -> list[int]:
        """A slot that changes depends on the condition and on what it is made of; masks only grow, so this ends."""
        condition, body = op.regions
        while True:
            predicate = self._region(condition, carry, env)[0]
            made = self._region(body, carry, env)
            grown = [
                mask if body.returns[slot] == body.arguments[slot] else mask | made[slot] | predicate
                for slot, mask in enumerate(carry)
            ]
            if grown == carry:
                return carry
            carry = grown

    def _reduce(self, op: Op, operands: list[int], env: dict[int, int]) -> list[int]:
        count = len(op.results)
        carry = [operands[slot] | operands[slot + count] for slot in range(count)]
        while True:
            made = self._region(op.regions[0], [*carry, *carry], env)
            grown = [mask | more for mask, more in zip(carry, made, strict=True)]
            if grown == carry:
                return carry
            carry = grown
