/** Layers as plain data with a way to apply them, and what a layer may ask for while it is built. */
import { ConfigError, ShapeError } from "../errors.ts";
import type { Shape, Value } from "../ir/ops.ts";
import type { Pass } from "../ir/rewrite.ts";
import type { RandomStream } from "../random.ts";
import type { Initializer } from "./initializers.ts";
import { type Flow, type InputKind, type Kind, shapeOfKind } from "./kinds.ts";
import { isRecord, type Json, OptionReader, shown } from "./options.ts";
import type { Regularizer, RegularizerOptions } from "./regularizers.ts";
import type { TreeReader } from "./trees/reader.ts";

/** A named parameter and how it begins. */
export interface ParameterSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly initialize: (stream: RandomStream) => Float32Array;
  /** False where training leaves it as it is. Default true. */
  readonly trainable?: boolean;
  /** What it adds to the loss of training. */
  readonly regularizer?: Regularizer;
}

/** What a layer says of a parameter beside its shape and how it begins. */
export interface ParameterTraits {
  /** False where training leaves it as it is. Default true. */
  readonly trainable?: boolean;
  /** What it adds to the loss of training: { l1, l2 }, either of which may be left out. Default null: nothing. */
  readonly regularizer?: RegularizerOptions | null;
}

/** How the states of a layer go on: from one batch to the next, or from one step of a stream to the next. */
export interface Carry {
  /** Every recurrence goes on, as in a stream; else only those with `stateful: true`. */
  readonly always: boolean;
  /**
   * What the layer begins with, float32 [batch, size]: the state `name` as it was left the time before. A row that begins anew has `initial`, by
   * default zeros. To be asked once in each build, and followed by `end`.
   */
  begin(name: string, size: number, initial?: Value): Value;
  /** The state at the end of each row, float32 [batch, size], with which the next time goes on. */
  end(name: string, state: Value): void;
}

/** What a layer may use while it is built into a graph. */
export interface BuildContext {
  /** The layer's name: the first part of its parameters' names, and how errors call it. */
  readonly name: string;
  /**
   * A dropout mask, of its own for each step of training, use of the layer and `part` of it: 0 with probability `rate`, else
   * 1 / (1 - rate). Absent in inference.
   */
  readonly mask?: (rate: number, shape: Shape, part?: string) => Value;
  /** Standard normal numbers, of their own in the same way. Absent in inference. */
  readonly noise?: (shape: Shape, part?: string) => Value;
  /** Where states go on. Absent where a model begins anew with every batch. */
  readonly carry?: Carry;
  /**
   * The parameter `name/suffix`, float32 of `shape`, the same one in each use of the layer. It begins as an initializer or a function says.
   *
   * @throws ConfigError, ShapeError where it was asked for before in another shape, with another initializer or other traits
   */
  parameter(
    suffix: string,
    shape: readonly number[],
    initializer: Initializer | ((stream: RandomStream) => Float32Array),
    traits?: ParameterTraits,
  ): Value;
}

/** The layers and cells of a file by kind: the library's own, and those that were handed in. Each throws `ModelFileError` for a kind that it does not know. */
export interface KnownKinds {
  layer(kind: string, owner: string): LayerDefinition<Json>;
  cell(kind: string, owner: string): object;
}

/** What `defineLayer` or `defineCell` made. */
export interface OwnKind {
  /** What files call it. */
  readonly kind: string;
}

/** What a layer asks of the ids that it is given. */
export interface IdRules {
  /** Each is below this. */
  readonly inputDim: number;
  /** Zeros behind the last other id are padding; data with zeros before it is refused. */
  readonly maskZero: boolean;
}

/** The rows of an input over time, one after the other. */
export interface InputData {
  readonly spec: { readonly label: string; readonly dtype: "float32" | "int32"; readonly width: number };
  readonly rows: number;
  readonly data: ArrayLike<number>;
  /** Where each row begins in `data`. */
  readonly starts: ArrayLike<number>;
  /** The steps of each row. */
  readonly lengths: ArrayLike<number>;
  /** Where rows are trees: what is padding elsewhere is a node that holds nothing, and may stand anywhere. */
  readonly trees?: object;
}

