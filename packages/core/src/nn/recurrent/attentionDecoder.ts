/** The layer `attentionDecoder`: recurrences over the steps of a target, with attention to a memory at each of them. */
import { ConfigError } from "../../errors.ts";
import { mul, select, tanh } from "../../ir/build/elementwise.ts";
import { sequenceMask } from "../../ir/build/index.ts";
import { matmul } from "../../ir/build/linear.ts";
import { broadcast, concat, expandDims, squeeze, transpose } from "../../ir/build/shape.ts";
import { full, parameter } from "../../ir/build/source.ts";
import type { Dim, Value } from "../../ir/ops.ts";
import { hoist } from "../../recurrent/hoist.ts";
import { joinPads } from "../../recurrent/joinPads.ts";
import type { Initializer } from "../initializers.ts";
import { type Flow, featuresOf, type Kind } from "../kinds.ts";
import { type BuildContext, type Carry, definitionOf, type KnownKinds, type LayerDefinition } from "../layer.ts";
import { OptionReader, shown } from "../options.ts";
import { type PerStep, randomOfSteps, scanSteps } from "../overSteps.ts";
import type { Regularizer } from "../regularizers.ts";
import { watched } from "../results.ts";
import { buildLayer, layerOutputs, parseLayer, type WrappedLayer, withOptions } from "../wrapping.ts";

const attentionOrders = ["after", "before"] as const;

export type AttentionDecoderConfig = {
  readonly layers: readonly WrappedLayer[];
  readonly attention: WrappedLayer;
  readonly attentionOrder: (typeof attentionOrders)[number];
  readonly attentionUnits: number | null;
  readonly inputFeeding: boolean;
  readonly dropout: number;
  readonly returnAttentionScores: boolean;
  readonly kernelInitializer: Initializer;
  readonly kernelRegularizer: Regularizer | null;
  readonly trainable: boolean;
};

/** A recurrence that reads from the first step to the last, at each of which it gives something. */
export function parseForward(owner: string, given: unknown, known?: KnownKinds): WrappedLayer {
  const layer = parseLayer(owner, given, known);
  const { reverse, stateful } = layer.config as { readonly reverse?: boolean; readonly stateful?: boolean };
  if (definitionOf(layer).recurrence !== true || reverse)
    throw new ConfigError(
      `${owner} must be a recurrence that reads from the first step on, such as lstm, gru, simpleRnn or rnn; got ${layer.kind}${reverse ? " with reverse: true" : ""}`,
    );
  if (stateful)
    throw new ConfigError(
      `${owner}: its ${layer.kind} is stateful, and a decoder begins anew with each memory; leave out stateful`,
    );
  return withOptions(layer, { returnSequences: true, returnState: false });
}

/** A layer that weighs the steps of a memory for each query, of one step too. */
function parseAttention(owner: string, given: unknown, scores: boolean, known: KnownKinds | undefined): WrappedLayer {
  const parsed = parseLayer(owner, given, known);
  const layer = withOptions(parsed, { returnAttentionScores: scores });
  const gives = (query: Kind): string | undefined => layerOutputs(layer, [query, "sequence"])?.join();
  const wanted = (query: Kind): string => (scores ? `${query},scores` : query);
  if ((["features", "sequence"] as const).some((query) => gives(query) !== wanted(query)))
    throw new ConfigError(
      `${owner} must be a layer of attention, such as attention() or additiveAttention({ units: 32 }); got ${layer.kind}`,
    );
  if ((layer.config as { readonly useCausalMask?: boolean }).useCausalMask)
    throw new ConfigError(`${owner}: useCausalMask is for attention of a sequence to itself; leave it out`);
  return layer;
}

const statesOf = (layer: WrappedLayer): readonly string[] => definitionOf(layer).states?.(layer.config) ?? [];

/** The states of all layers; those of several have the number of their layer in their names. */
const allStates = ({ layers }: AttentionDecoderConfig): readonly string[] =>
  layers.flatMap((layer, i, { length }) => statesOf(layer).map((state) => (length === 1 ? state : `${i} ${state}`)));

