/** Models of an encoder and a decoder (Cho et al. 2014; Sutskever et al. 2014; Bahdanau et al. 2015), put together of layers. */
import { ConfigError } from "../../errors.ts";
import { buildModel } from "../build.ts";
import { activation, concatenate, dense, dropout as dropoutLayer, input } from "../create.ts";
import type { ReversibleEmbedding } from "../createReversible.ts";
import { featuresOf } from "../kinds.ts";
import { type AnyLayer, called, definitionOf, type Layer, type PointwiseLayer, type Symbolic } from "../layer.ts";
import { createLayer } from "../make.ts";
import { type Model, model } from "../model.ts";
import { OptionReader, shown } from "../options.ts";
import { isLayer, layerOutputs, shownPart, withOptions } from "../wrapping.ts";
import { parseForward } from "./attentionDecoder.ts";
import { type AttentionDecoderOptions, attentionDecoder } from "./createDecoder.ts";

const bridges = ["copy", "dense", "none"] as const;

/** Options of `encoderDecoder`. */
export interface EncoderDecoderOptions
  extends Pick<AttentionDecoderOptions, "attentionOrder" | "attentionUnits" | "inputFeeding"> {
  /** Turns ids of sources into vectors. With `maskZero` 0 is padding. */
  readonly sourceEmbedding: Layer<"ids", "sequence">;
  /** Turns tokens of targets into vectors. It may be the same layer, which then is shared, and a `reversibleEmbedding`, which is tied with the output. */
  readonly targetEmbedding: Layer<"ids", "sequence">;
  /** Reads sources: recurrences, in both directions too, and what may stand between them. */
  readonly encoder: readonly AnyLayer[];
  /** Writes targets: recurrences that read from the first step on. */
  readonly decoder: readonly AnyLayer[];
  /** A layer of attention to what the encoder gives at each step. Default null: none. */
  readonly attention?: AnyLayer | null;
  /** How the decoder begins. Default "copy" where states fit, else "dense". */
  readonly bridge?: (typeof bridges)[number];
  /** The share of features that training drops: behind embeddings, between layers, and before the output. Default 0. */
  readonly dropout?: number;
  /** What makes the probabilities of the next tokens. */
  readonly output?: Layer<"sequence", "sequence"> | PointwiseLayer;
}

type Sequence = Symbolic<"sequence">;
type Features = Symbolic<"features">;
/** A layer as it is applied where its types are not known. */
type Applied = (x: Symbolic, options?: object) => Symbolic | readonly Symbolic[];

/** A state after the last step of each row, or one to begin with. */
interface State {
  /** As the layer calls it. */
  readonly name: string;
  readonly size: number;
  readonly value: Features;
}

/** How many features each value has. */
function sizesOf(inputs: readonly Symbolic[], values: readonly Symbolic[]): number[] {
  if (values.length === 0) return [];
  const { spec } = model(inputs, Object.fromEntries(values.map((value, i) => [`value${i}`, value])));
  return buildModel(spec).outputs.map(({ flow }) => featuresOf(flow));
}

/** The same layer, which gives its output at every step and its states. */
function returningAll({ spec }: AnyLayer): AnyLayer {
  const { config } = withOptions(spec, { returnSequences: true, returnState: true });
  return createLayer(spec.kind, definitionOf(spec), {
    ...(config as object),
    ...(spec.name === undefined ? {} : { name: spec.name }),
  });
}

const statesOf = ({ spec }: AnyLayer): readonly string[] => definitionOf(spec).states?.(spec.config) ?? [];

/** Layers that return all they have. @throws ConfigError for no list of layers, and for one that `expect` refuses */
function expectLayers(
  option: string,
  layers: unknown,
  expect: (owner: string, layer: unknown) => void,
): readonly AnyLayer[] {
  if (!Array.isArray(layers) || layers.length === 0)
    throw new ConfigError(`encoderDecoder: ${option} must be a list of at least one layer, got ${shown(layers)}`);
  layers.forEach((layer, i) => {
    expect(`encoderDecoder: ${option} ${i}`, layer);
  });
  return layers.map(returningAll);
}

/** Recurrences, and what may stand between them. */
function expectEncoder(given: unknown): readonly AnyLayer[] {
  const layers = expectLayers("encoder", given, (owner, layer) => {
    if (!isLayer(layer)) throw new ConfigError(`${owner} must be a layer, got ${shownPart(layer)}`);
    const [first, ...others] = layerOutputs(returningAll(layer).spec, ["sequence"]) ?? [];
    if (first !== "sequence" || others.some((kind) => kind !== "features"))
      throw new ConfigError(
        `${owner} must be a layer that makes one sequence of a sequence; got ${called(layer.spec)}`,
      );
  });
  if (layers.every((layer) => statesOf(layer).length === 0))
    throw new ConfigError("encoderDecoder: encoder must have a recurrence, such as lstm, gru, simpleRnn or rnn");
  return layers;
}

