/** Models of other programs: what it takes to put a text before them stands in a file beside theirs, and is as in this app where it does not. */
import { readFile } from "node:fs/promises";
import { isThere, shownCount, systemReason, UsageError } from "@ostinato/app";
import { type ClassifierSettings, classifierMetadata } from "@ostinato/classifier";
import {
  activation,
  ConfigError,
  dataRules,
  inferenceGraph,
  type ModelSpec,
  parseModelSpec,
  type Trained,
} from "@ostinato/core";
import { TextDataError, type Vocabulary, vocabularyFromFile, vocabularyFromJson, vocabularySize } from "@ostinato/text";

/** What `export` writes beside an ONNX file, or a part of it; the vocabulary alone is enough. */
interface Description {
  readonly settings: Partial<ClassifierSettings>;
  readonly vocabulary: Vocabulary;
  /** Those of inputs after the first. */
  readonly others: Readonly<Record<string, Vocabulary>>;
}

/** What the settings are where nothing says otherwise. */
const defaults: ClassifierSettings = { labels: ["negative", "positive"], maxLength: 300 };

const isRecord = (data: unknown): data is Readonly<Record<string, unknown>> =>
  typeof data === "object" && data !== null && !Array.isArray(data);

function jsonIn(text: string): Readonly<Record<string, unknown>> {
  try {
    const json: unknown = JSON.parse(text);
    return isRecord(json) ? json : {};
  } catch {
    return {};
  }
}

/** `maxTokens` is how many ids the network knows. */
function descriptionIn(text: string, maxTokens: number): Description {
  const { vocabulary, others = {}, labels, maxLength, truncating, padding } = jsonIn(text);
  // In an index of words "vocabulary" may be one of them, and has an id.
  if (typeof vocabulary !== "object" || vocabulary === null)
    return { settings: {}, vocabulary: vocabularyFromFile(text, { maxTokens }), others: {} };
  const given = Object.entries({ labels, maxLength, truncating, padding }).filter(
    ([, each]) => (each ?? null) !== null,
  );
  return {
    settings: Object.fromEntries(given),
    vocabulary: vocabularyFromJson(vocabulary, { maxTokens }),
    others: Object.fromEntries(
      Object.entries(others as object).map(([name, each]) => [name, vocabularyFromJson(each)]),
    ),
  };
}

/** Where the description of a model's file is looked for: `model.json` beside `model.onnx`. */
const fileBeside = (model: string): string => `${model.replace(/\.\w+$/, "")}.json`;

/** What may describe a model that does not do so itself. */
export interface Describing {
  /** The file `--vocabulary`. Default: the one beside the model, where there is one. */
  readonly vocabulary?: string | undefined;
  /** Makes a vocabulary where no file tells one, of so many ids at most. */
  readonly own?: ((maxTokens: number) => Vocabulary) | undefined;
}

/**
 * The model of a file with what describes it. What gives logits gets a layer that makes probabilities of them.
 *
 * Throws `UsageError` where nothing tells its vocabulary, or where that cannot be read or does not fit.
 */
export async function describedModel(
  file: string,
  trained: Trained,
  { vocabulary, own }: Describing,
): Promise<Trained> {
  const path = vocabulary ?? fileBeside(file);
  const maxTokens = knownIds(trained);
  if (vocabulary === undefined && !(await isThere(path))) {
    if (own) return withDescription(trained, { settings: {}, vocabulary: own(maxTokens), others: {} });
    throw new UsageError(
      `${file} tells no vocabulary, and there is no ${path}; name a file with the words that the model was trained with, in the order of their ids, with --vocabulary`,
    );
  }
  try {
    const description = descriptionIn(await readFile(path, "utf8"), maxTokens);
    return withDescription(trained, description);
  } catch (error) {
    const isWrong = error instanceof TextDataError || error instanceof ConfigError;
    const reason = isWrong ? error.message : systemReason(error);
    if (reason === undefined) throw error;
    throw new UsageError(`${vocabulary === undefined ? "" : "--vocabulary "}${path}: ${reason}`, { cause: error });
  }
}

/** How many ids all inputs of a model know. */
const knownIds = ({ spec }: Trained): number =>
  Math.min(...Object.values(dataRules(spec)).map(({ inputDim = Number.POSITIVE_INFINITY }) => inputDim));

/** @throws ConfigError for a vocabulary of more ids than the model knows */
function withDescription(trained: Trained, { settings, vocabulary, others }: Description): Trained {
  const names = trained.spec.inputs.map(({ name }) => name);
  const vocabularies = names.map((name, i) => [name, i === 0 ? vocabulary : (others[name] ?? vocabulary)] as const);
  const rules = dataRules(trained.spec);
  for (const [name, { inputDim = Number.POSITIVE_INFINITY }] of Object.entries(rules)) {
    const size = vocabularySize(names[0] === name ? vocabulary : (others[name] ?? vocabulary));
    if (size > inputDim)
      throw new ConfigError(
        `it has ${shownCount(size)} ids, and the model's input "${name}" knows ${shownCount(inputDim)}`,
      );
  }
  const masks = Object.values(rules).every(({ cut }) => cut);
  // A network that knows no padding has seen it: in front, as Keras's pad_sequences puts it there.
  const rows = { ...defaults, ...(masks ? {} : { padding: "pre" as const }), ...settings };
  return {
    ...trained,
    spec: withProbabilities(trained.spec),
    vocabulary: names.length === 1 ? vocabulary : Object.fromEntries(vocabularies),
    metadata: { ...trained.metadata, ...classifierMetadata(rows) },
  };
}

/** The model with a layer that makes probabilities of what comes out, unless it is some already: logits and logarithms of probabilities become these by the same softmax. */
function withProbabilities(spec: ModelSpec): ModelSpec {
  const [output] = spec.outputs;
  const [value] = Object.values(inferenceGraph(spec).fetches);
  if (output === undefined || value === undefined || ["sigmoid", "softmax"].includes(value.node.op)) return spec;
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
