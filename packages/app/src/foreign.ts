/** Models from other programs: their description files, and the conversion of logits to probabilities. */
import { readFile } from "node:fs/promises";
import { activation, ConfigError, inferenceGraph, type ModelSpec, parseModelSpec, type Value } from "@ostinato/core";
import { TextDataError } from "@ostinato/text";
import { Option } from "commander";
import { systemReason, UsageError } from "./failures.ts";
import { isThere } from "./files.ts";
import { path } from "./options.ts";

/** Options for a model that may come from another program. */
export interface ForeignOptions {
  /** The description file. */
  readonly vocabulary?: string | undefined;
  /** Whether external data of an ONNX file may be read from its folder. */
  readonly externalData?: true | undefined;
}

export function foreignOptions(): Option[] {
  return [
    new Option(
      "--vocabulary <file>",
      "words of a model from another program: a list or an index of words, or a model.json; default: the .json file next to the model",
    ).argParser(path),
    new Option(
      "--external-data",
      "read external data of an ONNX file from its folder, as written by PyTorch's exporter",
    ),
  ];
}

/** Parses a JSON object; returns an empty object for other text. */
export function recordIn(text: string): Readonly<Record<string, unknown>> {
  try {
    const json: unknown = JSON.parse(text.replace(/^\uFEFF/, ""));
    return typeof json === "object" && json !== null && !Array.isArray(json) ? (json as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** The default description file of a model: `model.json` next to `model.onnx`. */
export const descriptionBeside = (file: string): string => `${file.replace(/(\.weights)?\.\w+$/, "")}.json`;

/**
 * Passes the text of the description file to `read`: the file `named` by `--vocabulary`, or the one next to the model; undefined if neither exists.
 *
 * Throws `UsageError` for a file that cannot be read, and if `read` throws `TextDataError` or `ConfigError`.
 */
export async function readDescription<T>(
  file: string,
  named: string | undefined,
  read: (text: string) => T,
): Promise<T | undefined> {
  const path = named ?? descriptionBeside(file);
  if (named === undefined && !(await isThere(path))) return undefined;
  try {
    return read(await readFile(path, "utf8"));
  } catch (error) {
    const isWrong = error instanceof TextDataError || error instanceof ConfigError;
    const reason = isWrong ? error.message : systemReason(error);
    if (reason === undefined) throw error;
    throw new UsageError(`${named === undefined ? "" : "--vocabulary "}${path}: ${reason}`, { cause: error });
  }
}

/**
 * The model with a layer that converts its only output to probabilities, unless it returns probabilities: a sigmoid for a single unit, otherwise a softmax. The softmax also handles
 * log-probabilities.
 */
export function withProbabilities(spec: ModelSpec): ModelSpec {
  const [output] = spec.outputs;
  const [value] = Object.values(inferenceGraph(spec).fetches);
  if (output === undefined || value === undefined || areProbabilities(value)) return spec;
  const { spec: layer } = activation({ activation: value.type.shape.at(-1) === 1 ? "sigmoid" : "softmax" });
  const taken = new Set(spec.layers.map(({ name }) => name));
  const name = ["probabilities", "classProbabilities", "labelProbabilities"].find((each) => !taken.has(each));
  return parseModelSpec({
    ...spec,
    layers: [...spec.layers, { ...layer, name }],
    calls: [...spec.calls, { layer: spec.layers.length, sources: [output.source] }],
    outputs: [{ name: output.name, source: { call: spec.calls.length } }],
  });
}

/** Whether a value is the result of a sigmoid or softmax, ignoring transposes. */
function areProbabilities({ node }: Value): boolean {
  if (node.op === "transpose") return areProbabilities(node.inputs[0] as Value);
  return node.op === "sigmoid" || node.op === "softmax";
}
