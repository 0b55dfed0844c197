/** From a model's spec to values of a graph. */
import { OstinatoError, ShapeError } from "../errors.ts";
import { transpose } from "../ir/build/shape.ts";
import { dropoutMask, feed, state } from "../ir/build/source.ts";
import type { Value } from "../ir/ops.ts";
import { type Graph, sameShape, showShape } from "../ir/value.ts";
import { distinctSites, keyOf } from "../random.ts";
import { initialize } from "./initializers.ts";
import type { Flow } from "./kinds.ts";
import { type BuildContext, definitionOf, type InputSpec, outputKinds, type ParameterSpec } from "./layer.ts";
import type { ModelSpec, Source } from "./spec.ts";

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
}

/** What dropout in training needs to know. */
export interface DropoutSource {
  readonly seed: number;
  /** An int32 scalar: each step has masks of its own. */
  readonly step: Value;
}

/** The feed is batch-major, as users hold data; the graph turns it. */
function buildInput({ name, kind, shape, lengths }: InputSpec): Flow {
  const fed = feed(name, kind === "ids" ? "int32" : "float32", ["batch", ...shape]);
  if (kind === "features") return { kind, values: fed };
  const values = transpose(fed, kind === "ids" ? [1, 0] : [1, 0, 2]);
  return { kind, values, ...(lengths ? { lengths: feed(`${name}/lengths`, "int32", ["batch"]) } : {}) };
}

/** The masks of one use of a layer: the site of their random numbers is its name, the part, and which use of the layer it is. */
function maskOf(
  { seed, step }: DropoutSource,
  siteOf: (name: string) => number,
  name: string,
  use: number,
): NonNullable<BuildContext["mask"]> {
  return (rate, shape, part) => {
    const place = `${name}${part === undefined ? "" : `/${part}`}${use === 0 ? "" : `:${use}`}`;
    const [word, site] = keyOf(seed, siteOf(place));
    return dropoutMask(step, { rate, seed: word, site, shape });
  };
}

/**
 * Builds the model for training, where `dropout` tells the seed and the step, or for inference.
 *
 * @throws ShapeError, ConfigError with the layer's name, before anything runs
 */
export function buildModel(spec: ModelSpec, dropout?: DropoutSource): BuiltModel {
  const inputs = spec.inputs.map(buildInput);
  const calls: (readonly Flow[])[] = [];
  const uses = new Map<number, number>();
  const maskSite = distinctSites();
  const parameters = new Map<string, { spec: ParameterSpec; value: Value; owner: number }>();
  const follow = (source: Source): Flow =>
    ("input" in source ? inputs[source.input] : calls[source.call]?.[source.output ?? 0]) as Flow;

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
    const context: BuildContext = {
      name,
      ...(dropout ? { mask: maskOf(dropout, maskSite, name, use) } : {}),
      parameter(suffix, shape, initializer, { trainable = true, regularizer } = {}): Value {
        const full = `${name}/${suffix}`;
        const known = parameters.get(full);
        if (known) {
          if (!sameShape(known.spec.shape, shape))
            throw new ShapeError(
              `the parameter "${full}" is ${showShape(known.spec.shape)}, and was asked for as ${showShape(shape)}`,
            );
          return known.value;
        }
        const value = state(full, "float32", shape);
        const spec: ParameterSpec = {
          name: full,
          shape,
          initialize:
            typeof initializer === "function" ? initializer : (stream) => initialize(initializer, shape, stream),
          trainable,
          ...(regularizer ? { regularizer } : {}),
        };
        parameters.set(full, { spec, value, owner: call.layer });
        return value;
      },
    };
    try {
      calls.push(definition.build(context, config, given));
    } catch (error) {
      if (error instanceof OstinatoError) error.message = `${kind} "${name}": ${error.message}`;
      throw error;
    }
  }
  const made = [...parameters.values()];
  return {
    inputs,
    calls,
    outputs: spec.outputs.map(({ name, source }) => ({ name, flow: follow(source) })),
    parameters: made.map((parameter) => parameter.spec),
    weights: made.map((parameter) => parameter.value),
    owners: made.map((parameter) => parameter.owner),
  };
}

/** The values of an output batch-major, as users and exported models hold them. */
function batchMajor(flow: Flow): Value {
  if (flow.kind === "features") return flow.values;
  return transpose(flow.values, flow.kind === "ids" ? [1, 0] : [1, 0, 2]);
}

/**
 * The graph of a model for inference. Its feeds are the model's inputs, batch first; its states the parameters; its fetches the
 * outputs by name, batch first.
 */
export function inferenceGraph(spec: ModelSpec): Graph {
  const { outputs } = buildModel(spec);
  return { fetches: Object.fromEntries(outputs.map(({ name, flow }) => [name, batchMajor(flow)])), updates: [] };
}
