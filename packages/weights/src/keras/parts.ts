/** Builds a model from a Keras description: inputs, layers and calls. */
import { type Json, type Model, ModelFileError, parseModelSpec } from "@ostinato/core";
import { damaged, shown } from "./json.ts";
import type { ReadLayer } from "./layers.ts";
import type { Mask } from "./masks.ts";
import { Names, plainName } from "./names.ts";

const MOST_CALLS = 10_000;

/** The location of a layer's weights in a Keras file. */
export interface Place {
  /** The folder of the layer in a weight file: `layers/lstm_1/`. */
  readonly path: string;
  /** The name of the layer in Keras. */
  readonly name: string;
  readonly className: string;
}

/** A model, and the location of each layer's weights by layer name. */
export interface ReadModel {
  readonly model: Model;
  readonly places: ReadonlyMap<string, Place>;
}

/** A time axis that has no name yet. Sequences that are merged share one. */
class Time {
  #same: Time | undefined;

  get root(): Time {
    let root: Time = this;
    while (root.#same) root = root.#same;
    return root;
  }

  join(other: Time): void {
    if (other.root !== this.root) other.root.#same = this.root;
  }
}

/** An input of the model. Its kind is set by the first layer that reads it. */
interface Input {
  readonly name: string;
  /** Its shape; null for sizes that depend on the data. */
  readonly shape: readonly unknown[];
  readonly time: Time;
  kind: "ids" | "sequence" | "features" | undefined;
}

/** A value that a layer reads or returns. */
export interface Value {
  /** Identifies it in comparisons. */
  readonly key: string;
  readonly source: Json;
  readonly kind: "input" | "ids" | "sequence" | "features" | "scores";
  readonly input?: Input;
  readonly mask?: Mask;
  readonly time?: Time;
}

/** The result of an operation between layers: a mask, or an unsupported value. */
export interface Computed {
  readonly operation: string;
  readonly mask: Mask | undefined;
}

/** A value that may be passed to a layer. */
export type Result = Value | Computed;

export const isComputed = (result: Result): result is Computed => "operation" in result;

/** A layer of the model. Its calls may still change its options. */
export interface Part {
  readonly layer: ReadLayer;
  readonly index: number;
  readonly config: Record<string, Json>;
}

/** The parts collected so far. */
export class Parts {
  readonly #layers: { readonly kind: string; readonly name: string; readonly config: Json }[] = [];
  readonly #calls: { readonly layer: number; readonly sources: readonly Json[] }[] = [];
  readonly #inputs: Input[] = [];
  readonly #places = new Map<string, Place>();
  readonly #names = new Names();

  /** @param shape the shape in Keras, including the batch axis */
  addInput(name: string, shape: readonly unknown[]): Value {
    const input: Input = { name: this.#names.take(plainName(name)), shape, time: new Time(), kind: undefined };
    const index = this.#inputs.push(input) - 1;
    return { key: `input ${index}`, source: { input: index }, kind: "input", input, time: input.time };
  }

  addLayer(layer: ReadLayer, path: string): Part {
    const { row, name } = layer;
    const own = this.#names.take(plainName(name));
    const config = { ...layer.config };
    this.#places.set(own, { path, name, className: row.className });
    return { layer, config, index: this.#layers.push({ kind: row.kind, name: own, config }) - 1 };
  }

  /** Returns the index of the call. */
  addCall({ index }: Part, reads: readonly Value[]): number {
    if (this.#calls.length >= MOST_CALLS) throw damaged(`it has more than ${MOST_CALLS} calls of layers`);
    return this.#calls.push({ layer: index, sources: reads.map(({ source }) => source) }) - 1;
  }

  /** The inputs in our format. */
  #inputSpecs(): Json[] {
    const times = new Map<Time, string>();
    const timeOf = ({ root }: Time): string => {
      const name = times.get(root) ?? (times.size === 0 ? "time" : `time_${times.size}`);
      times.set(root, name);
      return name;
    };
    return this.#inputs.map(({ name, shape, time, kind }) => {
      const wrong = (why: string): ModelFileError =>
        new ModelFileError(`the input "${name}" of the Keras model has the shape ${shown(shape)}; ${why}`);
      if (kind === undefined) throw wrong("no layer reads it");
      if (shape.length !== (kind === "sequence" ? 3 : 2))
        throw wrong("inputs must be ids [batch, time], or [batch, time, features] or [batch, features]");
      const features = shape.at(-1) as number;
      if (kind !== "ids" && !(Number.isSafeInteger(features) && features > 0))
        throw wrong("the number of features must be known");
      const sizes = { ids: () => [timeOf(time)], sequence: () => [timeOf(time), features], features: () => [features] };
      return { name, kind, shape: sizes[kind](), lengths: false };
    });
  }

  /** The model with these outputs. @throws ModelFileError, ConfigError, ShapeError if its parts do not fit together */
  finish(results: readonly Result[], names: readonly string[]): ReadModel {
    const outputs = results.map((result, i) => {
      if (!isComputed(result)) return { name: names[i] as string, source: result.source };
      throw new ModelFileError(
        `an output of the Keras model comes from the operation ${shown(result.operation)}, which is not supported; use a layer instead`,
      );
    });
    const spec = parseModelSpec({ inputs: this.#inputSpecs(), layers: this.#layers, calls: this.#calls, outputs });
    return { model: { spec }, places: this.#places };
  }
}
