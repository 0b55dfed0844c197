/** From a model's spec to values of a graph. */
import { ConfigError } from "../errors.ts";
import { dropoutMask, feed, normalNoise } from "../ir/build/source.ts";
import type { Value } from "../ir/ops.ts";
import type { Graph } from "../ir/value.ts";
import { distinctSites, keyOf } from "../random.ts";
import { type CarriedState, type Carrying, carriedCall, carriedFetches } from "./carried.ts";
import { type Flow, turned, withTrees } from "./kinds.ts";
import { type BuildContext, definitionOf, type InputSpec, outputKinds, type ParameterSpec } from "./layer.ts";
import { repeatedName } from "./options.ts";
import { Parameters } from "./parameters.ts";
import { layerOfCall, type ModelSpec, type Source } from "./spec.ts";
import type { ChildLimit } from "./trees/reader.ts";
import { arityOf, expectOneDefinition, toldOf, treeReaderOf } from "./wrapping.ts";

/** A model as values: one flow for each input, each result of each call of a layer, and each output. */
export interface BuiltModel {
  readonly inputs: readonly Flow[];
  readonly calls: readonly (readonly Flow[])[];
  readonly outputs: readonly { readonly name: string; readonly flow: Flow }[];
  /** In the order in which layers ask for them, each once. */
  readonly parameters: readonly ParameterSpec[];
  /** The state values of the parameters, in the same order. */
  readonly weights: readonly Value[];
  /** The index of the layer that made each parameter. */
  readonly owners: readonly number[];
  /** The states that go on. */
  readonly carried: readonly CarriedState[];
}

/** What random numbers in training need to know. */
export interface DropoutSource {
  readonly seed: number;
  /** An int32 scalar: each step has numbers of its own. */
  readonly step: Value;
}

/** The feed is batch-major, as users hold data; the graph turns it. */
function buildInput({ name, kind, shape, lengths, tree }: InputSpec): Flow {
  const fed = feed(name, kind === "ids" ? "int32" : "float32", ["batch", ...shape]);
  const [nodes, levels] = [`${name}/nodes`, `${name}/levels`];
  return {
    kind,
    values: turned({ kind, values: fed }),
    ...(lengths ? { lengths: feed(`${name}/lengths`, "int32", ["batch"]) } : {}),
    ...(tree
      ? {
          tree: {
            nodes: feed(nodes, "int32", [nodes, 2]),
            edges: feed(`${name}/edges`, "int32", [nodes, 3]),
            levels: feed(levels, "int32", [levels, 2]),
          },
        }
      : {}),
  };
}

/** The layers that take no more than so many children of a node of an input's trees. */
export function childLimits(spec: ModelSpec, input: number): readonly ChildLimit[] {
  const arities = spec.layers.map(arityOf);
  if (!arities.some(Number.isFinite)) return [];
  const { inputs, calls } = buildModel(spec);
  return spec.calls.flatMap(({ layer, sources }, call) => {
    const arity = arities[layer] as number;
    const reads = sources.some((source) => flowOf(source, inputs, calls).tree === inputs[input]?.tree);
    return reads && Number.isFinite(arity) ? [{ owner: layerOfCall(spec, call), arity }] : [];
  });
}

/** Random numbers of training for one use of a layer. */
export type RandomSource = (name: string, use: number) => Required<Pick<BuildContext, "mask" | "noise">>;

/** The random numbers of a training: their site is the layer's name, the part, and which use of the layer it is; in the part of noise is a sign that no name has. */
export function randomSource({ seed, step }: DropoutSource): RandomSource {
  const siteOf = distinctSites();
  return (name, use) => {
    const keyAt = (part: string | undefined) => {
      const place = `${name}${part === undefined ? "" : `/${part}`}${use === 0 ? "" : `:${use}`}`;
      const [word, site] = keyOf(seed, siteOf(place));
      return { seed: word, site };
    };
    return {
      mask: (rate, shape, part) => dropoutMask(step, { rate, shape, ...keyAt(part) }),
      noise: (shape, part = "") => normalNoise(step, { shape, ...keyAt(`~${part}`) }),
    };
  };
}

