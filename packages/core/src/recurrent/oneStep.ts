/** One step of recurrences: what is left of them, and of scans, where there is a single step to run. So it can be the body of another scan. */
import { apply1 } from "../ir/build/apply.ts";
import { add } from "../ir/build/elementwise.ts";
import { dot } from "../ir/build/linear.ts";
import { broadcast, concat, expandDims, slice, squeeze } from "../ir/build/shape.ts";
import { isElementwise } from "../ir/ops.ts";
import { byRecurrence, type RecurrenceName } from "../ir/recurrences.ts";
import { type RewriteRule, rewrite, substitute } from "../ir/rewrite.ts";
import { type Node, type Shape, sameShape, type Value } from "../ir/value.ts";
import { decomposeRecurrence } from "./recurrence.ts";

const decompositions = byRecurrence(decomposeRecurrence);

const isRecurrence = (node: Node): node is Node<RecurrenceName> => Object.hasOwn(decompositions, node.op);

/** Whether a value [1, …] is asked for without its first axis. */
const dropsTime = (from: Shape, to: Shape): boolean => from[0] === 1 && sameShape(from.slice(1), to);

const less1 = (axes: readonly number[]): number[] => axes.map((axis) => axis - 1);

/** A value [1, …] without its first axis, computed without it as far down as that is simple. */
function withoutTime(x: Value): Value {
  const { node, type } = x;
  const shape = type.shape.slice(1);
  const [first, second] = node.inputs as readonly [Value, Value];
  if (isElementwise(node.op)) return apply1(node.op, node.inputs.map(withoutTime), node.attrs as never);
  if (node.op === "reshape" && sameShape(first.type.shape, shape)) return first;
  if (node.op === "broadcast" && !node.attrs.axes.includes(0)) return broadcast(first, shape, less1(node.attrs.axes));
  if (node.op === "concat" && node.attrs.axis > 0) return concat(node.inputs.map(withoutTime), node.attrs.axis - 1);
  if (node.op === "dot" && node.attrs.batch[0].length === 0 && !node.attrs.contract[0].includes(0)) {
    const [own, others] = node.attrs.contract;
    return dot(withoutTime(first), second, { contract: [less1(own), others] });
  }
  return squeeze(x, 0);
}

/** The results of a scan over one step: those of its body, with a time axis where they are of each step. */
function onlyStep({ attrs }: Node<"scan">, inputs: readonly Value[]): Value[] {
  const { body, carries, sequences } = attrs;
  const initial = inputs.slice(0, carries);
  const slices = inputs.slice(carries, carries + sequences).map(withoutTime);
  const given = [...initial, ...slices, ...inputs.slice(carries + sequences)];
  const results = substitute(body.results, body.parameters, given);
  const stacked = [...results.slice(carries), ...initial].map((x) => expandDims(x, 0));
  return [...results.slice(0, carries), ...stacked];
}

const unroll: RewriteRule = (node, inputs) => {
  const [x] = inputs;
  if (node.op === "reshape" && dropsTime((x as Value).type.shape, node.attrs.shape)) return [withoutTime(x as Value)];
  if (isRecurrence(node) && x?.type.shape[0] === 1) return rewrite(decompositions[node.op](inputs, node.attrs), unroll);
  if (node.op === "scan" && inputs[node.attrs.carries]?.type.shape[0] === 1) return onlyStep(node, inputs);
  return undefined;
};

/** A product with parts side by side as the sum of their products: each can be made where its part is known, for all steps at once or in a step. */
const splitProduct: RewriteRule = (node, [x, w]) => {
  if (node.op !== "dot" || x?.node.op !== "concat" || w === undefined) return undefined;
  const { batch, contract } = node.attrs;
  const [axis, other] = [contract[0][0], contract[1][0]] as readonly [number, number];
  if (batch[0].length > 0 || contract[0].length > 1 || axis !== x.node.attrs.axis) return undefined;
  let start = 0;
  const products = x.node.inputs.map((part) => {
    const size = part.type.shape[axis] as number;
    start += size;
    return dot(part, slice(w, other, start - size, size), node.attrs);
  });
  return [products.reduce(add)];
};

/** The same values, with what each recurrence and each scan over a single step computes in their places. */
export function oneStep(roots: readonly Value[]): Value[] {
  return rewrite(rewrite(roots, unroll), splitProduct);
}
