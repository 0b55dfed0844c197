/** The graph layer: an inference model as data, with its states as parameters. */
import type { LayerDefinition } from "../layer.ts";
import { OptionReader } from "../options.ts";
import { toldOf } from "../wrapping.ts";
import { buildPart, passesFor } from "./build.ts";
import { describedGraph, type GraphConfig, type GraphInput } from "./described.ts";
import { halvesOf } from "./halves.ts";
import { checkData } from "./rules.ts";

export const graph: LayerDefinition<GraphConfig> = {
  merges: true,
  passes: passesFor,
  parse(options, owner) {
    new OptionReader(owner, options, ["nodes", "fetches"]);
    const config = options as GraphConfig;
    toldOf(owner, () => describedGraph(config));
    return config;
  },
  takes: "a list of the inputs of its graph, in order",
  outputs(config, given) {
    const { inputs, outputs } = describedGraph(config);
    return inputs.map(({ kind }) => kind).join() === given.join() ? outputs.map(({ kind }) => kind) : undefined;
  },
  reads(config, data, owner, input) {
    return checkData((describedGraph(config).inputs[input] as GraphInput).rules, data, owner);
  },
  halves: halvesOf,
  build(context, config, flows) {
    const { inputs, outputs } = describedGraph(config);
    const fetches = outputs.map(({ kind }, i) => ({ kind, value: config.fetches[i]?.value as number }));
    const read = inputs.map(({ name, kind, shape }) => ({ name, kind, shape: ["batch", ...shape] }));
    return buildPart(context, { nodes: config.nodes, inputs: read, outputs: fetches }, flows);
  },
};
