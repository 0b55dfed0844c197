/** Layers as plain data with a way to apply them, and what a layer may ask for while it is built. */
import { ConfigError, ShapeError } from "../errors.ts";
import type { Value } from "../ir/ops.ts";
import type { RandomStream } from "../random.ts";
import { type Flow, type Kind, shapeOfKind } from "./kinds.ts";
import { isRecord, type Json, shown } from "./options.ts";

/** A named parameter and how it begins. */
export interface ParameterSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly initialize: (stream: RandomStream) => Float32Array;
}

/** What a layer may use while it is built into a graph. */
export interface BuildContext {
  /** The layer's name: the first part of its parameters' names, and how errors call it. */
  readonly name: string;
  /** For dropout in training; absent in inference. */
  readonly dropout?: { readonly seed: number; readonly step: Value };
  /** The parameter `name/suffix`, the same one in each use of the layer. */
  parameter(suffix: string, shape: readonly number[], initialize: (stream: RandomStream) => Float32Array): Value;
}

/** One kind of layer: how its options are checked, what it turns its input into, and how. */
export interface LayerDefinition<C> {
  /** Fills in defaults; throws `ConfigError` that begins with `owner`. Reads the options of users and of model files. */
  parse(options: unknown, owner: string): C;
  /** What comes out for what goes in, or undefined where it cannot take that. */
  output(config: C, input: Kind): Kind | undefined;
  /** What it takes, and a hint what to do where it is given something else. */
  readonly takes: string;
  build(context: BuildContext, config: C, input: Flow): Flow;
}

/** A layer as data: its kind, its options with all defaults filled in, and its name where the user gave one. */
export interface LayerSpec {
  readonly kind: string;
  readonly config: Json;
  readonly name?: string;
}

/** Something that will be computed: an input of a model, or a layer applied to such. Made before there is a model, so it has no shape. */
export interface Symbolic<K extends Kind = Kind> {
  readonly kind: K;
  /** The layer that makes it and what the layer reads; absent for inputs. */
  readonly call?: { readonly layer: AnyLayer; readonly input: Symbolic };
  readonly input?: InputSpec;
}

/** An input of a model. Its shape is without the batch axis. */
export interface InputSpec {
  readonly name: string;
  readonly kind: Kind;
  readonly shape: readonly (number | string)[];
  /** Rows have lengths of their own, which are fed beside the data as `name/lengths`. */
  readonly lengths: boolean;
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

/** How errors call a layer before it has a name from its model. */
export function called(spec: LayerSpec): string {
  return spec.name === undefined ? spec.kind : `${spec.kind} "${spec.name}"`;
}

/** What comes out of a layer for what goes in. @throws ShapeError where it cannot take that */
export function outputKind<C>(definition: LayerDefinition<C>, config: C, owner: string, input: Kind): Kind {
  const kind = definition.output(config, input);
  if (kind === undefined)
    throw new ShapeError(`${owner} takes ${definition.takes}; it was given ${input} ${shapeOfKind[input]}`);
  return kind;
}

/** Whether `data` is an input, or what a layer made of one. */
export function isSymbolic(data: unknown): data is Symbolic {
  return isRecord(data) && "kind" in data && ("input" in data || "call" in data);
}

/** Applies a layer: checks that it can take what it is given. */
export function applyLayer(layer: AnyLayer, definition: LayerDefinition<Json>, input: unknown): Symbolic {
  const owner = called(layer.spec);
  if (!isSymbolic(input))
    throw new ConfigError(`${owner} is applied to an input(…) or to what a layer made of one, got ${shown(input)}`);
  return { kind: outputKind(definition, layer.spec.config, owner, input.kind), call: { layer, input } };
}
