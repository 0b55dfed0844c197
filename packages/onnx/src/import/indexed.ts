/** Importers of operators that gather and scatter by computed indices, and of those along time. */
import {
  cast,
  type Dim,
  equal,
  iota,
  less,
  reshape,
  reverseSequence,
  scan,
  scatterAdd,
  select,
  transpose,
  type Value,
} from "@ostinato/core";
import { add, broadcast, full } from "@ostinato/core/graph";
import { filledWith } from "./broadcasting.ts";
import { computed } from "./imported.ts";
import type { Importer, Importers } from "./importing.ts";
import { countsUp, fromFront, selected } from "./rows.ts";
import { axisIn, numbersIn } from "./shapes.ts";
import { inverseOf } from "./sorting.ts";

const gatherElements: Importer = (node, importing) => {
  const [data, indices] = [importing.value(node.input(0)), importing.value(node.input(1))];
  const rank = data.type.shape.length;
  const axis = axisIn(node, node.int("axis") ?? 0, rank);
  if (indices.type.shape.length !== rank) return node.fail("data and indices have different ranks");
  indices.type.shape.forEach((dim, i) => {
    if (i !== axis) importing.same(data.type.shape[i], dim);
  });
  return [computed(selected(data, indices, axis))];
};

/** Selects one step of each row: data [batch, time, …], indices [batch, 2] whose first column is 0, 1, …. */
const gatherNd: Importer = (node, importing) => {
  if ((node.int("batch_dims") ?? 0) !== 0) return node.fail("batch_dims is not supported");
  const [data, indices] = [importing.value(node.input(0)), importing.value(node.input(1))];
  const { node: made } = indices;
  const [rows, steps] = made.op === "concat" ? made.inputs : [];
  const isStep =
    steps !== undefined && indices.type.shape.length === 2 && indices.type.shape[1] === 2 && countsUp(rows as Value);
  if (!isStep)
    return node.fail(
      "it is only supported for selecting one step of each row: indices [batch, 2] whose first column is 0, 1, …",
    );
  const [, , ...rest] = data.type.shape;
  const batch = importing.same(data.type.shape[0], indices.type.shape[0]);
  const each = broadcast(reshape(steps, [batch]), [batch, 1, ...rest], [0]);
  return [computed(reshape(selected(data, each, 1), [batch, ...rest]))];
};

/** Zeros with each update added at the row of its index. */
const scatterNd: Importer = (node, importing) => {
  const [data, indices, updates] = [0, 1, 2].map((i) => importing.value(node.input(i))) as [Value, Value, Value];
  const reduction = node.string("reduction") ?? "none";
  if (reduction !== "add" || filledWith(data) !== 0 || indices.type.shape.at(-1) !== 1)
    return node.fail("it is only supported for adding rows to zeros");
  return [
    computed(scatterAdd(reshape(indices, indices.type.shape.slice(0, -1)), updates, data.type.shape[0] as number)),
  ];
};

/** The inverse of a permutation: 0, 1, … scattered to its indices. */
const scatterElements: Importer = (node, importing) => {
  const [indices, updates] = [1, 2].map((i) => importing.value(node.input(i))) as [Value, Value];
  const inverse = (node.int("axis") ?? 0) === 0 && countsUp(updates) ? inverseOf(indices, node.label) : undefined;
  if (inverse === undefined || (node.string("reduction") ?? "none") !== "none")
    return node.fail("it is only supported for inverting a permutation");
  return [computed(inverse)];
};

const oneHot: Importer = (node, importing) => {
  const indices = importing.value(node.input(0));
  const [depth] = numbersIn(node, 1, "depth", importing) ?? [];
  const [off, on] = importing.known(node.input(2))?.data ?? [];
  const rank = indices.type.shape.length + 1;
  const axis = axisIn(node, node.int("axis") ?? -1, rank);
  if (depth === undefined || typeof off !== "number" || typeof on !== "number")
    return node.fail("its depth and values must be constant");
  const shape = [...indices.type.shape.slice(0, axis), depth, ...indices.type.shape.slice(axis)];
  const axes = shape.map((_, i) => i).filter((i) => i !== axis);
  const hit = equal(broadcast(fromFront(indices, depth), shape, axes), broadcast(iota(depth), shape, [axis]));
  return [computed(select(hit, on, off))];
};

/** The upper or lower triangle of matrices; zeros elsewhere. */
const triangle: Importer = (node, importing) => {
  const x = importing.value(node.input(0));
  const { dtype, shape } = x.type;
  const rank = shape.length;
  if (rank < 2) return node.fail("its input must be a matrix");
  const offset = node.inputs[1] === undefined ? 0 : importing.known(node.inputs[1])?.data[0];
  if (typeof offset !== "number") return node.fail("its diagonal k must be constant");
  const [row, column] = [rank - 2, rank - 1].map((axis) => broadcast(iota(shape[axis] as Dim), shape, [axis])) as [
    Value,
    Value,
  ];
  const beyond = (node.int("upper") ?? 1) !== 0 ? less(column, add(row, offset)) : less(add(row, offset), column);
  const numbers = dtype === "bool" ? cast(x, "int32") : x;
  return [computed(cast(select(beyond, 0, numbers), dtype))];
};

const reversedSequence: Importer = (node, importing) => {
  const [x, lengths] = [importing.value(node.input(0)), importing.value(node.input(1))];
  const [time, batch] = [node.int("time_axis") ?? 0, node.int("batch_axis") ?? 1];
  if (time + batch !== 1 || x.type.shape.length < 2) return node.fail("its time and batch axes must be the first two");
  importing.same(x.type.shape[batch], lengths.type.shape[0]);
  const turn = (value: Value): Value =>
    time === 0 ? value : transpose(value, [1, 0, ...[...value.type.shape.keys()].slice(2)]);
  return [computed(turn(reverseSequence(turn(x), lengths)))];
};

/** The cumulative sum along an axis. */
const cumulativeSum: Importer = (node, importing) => {
  const x = importing.value(node.input(0));
  const rank = x.type.shape.length;
  const [wanted] = numbersIn(node, 1, "axis", importing) ?? [];
  const axis = axisIn(node, wanted ?? node.fail("the axis is missing"), rank);
  const [exclusive, backwards] = [node.int("exclusive") ?? 0, node.int("reverse") ?? 0];
  const order = [axis, ...[...x.type.shape.keys()].filter((i) => i !== axis)];
  const steps = transpose(x, order);
  const { outputs } = scan({
    initial: [full(0, steps.type.shape.slice(1), x.type.dtype)],
    sequences: [steps],
    reverse: backwards !== 0,
    body: ([total], [step]) => {
      const next = add(total as Value, step as Value);
      return { carries: [next], outputs: [exclusive === 0 ? next : (total as Value)] };
    },
  });
  return [
    computed(
      transpose(
        outputs[0] as Value,
        order.map((_, i) => order.indexOf(i)),
      ),
    ),
  ];
};

export const indexedImporters: Importers = {
  GatherElements: gatherElements,
  GatherND: gatherNd,
  ScatterElements: scatterElements,
  ScatterND: scatterNd,
  OneHot: oneHot,
  Trilu: triangle,
  ReverseSequence: reversedSequence,
  CumSum: cumulativeSum,
};
