/** What our own files spell out in several operators is one op again, which backends run by itself. */
import type { Graph, Value } from "@ostinato/core";
import { sequenceLengths, sequenceMask } from "@ostinato/core/graph";
import { canonical } from "../emit/canonical.ts";
import { type Rule, rewritten } from "../emit/rules.ts";
import { filledWith, narrowed } from "./broadcasting.ts";

/** Whether it is `from`, `from` + 1, … along the first of the axes of a value [time, batch]. */
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

/** Whether a value [time, batch] is one of [time], the same in each row. */
function varies({ node }: Value): boolean {
  return node.op === "broadcast" && node.attrs.axes[0] === 0;
}

/** The lengths of rows of ids: the last of 1, 2, …, time at which the id is not 0. */
const lengthsOfIds: Rule = (node, [reached]) => {
  if (node.op !== "max" || node.attrs.axes.join() !== "0" || reached?.node.op !== "select") return undefined;
  const [given, ends, none] = reached.node.inputs as readonly [Value, Value, Value];
  const { node: cast, type } = given;
  const [ids] = cast.inputs;
  const areIds = cast.op === "cast" && ids?.type.dtype === "int32" && type.shape.length === 2;
  return areIds && countsFrom(ends, 1) && filledWith(none) === 0 ? [sequenceLengths(ids)] : undefined;
};

/** Whether each step lies within the length of its row. */
const maskOfLengths: Rule = (node, [steps, broadcast]) => {
  if (node.op !== "less" || steps === undefined || broadcast?.node.op !== "broadcast") return undefined;
  const [lengths] = broadcast.node.inputs as readonly [Value];
  const { shape } = steps.type;
  const areLengths = lengths.type.shape.length === 1 && broadcast.node.attrs.axes.join() === "1";
  return shape.length === 2 && areLengths && countsFrom(steps, 0)
    ? [sequenceMask(lengths, shape[0] as string)]
    : undefined;
};

/** The graph with those ops, and without moves that only files need. */
export const recognized = (graph: Graph): Graph => rewritten(canonical(graph), [lengthsOfIds, maskOfLengths]);
