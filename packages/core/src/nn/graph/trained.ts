/** Converts graphs to trained models and back, and uses them as layers. */
import { ConfigError } from "../../errors.ts";
import { type Graph, rootsOf } from "../../ir/value.ts";
import type { Tensors } from "../../tensor.ts";
import type { Kind } from "../kinds.ts";
import { type AnyLayer, isSymbolic, type Symbolic, withDefinition } from "../layer.ts";
import { createLayer } from "../make.ts";
import { isName, isRecord, type Json, NAME_RULE, OptionReader, shown } from "../options.ts";
import type { ModelSpec } from "../spec.ts";
import { checkWeights, expectTrained, type Trained } from "../trained.ts";
import { describedGraph, type GraphConfig } from "./described.ts";
import { graph as definition } from "./layer.ts";
import { toPlain } from "./plainGraph.ts";

const KIND = "graph";

/** Options of `graphTrained`. */
export interface GraphTrainedOptions {
  /** The name of the layer, which is the first part of the weight names. Default "model". */
  readonly name?: string;
  /** The order of the inputs. Default: the order in which the graph reads them. */
  readonly inputs?: readonly string[];
  /** The vocabulary to store with the model. */
  readonly vocabulary?: Json;
  /** Further data to store with the model. */
  readonly metadata?: { readonly [key: string]: Json };
}

/** Whether two lists have the same names in the same order. */
const sameNames = (a: readonly { readonly name: string }[], b: readonly { readonly name: string }[]): boolean =>
  JSON.stringify(a.map(({ name }) => name)) === JSON.stringify(b.map(({ name }) => name));

/**
 * Creates a model from an inference graph and its state, for example from a file of another library. It can be saved, loaded, run, trained, exported and combined
 * with layers like any other model. It has one layer of the kind "graph". The options of the layer are the graph, and its parameters are the states, named after the layer:
 * `model/kernel` for a state "kernel".
 *
 * Feeds are batch first, and their type determines their kind: ids int32 ["batch", time], a sequence float32 ["batch", time, features], features float32 ["batch", features],
 * and `x/lengths`, int32 ["batch"], the row lengths of an input "x". Time is the name of a size, features a number. Fetches are also batch first: features, a sequence, or scores
 * float32 ["batch", queryTime, valueTime]. Every state is float32 with a fixed shape. `inferenceGraph` returns such graphs.
 *
 * Ids are checked against the tables that they index. If the graph computes lengths from ids (`sequenceLengths`), 0 is padding.
 *
 * @param state the data of each state, by its name in the graph
 * @throws ConfigError, ShapeError, DTypeError for other graphs, and for ops that are only used in training; ModelFileError for a state that is missing, left over or of the wrong shape
 *
 * @example
 * const x = feed("x", "float32", ["batch", 2]);
 * const scores = matmul(x, state("kernel", "float32", [2, 1]));
 * const trained = graphTrained({ fetches: { scores }, updates: [] }, { kernel: float32([2, 1], [0.5, -1]) });
 */
export function graphTrained(graph: Graph, state: Tensors, options: GraphTrainedOptions = {}): Trained {
  new OptionReader("graphTrained", options, ["name", "inputs", "vocabulary", "metadata"]);
  const { name = "model", inputs: order, vocabulary, metadata } = options;
  if (!isName(name)) throw new ConfigError(`graphTrained: name must be ${NAME_RULE}, got ${shown(name)}`);
  if (!isRecord(graph) || !isRecord(graph.fetches) || !Array.isArray(graph.updates))
    throw new ConfigError(`graphTrained: the graph must be { fetches, updates }, got ${shown(graph)}`);
  for (const [fetch, value] of Object.entries(graph.fetches))
    if (!isRecord(value) || !isRecord(value.node))
      throw new ConfigError(`graphTrained: the fetch "${fetch}" must be a value of a graph, got ${shown(value)}`);
  if (!isRecord(state)) throw new ConfigError(`graphTrained: the state must be tensors by name, got ${shown(state)}`);
  if (graph.updates.length > 0 || graph.guard)
    throw new ConfigError("graphTrained: the graph must be an inference graph, without updates and guard");
  const { nodes, values } = toPlain(rootsOf(graph));
  const fetches = Object.keys(graph.fetches).map((fetch, i) => ({ name: fetch, value: values[i] as number }));
  const { spec: layer } = createLayer<AnyLayer, GraphConfig>(KIND, definition, { name, nodes, fetches } as object);
  const { inputs, outputs } = describedGraph(layer.config as GraphConfig);
  const names = order ?? inputs.map((input) => input.name);
  if (names.length !== inputs.length || inputs.some((input) => !names.includes(input.name)))
    throw new ConfigError(
      `graphTrained: inputs must be ${inputs.map((input) => input.name).join(", ")}, each once, got ${shown(names)}`,
    );
  const spec: ModelSpec = {
    inputs: names.map((wanted) => {
      const { name, kind, shape, lengths } = inputs.find((input) => input.name === wanted) as (typeof inputs)[number];
      return { name, kind, shape, lengths };
    }),
    layers: [withDefinition({ kind: KIND, name, config: layer.config }, definition)],
    calls: [{ layer: 0, sources: inputs.map((input) => ({ input: names.indexOf(input.name) })) }],
    outputs: outputs.map((output, i) => ({
      name: output.name,
      source: i === 0 ? { call: 0 } : { call: 0, output: i },
    })),
  };
  const weights = Object.fromEntries(Object.entries(state).map(([own, tensor]) => [`${name}/${own}`, tensor]));
  return {
    spec,
    weights: checkWeights({ spec, weights }),
    ...(vocabulary === undefined ? {} : { vocabulary }),
    ...(metadata === undefined ? {} : { metadata }),
  };
}

