/** What every recurrent layer has: Keras's options and initial weights around the op of its recurrence. */
import { ShapeError } from "../../errors.ts";
import { mul } from "../../ir/build/elementwise.ts";
import { full } from "../../ir/build/source.ts";
import type { Dim } from "../../ir/ops.ts";
import { factsOf, initialOf, type RecurrenceFacts, type RecurrenceName } from "../../ir/recurrences.ts";
import type { Value } from "../../ir/value.ts";
import type { RandomStream } from "../../random.ts";
import { toOnnxGates } from "../../recurrent/gateOrder.ts";
import { type RecurrenceInputs, type RecurrenceSettings, recurrence } from "../../recurrent/recurrence.ts";
import { type RecurrentActivationName, recurrentActivationNames, recurrentActivations } from "../activations.ts";
import { type Initializer, initialize } from "../initializers.ts";
import { type Flow, featuresOf } from "../kinds.ts";
import type { BuildContext, LayerDefinition } from "../layer.ts";
import type { Json } from "../options.ts";
import type { Regularizer } from "../regularizers.ts";
import { carryOf, readStateful, recurrenceReader } from "./options.ts";

/** The options of every recurrent layer. */
export type RecurrentConfig = {
  readonly units: number;
  readonly activation: RecurrentActivationName;
  readonly returnSequences: boolean;
  readonly returnState: boolean;
  readonly reverse: boolean;
  readonly stateful: boolean;
  readonly dropout: number;
  readonly recurrentDropout: number;
  readonly useBias: boolean;
  readonly kernelInitializer: Initializer;
  readonly recurrentInitializer: Initializer;
  readonly biasInitializer: Initializer;
  readonly kernelRegularizer: Regularizer | null;
  readonly recurrentRegularizer: Regularizer | null;
  readonly biasRegularizer: Regularizer | null;
  readonly trainable: boolean;
};

/** The options of those whose gates have an activation of their own. */
export type GatedConfig = RecurrentConfig & { readonly recurrentActivation: RecurrentActivationName };

/** What sets one recurrent layer apart from the others. */
export interface RecurrentTraits<R extends RecurrenceName, C extends RecurrentConfig> {
  readonly recurrence: R;
  /** Truth values of its own, with their defaults. */
  readonly flags: Readonly<Record<Exclude<keyof C, keyof GatedConfig>, boolean>>;
  /** The bias as it is drawn: [gates * units]. */
  readonly bias?: (data: Float32Array, config: C) => Float32Array;
  /** Whether the product with R has a bias of its own beside B. */
  readonly recurrentBias?: (config: C) => boolean;
  /** Attributes of the op that follow from the options. */
  readonly settings?: (config: C) => RecurrenceSettings<R>;
}

const isGated = ({ activations }: RecurrenceFacts): boolean => activations.length > 1;

/** A fused matrix [rows, gates * units] in Keras's layout and gate order, as ONNX wants it: [gates * units, rows] in ONNX's order. */
function fusedKernel(
  name: RecurrenceName,
  initializer: Initializer,
  rows: number,
  units: number,
  stream: RandomStream,
): Float32Array {
  const columns = factsOf(name).gates.length * units;
  const keras = initialize(initializer, [rows, columns], stream);
  const transposed = new Float32Array(keras.length);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) transposed[j * rows + i] = keras[i * columns + j] as number;
  return toOnnxGates(name, transposed, units, rows, "keras");
}

/** The weights of a layer, each the same in every use of it. */
function weightsOf<R extends RecurrenceName, C extends RecurrentConfig>(
  { recurrence: name, bias, recurrentBias }: RecurrentTraits<R, C>,
  config: C,
  features: number,
  { parameter }: BuildContext,
): { readonly W: Value; readonly R: Value; readonly B: Value; readonly recurrentBias?: Value } {
  const { units, trainable, biasInitializer } = config;
  const rows = factsOf(name).gates.length * units;
  const traits = (regularizer: Regularizer | null) => ({ trainable, regularizer });
  const kernel = (initializer: Initializer, columns: number) => (stream: RandomStream) =>
    fusedKernel(name, initializer, columns, units, stream);
  const drawn = (stream: RandomStream): Float32Array => initialize(biasInitializer, [rows], stream);
  const biasTraits = traits(config.biasRegularizer);
  const W = parameter(
    "W",
    [rows, features],
    kernel(config.kernelInitializer, features),
    traits(config.kernelRegularizer),
  );
  const recurrent = kernel(config.recurrentInitializer, units);
  const R = parameter("R", [rows, units], recurrent, traits(config.recurrentRegularizer));
  if (!config.useBias) return { W, R, B: full(0, [rows]) };
  const B = parameter("B", [rows], (stream) => bias?.(drawn(stream), config) ?? drawn(stream), biasTraits);
  return recurrentBias?.(config)
    ? { W, R, B, recurrentBias: parameter("recurrentBias", [rows], drawn, biasTraits) }
    : { W, R, B };
}

