/** The requirements of a graph on its data: the range of ids, and the padding at the ends of rows. They are found in its ops. */
import { DataError } from "../../errors.ts";
import { ops } from "../../ir/ops.ts";
import { recurrenceInputs, recurrenceNames } from "../../ir/recurrences.ts";
import { isStructured } from "../../ir/structured.ts";
import { type AnyNode, type Dim, nodesOf, type Value, type ValueType } from "../../ir/value.ts";
import { checkIds } from "../ids.ts";
import type { InputData } from "../layer.ts";
import { checkSteps } from "../masking.ts";

/** The rules for an input. */
export interface DataRules {
  /** The exclusive upper bound of ids, which is the number of rows of the table. */
  readonly inputDim?: number;
  /** The padding value of ids, or of all features of a step. */
  readonly padding?: number;
  /** The least number of steps, if single steps are read by number. */
  readonly steps?: number;
  /** Whether all computation along time ignores padding, so that rows can be cut at their lengths. */
  readonly cut: boolean;
}

/** The lengths that nodes read, each with its time size, in the order of the nodes. */
export function lengthsIn(nodes: readonly AnyNode[]): readonly { readonly time: Dim; readonly lengths: Value }[] {
  return nodes.flatMap((node) => {
    const [first, second] = node.inputs as [Value, Value];
    if (node.op === "sequenceMask") return [{ time: node.attrs.time, lengths: first }];
    const time = first?.type.shape[0] as Dim;
    if (node.op === "reverseSequence") return [{ time, lengths: second }];
    if (!(recurrenceNames as readonly string[]).includes(node.op)) return [];
    const { options } = node.attrs as { readonly options: readonly string[] };
    const at = options.indexOf("lengths");
    return at < 0 ? [] : [{ time, lengths: node.inputs[recurrenceInputs.length + at] as Value }];
  });
}

/** `from`, and the `nodes` that depend on it; with `moved`, only through ops that move elements. */
function above(nodes: readonly AnyNode[], from: AnyNode, moved = false): ReadonlySet<AnyNode> {
  const found = new Set([from]);
  for (const node of nodes)
    if ((!moved || ops[node.op].group === "shape") && node.inputs.some((input) => found.has(input.node)))
      found.add(node);
  return found;
}

/** Whether a node combines or reorders steps. */
function mixesSteps({ op, inputs, outputs, attrs }: AnyNode, time: Dim): boolean {
  const over = ({ shape }: Pick<ValueType, "shape">): boolean => shape.includes(time);
  const read = inputs.filter(({ type }) => over(type));
  if (read.length === 0) return false;
  const alongLast = ops[op].group === "composite" && read[0]?.type.shape.at(-1) === time;
  const turned = op === "reverse" && read[0]?.type.shape[(attrs as { axis: number }).axis] === time;
  return alongLast || turned || isStructured(op) || outputs.some((output) => !over(output));
}

/** The number that fills a value, if there is one. */
export function numberIn({ node }: Value): number | undefined {
  if (node.op === "broadcast") return numberIn(node.inputs[0] as Value);
  return node.op === "constant" && node.attrs.data.length === 1 ? node.attrs.data[0] : undefined;
}

/** The value and number of a comparison, ignoring casts. */
function compared({ node }: Value): { readonly value: Value; readonly number: number } | undefined {
  const [first, second] = node.inputs as [Value, Value];
  if (node.op === "cast") return compared(first);
  const number = node.op === "equal" ? numberIn(second) : undefined;
  return number === undefined ? undefined : { value: first, number };
}

/**
 * The padding value of vectors if lengths are computed as by `masking`, from the last step with a feature that differs from it. Otherwise undefined.
 */
function paddingOf({ node }: Value, data: ReadonlySet<AnyNode>): number | undefined {
  if (node.op === "mul") return paddingOf(node.inputs[0] as Value, data);
  if (node.op !== "max" || node.attrs.axes.join() !== "2") return undefined;
  const unequal = compared(node.inputs[0] as Value);
  const equal = unequal?.number === 0 ? compared(unequal.value) : undefined;
  return equal && data.has(equal.value.node) ? equal.number : undefined;
}

/** The least number of steps so that all slices along time lie within them. */
function stepsIn(nodes: readonly AnyNode[], time: Dim): number {
  let steps = 1;
  for (const node of nodes) {
    if (node.op !== "slice" || node.inputs[0]?.type.shape[node.attrs.axis] !== time) continue;
    const { start, size } = node.attrs;
    steps = Math.max(steps, start < 0 ? -start : start + size);
  }
  return steps;
}

/** The rules for an input with a time axis. */
export function rulesIn(nodes: readonly AnyNode[], fed: Value): DataRules {
  const data = above(nodes, fed.node, true);
  const rows = nodes.flatMap(({ op, inputs: [table, ids] }) => {
    const size = op === "gather" && data.has(ids?.node as AnyNode) ? table?.type.shape[0] : undefined;
    return typeof size === "number" ? [size] : [];
  });
  const time = fed.type.shape[1] as Dim;
  const steps = stepsIn(nodes, time);
  const known = { ...(rows.length > 0 ? { inputDim: Math.min(...rows) } : {}), ...(steps > 1 ? { steps } : {}) };
  const found = nodes.flatMap((node) => {
    const read = node.inputs[0] as Value;
    if (node.op !== "sequenceLengths") return [];
    const padding = data.has(read.node) ? 0 : paddingOf(read, data);
    return padding === undefined ? [] : [{ node, padding }];
  });
  const [first] = found;
  if (first === undefined) return { ...known, cut: false };
  const knowing = new Set(found.flatMap(({ node }) => [...above(nodes, node), ...below(node)]));
  const reading = above(nodes, fed.node);
  const cut = nodes.every((node) => knowing.has(node) || !reading.has(node) || !mixesSteps(node, time));
  return { ...known, padding: first.padding, cut };
}

/** A node and everything that it depends on. */
function below(node: AnyNode): AnyNode[] {
  return nodesOf([{ node, output: 0, type: node.outputs[0] as ValueType }]);
}

/** Checks data against the rules, as a layer's `reads` does. */
export function checkData(
  { inputDim, padding, steps = 0, cut }: DataRules,
  data: InputData,
  owner: string,
): Int32Array | undefined {
  for (let row = 0; row < data.rows; row++) {
    if ((data.lengths[row] as number) < steps)
      throw new DataError(
        `${owner}: ${data.spec.label}, row ${row} has ${data.lengths[row]} steps, but the model needs rows of at least ${steps}`,
      );
  }
  if (data.spec.dtype === "float32") {
    const ends = padding === undefined ? undefined : checkSteps({ maskValue: padding }, data, owner);
    return cut ? ends : undefined;
  }
  if (inputDim === undefined && padding === undefined) return undefined;
  const rules = { inputDim: inputDim ?? Number.POSITIVE_INFINITY, maskZero: padding === 0 };
  const ends = checkIds(rules, data, owner);
  return cut ? ends : undefined;
}
