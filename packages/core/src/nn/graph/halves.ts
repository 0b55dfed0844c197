/** Splits a graph for sequence models: the part that does not depend on the tokens, and the rest. */
import { feed } from "../../ir/build/source.ts";
import { substitute } from "../../ir/rewrite.ts";
import { type AnyNode, type Dim, nodesOf, type Value } from "../../ir/value.ts";
import type { Kind } from "../kinds.ts";
import { type LayerDefinition, type LayerHalves, withDefinition } from "../layer.ts";
import type { Json } from "../options.ts";
import { buildPart, type Part, passesFor } from "./build.ts";
import { describedGraph, type GraphConfig, type GraphInput, lengthsOf } from "./described.ts";
import { toPlain } from "./plainGraph.ts";
import { checkData, type DataRules } from "./rules.ts";

/** The options of a half. They are never written to a file. */
interface HalfConfig extends Part {
  /** The indices of the graph's inputs that the half has. */
  readonly rules: readonly DataRules[];
}

const half: LayerDefinition<HalfConfig> = {
  merges: true,
  passes: passesFor,
  parse: (options) => options as HalfConfig,
  takes: "the values passed between the halves of its graph",
  outputs: ({ outputs }) => outputs.map(({ kind = "features" }) => kind),
  reads({ rules }, data, owner, input) {
    const own = rules[input];
    return own && checkData(own, data, owner);
  },
  build: buildPart,
};

/** An output of a half, with the layout of the graph or as stored. */
interface Output {
  readonly kind?: Kind;
  readonly value: Value;
}

function halfOf(inputs: readonly GraphInput[], crossing: Part["inputs"], outputs: readonly Output[]) {
  const { nodes, values } = toPlain(outputs.map(({ value }) => value));
  const config: HalfConfig = {
    nodes,
    inputs: [...inputs.map(({ name, kind, shape }) => ({ name, kind, shape: ["batch", ...shape] })), ...crossing],
    outputs: outputs.map(({ kind }, i) => ({ ...(kind ? { kind } : {}), value: values[i] as number })),
    rules: inputs.map(({ rules }) => rules),
  };
  return withDefinition({ kind: "half of the graph", config: config as unknown as Json }, half);
}

/** The nodes that depend on one of the inputs; for inputs that arrive step by step, also those over their time axis. */
function reading(nodes: readonly AnyNode[], inputs: readonly GraphInput[], stepwise: boolean): Set<AnyNode> {
  const names = new Set(inputs.flatMap(({ name }) => [name, lengthsOf(name)]));
  const times = new Set(stepwise ? inputs.flatMap(({ shape }) => shape.filter((dim) => typeof dim === "string")) : []);
  const isTime = (dim: Dim): boolean => typeof dim === "string" && times.has(dim);
  const found = new Set<AnyNode>();
  for (const node of nodes) {
    const isFed = node.op === "input" && node.attrs.kind === "feed" && names.has(node.attrs.name);
    const isOver = node.op === "size" ? isTime(node.attrs.dim) : node.outputs.some(({ shape }) => shape.some(isTime));
    if (isFed || isOver || node.inputs.some((input) => found.has(input.node))) found.add(node);
  }
  return found;
}

/** Splits the graph between values that depend on `late` inputs and values that do not. */
export function halvesOf(config: GraphConfig, late: readonly boolean[]): LayerHalves {
  const { inputs, outputs } = describedGraph(config);
  const numbers = inputs.map((_, i) => i);
  const [ofEarly, ofLate] = [numbers.filter((i) => !late[i]), numbers.filter((i) => late[i])];
  const inputsOf = (all: readonly number[]): GraphInput[] => all.map((i) => inputs[i] as GraphInput);
  const nodes = nodesOf(outputs.map(({ value }) => value));
  const lateNodes = reading(nodes, inputsOf(ofLate), true);
  const earlyNodes = reading(nodes, inputsOf(ofEarly), false);
  const isEarly = ({ node }: Value): boolean => earlyNodes.has(node) && !lateNodes.has(node);

  const crossing = new Map<string, Value>();
  const places = new Map(nodes.map((node, i) => [node, i]));
  for (const node of lateNodes)
    for (const input of node.inputs)
      if (isEarly(input)) crossing.set(`~${places.get(input.node)}.${input.output}`, input);
  const crossed = [...crossing].map(([name, { type }]) => feed(name, type.dtype, type.shape));
  const [early, rest] = [outputs.filter(({ value }) => isEarly(value)), outputs.filter(({ value }) => !isEarly(value))];
  const values = substitute(
    rest.map(({ value }) => value),
    [...crossing.values()],
    crossed,
  );
  return {
    early: {
      layer: halfOf(inputsOf(ofEarly), [], [...[...crossing.values()].map((value) => ({ value })), ...early]),
      inputs: ofEarly,
    },
    late: {
      layer: halfOf(
        inputsOf(ofLate),
        [...crossing].map(([name, { type }]) => ({ name, shape: type.shape })),
        rest.map(({ kind }, i) => ({ kind, value: values[i] as Value })),
      ),
      inputs: ofLate,
    },
    crossing: crossing.size,
    outputs: outputs.map((output) =>
      isEarly(output.value)
        ? { early: true, output: crossing.size + early.indexOf(output) }
        : { early: false, output: rest.indexOf(output) },
    ),
  };
}