/** @throws ConfigError for a parameter that only training has, or only inference */
function expectSameParameters(trained: readonly ParameterSpec[], inferred: readonly ParameterSpec[]): void {
  const namesOf = (all: readonly ParameterSpec[]) => new Set(all.map(({ name }) => name));
  const [inTraining, inInference] = [namesOf(trained), namesOf(inferred)];
  for (const name of new Set([...inTraining, ...inInference]))
    if (!inTraining.has(name) || !inInference.has(name))
      throw new ConfigError(
        `the parameter "${name}" is asked for in ${inTraining.has(name) ? "training" : "inference"} alone; build must ask for the same ones with a mask and without`,
      );
}

/** What a source stands for, given all inputs and the results of the calls before. */
const flowOf = (source: Source, inputs: readonly Flow[], calls: readonly (readonly Flow[])[]): Flow =>
  ("input" in source ? inputs[source.input] : calls[source.call]?.[source.output ?? 0]) as Flow;

/** @throws ConfigError where no layer reads the trees of an input, or the time axis of trees is that of another tree */
function expectTrees({ inputs, layers }: ModelSpec): void {
  const trees = inputs.filter(({ tree }) => tree);
  const twice = repeatedName(trees.map(({ shape }) => shape[0] as string));
  if (twice !== undefined)
    throw new ConfigError(`two inputs of trees are over the time "${twice}"; give that of each a name of its own`);
  if (trees.length > 0 && treeReaderOf(layers) === undefined)
    throw new ConfigError(`no layer reads the trees of the input "${trees[0]?.name}"; leave out tree: true`);
}

/**
 * Builds the model for training, with `random` numbers, or for inference. Without `carrying` every state begins anew, those
 * of `stateful` layers too.
 *
 * @throws ShapeError, ConfigError with the layer's name, before anything runs
 */
export function buildModel(spec: ModelSpec, random?: RandomSource, carrying?: Carrying): BuiltModel {
  expectOneDefinition(spec.layers);
  expectTrees(spec);
  const inputs = spec.inputs.map(buildInput);
  const calls: (readonly Flow[])[] = [];
  const uses = new Map<number, number>();
  const carried: CarriedState[] = [];
  const parameters = new Parameters<number>();
  const follow = (source: Source): Flow => flowOf(source, inputs, calls);

  for (const call of spec.calls) {
    const layer = spec.layers[call.layer] as ModelSpec["layers"][number];
    const { kind, name, config } = layer;
    const definition = definitionOf(layer);
    const given = call.sources.map(follow);
    outputKinds(
      definition,
      config,
      `${kind} "${name}"`,
      given.map((flow) => flow.kind),
    );
    const use = uses.get(call.layer) ?? 0;
    uses.set(call.layer, use + 1);
    const states = carrying && carriedCall(calls.length, use === 0 ? name : `${name}:${use}`, carrying);
    const context: BuildContext = {
      name,
      ...(states ? { carry: states.carry } : {}),
      ...random?.(name, use),
      parameter: parameters.of(call.layer, name),
    };
    toldOf(`${kind} "${name}"`, () => {
      const made = definition.build(context, config, given);
      carried.push(...(states?.finish() ?? []));
      calls.push(withTrees(given, made));
    });
  }
  const made = parameters.list();
  if (random)
    expectSameParameters(
      made.map(({ spec }) => spec),
      buildModel(spec, undefined, carrying).parameters,
    );
  return {
    inputs,
    calls,
    outputs: spec.outputs.map(({ name, source }) => ({ name, flow: follow(source) })),
    parameters: made.map((parameter) => parameter.spec),
    weights: made.map((parameter) => parameter.value),
    owners: made.map((parameter) => parameter.owner),
    carried,
  };
}

/**
 * The graph of a model for inference. Its feeds are the model's inputs, batch first; its states the parameters; its fetches the
 * outputs by name, batch first. With `carrying` the states that go on are among the feeds and the fetches.
 */
export function inferenceGraph(spec: ModelSpec, carrying?: Carrying): Graph {
  return outputGraph(buildModel(spec, undefined, carrying));
}

/** The outputs of a model and its states that go on, as `inferenceGraph` gives them. */
export function outputGraph({ outputs, carried }: BuiltModel): Graph {
  const fetches = Object.fromEntries(outputs.map(({ name, flow }) => [name, turned(flow)]));
  return { fetches: { ...fetches, ...carriedFetches(carried) }, updates: [] };
}