/** The names under which the parts of the layer ask for parameters, masks and states. */
const ATTENTION = "attention";
const VECTOR = "attentionVector";
const QUERY = "query";

const part = (layer: number): string => `layer${layer}`;

interface Decoded {
  /** What is attended with: [time, batch, features], or of one step [batch, features]. */
  readonly query: Flow;
  readonly vector: Flow;
  readonly scores?: Flow;
}

/** Draws a mask for features, in training. */
type Drop = (flow: Flow, name: string) => Flow;

/** The recurrences, each of which reads what the one before gives. */
function recur(
  context: BuildContext,
  { layers }: AttentionDecoderConfig,
  x: Flow,
  initial: readonly Flow[],
  drop: Drop,
): Flow {
  let begun = 0;
  return layers.reduce((read, layer, i) => {
    const count = initial.length === 0 ? 0 : statesOf(layer).length;
    begun += count;
    const given = i === 0 ? read : drop(read, `dropout${i}`);
    return buildLayer(context, part(i), layer, [given, ...initial.slice(begun - count, begun)])[0] as Flow;
  }, x);
}

/** Attention to the memory. */
function attend(
  context: BuildContext,
  { attention }: AttentionDecoderConfig,
  query: Flow,
  memory: Flow,
): readonly [Flow, Flow?] {
  return buildLayer(context, ATTENTION, attention, [query, memory]) as readonly [Flow, Flow?];
}

/** The attentional vector: [context; h], or tanh of its product with a kernel. */
function vectorOf({ parameter: ask }: BuildContext, config: AttentionDecoderConfig, context: Flow, output: Flow): Flow {
  const { attentionUnits: units, trainable, kernelRegularizer: regularizer } = config;
  const values = concat([context.values, output.values], output.values.type.shape.length - 1);
  if (units === null) return { ...output, values };
  const rows = featuresOf(context) + featuresOf(output);
  const kernel = ask("kernel", [rows, units], config.kernelInitializer, { trainable, regularizer });
  return { ...output, values: tanh(matmul(values, kernel)) };
}

const dropping =
  ({ mask }: BuildContext, { dropout }: AttentionDecoderConfig): Drop =>
  (flow, name) =>
    mask && dropout > 0 ? { ...flow, values: mul(flow.values, mask(dropout, flow.values.type.shape, name)) } : flow;

/** All steps at once, where none reads what attention gave at the step before. */
function parallel(
  context: BuildContext,
  config: AttentionDecoderConfig,
  x: Flow,
  memory: Flow,
  initial: readonly Flow[],
): Decoded {
  const query = recur(context, config, x, initial, dropping(context, config));
  const [attended, scores] = attend(context, config, query, memory);
  return { query, vector: vectorOf(context, config, attended, query), ...(scores ? { scores } : {}) };
}

/** What goes from each step to the next beside the states of the recurrences. */
interface Fed {
  readonly name: typeof VECTOR | typeof QUERY;
  readonly size: number;
  /** What it is before the first step; absent: zeros. */
  readonly initial?: Value;
  readonly of: (step: Decoded) => Value;
}

/** The sizes of what the recurrences and attention give, found with parameters that are thrown away. */
function sizesOf({ name }: BuildContext, config: AttentionDecoderConfig, x: Flow, memory: Flow) {
  const tried: BuildContext = { name, parameter: (suffix, shape) => parameter(suffix, "float32", shape) };
  const output = recur(tried, config, x, [], (flow) => flow);
  const [attended] = attend(tried, config, output, memory);
  return { output: featuresOf(output), context: featuresOf(attended) };
}

/** What the steps of these options read of the step before. */
function fedOf(
  context: BuildContext,
  config: AttentionDecoderConfig,
  [x, memory, ...initial]: readonly [Flow, Flow, ...Flow[]],
): Fed[] {
  const sizes = sizesOf(context, config, x, memory);
  const size = config.attentionUnits ?? sizes.context + sizes.output;
  const vector: Fed = { name: VECTOR, size, of: (step) => step.vector.values };
  // The first state of the last recurrence is what it gives.
  const state = initial.at(-statesOf(config.layers.at(-1) as WrappedLayer).length);
  const begins = state && featuresOf(state) === sizes.output ? { initial: state.values } : {};
  const query: Fed = { name: QUERY, size: sizes.output, ...begins, of: (step) => step.query.values };
  return [...(config.inputFeeding ? [vector] : []), ...(config.attentionOrder === "before" ? [query] : [])];
}

