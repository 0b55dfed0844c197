/** The options of `importOnnx` and their validation. */
import { ConfigError, type Dim, isName, NAME_RULE, OptionReader, type ReadOptions, type Tensors } from "@ostinato/core";

/** Options of `importOnnx`. */
export interface ImportOptions extends ReadOptions {
  /**
   * The form of the model. `"graph"`: a model with the graph of the file as its only layer. `"layers"`: the model of layers that `exportOnnx` wrote; throws a ModelFileError
   * with the reason if the file does not contain one, for example after the graph was modified. Default: layers if they match the graph in the file, otherwise the graph.
   */
  readonly form?: (typeof forms)[number];
  /** The name of the graph layer, which is the first part of its weight names. Default "model". */
  readonly name?: string;
  /**
   * The axes of inputs, if the file does not define them or defines them incorrectly: "batch", other names such as "time" for dynamic sizes, numbers for
   * fixed sizes.
   */
  readonly inputs?: Readonly<Record<string, readonly Dim[]>>;
  /** The outputs to import. Default: all. */
  readonly outputs?: readonly string[];
  /** The values of inputs that are weights, by input name. */
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

/** @throws ConfigError if `options` is not an object, and for unknown options */
export function expectKnownOptions(options: ImportOptions): void {
  const reader = new OptionReader("importOnnx", options, optionNames);
  if (options.form !== undefined) reader.oneOf("form", forms);
  if (options.name !== undefined && !isName(options.name))
    throw new ConfigError(`importOnnx: name must be ${NAME_RULE}`);
}

/** @throws ConfigError for options of the wrong type, and for inputs that the file does not have */
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
      throw new ConfigError(
        `importOnnx: ${option} names the input "${unknown}", but the inputs of the model are ${names}`,
      );
  }
  const odd = Object.keys(inputs).find((name) => !isDims(inputs[name]));
  if (odd !== undefined)
    throw new ConfigError(
      `importOnnx: inputs must list the axes of "${odd}", each a name or a positive number: ["batch", "time", 8]`,
    );
  const isNames = Array.isArray(outputs) && outputs.length > 0 && outputs.every((name) => typeof name === "string");
  if (outputs !== undefined && !isNames) throw new ConfigError("importOnnx: outputs must be a list of output names");
}
