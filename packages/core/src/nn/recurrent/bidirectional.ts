/** The layer `bidirectional`: a recurrence from the start of each row to its end, another from the end to the start, and their outputs merged. */
import { ConfigError, ShapeError } from "../../errors.ts";
import { add, mul } from "../../ir/build/elementwise.ts";
import { concat } from "../../ir/build/shape.ts";
import type { Value } from "../../ir/value.ts";
import { type Flow, featuresOf, type Kind } from "../kinds.ts";
import type { BuildContext, LayerDefinition } from "../layer.ts";
import { isRecord, type Json, OptionReader, shown } from "../options.ts";
import type { RecurrentConfig } from "./recurrent.ts";
import { isRecurrentKind, type RecurrentKind, recurrentDefinitions } from "./table.ts";

/** How the outputs of both directions become one; `null`: they stay two. */
export const mergeModes = ["concat", "sum", "mul", "ave"] as const;
/** A way to merge the outputs of both directions. */
export type MergeMode = (typeof mergeModes)[number];

/** A layer inside of another: its kind and its options. */
type Wrapped = { readonly kind: RecurrentKind; readonly config: Json };

export type BidirectionalConfig = {
  /** The layer that reads forward. */
  readonly layer: Wrapped;
  /** The layer that reads backward: where none was given, the same with `reverse` turned round. */
  readonly backwardLayer: Wrapped;
  readonly mergeMode: MergeMode | null;
};

const definitionOf = ({ kind }: Wrapped): LayerDefinition<RecurrentConfig> =>
  recurrentDefinitions[kind] as unknown as LayerDefinition<RecurrentConfig>;
const configOf = ({ config }: Wrapped): RecurrentConfig => config as unknown as RecurrentConfig;

/** A recurrent layer as data, checked. */
function parseLayer(data: unknown, owner: string, option: string): Wrapped {
  if (!isRecord(data) || !isRecurrentKind(data.kind))
    throw new ConfigError(
      `${owner}: ${option} must be a recurrence: ${Object.keys(recurrentDefinitions).join(", ")}; got ${isRecord(data) && typeof data.kind === "string" ? data.kind : shown(data)}`,
    );
  const config = recurrentDefinitions[data.kind].parse(data.config, `${owner}: its ${data.kind}`);
  return { kind: data.kind, config: config as unknown as Json };
}

/** The same layer in the other direction. */
function turned({ kind, config }: Wrapped): Wrapped {
  const { reverse, ...rest } = config as { readonly [name: string]: Json };
  return { kind, config: { ...rest, reverse: reverse !== true } };
}

/** What both directions must have in common: what they return, and for sums and products their size. */
function expectAlike(owner: string, { layer, backwardLayer, mergeMode }: BidirectionalConfig): void {
  const [forward, backward] = [configOf(layer), configOf(backwardLayer)];
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
  if (mergeMode !== null && mergeMode !== "concat" && forward.units !== backward.units)
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

/** A context whose parameters and masks have a direction in their names. */
function within({ name, mask, parameter }: BuildContext, direction: "forward" | "backward"): BuildContext {
  return {
    name: `${name}/${direction}`,
    ...(mask
      ? { mask: (rate, shape, part) => mask(rate, shape, part === undefined ? direction : `${direction}/${part}`) }
      : {}),
    parameter: (suffix, ...rest) => parameter(`${direction}/${suffix}`, ...rest),
  };
}

const statesOf = ({ layer, backwardLayer }: BidirectionalConfig): readonly string[] => [
  ...(definitionOf(layer).states?.(configOf(layer)) ?? []).map((state) => `forward ${state}`),
  ...(definitionOf(backwardLayer).states?.(configOf(backwardLayer)) ?? []).map((state) => `backward ${state}`),
];

/** The parts of a list that belong to the forward and to the backward layer. */
function halves<T>(config: BidirectionalConfig, list: readonly T[]): readonly [readonly T[], readonly T[]] {
  const own = definitionOf(config.layer).states?.(configOf(config.layer)).length ?? 0;
  return list.length === 0 ? [[], []] : [list.slice(0, own), list.slice(own)];
}

export const bidirectional: LayerDefinition<BidirectionalConfig> = {
  parse(options, owner) {
    const read = new OptionReader(owner, options, ["layer", "backwardLayer", "mergeMode"]);
    const { layer: given, backwardLayer, mergeMode } = options as Readonly<Record<string, unknown>>;
    const layer = parseLayer(given, owner, "layer");
    const config: BidirectionalConfig = {
      layer,
      backwardLayer: backwardLayer === undefined ? turned(layer) : parseLayer(backwardLayer, owner, "backwardLayer"),
      mergeMode: mergeMode === null ? null : read.oneOf("mergeMode", mergeModes, "concat"),
    };
    expectAlike(owner, config);
    return config;
  },
  states: statesOf,
  takes:
    "a sequence [batch, time, features]; give the recurrence before it returnSequences: true, or put an embedding first",
  outputs(config, [input, ...initial]) {
    const [forwardStates, backwardStates] = halves(config, initial);
    const of = (spec: Wrapped, states: readonly Kind[]): readonly Kind[] | undefined =>
      definitionOf(spec).outputs(configOf(spec), [input as Kind, ...states]);
    const forward = of(config.layer, forwardStates);
    const backward = of(config.backwardLayer, backwardStates);
    if (forward === undefined || backward === undefined) return undefined;
    const [y, ...h] = forward;
    const [yBackward, ...hBackward] = backward;
    const merged = config.mergeMode === null ? [y as Kind, yBackward as Kind] : [y as Kind];
    return [...merged, ...h, ...hBackward];
  },
  build(context, config, [input, ...initial]) {
    const [forwardStates, backwardStates] = halves(config, initial);
    const run = (direction: "forward" | "backward", spec: Wrapped, states: readonly Flow[]): readonly Flow[] =>
      definitionOf(spec).build(within(context, direction), configOf(spec), [input as Flow, ...states]);
    const [forward, ...h] = run("forward", config.layer, forwardStates) as [Flow, ...Flow[]];
    const [backward, ...hBackward] = run("backward", config.backwardLayer, backwardStates) as [Flow, ...Flow[]];
    if (config.mergeMode === null) return [forward, backward, ...h, ...hBackward];
    if (config.mergeMode !== "concat" && featuresOf(forward) !== featuresOf(backward))
      throw new ShapeError(
        `the outputs of both directions have ${featuresOf(forward)} and ${featuresOf(backward)} features`,
      );
    const values = merges[config.mergeMode](forward.values, backward.values);
    return [{ ...forward, values }, ...h, ...hBackward];
  },
};