/** What a state is before the first step of all, or of those that go on. */
const startOf = (carry: Carry | undefined, name: string, batch: Dim, size: number, initial?: Value): Value =>
  carry ? carry.begin(name, size, initial) : (initial ?? full(0, [batch, size]));

const features = (values: Value): Flow => ({ kind: "features", values });

/** One step of all rows, from its input [batch, features] and from what the step before gave, by name. */
function decodeStep(
  context: BuildContext,
  config: AttentionDecoderConfig,
  x: Value,
  memory: Flow,
  fed: Readonly<Partial<Record<Fed["name"], Value>>>,
  recurrences: (sequence: Value) => Flow,
): Decoded {
  const before = fed[QUERY] && attend(context, config, features(fed[QUERY]), memory);
  const read = [x, ...(before ? [before[0].values] : []), ...(fed[VECTOR] ? [fed[VECTOR]] : [])];
  const query = features(squeeze(recurrences(expandDims(concat(read, 1), 0)).values, 0));
  const [attended, scores] = before ?? attend(context, config, query, memory);
  return { query, vector: vectorOf(context, config, attended, query), ...(scores ? { scores } : {}) };
}

const byName = (fed: readonly Fed[], values: readonly Value[]) =>
  Object.fromEntries(fed.map(({ name }, i) => [name, values[i] as Value]));

/** The only step of a model that decodes: its states go on. */
function single(
  context: BuildContext,
  config: AttentionDecoderConfig,
  flows: readonly [Flow, Flow, ...Flow[]],
): readonly Flow[] {
  const [x, memory, ...initial] = flows;
  const { carry } = context;
  const lengths = x.lengths ? { lengths: x.lengths } : {};
  const fed = fedOf(context, config, flows);
  const batch = x.values.type.shape[1] as Dim;
  const before = fed.map(({ name, size, initial: start }) => startOf(carry, name, batch, size, start));
  const made = decodeStep(context, config, squeeze(x.values, 0), memory, byName(fed, before), (values) =>
    recur(context, config, { kind: "sequence", values, ...lengths }, initial, dropping(context, config)),
  );
  const counts = x.lengths && squeeze(sequenceMask(x.lengths, 1), 0);
  const where = (after: Value, otherwise: Value | number): Value =>
    counts ? select(broadcast(counts, after.type.shape, [0]), after, otherwise) : after;
  fed.forEach(({ name, of }, i) => {
    carry?.end(name, where(of(made), before[i] as Value));
  });
  const vector: Flow = { ...x, values: expandDims(where(made.vector.values, 0), 0) };
  if (!made.scores) return [vector];
  return [vector, { kind: "scores", values: expandDims(where(made.scores.values, 0), 1), ...lengths }];
}

