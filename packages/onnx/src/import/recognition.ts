/** Replaces groups of operators that our own files use for one op with that op, for which backends have kernels. */
import type { Graph, Value } from "@ostinato/core";
import { sequenceLengths, sequenceMask } from "@ostinato/core/graph";
import { canonical } from "../emit/canonical.ts";
import { type Rule, rewritten } from "../emit/rules.ts";
import { filledWith, narrowed } from "./broadcasting.ts";

/** Whether a value is `from`, `from` + 1, … along the first axis of [time, batch]. */
function countsFrom(value: Value, from: number): boolean {
  const [time] = value.type.shape;
  const { node, type } = narrowed(value);
  const isAlong = type.shape.length === 1 && type.shape[0] === time && varies(value);
  if (node.op === "iota") return isAlong && from === 0;
  if (node.op === "constant") return isAlong && node.attrs.data.every((number, i) => number === from + i);
  const [steps, first] = node.inputs;
  return (
    isAlong &&
    node.op === "add" &&
    steps !== undefined &&
    first !== undefined &&
    steps.node.op === "iota" &&
    filledWith(first) === from
  );
}

/** Whether a value [time, batch] is a value [time] repeated for each row. */
function varies({ node }: Value): boolean {
  return node.op === "broadcast" && node.attrs.axes[0] === 0;
}

/** The lengths of rows of ids: the last of 1, 2, …, time where the id is not 0. */
const lengthsOfIds: Rule = (node, [reached]) => {
  if (node.op !== "max" || node.attrs.axes.join() !== "0" || reached?.node.op !== "select") return undefined;
  const [given, ends, none] = reached.node.inputs as readonly [Value, Value, Value];
  const { node: cast, type } = given;
  const [ids] = cast.inputs;
  const areIds = cast.op === "cast" && ids?.type.dtype === "int32" && type.shape.length === 2;
  return areIds && countsFrom(ends, 1) && filledWith(none) === 0 ? [sequenceLengths(ids)] : undefined;
};

/** Whether a value is a mask of the steps within the length of each row. */
const maskOfLengths: Rule = (node, [steps, broadcast]) => {
  if (node.op !== "less" || steps === undefined || broadcast?.node.op !== "broadcast") return undefined;
  const [lengths] = broadcast.node.inputs as readonly [Value];
  const { shape } = steps.type;
  const areLengths = lengths.type.shape.length === 1 && broadcast.node.attrs.axes.join() === "1";
  return shape.length === 2 && areLengths && countsFrom(steps, 0)
    ? [sequenceMask(lengths, shape[0] as string)]
    : undefined;
};

/** The graph with these ops, and without moves that only files need. */
export const recognized = (graph: Graph): Graph => rewritten(canonical(graph), [lengthsOfIds, maskOfLengths]);