/** One kind of layer: how its options are checked, what it turns its inputs into, and how. */
export interface LayerDefinition<C> {
  /** Fills in defaults; throws `ConfigError` that begins with `owner`. Reads the options of users and, where there are `known` kinds, of model files. */
  parse(options: unknown, owner: string, known?: KnownKinds): C;
  /** What comes out for what goes in, the initial states last; undefined where it cannot take that. */
  outputs(config: C, inputs: readonly Kind[]): readonly Kind[] | undefined;
  /** The names of the states that it can be started with, each features [batch, units]. */
  states?(config: C): readonly string[];
  /** It is applied to a list of inputs, `layer([a, b])`. */
  readonly merges?: true;
  /** Of a sequence it makes, step by step, what it makes of features: `timeDistributed` hands it all steps at once. */
  readonly stepwise?: true;
  /** It reads one step after another, and has the options `returnSequences`, `returnState` and `reverse`: `bidirectional` takes it. */
  readonly recurrence?: true;
  /**
   * Checks the data of an input that it reads, before anything runs. Where the zeros that fill up shorter rows are padding for it, it gives the lengths of rows
   * without padding: rows may then be ragged. `input` is which of the layer's inputs it is.
   *
   * @throws DataError that begins with the `owner`
   */
  reads?(config: C, data: InputData, owner: string, input: number): Int32Array | undefined;
  /** It reads the trees of its input beside the values, by this: `treeReader`. */
  readonly trees?: TreeReader;
  /** The most children of a node that it takes, where these have places of their own. */
  arity?(config: C): number | undefined;
  /** Splits a layer that spans several steps, given which of its inputs are `late`. */
  halves?(config: C, late: readonly boolean[]): LayerHalves;
  /** What its graphs go through when they are lowered, beside what all graphs do. So a program holds the passes that its layers need. */
  passes?(config: C): readonly Pass[];
  /** What it takes, and a hint what to do where it is given something else. */
  readonly takes: string;
  build(context: BuildContext, config: C, inputs: readonly Flow[]): readonly Flow[];
}

/** A layer in two halves: the part that does not depend on late inputs, and the rest. Their parameters are those of the layer. */
export interface LayerHalves {
  readonly early: LayerHalf;
  readonly late: LayerHalf;
  /** The number of leading results of `early` that `late` reads after its inputs. */
  readonly crossing: number;
  /** The location of the layer's results. */
  readonly outputs: readonly { readonly early: boolean; readonly output: number }[];
}

/** Half of a layer. */
export interface LayerHalf {
  readonly layer: Omit<LayerSpec, "name">;
  /** The indices of the layer's inputs that it reads. */
  readonly inputs: readonly number[];
}

/** A layer as data: its kind, its options with all defaults filled in, and its name where the user gave one. */
export interface LayerSpec {
  readonly kind: string;
  readonly config: Json;
  readonly name?: string;
}

const definitionKey = Symbol("what builds the layer");

/** A layer's or a cell's spec with what builds it, which files, comparisons and messages between threads do not see. */
export function withDefinition<S extends object>(spec: S, definition: object): S {
  return Object.defineProperty(spec, definitionKey, { value: definition });
}

/** What builds it, where it came along. */
export const carried = (spec: object): object | undefined =>
  (spec as { readonly [definitionKey]?: object })[definitionKey];

/**
 * What builds a layer: it came with the layer, so that a program holds the layers that it uses and no others.
 *
 * @throws ConfigError where the spec was copied as plain data
 */
export function definitionOf(spec: LayerSpec): LayerDefinition<Json> {
  const definition = carried(spec);
  if (definition) return definition as LayerDefinition<Json>;
  throw new ConfigError(
    `${called(spec)} is plain data, without what builds it; read a model's spec that was copied or stored with parseModelSpec(spec)`,
  );
}

/** One use of a layer. */
export interface Call {
  readonly layer: AnyLayer;
  /** What it reads, then the initial states. */
  readonly inputs: readonly Symbolic[];
}

/** Something that will be computed: an input of a model, or a layer applied to such. Made before there is a model, so it has no shape. */
export interface Symbolic<K extends Kind = Kind> {
  readonly kind: K;
  /** What makes it; absent for inputs. */
  readonly call?: Call;
  /** Which of the results of `call` it is. Default 0. */
  readonly output?: number;
  readonly input?: InputSpec;
}

/** An input of a model. Its shape is without the batch axis. */
export interface InputSpec {
  readonly name: string;
  readonly kind: InputKind;
  readonly shape: readonly (number | string)[];
  /** Rows have lengths of their own, which are fed beside the data as `name/lengths`. */
  readonly lengths: boolean;
  /** Rows are trees, whose structure is fed beside the data as `name/nodes`, `name/edges` and `name/levels`. They have lengths. */
  readonly tree?: true;
}

/** What every layer is, whatever it takes and gives. Two uses of one object share their weights. */
export interface AnyLayer {
  readonly spec: LayerSpec;
}

