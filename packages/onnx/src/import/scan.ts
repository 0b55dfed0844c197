/** Importer of `Scan`. The body reads outer values by name; our `scan` gets them as constants. */
import { type Dim, parameter, reverse, transpose, type Value } from "@ostinato/core";
import { apply } from "@ostinato/core/graph";
import { computed } from "./imported.ts";
import type { Importer, Importers } from "./importing.ts";
import type { OnnxNode } from "./node.ts";
import { Outside } from "./outside.ts";
import { axisIn } from "./shapes.ts";
import { treeIn } from "./tree.ts";

/** A list with `count` numbers; zeros if absent. */
function listed(node: OnnxNode, attribute: string, count: number): readonly number[] {
  const list = node.ints(attribute) ?? new Array<number>(count).fill(0);
  return list.length === count ? list : node.fail(`${attribute} has ${list.length} entries, and needs ${count}`);
}

/** Whether each sequence is read from the last step to the first. */
const backwards = (node: OnnxNode, attribute: string, count: number): boolean[] =>
  listed(node, attribute, count).map((direction) =>
    direction === 0 || direction === 1 ? direction === 1 : node.fail(`${attribute} must be 0 or 1, got ${direction}`),
  );

/** Moves the first axis of `x` to `to`. */
function timeAt(x: Value, to: number): Value {
  const others = x.type.shape.map((_, axis) => axis).slice(1);
  return transpose(x, [...others.slice(0, to), 0, ...others.slice(to)]);
}

/** Moves an axis of `x` to the front. */
const timeFirst = (x: Value, axis: number): Value =>
  transpose(x, [axis, ...x.type.shape.map((_, i) => i).filter((i) => i !== axis)]);

const scan: Importer = (node, importing) => {
  if (importing.opset < 9) return node.fail("Scan of opset 8, which has a batch axis, is not supported");
  const body = node.graph("body") ?? node.fail("body is missing");
  const sequences = node.int("num_scan_inputs") ?? node.fail("num_scan_inputs is missing");
  const carries = node.inputs.length - sequences;
  const outputs = (body.outputs ?? []).length - carries;
  if (sequences < 1 || carries < 0 || outputs < 0)
    return node.fail(`it has ${node.inputs.length} inputs (${sequences} sequences) and ${outputs} outputs`);

  const tree = treeIn(node, body, sequences, importing);
  if (tree) return tree;
  const given = node.inputs.map((_, i) => importing.value(node.input(i)));
  const initial = given.slice(0, carries);
  const inputsBack = backwards(node, "scan_input_directions", sequences);
  const outputsBack = backwards(node, "scan_output_directions", outputs);
  const reversed = inputsBack.every((back) => back);
  const turned = (x: Value, back: boolean, axis: number): Value => (back === reversed ? x : reverse(x, axis));

  const inputAxes = listed(node, "scan_input_axes", sequences);
  const read = given.slice(carries).map((x, i) => {
    const axis = axisIn(node, inputAxes[i] as number, x.type.shape.length);
    return turned(timeFirst(x, axis), inputsBack[i] as boolean, 0);
  });
  const [time] = (read[0] as Value).type.shape as [Dim];
  for (const { type } of read) importing.same(time, type.shape[0]);

  const states = initial.map(({ type }, i) => parameter(`carry${i}`, type.dtype, type.shape));
  const slices = read.map(({ type }, i) => parameter(`slice${i}`, type.dtype, type.shape.slice(1)));
  const outside = new Outside(importing);
  const inside = importing.body(body, [...states, ...slices].map(computed), (imported, place) =>
    outside.enter(imported, place),
  );
  const results = inside.map((imported) => importing.value(imported));
  states.forEach(({ type }, i) => {
    type.shape.forEach((dim, axis) => {
      importing.same(dim, results[i]?.type.shape[axis] ?? dim);
    });
  });
  const constants = outside.read();
  const made = apply("scan", [...initial, ...read, ...constants.map(({ value }) => value)], {
    body: { parameters: [...states, ...slices, ...constants.map((constant) => constant.parameter)], results },
    carries,
    sequences,
    reverse: reversed,
  });
  const outputAxes = listed(node, "scan_output_axes", outputs);
  return made.slice(0, carries + outputs).map((value, i) => {
    if (i < carries) return computed(value);
    const axis = axisIn(node, outputAxes[i - carries] as number, value.type.shape.length);
    return computed(timeAt(turned(value, outputsBack[i - carries] as boolean, 0), axis));
  });
};

const loop: Importer = (node) =>
  node.fail(
    "loops with a computed condition are not supported; export recurrences as ONNX's recurrence operators or as Scan",
  );

export const scanImporters: Importers = { Scan: scan, Loop: loop };
