/** Models that other programs made: the file that describes them, and what makes probabilities of the logits in which they often end. */
import { readFile } from "node:fs/promises";
import { activation, ConfigError, inferenceGraph, type ModelSpec, parseModelSpec, type Value } from "@ostinato/core";
import { TextDataError } from "@ostinato/text";
import { Option } from "commander";
import { systemReason, UsageError } from "./failures.ts";
import { isThere } from "./files.ts";
import { path } from "./options.ts";

/** What is said of a model that another program may have made. */
export interface ForeignOptions {
  /** The file that describes it. */
  readonly vocabulary?: string | undefined;
  /** Weights of an ONNX file may stand in others of its folder. */
  readonly externalData?: true | undefined;
}

export function foreignOptions(): Option[] {
  return [
    new Option(
      "--vocabulary <file>",
      "words of a model that another program made: a list or an index of them, or a model.json; the .json beside it by default",
    ).argParser(path),
    new Option(
      "--external-data",
      "read weights of an ONNX file from others in its folder, where PyTorch's exporter puts them",
    ),
  ];
}

/** A JSON object in a text; an empty one where the text is something else. */
export function recordIn(text: string): Readonly<Record<string, unknown>> {
  try {
    const json: unknown = JSON.parse(text.replace(/^\uFEFF/, ""));
    return typeof json === "object" && json !== null && !Array.isArray(json) ? (json as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** Where the description of a model's file is looked for: `model.json` beside `model.onnx`. */
export const descriptionBeside = (file: string): string => `${file.replace(/(\.weights)?\.\w+$/, "")}.json`;

/**
 * What `read` makes of the text of the file that describes a model: the one of `--vocabulary`, `named`, or the one beside the model; undefined where there is neither.
 *
 * Throws `UsageError` for a file that cannot be read, and where `read` throws `TextDataError` or `ConfigError`.
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
 * The model with a layer that makes probabilities of its only output, unless that is some already: a sigmoid of a single unit, else a softmax, by which logits and logarithms of
 * probabilities alike become these.
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

/** Whether a value is a sigmoid or a softmax, with its axes in whatever order. */
function areProbabilities({ node }: Value): boolean {
  if (node.op === "transpose") return areProbabilities(node.inputs[0] as Value);
  return node.op === "sigmoid" || node.op === "softmax";
}
