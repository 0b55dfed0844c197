/** From a graph as plain data to values: the names of its sizes are bound, its feeds become flows, its states parameters. */
import { ConfigError, ShapeError } from "../../errors.ts";
import { broadcast, transpose } from "../../ir/build/shape.ts";
import { constant, size } from "../../ir/build/source.ts";
import { type OpName, ops } from "../../ir/ops.ts";
import type { Pass } from "../../ir/rewrite.ts";
import { type Dim, nodesOf, type Shape, showShape, type Value } from "../../ir/value.ts";
import { hoist } from "../../recurrent/hoist.ts";
import { joinPads } from "../../recurrent/joinPads.ts";
import { type Flow, isTimeFirst, type Kind, turned } from "../kinds.ts";
import type { BuildContext } from "../layer.ts";
import { carrying } from "./carrying.ts";
import { lengthsOf } from "./described.ts";
import { fromPlain, type Place, type PlainNode } from "./plainGraph.ts";
import { lengthsIn } from "./rules.ts";

/** A graph, or half of one, with what goes in and comes out. What has no kind is handed on as it lies. */
export interface Part {
  readonly nodes: readonly PlainNode[];
  readonly inputs: readonly { readonly name: string; readonly kind?: Kind; readonly shape: Shape }[];
  readonly outputs: readonly { readonly kind?: Kind; readonly value: number }[];
}

/**
 * What a graph with scans goes through when it is lowered, as layers over cells do. Recurrences that a backend takes apart are none: as layers they bring no passes, and so they
 * train to the same bits here.
 */
export const passesFor = ({ nodes }: Pick<Part, "nodes">): readonly Pass[] =>
  nodes.some(({ op }) => ops[op as OpName].group === "structured") ? [hoist, joinPads] : [];

/** The names of sizes in the graph, as they are where the layer is applied. @throws ShapeError where that does not fit */
function boundSizes({ inputs }: Part, values: readonly Value[]): ReadonlyMap<string, Dim> {
  const bound = new Map<string, Dim>();
  inputs.forEach(({ name, shape }, i) => {
    const given = values[i]?.type.shape as Shape;
    shape.forEach((dim, axis) => {
      const actual = given[axis] as Dim;
      const known = typeof dim === "string" ? (bound.get(dim) ?? actual) : dim;
      if (known !== actual)
        throw new ShapeError(
          `its input "${name}" must be ${showShape(shape.map((wanted) => bound.get(wanted as string) ?? wanted))}, it was given ${showShape(given)}`,
        );
      if (typeof dim === "string") bound.set(dim, known);
    });
  });
  return bound;
}

/** A transpose that undoes the one before is none: so a layer has the values that were turned to go in and out of its graph as they were. */
const withoutTurns: Required<Place>["instead"] = (op, [x], attrs) => {
  if (op !== "transpose" || x?.node.op !== "transpose") return undefined;
  return isUndone(x, (attrs as { permutation: readonly number[] }).permutation)
    ? [x.node.inputs[0] as Value]
    : undefined;
};

function isUndone({ node }: Value, permutation: readonly number[]): boolean {
  return node.op === "transpose" && permutation.every((axis, i) => node.attrs.permutation[axis] === i);
}

/** A value that lies batch first, as a flow holds it. */
function inFlow(kind: Kind, values: Value): Value {
  const permutation = [1, 0, 2].slice(0, values.type.shape.length);
  if (!isTimeFirst(kind)) return values;
  return isUndone(values, permutation) ? (values.node.inputs[0] as Value) : transpose(values, permutation);
}

/** The lengths of a flow; without them every row has all steps. */
function lengthsOrAll({ lengths, values }: Flow): Value {
  const [time, batch] = values.type.shape as [Dim, Dim];
  return lengths ?? broadcast(typeof time === "number" ? constant(time, "int32") : size(time), [batch], []);
}

/** The lengths of what comes out over `time`: those that the graph reads, at best those that it is made with; else those of an input. */
function lengthsOver(time: Dim, value: Value, all: readonly Value[], flows: readonly Flow[]): Value | undefined {
  const over = (roots: readonly Value[]): Value | undefined =>
    lengthsIn(nodesOf(roots)).findLast((read) => read.time === time)?.lengths;
  const given = flows.find(
    ({ kind, lengths, values }) => lengths && isTimeFirst(kind) && values.type.shape[0] === time,
  );
  return over([value]) ?? over(all) ?? given?.lengths;
}

/**
 * The outputs of a graph for what it is applied to. Where states go on, those of its recurrences do.
 *
 * @throws ShapeError where it is applied to something else than it takes
 */
export function buildPart(
  { name: layer, carry, parameter }: BuildContext,
  part: Part,
  flows: readonly Flow[],
): readonly Flow[] {
  const { inputs, outputs } = part;
  const given = flows.map((flow, i) => (inputs[i]?.kind ? turned(flow) : flow.values));
  const sizes = boundSizes(part, given);
  const fed = new Map<string, () => Value>();
  inputs.forEach(({ name }, i) => {
    fed.set(name, () => given[i] as Value);
    fed.set(lengthsOf(name), () => lengthsOrAll(flows[i] as Flow));
  });
  const inputOver = (time: Dim): Flow | undefined =>
    flows.find(({ kind, values }) => isTimeFirst(kind) && values.type.shape[0] === time);
  const goingOn = carry?.always ? carrying(carry, inputOver) : undefined;
  const valuesAt = fromPlain(part.nodes, {
    size: (name) => sizes.get(name) as Dim,
    input: ({ name, kind, shape }) =>
      kind === "state"
        ? parameter(name, shape as readonly number[], () => {
            throw new ConfigError(
              `the parameter "${layer}/${name}" has no weights to begin with, because those of a graph are never drawn; hand over the weights of the model that it comes from: compile(model, { weights: trained.weights })`,
            );
          })
        : (fed.get(name)?.() as Value),
    instead: (op, read, attrs) => withoutTurns(op, read, attrs) ?? goingOn?.(op, read, attrs),
  });
  const values = valuesAt(
    outputs.map(({ value }) => value),
    "fetches",
  );
  return outputs.map(({ kind }, i): Flow => {
    const value = values[i] as Value;
    if (kind === undefined) return { kind: "features", values: value };
    const time = value.type.shape[1] as Dim;
    const lengths = kind === "sequence" ? lengthsOver(time, value, values, flows) : undefined;
    return { kind, values: inFlow(kind, value), ...(lengths ? { lengths } : {}) };
  });
}
