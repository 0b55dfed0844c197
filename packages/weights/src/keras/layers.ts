/** Converts a single layer between Keras's description and ours. */
import {
  type Initializer,
  type Json,
  type LayerSpec,
  ModelFileError,
  type Regularizer,
  UnsupportedOpError,
} from "@ostinato/core";
import { damaged, type Fields, fieldsOf, isFields, type Options, shown, textOf } from "./json.ts";
import { type Row, rowsByClass, rowsByKind } from "./table.ts";
import {
  described,
  expectFloat32,
  readActivation,
  readInitializer,
  readRegularizer,
  snakeCase,
  writeInitializer,
  writeRegularizer,
} from "./values.ts";

/** A layer of a file. */
export interface ReadLayer {
  readonly row: Row;
  /** Its name in Keras. */
  readonly name: string;
  /** Its options here; absent options have our defaults. */
  readonly config: Readonly<Record<string, Json>>;
}

/** Keras options that affect neither results nor training. */
const silent = new Set([
  "name",
  "dtype",
  "trainable",
  "seed",
  "unroll",
  "use_cudnn",
  "zero_output_for_mask",
  "implementation",
  "input_length",
  "input_dtype",
  "batch_input_shape",
  "batch_shape",
  "supports_masking",
]);

/** Keras layers that convert text to ids, and their replacement here. */
const textLayers = new Set(["TextVectorization", "StringLookup", "IntegerLookup"]);

/** The name of a file's layer in errors. */
export const calledThere = (className: string, name: string): string => `Keras's ${className} "${name.slice(0, 100)}"`;

/** Keras's names for classes in weight files. */
export const fileName = (className: string): string =>
  className
    .replace(/\W+/g, "")
    .replace(/(.)([A-Z][a-z]+)/g, "$1_$2")
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .toLowerCase();

/** The name of a kind in weight files; undefined if Keras does not have it. */
export function fileNameOf(kind: string): string | undefined {
  const row = rowsByKind.get(kind);
  return row && fileName(row.className);
}

/** Whether a Keras class is supported. */
export const isKnownClass = (className: string): boolean => rowsByClass.has(className);

function rowOf(className: string, owner: string): Row {
  const row = rowsByClass.get(className);
  if (row) return row;
  const hint = textLayers.has(className)
    ? "save the model without it, and use a vocabulary with the same words"
    : `there are ${[...rowsByClass.keys()].join(", ")}. Export the model as ONNX, which importOnnx may read: model.export("model.onnx", format="onnx"); or write the layer with defineLayer, and pass its weights by name (fromNpz)`;
  throw new ModelFileError(`${owner} is not supported; ${hint}`);
}

/** The number of axes of a layer's input, if the file contains it. */
function axesOf(data: Fields): number | undefined {
  const build = isFields(data.build_config) ? data.build_config.input_shape : undefined;
  const shape = Array.isArray(build) && Array.isArray(build[0]) ? build[0] : build;
  return Array.isArray(shape) ? shape.length : undefined;
}

function isLastAxis(value: unknown, data: Fields): boolean {
  const axis = Array.isArray(value) && value.length === 1 ? value[0] : value;
  return axis === -1 || (Number.isInteger(axis) && axis + 1 === axesOf(data));
}

/** Whether a Keras value equals the only value supported here. Numbers may have been rounded to float32. */
const isSame = (value: unknown, only: Json): boolean =>
  typeof only === "number" && typeof value === "number" ? Math.abs(value - only) < 1e-6 : value === only;

/** Converts the value of a Keras option; undefined for our default. */
function readOption(owner: string, option: string, theirs: string, value: unknown): Json | undefined {
  if (/activation$/i.test(option)) return readActivation(owner, theirs, value);
  if (option.endsWith("Initializer")) return readInitializer(value);
  if (option.endsWith("Regularizer")) return readRegularizer(owner, theirs, value);
  return value as Json;
}

/**
 * Converts a Keras layer description.
 *
 * @param trainable whether the enclosing model is trainable
 * @param isOlder whether the file is from before Keras 3
 * @throws ModelFileError that names the layer, the option and the alternative, for unsupported layers and options
 */
