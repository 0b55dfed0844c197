/** The layer `bidirectional`: a recurrence from the start of each row to its end, another from the end to the start, and their outputs merged. */
import { ConfigError, ShapeError } from "../../errors.ts";
import { add, mul } from "../../ir/build/elementwise.ts";
import { concat } from "../../ir/build/shape.ts";
import type { Value } from "../../ir/value.ts";
import { type Flow, featuresOf, type Kind } from "../kinds.ts";
import { definitionOf, type KnownKinds, type LayerDefinition, withDefinition } from "../layer.ts";
import { type Json, OptionReader, shown } from "../options.ts";
import { buildLayer, layerOutputs, parseLayer, type WrappedLayer } from "../wrapping.ts";

/** How the outputs of both directions become one; `null`: they stay two. */
export const mergeModes = ["concat", "sum", "mul", "ave"] as const;
/** A way to merge the outputs of both directions. */
export type MergeMode = (typeof mergeModes)[number];

export type BidirectionalConfig = {
  /** The layer that reads forward. */
  readonly layer: WrappedLayer;
  /** The layer that reads backward: where none was given, the same with `reverse` turned round. */
  readonly backwardLayer: WrappedLayer;
  readonly mergeMode: MergeMode | null;
};

/** What every recurrence has among its options; `units` where they tell how many features it gives. */
interface Options {
  readonly returnSequences: boolean;
  readonly returnState: boolean;
  readonly reverse: boolean;
  readonly stateful?: boolean;
  readonly units?: number;
}
const optionsOf = ({ config }: WrappedLayer): Options => config as unknown as Options;

function parseRecurrence(owner: string, given: unknown, known: KnownKinds | undefined): WrappedLayer {
  const layer = parseLayer(owner, given, known);
  if (definitionOf(layer).recurrence !== true)
    throw new ConfigError(`${owner} must be a recurrence, such as lstm, gru, simpleRnn or rnn; got ${layer.kind}`);
  return layer;
}

/** @throws ConfigError for a layer whose states go on: in the other direction they cannot */
function expectStateless(owner: string, layer: WrappedLayer): void {
  if (optionsOf(layer).stateful)
    throw new ConfigError(
      `${owner}: its ${layer.kind} is stateful, and bidirectional reads each row from its end, too, which begins with what the next batch has; leave out stateful, or bidirectional`,
    );
}

/** The same layer in the other direction. */
function turned(layer: WrappedLayer): WrappedLayer {
  const { kind, config } = layer;
  const { reverse, ...rest } = config as { readonly [name: string]: Json };
  return withDefinition({ kind, config: { ...rest, reverse: reverse !== true } }, definitionOf(layer));
}

/** What both directions must have in common: what they return, and for sums and products their size. */
function expectAlike(owner: string, { layer, backwardLayer, mergeMode }: BidirectionalConfig): void {
  const [forward, backward] = [optionsOf(layer), optionsOf(backwardLayer)];
  for (const option of ["returnSequences", "returnState"] as const) {
    if (forward[option] !== backward[option])
      throw new ConfigError(
        `${owner}: layer has ${option}: ${forward[option]}, backwardLayer ${backward[option]}; both must return the same`,
      );
  }
  if (forward.reverse === backward.reverse)
    throw new ConfigError(
      `${owner}: layer and backwardLayer read in one direction; give one of them reverse: ${!backward.reverse}`,
    );
  const sized = forward.units !== undefined && backward.units !== undefined;
  if (mergeMode !== null && mergeMode !== "concat" && sized && forward.units !== backward.units)
    throw new ShapeError(
      `${owner}: mergeMode "${mergeMode}" takes outputs of one size; layer has ${forward.units} units, backwardLayer ${backward.units}`,
    );
}

const merges: { readonly [M in MergeMode]: (forward: Value, backward: Value) => Value } = {
  concat: (forward, backward) => concat([forward, backward], forward.type.shape.length - 1),
  sum: add,
  mul,
  ave: (forward, backward) => mul(add(forward, backward), 0.5),
};

const statesOf = (layer: WrappedLayer): readonly string[] => definitionOf(layer).states?.(layer.config) ?? [];

/** The parts of a list that belong to the forward and to the backward layer. */
function halves<T>(config: BidirectionalConfig, list: readonly T[]): readonly [readonly T[], readonly T[]] {
  const own = statesOf(config.layer).length;
  return list.length === 0 ? [[], []] : [list.slice(0, own), list.slice(own)];
}

export const bidirectional: LayerDefinition<BidirectionalConfig> = {
  parse(options, owner, known) {
    const read = new OptionReader(owner, options, ["layer", "backwardLayer", "mergeMode"]);
    const { layer: given, backwardLayer, mergeMode } = options as Readonly<Record<string, unknown>>;
    if (mergeMode !== null && mergeMode !== undefined && !mergeModes.some((mode) => mode === mergeMode))
      throw new ConfigError(
        `${owner}: mergeMode must be one of ${mergeModes.join(", ")}, or null for both outputs apart, got ${shown(mergeMode)}`,
      );
    const layer = parseRecurrence(`${owner}: layer`, given, known);
    expectStateless(owner, layer);
    const config: BidirectionalConfig = {
      layer,
      backwardLayer: parseRecurrence(
        `${owner}: backwardLayer`,
        backwardLayer === undefined ? turned(layer) : backwardLayer,
        known,
      ),
      mergeMode: mergeMode === null ? null : read.oneOf("mergeMode", mergeModes, "concat"),
    };
    expectStateless(owner, config.backwardLayer);
    expectAlike(owner, config);
    return config;
  },
  states: ({ layer, backwardLayer }) => [
    ...statesOf(layer).map((state) => `forward ${state}`),
    ...statesOf(backwardLayer).map((state) => `backward ${state}`),
  ],
  takes:
    "a sequence [batch, time, features]; give the recurrence before it returnSequences: true, or put an embedding first",
  outputs(config, [input, ...initial]) {
    const [forwardStates, backwardStates] = halves(config, initial);
    const forward = layerOutputs(config.layer, [input as Kind, ...forwardStates]);
    const backward = layerOutputs(config.backwardLayer, [input as Kind, ...backwardStates]);
    if (forward === undefined || backward === undefined) return undefined;
    const [y, ...h] = forward;
    const [yBackward, ...hBackward] = backward;
    const merged = config.mergeMode === null ? [y as Kind, yBackward as Kind] : [y as Kind];
    return [...merged, ...h, ...hBackward];
  },
  build(context, config, [input, ...initial]) {
    const [forwardStates, backwardStates] = halves(config, initial);
    const run = (part: string, layer: WrappedLayer, states: readonly Flow[]) =>
      buildLayer(context, part, layer, [input as Flow, ...states]) as readonly [Flow, ...Flow[]];
    const [forward, ...h] = run("forward", config.layer, forwardStates);
    const [backward, ...hBackward] = run("backward", config.backwardLayer, backwardStates);
    if (config.mergeMode === null) return [forward, backward, ...h, ...hBackward];
    if (config.mergeMode !== "concat" && featuresOf(forward) !== featuresOf(backward))
      throw new ShapeError(
        `mergeMode "${config.mergeMode}" takes outputs of one size; layer has ${featuresOf(forward)} features, backwardLayer ${featuresOf(backward)}`,
      );
    const values = merges[config.mergeMode](forward.values, backward.values);
    return [{ ...forward, values }, ...h, ...hBackward];
  },
};
