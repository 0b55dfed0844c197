/** Products that read memory as it lies, batch first, in the place of turning it at every step. */
import { apply } from "../../ir/build/apply.ts";
import type { RewriteRule } from "../../ir/rewrite.ts";
import type { Value } from "../../ir/value.ts";

/** An operand of a product, and the axes of it that go together. */
interface Operand {
  readonly value: Value;
  readonly contract: readonly number[];
  readonly batch: readonly number[];
}

const isRun = (axes: readonly number[]): boolean =>
  axes.every((axis, i) => i === 0 || axis === (axes[i - 1] as number) + 1);

/** The operand before it was turned, where the product can read it so; else as it is. */
function unturned(operand: Operand): Operand {
  const { node } = operand.value;
  if (node.op !== "transpose") return operand;
  const { permutation } = node.attrs;
  const { contract, batch } = operand;
  const free = permutation.map((_, axis) => axis).filter((axis) => !contract.includes(axis) && !batch.includes(axis));
  const moved = [contract, batch, free].map((axes) => axes.map((axis) => permutation[axis] as number));
  if (!moved.every(isRun)) return operand;
  return { value: node.inputs[0] as Value, contract: moved[0] as number[], batch: moved[1] as number[] };
}

/** Takes turns of operands into the product: each group of its axes is a run in what was turned, too. */
export const readAsItLies: RewriteRule = (node, inputs) => {
  if (node.op !== "dot") return undefined;
  const { contract, batch } = node.attrs;
  const [a, b] = ([0, 1] as const).map((side) =>
    unturned({ value: inputs[side] as Value, contract: contract[side], batch: batch[side] }),
  ) as [Operand, Operand];
  return apply("dot", [a.value, b.value], {
    contract: [a.contract, b.contract],
    batch: [a.batch, b.batch],
  });
};
