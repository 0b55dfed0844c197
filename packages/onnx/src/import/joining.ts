/** Importers of operators that concatenate and split. */
import { concat, type Value } from "@ostinato/core";
import { asComputed } from "./broadcasting.ts";
import { computed, type Host, host, type Imported, type Stack } from "./imported.ts";
import { expectFew, type Importer, type Importers, type Importing } from "./importing.ts";
import { plainNumbers } from "./movement.ts";
import type { OnnxNode } from "./node.ts";
import { taken } from "./selection.ts";
import { axisIn, numbersIn } from "./shapes.ts";
import { type Size, showSize } from "./sizes.ts";

/** Concatenates stacks along their axis. */
function joinedStacks(given: readonly Imported[], axis: number): Stack | undefined {
  const stacks = given.filter((each): each is Stack => each.kind === "stack" && each.axis === axis);
  return stacks.length === given.length
    ? { kind: "stack", axis, parts: stacks.flatMap(({ parts }) => parts) }
    : undefined;
}

function joinedNumbers(hosts: readonly Host[], axis: number): Host {
  const [first] = hosts as [Host];
  const owners = hosts.flatMap((each) => Array.from({ length: each.shape[axis] as number }, (_, at) => ({ each, at })));
  const shape = first.shape.map((size, i) => (i === axis ? owners.length : size));
  const outer = shape.slice(0, axis).reduce((a, b) => a * b, 1);
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const data: Size[] = [];
  for (let row = 0; row < outer; row++)
    for (const { each, at } of owners) {
      const from = (row * (each.shape[axis] as number) + at) * inner;
      data.push(...each.data.slice(from, from + inner));
    }
  return host(first.numbers, shape, data);
}

const concatenated: Importer = (node, importing) => {
  const given = node.inputs.map((_, i) => node.input(i));
  const [first] = given;
  if (first === undefined) return node.fail("it has no inputs");
  const axis = axisIn(node, node.int("axis") ?? 0, importing.shapeOf(first).length);
  const hosts = given.map((each) => plainNumbers(each, importing));
  if (hosts.every((each) => each !== undefined)) {
    expectOneShape(node, hosts, axis);
    return [joinedNumbers(hosts, axis)];
  }
  const stack = joinedStacks(given, axis);
  if (stack) return [stack];
  const wholes = given.map((each) => asComputed(each, importing));
  return [
    computed(
      concat(
        sameButAlong(
          node,
          wholes.map((whole) => importing.value(whole)),
          axis,
          importing,
        ),
        axis,
      ),
    ),
  ];
};

function expectOneShape(node: OnnxNode, hosts: readonly Host[], axis: number): void {
  const shapes = new Set(hosts.map(({ shape }) => shape.map((size, i) => (i === axis ? "" : size)).join()));
  if (shapes.size > 1) node.fail("its inputs have different shapes");
  expectFew(hosts.reduce((sum, { data }) => sum + data.length, 0));
}

/** Values whose other axes are equal. The sizes along the concatenation axis must be numbers. */
function sameButAlong(node: OnnxNode, values: readonly Value[], axis: number, importing: Importing): readonly Value[] {
  const [first] = values as [Value];
  for (const { type } of values) {
    if (type.shape.length !== first.type.shape.length) return node.fail("its inputs have different ranks");
    type.shape.forEach((dim, i) => {
      if (i !== axis) importing.same(first.type.shape[i], dim);
      else if (typeof dim === "string") {
        importing.close(dim);
        node.fail(`the size ${dim} of the concatenation axis must be a number`);
      }
    });
  }
  return values;
}

const split: Importer = (node, importing) => {
  const given = node.input(0);
  const shape = importing.shapeOf(given);
  const axis = axisIn(node, node.int("axis") ?? 0, shape.length);
  const size = shape[axis] as Size;
  const count = node.outputs.length;
  if ((node.int("num_outputs") ?? count) !== count) return node.fail(`its num_outputs is not ${count}`);
  const listed = numbersIn(node, 1, "split", importing);
  if (typeof size !== "number") {
    for (const { names } of size.terms) for (const name of names) importing.close(name);
    return node.fail(`it splits an axis of size ${showSize(size)}`);
  }
  const each = Math.ceil(size / count);
  const sizes = listed ?? Array.from({ length: count }, (_, i) => Math.min(each, size - i * each));
  let start = 0;
  return sizes.map((part) => {
    if (!(part > 0) || start + part > size) return node.fail(`its parts [${sizes.join(", ")}] exceed the size ${size}`);
    start += part;
    return part === size ? given : taken(node, given, axis, { start: start - part, count: part }, importing);
  });
};

export const joiningImporters: Importers = { Split: split, Concat: concatenated };
