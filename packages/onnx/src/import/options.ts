/** What `importOnnx` can be told, and the check of it against the file. */
import { ConfigError, type Dim, OptionReader, type ReadOptions, type Tensors } from "@ostinato/core";

/** Options of `importOnnx`. */
export interface ImportOptions extends ReadOptions {
  /**
   * What the model becomes. `"graph"`: a model whose one layer is the graph of the file. `"layers"`: the model of layers that `exportOnnx` wrote, with its
   * description; a ModelFileError says why where it cannot be, as after somebody changed the graph. Default: of layers where they are what the file's graph is, else the graph.
   */
  readonly form?: (typeof forms)[number];
  /** The name of the layer that the model becomes: the first part of the names of its weights. Default "model". */
  readonly name?: string;
  /**
   * What the axes of inputs are, where the file does not say or says it wrong: "batch", other names such as "time" for sizes that are open, numbers for
   * those that are fixed.
   */
  readonly inputs?: Readonly<Record<string, readonly Dim[]>>;
  /** The outputs that are wanted. Default: all. */
  readonly outputs?: readonly string[];
  /** The data of inputs of the file that are weights, by the names of the inputs. */
  readonly weights?: Tensors;
}

const forms = ["layers", "graph"] as const;

const optionNames = Object.keys({
  form: true,
  layers: true,
  name: true,
  inputs: true,
  outputs: true,
  weights: true,
} satisfies Record<keyof ImportOptions, true>);

/** @throws ConfigError for what is no object of options, and for options that there are not */
export function expectKnownOptions(options: ImportOptions): void {
  const reader = new OptionReader("importOnnx", options, optionNames);
  if (options.form !== undefined) reader.oneOf("form", forms);
}

/** @throws ConfigError for options of another form, and for names of inputs that the file does not have */
export function expectFittingOptions(
  { inputs = {}, outputs, weights = {} }: ImportOptions,
  known: readonly string[],
): void {
  const isRecord = (option: unknown): boolean =>
    typeof option === "object" && option !== null && !Array.isArray(option);
  const isDims = (dims: unknown): boolean =>
    Array.isArray(dims) &&
    dims.every((dim) => (typeof dim === "string" ? dim !== "" : Number.isInteger(dim) && dim > 0));
  const names = known.map((name) => `"${name}"`).join(", ");
  for (const [option, form, byName] of [
    ["inputs", '{ ids: ["batch", "time"] }', inputs],
    ["weights", "tensors by name", weights],
  ] as const) {
    if (!isRecord(byName)) throw new ConfigError(`importOnnx: ${option} must be ${form}`);
    const unknown = Object.keys(byName).find((name) => !known.includes(name));
    if (unknown !== undefined)
      throw new ConfigError(`importOnnx: ${option} names the input "${unknown}", and the model has ${names}`);
  }
  const odd = Object.keys(inputs).find((name) => !isDims(inputs[name]));
  if (odd !== undefined)
    throw new ConfigError(
      `importOnnx: inputs must say of "${odd}" what each axis is, a name or a number from 1 on: ["batch", "time", 8]`,
    );
  const isNames = Array.isArray(outputs) && outputs.length > 0 && outputs.every((name) => typeof name === "string");
  if (outputs !== undefined && !isNames)
    throw new ConfigError("importOnnx: outputs must be a list of the names of outputs");
}