export function readLayer(data: unknown, trainable: boolean, isOlder: boolean, depth = 0): ReadLayer {
  if (!isFields(data)) throw damaged("a layer is not an object");
  const className = textOf(data, "class_name", "a layer");
  const config = fieldsOf(data, "config", `the layer ${className.slice(0, 60)}`);
  const name = typeof config.name === "string" ? config.name : className;
  const owner = calledThere(className, name);
  const row = rowOf(className, owner);
  if (depth > 4) throw damaged(`${owner} is nested too deeply`);
  expectFloat32(owner, config.dtype);
  const isTrainable = trainable && config.trainable !== false;
  const options: Record<string, Json> = { ...row.ours };
  const known = new Set(silent);
  for (const option of row.options ?? []) {
    const theirs = snakeCase(option);
    known.add(theirs);
    const value = option === "trainable" ? isTrainable : config[theirs];
    const read = value === undefined ? undefined : readOption(owner, option, theirs, value);
    if (isOlder && read === "hardSigmoid")
      throw new ModelFileError(
        `${owner}: ${theirs} is "hard_sigmoid", which was 0.2 x + 0.5 before Keras 3 and is x / 6 + 0.5 in Keras 3 and here; train the model with "sigmoid", or save it as ONNX`,
      );
    if (read !== undefined) options[option] = read;
  }
  for (const [option, theirs] of Object.entries(row.renamed ?? {})) {
    known.add(theirs);
    if (config[theirs] !== undefined) options[option] = config[theirs] as Json;
  }
  for (const option of row.layers ?? []) {
    const theirs = snakeCase(option);
    known.add(theirs);
    const inner = config[theirs];
    if (inner === undefined || inner === null) continue;
    const part = readLayer(inner, isTrainable, isOlder, depth + 1);
    options[option] = { kind: part.row.kind, config: part.config };
  }
  for (const [theirs, value] of Object.entries(config)) {
    if (known.has(theirs) || value === null || value === false) continue;
    const only = row.only?.[theirs];
    if (only !== undefined && (only === "last" ? isLastAxis(value, data) : isSame(value, only))) continue;
    const wayOut =
      only === undefined
        ? "this option is not supported"
        : `it must be ${only === "last" ? "the last axis" : shown(only)}`;
    throw new ModelFileError(`${owner}: ${theirs.slice(0, 60)} is ${shown(value)}; ${wayOut}`);
  }
  if (givesLastFirst(row, options, depth > 0))
    throw new ModelFileError(
      `${owner}: go_backwards with return_sequences reverses the order of the steps, which is not supported; use Bidirectional, or save the model with return_sequences=False`,
    );
  return { row, name, config: options };
}

/** Keras recurrences that read backwards return their steps in reading order. Bidirectional reverses those of its backward layer. */
function givesLastFirst({ kind }: Row, options: Options, isInside: boolean): boolean {
  const layer = kind === "bidirectional" && isFields(options.layer) ? options.layer.config : isInside ? {} : options;
  return isFields(layer) && layer.reverse === true && layer.returnSequences === true;
}

/** Writes an option for Keras. */
function writeOption(option: string, value: Json): Json {
  if (/activation$/i.test(option)) return snakeCase(value as string);
  if (option.endsWith("Initializer")) return writeInitializer(value as Initializer);
  if (option.endsWith("Regularizer")) return writeRegularizer(value as Regularizer | null);
  return value;
}

/** A layer for Keras. */
export interface WrittenLayer {
  readonly row: Row;
  readonly className: string;
  readonly data: Json;
}

/**
 * Writes a layer as Keras describes it.
 *
 * @throws UnsupportedOpError that names the layer and the option, for features without a Keras equivalent
 */
export function writeLayer({ kind, name, config }: LayerSpec, isInside = false): WrittenLayer {
  const owner = `${kind} "${name}"`;
  const row = rowsByKind.get(kind);
  if (row === undefined)
    throw new UnsupportedOpError(
      `${owner} has no Keras equivalent; supported layers are ${[...rowsByKind.keys()].join(", ")}. exportOnnx supports every model`,
    );
  const given = config as Options;
  const refuse = (option: string): UnsupportedOpError =>
    new UnsupportedOpError(
      `${owner}: ${option} is ${shown(given[option])}, which Keras's ${row.className} does not support; exportOnnx supports every model`,
    );
  for (const [option, value] of Object.entries(row.ours ?? {})) if (given[option] !== value) throw refuse(option);
  for (const [option, values] of Object.entries(row.values ?? {}))
    if (!values.includes(given[option] as Json)) throw refuse(option);
  const written: Record<string, Json> = { name: name as string, dtype: "float32" };
  for (const option of row.options ?? []) written[snakeCase(option)] = writeOption(option, given[option] as Json);
  for (const [option, theirs] of Object.entries(row.renamed ?? {})) written[theirs] = given[option] as Json;
  for (const option of row.layers ?? []) {
    const inner = given[option] as unknown as LayerSpec;
    written[snakeCase(option)] = writeLayer({ ...inner, name: `${name}_${snakeCase(option)}` }, true).data;
  }
  if (givesLastFirst(row, given, isInside))
    throw new UnsupportedOpError(
      `${owner}: Keras reverses the order of the steps for reverse with returnSequences; use bidirectional, or exportOnnx`,
    );
  return { row, className: row.className, data: described("keras.layers", row.className, written) };
}
