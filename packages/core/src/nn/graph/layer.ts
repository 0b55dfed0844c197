/** The layer that is a graph: any model of inference as data, with its states as parameters. */
import { ConfigError, ShapeError } from "../../errors.ts";
import { broadcast, transpose } from "../../ir/build/shape.ts";
import { constant, size } from "../../ir/build/source.ts";
import { type Dim, nodesOf, showShape, type Value } from "../../ir/value.ts";
import { hoist } from "../../recurrent/hoist.ts";
import { joinPads } from "../../recurrent/joinPads.ts";
import { batchMajorShape, type Flow, isTimeFirst, type Kind, turned } from "../kinds.ts";
import type { BuildContext, LayerDefinition } from "../layer.ts";
import { OptionReader } from "../options.ts";
import { toldOf } from "../wrapping.ts";
import { carrying } from "./carrying.ts";
import { describedGraph, type GraphConfig, type GraphInput, lengthsOf } from "./described.ts";
import { fromPlain, type Place } from "./plainGraph.ts";
import { checkData, lengthsIn } from "./rules.ts";

/** The names of sizes in the graph, as they are where the layer is applied. @throws ShapeError where that does not fit */
function boundSizes(inputs: readonly GraphInput[], flows: readonly Flow[]): ReadonlyMap<string, Dim> {
  const bound = new Map<string, Dim>();
  inputs.forEach(({ name, shape }, i) => {
    const given = batchMajorShape(flows[i] as Flow);
    ["batch", ...shape].forEach((dim, axis) => {
      const actual = given[axis] as Dim;
      const known = typeof dim === "string" ? (bound.get(dim) ?? actual) : dim;
      if (known !== actual)
        throw new ShapeError(
          `its input "${name}" must be ${showShape(["batch", ...shape].map((wanted) => bound.get(wanted as string) ?? wanted))}, it was given ${showShape(given)}`,
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

function build(
  { name: layer, carry, parameter }: BuildContext,
  config: GraphConfig,
  flows: readonly Flow[],
): readonly Flow[] {
  const { inputs, outputs } = describedGraph(config);
  const sizes = boundSizes(inputs, flows);
  const fed = new Map<string, () => Value>();
  inputs.forEach(({ name }, i) => {
    const flow = flows[i] as Flow;
    fed.set(name, () => turned(flow));
    fed.set(lengthsOf(name), () => lengthsOrAll(flow));
  });
  const inputOver = (time: Dim): Flow | undefined =>
    flows.find(({ kind, values }) => isTimeFirst(kind) && values.type.shape[0] === time);
  const goingOn = carry?.always ? carrying(carry, inputOver) : undefined;
  const valuesAt = fromPlain(config.nodes, {
    size: (name) => sizes.get(name) as Dim,
    input: ({ name, kind, shape }) =>
      kind === "state"
        ? parameter(name, shape as readonly number[], () => {
            throw new ConfigError(
              `the parameter "${layer}/${name}" has no weights to begin with, because those of a graph are never drawn; hand over the weights of the model that it comes from: compile(model, { weights: trained.weights })`,
            );
          })
        : (fed.get(name)?.() as Value),
    instead: (op, given, attrs) => withoutTurns(op, given, attrs) ?? goingOn?.(op, given, attrs),
  });
  const values = valuesAt(
    config.fetches.map(({ value }) => value),
    "fetches",
  );
  return outputs.map(({ kind }, i): Flow => {
    const value = values[i] as Value;
    const time = value.type.shape[1] as Dim;
    const lengths = kind === "sequence" ? lengthsOver(time, value, values, flows) : undefined;
    return { kind, values: inFlow(kind, value), ...(lengths ? { lengths } : {}) };
  });
}

export const graph: LayerDefinition<GraphConfig> = {
  merges: true,
  passes: [hoist, joinPads],
  parse(options, owner) {
    new OptionReader(owner, options, ["nodes", "fetches"]);
    const config = options as GraphConfig;
    toldOf(owner, () => describedGraph(config));
    return config;
  },
  takes: "a list of what the inputs of its graph are, in their order",
  outputs(config, given) {
    const { inputs, outputs } = describedGraph(config);
    return inputs.map(({ kind }) => kind).join() === given.join() ? outputs.map(({ kind }) => kind) : undefined;
  },
  reads(config, data, owner, input) {
    return checkData((describedGraph(config).inputs[input] as GraphInput).rules, data, owner);
  },
  build,
};