/** The definition of a recurrent layer. */
export function recurrentLayer<R extends RecurrenceName, C extends RecurrentConfig>(
  traits: RecurrentTraits<R, C>,
): LayerDefinition<C> {
  const name = traits.recurrence;
  const facts = factsOf(name);
  const { states, gates } = facts;
  const flags = Object.entries<boolean>(traits.flags);
  return {
    recurrence: true,
    states: () => states,
    parse(options, owner) {
      const read = recurrenceReader(owner, options, [
        "units",
        "activation",
        ...(isGated(facts) ? ["recurrentActivation"] : []),
        "returnSequences",
        "returnState",
        "reverse",
        "stateful",
        "dropout",
        "recurrentDropout",
        "useBias",
        ...flags.map(([flag]) => flag),
        "kernelInitializer",
        "recurrentInitializer",
        "biasInitializer",
        "kernelRegularizer",
        "recurrentRegularizer",
        "biasRegularizer",
        "trainable",
      ]);
      const config: { readonly [name: string]: Json | Initializer | Regularizer } = {
        units: read.integer("units", 1),
        activation: read.oneOf("activation", recurrentActivationNames, "tanh"),
        ...(isGated(facts)
          ? { recurrentActivation: read.oneOf("recurrentActivation", recurrentActivationNames, "sigmoid") }
          : {}),
        returnSequences: read.boolean("returnSequences", false),
        returnState: read.boolean("returnState", false),
        reverse: read.boolean("reverse", false),
        stateful: readStateful(read, owner, read.boolean("reverse", false)),
        dropout: read.number("dropout", 0, 0, 1),
        recurrentDropout: read.number("recurrentDropout", 0, 0, 1),
        useBias: read.boolean("useBias", true),
        ...Object.fromEntries(flags.map(([flag, byDefault]) => [flag, read.boolean(flag, byDefault)])),
        kernelInitializer: read.initializer("kernelInitializer", "glorotUniform"),
        recurrentInitializer: read.initializer("recurrentInitializer", "orthogonal"),
        biasInitializer: read.vectorInitializer("biasInitializer", "zeros"),
        kernelRegularizer: read.regularizer("kernelRegularizer"),
        recurrentRegularizer: read.regularizer("recurrentRegularizer"),
        biasRegularizer: read.regularizer("biasRegularizer"),
        trainable: read.boolean("trainable", true),
      };
      return config as unknown as C;
    },
    takes:
      "a sequence [batch, time, features]; give the recurrence before it returnSequences: true, or put an embedding first",
    outputs({ returnSequences, returnState }, [input, ...initial]) {
      const begun = initial.length === 0 || initial.join() === states.map(() => "features").join();
      if (input !== "sequence" || !begun) return undefined;
      const output = returnSequences ? "sequence" : "features";
      return returnState ? [output, ...states.map(() => "features" as const)] : [output];
    },
    build(context, config, [input, ...initial]) {
      const { mask } = context;
      const { units, activation, recurrentActivation = activation } = config as RecurrentConfig & Partial<GatedConfig>;
      const { values, lengths } = input as Flow;
      const batch = values.type.shape[1] as Dim;
      const features = featuresOf(input as Flow);
      initial.forEach((state, i) => {
        if (featuresOf(state) !== units)
          throw new ShapeError(
            `initialState ${states[i]} must be [batch, ${units}] for ${units} units, it was given [batch, ${featuresOf(state)}]`,
          );
      });
      const carry = carryOf(context, config.stateful);
      const begun = states.flatMap((state, i) => {
        const given = initial[i]?.values;
        const before = carry ? carry.begin(state, units, given) : given;
        return before ? [[initialOf(state), before] as const] : [];
      });
      const recurrentMask = [gates.length, batch, units];
      const outputs = recurrence(
        name,
        {
          X: mask && config.dropout > 0 ? mul(values, mask(config.dropout, [batch, features], "dropout")) : values,
          ...weightsOf(traits, config, features, context),
          ...(lengths ? { lengths } : {}),
          ...Object.fromEntries(begun),
          ...(mask && config.recurrentDropout > 0
            ? { recurrentMask: mask(config.recurrentDropout, recurrentMask, "recurrentDropout") }
            : {}),
        } as unknown as RecurrenceInputs<R>,
        {
          direction: config.reverse ? "reverse" : "forward",
          activations: facts.activations.map(
            (_, i) => recurrentActivations[i === 0 && isGated(facts) ? recurrentActivation : activation],
          ),
          ...traits.settings?.(config),
        } as RecurrenceSettings<R>,
      ) as Readonly<Record<string, Value>>;
      for (const state of states) carry?.end(state, outputs[state] as Value);
      const last = states.map((state): Flow => ({ kind: "features", values: outputs[state] as Value }));
      const output: Flow = config.returnSequences
        ? { kind: "sequence", values: outputs.y as Value, ...(lengths ? { lengths } : {}) }
        : (last[0] as Flow);
      return config.returnState ? [output, ...last] : [output];
    },
  };
}