function expectEmbedding(option: string, layer: unknown): Layer<"ids", "sequence"> {
  if (isLayer(layer) && layerOutputs(layer.spec, ["ids"])?.join() === "sequence")
    return layer as Layer<"ids", "sequence">;
  throw new ConfigError(
    `encoderDecoder: ${option} must be a layer that makes a sequence of ids, such as embedding({ … }), got ${shownPart(layer)}`,
  );
}

/** Drops features in training. */
type Drop = (x: Sequence) => Sequence;

/** Layers one behind the other, and the states of the recurrences among them after their last steps. */
function chain(layers: readonly AnyLayer[], x: Sequence, drop: Drop, initial: readonly (readonly Features[])[] = []) {
  let last = x;
  const states = layers.map((layer, i) => {
    const begun = initial[i] ?? [];
    const read = i === 0 ? last : drop(last);
    const given = (layer as unknown as Applied)(read, begun.length > 0 ? { initialState: begun } : undefined);
    const [y, ...ends] = (Array.isArray(given) ? given : [given]) as [Sequence, ...Features[]];
    last = y;
    return ends;
  });
  return { last, states };
}

/** The states of each recurrence, with their sizes. */
function sized(
  layers: readonly AnyLayer[],
  from: Symbolic,
  states: readonly (readonly Features[])[],
): readonly (readonly State[])[] {
  const sizes = sizesOf([from], states.flat());
  let next = 0;
  return layers
    .map((layer, i) =>
      statesOf(layer).map(
        (name, k): State => ({ name, value: states[i]?.[k] as Features, size: sizes[next++] as number }),
      ),
    )
    .filter(({ length }) => length > 0);
}

/** The states of a layer that are called so: its own, or those of both its directions. */
function alike(given: readonly State[], { name }: State): readonly State[] {
  const same = given.filter((state) => state.name === name);
  return same.length > 0
    ? same
    : ["forward", "backward"].flatMap((way) => given.filter((state) => state.name === `${way} ${name}`));
}

const beside = (states: readonly State[]): Features =>
  states.length === 1 ? (states[0] as State).value : concatenate()(states.map(({ value }) => value));

const sumOf = (states: readonly State[]): number => states.reduce((sum, { size }) => sum + size, 0);

/** What the layers of a decoder begin with. */
function bridged(
  bridge: unknown,
  encoder: readonly (readonly State[])[],
  decoder: readonly (readonly State[])[],
): readonly (readonly Features[])[] {
  if (bridge === "none") return [];
  const read = decoder.map(
    (_, i) => (encoder.length === decoder.length ? encoder[i] : encoder.at(-1)) as readonly State[],
  );
  const unfit = decoder.flatMap((states, i) =>
    states.flatMap((state) => {
      const size = sumOf(alike(read[i] as readonly State[], state));
      return size === state.size ? [] : [{ ...state, layer: i, given: size }];
    }),
  );
  const [first] = unfit;
  if (bridge === "copy" && first)
    throw new ConfigError(
      `encoderDecoder: with bridge "copy" the state ${first.name} of decoder ${first.layer}, ${first.size} numbers, begins with that of the encoder, ${first.given === 0 ? "which has none of this name" : `${first.given} numbers`}; bridge: "dense" takes any`,
    );
  if (bridge === "copy" || (bridge === undefined && unfit.length === 0))
    return decoder.map((states, i) => states.map((state) => beside(alike(read[i] as readonly State[], state))));
  return decoder.map((states, i) =>
    states.map(({ name, size }) =>
      dense({ units: size, activation: "tanh", name: `bridge_${i}_${name.replaceAll(" ", "_")}` })(
        beside(read[i] as readonly State[]),
      ),
    ),
  );
}

/** The probabilities of the next tokens, of an output that was not given. */
function probabilities(embedding: EncoderDecoderOptions["targetEmbedding"], x: Sequence, size: number): Sequence {
  const { inputDim, outputDim, activation: given } = embedding.spec.config as Readonly<Record<string, unknown>>;
  const { reverse } = embedding as Partial<ReversibleEmbedding>;
  if (reverse) {
    const units = outputDim as number;
    const scores = reverse(size === units ? x : dense({ units, name: "projection" })(x));
    return given === "linear" ? activation({ activation: "softmax" })(scores) : scores;
  }
  if (typeof inputDim !== "number")
    throw new ConfigError(
      `encoderDecoder: how many tokens there are is not known of ${called(embedding.spec)}; give output: dense({ units, activation: "softmax" })`,
    );
  return dense({ units: inputDim, activation: "softmax", name: "output" })(x);
}

