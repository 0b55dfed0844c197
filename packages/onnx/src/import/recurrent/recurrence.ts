/** Importers of ONNX's recurrences. Each direction becomes a recurrence of ours. */
import {
  type Dim,
  factsOf,
  full,
  initialOf,
  type RecurrenceFacts,
  type RecurrenceInputs,
  type RecurrenceName,
  type RecurrenceSettings,
  recurrence,
  recurrenceNames,
  transpose,
  type Value,
} from "@ostinato/core";
import { addsBiases } from "../../recurrent/biases.ts";
import { filledWith } from "../broadcasting.ts";
import type { Imported, Stack } from "../imported.ts";
import type { Importer, Importers, Importing } from "../importing.ts";
import type { OnnxNode } from "../node.ts";
import { activationsOf } from "./activations.ts";
import { biasesByDirection, byDirection } from "./directions.ts";

/** `linearBeforeReset` → `linear_before_reset`. */
const attributeName = (flag: string): string => flag.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** The directions of a node. */
const directionsBy: Readonly<Record<string, readonly ("forward" | "reverse")[]>> = {
  forward: ["forward"],
  reverse: ["reverse"],
  bidirectional: ["forward", "reverse"],
};

type Inputs = Readonly<Record<string, Imported | undefined>>;

/** The inputs by role, in ONNX's order. */
function inputsOf(node: OnnxNode, { states, peepholes }: RecurrenceFacts): Inputs {
  const optional = ["B", "lengths", ...states.map(initialOf), ...(peepholes.length > 0 ? ["P"] : [])];
  const roles = ["X", "W", "R", ...optional];
  if (node.inputs.length > roles.length)
    return node.fail(`it has ${node.inputs.length} inputs, and takes ${roles.length} at most`);
  return Object.fromEntries(roles.map((role, i) => [role, i < 3 ? node.input(i) : node.inputs[i]]));
}

/** A boolean that the file stores as 0 or 1. */
function truth(node: OnnxNode, attribute: string): boolean {
  const value = node.int(attribute) ?? 0;
  return value === 0 || value === 1 ? value === 1 : node.fail(`${attribute} must be 0 or 1, got ${value}`);
}

/** The attributes of both directions. */
function settingsOf(node: OnnxNode, { flags }: RecurrenceFacts): Readonly<Record<string, unknown>> {
  const clip = node.float("clip");
  if (clip !== undefined && !(clip > 0)) return node.fail(`clip must be positive, got ${clip}`);
  const given = Object.keys(flags).map((flag) => [flag, truth(node, attributeName(flag))]);
  return { ...(clip === undefined ? {} : { clip }), ...Object.fromEntries(given) };
}

/** @throws UnsupportedOpError for a wrong rank or size. Named sizes are made equal */
function expectShape(node: OnnxNode, role: string, { type }: Value, shape: readonly Dim[], importing: Importing): void {
  const given = type.shape;
  const differ = (dim: Dim, i: number): boolean => typeof dim === typeof given[i] && dim !== given[i];
  if (given.length !== shape.length || shape.some((dim, i) => typeof dim === "number" && differ(dim, i)))
    node.fail(`${role} is [${given.join(", ")}] in each direction, but must be [${shape.join(", ")}]`);
  shape.forEach((dim, i) => {
    importing.same(dim, given[i]);
  });
}

/** Moves the stacking axis from behind the batch to the front. */
function directionsFirst(given: Imported, importing: Importing): Imported {
  if (given.kind === "stack" && given.axis === 1) return { ...given, axis: 0 };
  return { kind: "computed", value: transpose(importing.value(given), [1, 0, 2]) };
}

/** Whether it is zeros, including zeros in the file: such an initial state is not a parameter. */
const isZeros = (given: Imported, values: readonly Value[]): boolean =>
  given.kind === "stored" ? given.data.every((x) => x === 0) : values.every((value) => filledWith(value) === 0);

