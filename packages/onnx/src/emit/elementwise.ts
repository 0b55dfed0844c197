/** Elementwise ops. ONNX broadcasts by itself, so an explicit `broadcast` between them is not written where the shape comes out anyway. */
import type { Node, OpName, Value, ValueType } from "@ostinato/core";
import { elementTypes } from "../file/schema.ts";
import type { Emission, Emitter } from "./emission.ts";

/** The source of a `broadcast`, with axes of size 1 where new axes stand between or behind its own. */
export function narrow(node: Node<"broadcast">, emission: Emission): string {
  const { shape, axes } = node.attrs;
  const source = emission.name(node.inputs[0] as Value);
  const first = axes[0] ?? shape.length;
  const missing = shape.flatMap((_, axis) => (axis > first && !axes.includes(axis) ? [axis - first] : []));
  return missing.length === 0 ? source : emission.add("Unsqueeze", [source, emission.ints(missing)]);
}

/** The operands of an elementwise node: broadcasts unexpanded, as long as every axis still has its full size in one operand. */
function operands({ inputs, outputs }: Node, emission: Emission): string[] {
  const { shape } = outputs[0] as ValueType;
  const shows = ({ node }: Value, axis: number): boolean => node.op !== "broadcast" || node.attrs.axes.includes(axis);
  const whole = shape.every((_, axis) => inputs.some((input) => shows(input, axis)));
  return inputs.map((input, i) =>
    input.node.op === "broadcast" && (whole || i > 0) ? narrow(input.node, emission) : emission.name(input),
  );
}

/** An op that ONNX has under another name. */
export const direct =
  <O extends OpName>(op: string): Emitter<O> =>
  (node, emission) => [emission.add(op, operands(node as Node, emission))];

export const cast: Emitter<"cast"> = (node, emission) => [
  emission.add("Cast", [emission.name(node.inputs[0] as Value)], { to: elementTypes[node.attrs.dtype] }),
];

/** An op along the last axis. */
export const alongLast =
  <O extends OpName>(op: string): Emitter<O> =>
  (node, emission) => [emission.add(op, [emission.name(node.inputs[0] as Value)], { axis: -1 })];
