/** Builds values from a graph as plain data: binds named sizes, and maps feeds to flows and states to parameters. */
import { ConfigError, ShapeError } from "../../errors.ts";
import { broadcast, transpose } from "../../ir/build/shape.ts";
import { constant, size } from "../../ir/build/source.ts";
import { type OpName, ops } from "../../ir/ops.ts";
import type { Pass } from "../../ir/rewrite.ts";
import { type Dim, nodesOf, type Shape, showShape, type Value } from "../../ir/value.ts";
import { hoist } from "../../recurrent/hoist.ts";
import { hoistTrees } from "../../recurrent/hoistTrees.ts";
import { joinPads } from "../../recurrent/joinPads.ts";
import { type Flow, isTimeFirst, type Kind, turned } from "../kinds.ts";
import type { BuildContext } from "../layer.ts";
import { carrying } from "./carrying.ts";
import { lengthsOf } from "./described.ts";
import { fromPlain, type Place, type PlainNode } from "./plainGraph.ts";
import { lengthsIn } from "./rules.ts";

/** A graph or half of one, with its inputs and outputs. Values without a kind are passed on unchanged. */
export interface Part {
  readonly nodes: readonly PlainNode[];
  readonly inputs: readonly { readonly name: string; readonly kind?: Kind; readonly shape: Shape }[];
  readonly outputs: readonly { readonly kind?: Kind; readonly value: number }[];
}

/**
 * The passes that lower a graph with ops that have bodies, as for layers with cells. Decomposed recurrences need none: as layers they have no passes, so training gives
 * the same bits.
 */
export const passesFor = ({ nodes }: Pick<Part, "nodes">): readonly Pass[] =>
  nodes.some(({ op }) => ops[op as OpName].group === "structured") ? [hoist, hoistTrees, joinPads] : [];

/** Binds the named sizes of the graph to those of the inputs. @throws ShapeError if they do not fit */
function boundSizes({ inputs }: Part, values: readonly Value[]): ReadonlyMap<string, Dim> {
  const bound = new Map<string, Dim>();
  inputs.forEach(({ name, shape }, i) => {
    const given = values[i]?.type.shape as Shape;
    shape.forEach((dim, axis) => {
      const actual = given[axis] as Dim;
      const known = typeof dim === "string" ? (bound.get(dim) ?? actual) : dim;
      if (known !== actual)
        throw new ShapeError(
          `its input "${name}" must be ${showShape(shape.map((wanted) => bound.get(wanted as string) ?? wanted))}, got ${showShape(given)}`,
        );
      if (typeof dim === "string") bound.set(dim, known);
    });
  });
  return bound;
}

/** Removes a transpose that undoes the previous one, so that values transposed at the inputs and outputs are passed through unchanged. */
const withoutTurns: Required<Place>["instead"] = (op, [x], attrs) => {
  if (op !== "transpose" || x?.node.op !== "transpose") return undefined;
  return isUndone(x, (attrs as { permutation: readonly number[] }).permutation)
    ? [x.node.inputs[0] as Value]
    : undefined;
};

function isUndone({ node }: Value, permutation: readonly number[]): boolean {
  return node.op === "transpose" && permutation.every((axis, i) => node.attrs.permutation[axis] === i);
}

/** Converts a batch-first value to the layout of a flow. */
function inFlow(kind: Kind, values: Value): Value {
  const permutation = [1, 0, 2].slice(0, values.type.shape.length);
  if (!isTimeFirst(kind)) return values;
  return isUndone(values, permutation) ? (values.node.inputs[0] as Value) : transpose(values, permutation);
}

/** The lengths of a flow; without lengths, every row has all steps. */
function lengthsOrAll({ lengths, values }: Flow): Value {
  const [time, batch] = values.type.shape as [Dim, Dim];
  return lengths ?? broadcast(typeof time === "number" ? constant(time, "int32") : size(time), [batch], []);
}

/** The lengths of an output over `time`: those that the graph reads, preferably for this value; otherwise those of an input. */
function lengthsOver(time: Dim, value: Value, all: readonly Value[], flows: readonly Flow[]): Value | undefined {
  const over = (roots: readonly Value[]): Value | undefined =>
    lengthsIn(nodesOf(roots)).findLast((read) => read.time === time)?.lengths;
  const given = flows.find(
    ({ kind, lengths, values }) => lengths && isTimeFirst(kind) && values.type.shape[0] === time,
  );
  return over([value]) ?? over(all) ?? given?.lengths;
}

/**
 * The outputs of a graph for the given inputs. If states are carried over, the states of its recurrences are.
 *
 * @throws ShapeError if the inputs do not fit
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
              `the parameter "${layer}/${name}" has no initial weights, because a graph has no initializers; pass the weights of the model that it comes from: compile(model, { weights: trained.weights })`,
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