/**
 * A model that reads a source and writes a target, to be trained by teacher forcing: its inputs are `source` and `target`, ids [batch, sourceTime] and [batch, targetTime], where a
 * target is what was written so far, from the start on (`teacherForcing` makes it); its output `next` [batch, targetTime, tokens] are the probabilities of the token that
 * follows each step. With attention its weights are a second output `attention` [batch, targetTime, sourceTime], which has no loss.
 *
 * - `sourceEmbedding`, `targetEmbedding`: layers from ids to sequences, as `embedding({ …, maskZero: true })`. One layer for both is shared. A `reversibleEmbedding` of the target is also the output's matrix;
 *   give it `embeddingsInitializer: { kind: "normal", mean: 0, stddev: outputDim ** -0.5 }`, as its default numbers are too small for an output.
 * - `encoder`: recurrences, in both directions too, and layers that may stand between them. They return all that is needed by themselves.
 * - `decoder`: recurrences that read from the first step on, of any kinds and as many as you like.
 * - `attention` (null): `attention(…)` or `additiveAttention(…)` of what the decoder gives to what the encoder gives. `attentionUnits` (as many as the last recurrence of the decoder has, or as a tied
 *   embedding), `inputFeeding` (false), `attentionOrder` ("after"): see `attentionDecoder`.
 * - `bridge`: how the states of the encoder after its last step become those with which the decoder begins: each layer's those of the same layer where both have as many, else those of the
 *   encoder's last. "copy" as they are, both directions side by side; "dense" through tanh(W [states] + b), a layer for each state; "none" not at all, it begins with zeros. Default: "copy" where names and sizes are
 *   the same, else "dense".
 * - `dropout` (0): the share of features that training drops behind embeddings, between layers, and before the output.
 * - `output`: what makes the probabilities. Default: a `dense` of as many units as the target has ids, with a softmax; with a `reversibleEmbedding` its reverse, with a softmax, and a `dense` called "projection" before it
 *   where sizes differ.
 *
 * A model like it can be put together by hand; what decodes asks only for the two inputs and the output.
 *
 * @throws ConfigError, ShapeError that names the option, or the layer
 * @example
 * const letters = embedding({ inputDim: 30, outputDim: 64, maskZero: true });
 * const phones = embedding({ inputDim: 42, outputDim: 64, maskZero: true });
 * const made = encoderDecoder({
 *   sourceEmbedding: letters,
 *   targetEmbedding: phones,
 *   encoder: [bidirectional(lstm({ units: 128 }))],
 *   decoder: [lstm({ units: 256 })],
 *   attention: attention({ scoreMode: "general" }),
 *   dropout: 0.2,
 * });
 */
export function encoderDecoder(options: EncoderDecoderOptions): Model {
  const read = new OptionReader("encoderDecoder", options, [
    "sourceEmbedding",
    "targetEmbedding",
    "encoder",
    "decoder",
    "attention",
    "attentionUnits",
    "attentionOrder",
    "inputFeeding",
    "bridge",
    "dropout",
    "output",
  ]);
  const { attention = null, attentionUnits, attentionOrder, inputFeeding, bridge, output } = options;
  const [ofSource, ofTarget] = [
    expectEmbedding("sourceEmbedding", options.sourceEmbedding),
    expectEmbedding("targetEmbedding", options.targetEmbedding),
  ];
  const encoder = expectEncoder(options.encoder);
  const decoder = expectLayers("decoder", options.decoder, parseForward);
  if (bridge !== undefined) read.oneOf("bridge", bridges);
  if (output !== undefined && !isLayer(output))
    throw new ConfigError(`encoderDecoder: output must be a layer, got ${shownPart(output)}`);
  const without = Object.entries({ attentionUnits, attentionOrder, inputFeeding }).find(([, given]) => given != null);
  if (attention === null && without)
    throw new ConfigError(
      `encoderDecoder: ${without[0]} belongs to attention, which there is none; leave it out, or give attention`,
    );
  if (attention === null && bridge === "none")
    throw new ConfigError(
      'encoderDecoder: with bridge "none" and no attention nothing of the source reaches the decoder; give one of them',
    );
  const rate = read.number("dropout", 0, 0, 1);
  const dropped = dropoutLayer({ rate });
  const drop: Drop = (x) => (rate > 0 ? dropped(x) : x);

  const source = input({ name: "source", shape: ["source"] });
  const target = input({ name: "target", shape: ["target"] });
  const encoded = chain(encoder, drop(ofSource(source)), drop);
  const said = drop(ofTarget(target));
  const tried = chain(decoder, said, drop);
  const states = sized(decoder, target, tried.states);
  const begun = bridged(bridge, sized(encoder, source, encoded.states), states);
  const close = (x: Sequence): Sequence => {
    const read = drop(x);
    return output
      ? (output as Layer<"sequence", "sequence">)(read)
      : probabilities(ofTarget, read, sizesOf([source, target], [x])[0] as number);
  };
  if (attention === null) return model([source, target], { next: close(chain(decoder, said, drop, begun).last) });

  const { outputDim } = ofTarget.spec.config as { readonly outputDim?: number };
  const tied = output === undefined && "reverse" in ofTarget ? outputDim : undefined;
  const units = attentionUnits === undefined ? (tied ?? sizesOf([target], [tried.last])[0]) : attentionUnits;
  const writer = attentionDecoder({
    layers: decoder,
    attention,
    attentionUnits: units ?? null,
    ...(attentionOrder ? { attentionOrder } : {}),
    ...(inputFeeding ? { inputFeeding } : {}),
    dropout: rate,
    returnAttentionScores: true,
    name: "decoder",
  });
  const initial = begun.flat();
  const [vectors, scores] = writer([said, encoded.last], initial.length > 0 ? { initialState: initial } : {});
  return model([source, target], { next: close(vectors), attention: scores });
}
