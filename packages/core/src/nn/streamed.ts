/** Models as they are streamed: every recurrence goes on with its states, and everything else is computed step by step. */
import { ConfigError } from "../errors.ts";
import { NotStepwise, type Standing, Stepwise } from "../ir/stepwise.ts";
import type { Graph } from "../ir/value.ts";
import { type BuiltModel, buildModel, outputGraph } from "./build.ts";
import { withLengths } from "./carried.ts";
import { layerOfCall, type ModelSpec } from "./spec.ts";

/** @throws NotStepwise where a layer gives what is no result of the steps so far */
export function expectGiven(standing: Standing): void {
  if (standing === "counts") throw new NotStepwise("gives the number of steps that it is given");
  if (standing === "begun") throw new NotStepwise("gives a state as it was before its steps");
}

/** What the feeds of a model are to a row that is read step by step. */
function standingOfFeeds({ inputs }: ModelSpec): (name: string) => Standing {
  const kinds = new Map(inputs.map(({ name, kind }) => [name, kind]));
  return (name) => {
    const kind = kinds.get(name);
    if (kind !== undefined) return kind === "features" ? "fixed" : "steps";
    return name.endsWith("/lengths") ? "counts" : "begun";
  };
}

/** The first `stateful` layer, as errors call it; undefined where there is none. */
export function statefulLayer(spec: ModelSpec): string | undefined {
  const [first] = buildModel(spec, undefined, "stateful").carried;
  return first && layerOfCall(spec, first.call);
}

/**
 * The graph of a model's streams: `inferenceGraph` with a feed and a fetch for each state, and the lengths of rows among the feeds. So it is exported.
 *
 * @throws ConfigError for a model that needs whole rows, with the layer
 */
export const streamGraph = (spec: ModelSpec): Graph => outputGraph(streamedModel(withLengths(spec)));

/**
 * The model with all its states among feeds and fetches.
 *
 * @param spec with lengths for every input over time: see `withLengths`
 * @throws ConfigError that names the first layer which needs more of a row than the steps that are there
 */
export function streamedModel(spec: ModelSpec): BuiltModel {
  if (spec.inputs.some(({ tree }) => tree))
    throw new ConfigError("stream: the model reads trees, which are computed level by level; predict takes them whole");
  const built = buildModel(spec, undefined, "always");
  const times = spec.inputs.flatMap(({ kind, shape }) => (kind === "features" ? [] : [shape[0] as string]));
  const stepwise = new Stepwise(standingOfFeeds(spec), times);
  built.calls.forEach((flows, i) => {
    const states = built.carried.filter(({ call }) => call === i).map(({ after }) => after);
    try {
      for (const value of [...flows.flatMap(({ lengths }) => lengths ?? []), ...states]) stepwise.of(value);
      for (const { values } of flows) expectGiven(stepwise.of(values));
    } catch (error) {
      if (!(error instanceof NotStepwise)) throw error;
      throw new ConfigError(
        `stream: the ${layerOfCall(spec, i)} cannot take steps as they come, because it ${error.message}; predict takes whole rows`,
      );
    }
  });
  if (times.length === 0) throw new ConfigError("stream: the model has no input over time; predict takes its rows");
  return built;
}