/** A scan over the steps, where each reads what the one before gave. */
function stepByStep(
  context: BuildContext,
  config: AttentionDecoderConfig,
  flows: readonly [Flow, Flow, ...Flow[]],
): readonly Flow[] {
  const [x, memory, ...initial] = flows;
  const [time, batch, width] = x.values.type.shape as readonly [Dim, Dim, number];
  const { carry, ...anew } = context;
  const { context: checked, asked } = watched(anew);
  const begin = (name: string, size: number, initial?: Value) => {
    const before = parameter(name, "float32", [batch, size]);
    return { name, start: startOf(carry, name, batch, size, initial), before, after: before };
  };
  const states: ReturnType<typeof begin>[] = [];
  const inside: Carry = {
    always: true,
    begin(name, size, start) {
      const state = begin(name, size, start);
      states.push(state);
      return state.before;
    },
    end(name, value) {
      for (const state of states) if (state.name === name) state.after = value;
    },
  };
  const slices: PerStep[] = [{ whole: x.values, step: parameter("x", "float32", [batch, width]) }];
  const ofStep = randomOfSteps(checked, time, slices);
  const fed = fedOf(context, config, flows).map((each) => ({ ...begin(each.name, each.size, each.initial), ...each }));
  const made = decodeStep(
    ofStep,
    config,
    (slices[0] as PerStep).step,
    memory,
    byName(
      fed,
      fed.map(({ before }) => before),
    ),
    // The masks of a recurrence are the same in all steps.
    (values) =>
      recur({ ...checked, carry: inside }, config, { kind: "sequence", values }, initial, dropping(ofStep, config)),
  );
  const carried = [...fed.map((each) => ({ ...each, after: each.of(made) })), ...states];
  const known = flows.flatMap(({ values, lengths }) => (lengths ? [values.node, lengths.node] : [values.node]));
  const { carries, outputs } = scanSteps({
    slices,
    carried,
    outputs: [made.vector.values, ...(made.scores ? [made.scores.values] : [])],
    known: [...known, ...asked],
    lengths: x.lengths,
  });
  carried.forEach(({ name }, i) => {
    carry?.end(name, carries[i] as Value);
  });
  const [vector, scores] = outputs as readonly [Value, Value?];
  const lengths = x.lengths ? { lengths: x.lengths } : {};
  if (!scores) return [{ ...x, values: vector }];
  return [
    { ...x, values: vector },
    { kind: "scores", values: transpose(scores, [1, 0, 2]), ...lengths },
  ];
}

export const attentionDecoder: LayerDefinition<AttentionDecoderConfig> = {
  merges: true,
  passes: () => [hoist, joinPads],
  takes: "a list of two sequences, [target, memory]",
  parse(options, owner, known) {
    const read = new OptionReader(owner, options, [
      "layers",
      "attention",
      "attentionOrder",
      "attentionUnits",
      "inputFeeding",
      "dropout",
      "returnAttentionScores",
      "kernelInitializer",
      "kernelRegularizer",
      "trainable",
    ]);
    const given = options as Readonly<Record<string, unknown>>;
    const { layers } = given;
    if (!Array.isArray(layers) || layers.length === 0)
      throw new ConfigError(`${owner}: layers must be a list of at least one recurrence, got ${shown(layers)}`);
    const returnAttentionScores = read.boolean("returnAttentionScores", false);
    return {
      layers: layers.map((layer, i) => parseForward(`${owner}: layer ${i}`, layer, known)),
      attention: parseAttention(`${owner}: attention`, given.attention, returnAttentionScores, known),
      attentionOrder: read.oneOf("attentionOrder", attentionOrders, "after"),
      attentionUnits: given.attentionUnits == null ? null : read.integer("attentionUnits", 1),
      inputFeeding: read.boolean("inputFeeding", false),
      dropout: read.number("dropout", 0, 0, 1),
      returnAttentionScores,
      kernelInitializer: read.initializer("kernelInitializer", "glorotUniform"),
      kernelRegularizer: read.regularizer("kernelRegularizer"),
      trainable: read.boolean("trainable", true),
    };
  },
  states: allStates,
  outputs(config, [x, memory, ...initial]) {
    const begun =
      initial.length === 0 ||
      initial.join() ===
        allStates(config)
          .map(() => "features")
          .join();
    if (x !== "sequence" || memory !== "sequence" || !begun) return undefined;
    return config.returnAttentionScores ? ["sequence", "scores"] : ["sequence"];
  },
  build(context, config, inputs) {
    const flows = inputs as readonly [Flow, Flow, ...Flow[]];
    const [x, memory, ...initial] = flows;
    const { carry, ...anew } = context;
    const own = carry?.always ? context : anew;
    if (config.inputFeeding || config.attentionOrder === "before")
      return x.values.type.shape[0] === 1 ? single(own, config, flows) : stepByStep(own, config, flows);
    const { vector, scores } = parallel(own, config, x, memory, initial);
    return scores ? [vector, scores] : [vector];
  },
};