/** A layer from `In` to `Out`; call it to apply it. */
export interface Layer<In extends Kind, Out extends Kind> extends AnyLayer {
  (input: Symbolic<In>): Symbolic<Out>;
  readonly pointwise?: never;
}

/** A layer that gives what it takes: a sequence for a sequence, features for features. */
export interface PointwiseLayer extends AnyLayer {
  <K extends "sequence" | "features">(input: Symbolic<K>): Symbolic<K>;
  readonly pointwise: true;
}

/** A layer of several inputs, all sequences or all features, which gives one of their kind: `layer([a, b])`. A chain has no place for it. */
export interface MergingLayer extends AnyLayer {
  (inputs: readonly Symbolic<"sequence">[]): Symbolic<"sequence">;
  (inputs: readonly Symbolic<"features">[]): Symbolic<"features">;
  readonly pointwise?: never;
}

/** How errors call a layer before it has a name from its model. */
export function called(spec: LayerSpec): string {
  return spec.name === undefined ? spec.kind : `${spec.kind} "${spec.name}"`;
}

/** What comes out of a layer for what goes in. @throws ShapeError where it cannot take that */
export function outputKinds<C>(
  definition: LayerDefinition<C>,
  config: C,
  owner: string,
  inputs: readonly Kind[],
): readonly Kind[] {
  const outputs = definition.outputs(config, inputs);
  if (outputs === undefined) {
    const given = inputs.map((kind) => `${kind} ${shapeOfKind[kind]}`).join(", ");
    throw new ShapeError(`${owner} takes ${definition.takes}; it was given ${given || "none"}`);
  }
  return outputs;
}

/** Whether `data` is an input, or what a layer made of one. */
export function isSymbolic(data: unknown): data is Symbolic {
  return isRecord(data) && "kind" in data && ("input" in data || "call" in data);
}

/** The initial states of a call, checked. */
function initialStates(owner: string, names: readonly string[], options: unknown): readonly Symbolic[] {
  if (options === undefined) return [];
  new OptionReader(owner, options, ["initialState"]);
  const { initialState } = options as { initialState?: unknown };
  if (initialState === undefined) return [];
  if (!Array.isArray(initialState) || initialState.length !== names.length || !initialState.every(isSymbolic))
    throw new ConfigError(
      `${owner}: initialState must be [${names.join(", ")}], each of an input(…) or of what a layer made, got ${shown(initialState)}`,
    );
  initialState.forEach(({ kind }: Symbolic, i) => {
    if (kind !== "features")
      throw new ShapeError(
        `${owner}: initialState ${names[i]} must be features [batch, units], it was given ${kind} ${shapeOfKind[kind]}`,
      );
  });
  return initialState;
}

/** What a layer is applied to, as a list. */
function appliedTo(owner: string, { merges, takes }: LayerDefinition<Json>, given: unknown): readonly Symbolic[] {
  if (merges === undefined && isSymbolic(given)) return [given];
  if (merges && Array.isArray(given) && given.every(isSymbolic)) return given;
  if (merges) {
    const chain = isSymbolic(given) ? "one input; a chain has no place for it, apply it for a model" : shown(given);
    throw new ConfigError(`${owner} is applied to ${takes}, got ${chain}`);
  }
  const list = Array.isArray(given) && given.every(isSymbolic) ? "; put several together with concatenate first" : "";
  throw new ConfigError(
    `${owner} is applied to an input(…) or to what a layer made of one, got ${shown(given)}${list}`,
  );
}

/** Applies a layer: checks that it can take what it is given. */
export function applyLayer(
  layer: AnyLayer,
  definition: LayerDefinition<Json>,
  input: unknown,
  options: unknown,
): Symbolic | readonly Symbolic[] {
  const owner = called(layer.spec);
  const read = appliedTo(owner, definition, input);
  // Others are given an index here by xs.map(layer).
  if (definition.states === undefined && isRecord(options))
    throw new ConfigError(`${owner} takes no options where it is applied; only recurrences have an initialState`);
  const names = definition.states?.(layer.spec.config);
  const states = names ? initialStates(owner, names, options) : [];
  const call: Call = { layer, inputs: [...read, ...states] };
  const given = call.inputs.map(({ kind }) => kind);
  const [first, ...others] = outputKinds(definition, layer.spec.config, owner, given).map(
    (kind, output): Symbolic => (output === 0 ? { kind, call } : { kind, call, output }),
  );
  return others.length === 0 ? (first as Symbolic) : [first as Symbolic, ...others];
}
