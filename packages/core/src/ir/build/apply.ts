/** One node: the only function that makes values. */
import { infer } from "../infer.ts";
import type { OpAttrs, OpName } from "../ops.ts";
import type { AnyNode, Node, Value } from "../value.ts";

/** Applies `op`: infers and checks the types of its outputs, and returns them as values. */
export function apply<O extends OpName>(op: O, inputs: readonly Value[], attrs: OpAttrs[O]): Value[] {
  const outputs = infer(
    op,
    inputs.map((input) => input.type),
    attrs,
  );
  const node: Node<O> = { op, inputs, attrs, outputs };
  return outputs.map((type, output) => ({ node: node as AnyNode, output, type }));
}

/** `apply` for an op with one output. */
export function apply1<O extends OpName>(op: O, inputs: readonly Value[], attrs: OpAttrs[O]): Value {
  return apply(op, inputs, attrs)[0] as Value;
}
