/** Converts Keras's model description to ours: Sequential and Functional models, and nested models. */
import { ModelFileError } from "@ostinato/core";
import { applyPart, type Read, type Results } from "./apply.ts";
import { damaged, type Fields, fieldsOf, isFields, listOf, shown, textOf } from "./json.ts";
import { calledThere, fileName, isKnownClass, readLayer } from "./layers.ts";
import { maskOf, type Operand } from "./masks.ts";
import { Names, plainName } from "./names.ts";
import { AFTER_ANOTHER, endsOf, type Node, nodesOf, type Reference, referencesIn } from "./nodes.ts";
import { isComputed, Parts, type ReadModel, type Result, type Value } from "./parts.ts";
import { typeName } from "./values.ts";

const DEEPEST = 20;
/** The maximum number of steps: calls of layers, models and operations, with nested models counted for each call. */
const MOST_STEPS = 30_000;

/** Options for reading a model. */
export interface GraphOptions {
  /** Accept layers that treat masks differently from ours. */
  readonly acceptDifferences: boolean;
  /** The file is from before Keras 3. */
  readonly isOlder: boolean;
}

/** Something that can be called: a layer, a model, or an operation. */
type Applied = (node: Node, read: Read) => Results;

/** A layer, model or operation of a model; an input cannot be called. */
interface Made {
  readonly data: Fields;
  readonly isInput: boolean;
  readonly apply: Applied;
}

/** A model. Called without arguments, it creates its own inputs. */
type AppliedModel = (given: readonly Result[] | undefined) => Result[];

const isModel = (className: unknown): boolean => ["Sequential", "Functional", "Model"].includes(String(className));

/** Whether a description is an operation. Older files have no module name; there, an operation is a description without the options that all layers have. */
function isOperation(data: Fields): boolean {
  if (typeof data.module === "string") return data.module.startsWith("keras.src.ops.");
  const config = isFields(data.config) ? data.config : {};
  const isLayer = ["trainable", "layers", "batch_shape", "batch_input_shape"].some(
    (name) => config[name] !== undefined,
  );
  return !isLayer && !(isKnownClass(String(data.class_name)) && config.dtype);
}

/** An operation between layers. Only its mask is computed. */
function operation(data: Fields): Applied {
  const name = textOf(data, "class_name", "an operation");
  return ({ positional, named }, read) => {
    const operands = [...positional, ...Object.values(named)].flatMap((argument): Operand[] => {
      if (typeof argument === "number") return [{ number: argument }];
      return referencesIn(argument).map((reference): Operand => {
        const result = read(reference);
        if (!isComputed(result)) return { key: result.key };
        return result.mask ? { mask: result.mask } : { key: "a result of an operation" };
      });
    });
    const mask = maskOf(name, operands);
    return () => ({ operation: name, mask });
  };
}

/** @throws ModelFileError for a text input */
function expectNumbers(name: string, type: unknown): void {
  if (type === undefined || type === null || /^(u?int|float|bfloat)\d+$/.test(String(type))) return;
  throw new ModelFileError(
    `the input "${name.slice(0, 100)}" of the Keras model has the type ${shown(type)}; save the model without the layers that read it, and use a vocabulary with the same words`,
  );
}

/** Reads a description into the parts of a model. */
class Reading {
  readonly parts = new Parts();
  readonly #options: GraphOptions;
  #steps = 0;

  constructor(options: GraphOptions) {
    this.#options = options;
  }