/** The inputs of each direction, by role. */
function separated(
  node: OnnxNode,
  name: RecurrenceName,
  inputs: Inputs,
  { count, batchFirst, adds }: { readonly count: number; readonly batchFirst: boolean; readonly adds: boolean },
  importing: Importing,
): readonly RecurrenceInputs[] {
  const { gates, states, peepholes } = factsOf(name);
  const given = importing.value(inputs.X as Imported);
  if (given.type.shape.length !== 3) return node.fail(`X has ${given.type.shape.length} axes, expected 3`);
  const X = batchFirst ? transpose(given, [1, 0, 2]) : given;
  const [, batch, features] = X.type.shape as [Dim, Dim, Dim];
  const apart = (role: string, imported: Imported | undefined, shape: (value: Value) => readonly Dim[]): Value[] => {
    if (imported === undefined) return [];
    const values = byDirection(imported, count, importing);
    for (const value of values) expectShape(node, role, value, shape(value), importing);
    return values;
  };
  const R = apart("R", inputs.R, ({ type: { shape } }) => [gates.length * Number(shape[1]), shape[1] as Dim]);
  const hidden = Number(R[0]?.type.shape[1]);
  const stated = node.int("hidden_size") ?? hidden;
  if (!(hidden > 0) || stated !== hidden) return node.fail(`R has ${hidden} units, but hidden_size is ${stated}`);
  const rows = gates.length * hidden;
  const all: Record<string, readonly Value[]> = { R, W: apart("W", inputs.W, () => [rows, features]) };
  if (peepholes.length > 0) all.P = apart("P", inputs.P, () => [peepholes.length * hidden]);
  for (const role of states.map(initialOf)) {
    const initial = inputs[role] && batchFirst ? directionsFirst(inputs[role], importing) : inputs[role];
    const values = apart(role, initial, () => [batch, hidden]);
    if (initial && !isZeros(inputs[role] as Imported, values)) all[role] = values;
  }
  const biases = inputs.B && biasesByDirection(inputs.B, count, rows, adds, importing);
  all.B = Array.from({ length: count }, (_, i) => biases?.[i]?.B ?? full(0, [rows]));
  all.recurrentBias = (biases ?? []).flatMap(({ recurrentBias }) => recurrentBias ?? []);
  const lengths = inputs.lengths && importing.value(inputs.lengths);
  if (lengths) expectShape(node, "sequence_lens", lengths, [batch], importing);
  return Array.from({ length: count }, (_, i) => {
    const own = Object.entries(all).flatMap(([role, values]) => (values[i] ? [[role, values[i]] as const] : []));
    return { X, ...Object.fromEntries(own), ...(lengths ? { lengths } : {}) } as unknown as RecurrenceInputs;
  });
}

const importer =
  (name: RecurrenceName): Importer =>
  (node, importing) => {
    const facts = factsOf(name);
    const directions = directionsBy[node.string("direction") ?? "forward"];
    if (directions === undefined) return node.fail(`the direction "${node.string("direction")}" is not supported`);
    const count = directions.length;
    const batchFirst = truth(node, "layout");
    const settings = settingsOf(node, facts);
    const activations = activationsOf(node, facts, count);
    const adds = addsBiases(name, settings);
    const inputs = separated(node, name, inputsOf(node, facts), { count, batchFirst, adds }, importing);
    const made = inputs.map(
      (each, i) =>
        recurrence(name, each, {
          ...settings,
          direction: directions[i],
          activations: activations[i],
        } as RecurrenceSettings<RecurrenceName>) as Readonly<Record<string, Value>>,
    );
    const stack = (axis: number, output: string, change = (value: Value): Value => value): Stack => ({
      kind: "stack",
      axis,
      parts: made.map((outputs) => change(outputs[output] as Value)),
    });
    const y = batchFirst ? stack(2, "y", (value) => transpose(value, [1, 0, 2])) : stack(1, "y");
    return [y, ...facts.states.map((state) => stack(batchFirst ? 1 : 0, state))];
  };

/** The importers of all ONNX recurrences. */
export const recurrenceImporters: Importers = Object.fromEntries(
  recurrenceNames.flatMap((name) => {
    const { operator } = factsOf(name);
    return operator ? [[operator, importer(name)]] : [];
  }),
);