/** A graph and the data of its states, by name. */
export interface GraphForm {
  readonly graph: Graph;
  readonly state: Tensors;
}

/**
 * The original graph of a model that `graphTrained` made, with its current state. Undefined for a model of layers, and for a model that has such a graph
 * among other layers.
 *
 * @throws ConfigError for values that are not trained models
 *
 * @example
 * const form = graphForm(trained);
 * const bytes = form ? graphToOnnx(form.graph, form.state) : exportOnnx(trained);
 */
export function graphForm(trained: Pick<Trained, "spec" | "weights">): GraphForm | undefined {
  expectTrained("graphForm", trained);
  const { spec, weights } = trained;
  const [layer, second] = spec.layers;
  if (layer?.kind !== KIND || second !== undefined || spec.calls.length !== 1) return undefined;
  const config = layer.config as unknown as GraphConfig;
  const { inputs, outputs, parameters } = describedGraph(config);
  const read = (spec.calls[0]?.sources ?? []).flatMap((source) =>
    "input" in source ? (spec.inputs[source.input] ?? []) : [],
  );
  const given = spec.outputs.every(({ source }, i) => "call" in source && (source.output ?? 0) === i);
  if (!given || !sameNames(spec.outputs, outputs) || !sameNames(read, inputs)) return undefined;
  const state = Object.fromEntries(
    parameters.map(({ name }) => [name, weights[`${layer.name}/${name}`] as Tensors[string]]),
  );
  return {
    graph: { fetches: Object.fromEntries(outputs.map(({ name, value }) => [name, value])), updates: [] },
    state,
  };
}

/** The layer of a model that is a graph. */
export interface GraphLayer extends AnyLayer {
  /** Returns the outputs in order, for the inputs in order. */
  // biome-ignore lint/suspicious/noExplicitAny: the kinds of the outputs are only known at run time
  (inputs: readonly Symbolic[]): readonly Symbolic<any>[];
  /** Returns the only output, for the only input. */
  // biome-ignore lint/suspicious/noExplicitAny: the kinds of the outputs are only known at run time
  (input: Symbolic<any>): Symbolic<any>;
  readonly pointwise?: never;
}

/**
 * Uses a model made by `graphTrained` as a layer in another model. The layer keeps its name and parameters, so
 * the weights of the model are the weights of the layer. Its named sizes are bound to those of its inputs.
 *
 * @throws ConfigError for other models
 *
 * @example
 * const x = input({ shape: ["time", 8], name: "x" });
 * const [hidden] = graphLayer(base)([x]);
 * const tuned = model(x, dense({ units: 3, name: "head" })(hidden));
 * await compile(tuned, { …, weights: base.weights, trainable: (name) => name.startsWith("head/") });
 */
export function graphLayer(trained: Trained): GraphLayer {
  expectTrained("graphLayer", trained);
  if (graphForm(trained) === undefined)
    throw new ConfigError(
      "graphLayer: the model consists of layers, not of one graph; convert it with graphTrained(inferenceGraph(spec), weights), which removes dropout",
    );
  const { kind, name, config } = trained.spec.layers[0] as ModelSpec["layers"][number];
  const layer = createLayer<AnyLayer & ((inputs: readonly Symbolic[]) => Symbolic | readonly Symbolic[]), GraphConfig>(
    kind,
    definition,
    { name, ...(config as unknown as GraphConfig) },
  );
  const apply = (given: unknown): unknown => {
    const made = layer((isSymbolic(given) ? [given] : given) as readonly Symbolic[]);
    const outputs: readonly Symbolic<Kind>[] = isSymbolic(made) ? [made] : made;
    if (!isSymbolic(given)) return outputs;
    if (outputs.length === 1) return outputs[0];
    throw new ConfigError(
      `${kind} "${name}" has ${outputs.length} outputs; apply it to a list to get a list: const [first, second] = layer([x])`,
    );
  };
  return Object.assign(apply, { spec: layer.spec }) as GraphLayer;
}