  #input(config: Fields, name: string, shape: unknown): Value {
    expectNumbers(name, typeName(config.dtype));
    if (!Array.isArray(shape))
      throw new ModelFileError(
        `the Keras file has no shape for the input "${name.slice(0, 100)}"; call the model, or add an Input, before saving it`,
      );
    return this.parts.addInput(name, shape);
  }

  #layer(data: Fields, path: string, trainable: boolean): Applied {
    const part = this.parts.addLayer(readLayer(data, trainable, this.#options.isOlder), path);
    let calls = 0;
    return (node, read) => applyPart(this.parts, part, node, read, calls++ === 0, this.#options);
  }

  /** A nested model: its layers are called in its place. */
  #model(data: Fields, path: string, trainable: boolean, depth: number): Applied {
    const apply = this.declare(data, path, trainable, depth + 1);
    return ({ positional, named }, read) => {
      const results = apply(referencesIn([positional, named.inputs]).map(read));
      return (result) => {
        const found = results[result];
        if (found === undefined) throw damaged("a layer reads a result that a nested model does not have");
        return found;
      };
    };
  }

  #applied(data: Fields, path: string, trainable: boolean, depth: number): Applied {
    const apply = isOperation(data)
      ? operation(data)
      : isModel(data.class_name)
        ? this.#model(data, path, trainable, depth)
        : this.#layer(data, path, trainable);
    return (node, read) => {
      this.#steps += 1;
      if (this.#steps > MOST_STEPS) throw damaged(`it has more than ${MOST_STEPS} steps`);
      return apply(node, read);
    };
  }

  /**
   * Adds the layers of a model. Returns a function that calls them.
   *
   * @param path the folder of the model in a weight file
   */
  declare(data: Fields, path: string, trainable: boolean, depth: number): AppliedModel {
    if (depth > DEEPEST) throw damaged(`models are nested more than ${DEEPEST} levels deep`);
    const className = textOf(data, "class_name", "the model");
    if (!isModel(className))
      throw new ModelFileError(
        `the file contains ${calledThere(className.slice(0, 60), className)}, which is neither a Sequential nor a Functional model; convert it to one, or load only its weights with loadKeras`,
      );
    const config = fieldsOf(data, "config", "the model");
    const isChain = className === "Sequential";
    const isTrainable = trainable && config.trainable !== false;
    const counts = new Map<string, number>();
    const pathOf = (layer: Fields): string => {
      const file = fileName(String(layer.class_name));
      const count = counts.get(file) ?? 0;
      counts.set(file, count + 1);
      return `${path}layers/${count === 0 ? file : `${file}_${count}`}/`;
    };
    const made = listOf(config, "layers", "the model").map((layer): Made => {
      if (!isFields(layer)) throw damaged("a layer is not an object");
      const isInput = layer.class_name === "InputLayer";
      // Weight files do not count operations, nor the inputs of Sequential models.
      const place = isOperation(layer) || (isChain && isInput) ? "" : pathOf(layer);
      const nothing: Applied = () => () => {
        throw damaged("an input has inputs");
      };
      return { data: layer, isInput, apply: isInput ? nothing : this.#applied(layer, place, isTrainable, depth) };
    });
    return isChain
      ? (given) => [this.#runChain(data, config, made, given)]
      : (given) => this.#runGraph(config, made, given);
  }

  #runChain(data: Fields, config: Fields, made: readonly Made[], given: readonly Result[] | undefined): Result {
    const [start] = made;
    if (start === undefined) throw damaged("a Sequential model has no layers");
    let last: Result | undefined = given?.[0];
    if (last === undefined) {
      const own = fieldsOf(start.data, "config", "a layer");
      const built = isFields(data.build_config) ? data.build_config.input_shape : undefined;
      const shape = own.batch_shape ?? own.batch_input_shape ?? config.build_input_shape ?? built;
      last = start.isInput ? this.#input(own, String(own.name ?? "input"), shape) : this.#input({}, "input", shape);
    }
    for (const { isInput, apply } of made) {
      const before: Result = last;
      if (!isInput) last = apply(AFTER_ANOTHER, () => before)(0);
    }
    return last;
  }

  #runGraph(config: Fields, made: readonly Made[], given: readonly Result[] | undefined): Result[] {
    const byName = new Map(made.map((one) => [textOf(one.data, "name", "a layer"), one]));
    if (byName.size !== made.length) throw damaged("two layers have the same name");
    const results = new Map<string, Results>();
    const at = (layer: string, call: number): string => `${call} ${layer}`;
    const inputs = endsOf(config.input_layers);
    inputs.forEach(({ layer }, i) => {
      const own = byName.get(layer);
      if (!own?.isInput) throw damaged(`the input "${layer.slice(0, 60)}" is none`);
      const fields = fieldsOf(own.data, "config", "an input");
      const from = given ? given[i] : this.#input(fields, layer, fields.batch_shape ?? fields.batch_input_shape);
      if (from === undefined) throw damaged("a nested model is called without all of its inputs");
      results.set(at(layer, 0), () => from);
    });
    // Each call waits for the calls that it reads.
    const pending = [...byName].flatMap(([name, { data, isInput, apply }]) =>
      isInput ? [] : nodesOf(data).map((node, call) => ({ apply, node, key: at(name, call) })),
    );
    const waiting = new Map<string, (typeof pending)[number][]>();
    const ready: (typeof pending)[number][] = [];
    const missing = new Map<object, number>();
    for (const one of pending) {
      const wanted = new Set(
        referencesIn([one.node.positional, one.node.named])
          .map(({ layer, call }) => at(layer, call))
          .filter((key) => !results.has(key)),
      );
      missing.set(one, wanted.size);
      if (wanted.size === 0) ready.push(one);
      for (const key of wanted) {
        const others = waiting.get(key) ?? [];
        waiting.set(key, others);
        others.push(one);
      }
    }
    const read = ({ layer, call, result }: Reference): Result => {
      const found = results.get(at(layer, call));
      if (found === undefined) throw damaged(`it reads "${layer.slice(0, 60)}", which does not exist`);
      return found(result);
    };
    let done = 0;
    for (; done < ready.length; done++) {
      const { apply, node, key } = ready[done] as (typeof pending)[number];
      results.set(key, apply(node, read));
      for (const next of waiting.get(key) ?? []) {
        const left = (missing.get(next) as number) - 1;
        missing.set(next, left);
        if (left === 0) ready.push(next);
      }
    }
    if (done < pending.length) throw damaged("its layers form a cycle, or read something that does not exist");
    return endsOf(config.output_layers).map((reference) => {
      const inside = byName.get(reference.layer)?.data.class_name;
      // Keras counts the calls of nested models from 1 here.
      const call = inside === "Functional" || inside === "Model" ? Math.max(0, reference.call - 1) : reference.call;
      return read({ ...reference, call });
    });
  }
}

/** Outputs are named after their layers, or by the keys of the output dictionary; a single output is named "output". */
function outputNames(data: Fields): string[] {
  const { output_layers: ends } = fieldsOf(data, "config", "the model");
  if (data.class_name === "Sequential") return ["output"];
  const references = endsOf(ends);
  if (references.length === 1) return ["output"];
  const names = new Names();
  const given = isFields(ends) ? Object.keys(ends) : [];
  return references.map(({ layer }, i) =>
    names.take(plainName(given.length === references.length ? (given[i] as string) : layer)),
  );
}

/**
 * Converts a Keras model description.
 *
 * @throws ModelFileError that names the layer and the option, for unsupported features; ConfigError and ShapeError for layers that do not fit together
 */
export function readGraph(data: Fields, options: GraphOptions): ReadModel {
  const reading = new Reading(options);
  const results = reading.declare(data, "", true, 0)(undefined);
  return reading.parts.finish(results, outputNames(data));
}
