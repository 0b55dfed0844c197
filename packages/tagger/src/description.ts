/** All that it takes to use a tagger in another runtime: plain JSON to lie beside its ONNX file. */
import { type CrfConstraints, inferenceGraph, ModelFileError, type Trained } from "@ostinato/core";
import type { FeatureName } from "./features.ts";
import { type TaggerOutput, taggerSettings } from "./settings.ts";
import { inputsOf, type TaggerVocabulary } from "./vocabulary.ts";

/** The scores of a CRF's paths, each list in the order of the tags. */
export interface CrfDescription {
  /** transitions[from][to], added for each two tags that follow each other. */
  readonly transitions: readonly (readonly number[])[];
  /** Added for the first tag. */
  readonly start: readonly number[];
  /** Added for the last tag. */
  readonly end: readonly number[];
  /** Paths that are not allowed; `null` where all are. */
  readonly constraints: CrfConstraints | null;
}

/** What `taggerDescription` tells. */
export interface TaggerDescription {
  /** The model's inputs: ids [batch, time] each, int32, or int64 if exported with `tokenType: "int64"`; 0 past the end of a sentence. */
  readonly inputs: readonly FeatureName[];
  /** The model's output: float32 [batch, time, tags]. */
  readonly output: string;
  /** What the output is: `"softmax"`, probabilities, or `"crf"`, what each tag adds to the score of a path. */
  readonly ending: TaggerOutput;
  readonly tags: readonly string[];
  /** How much less likely `O` is made before tags are chosen, as in `TaggerSettings`. */
  readonly outsideBias: number;
  readonly vocabulary: TaggerVocabulary;
  /** Of a CRF: the tags are the path with the highest score. */
  readonly crf?: CrfDescription;
}

/**
 * The description of a tagger for runtimes that know nothing of Ostinato; write it beside what `exportOnnx` gives, as JSON.
 *
 * @throws ModelFileError where the model is not a tagger
 */
export function taggerDescription(trained: Trained): TaggerDescription {
  const { settings, vocabulary } = taggerSettings(trained);
  const [output = ""] = Object.keys(inferenceGraph(trained.spec).fetches);
  const { tags, output: ending, outsideBias } = settings;
  const crf = ending === "crf" ? { crf: crfDescription(trained, tags.length) } : {};
  return { inputs: inputsOf(vocabulary), output, ending, tags, outsideBias, vocabulary, ...crf };
}

function crfDescription({ losses = {}, weights }: Trained, tags: number): CrfDescription {
  const [[output, loss] = []] = Object.entries(losses);
  const numbers = (name: string): number[] => {
    const tensor = weights[`${output}/crf/${name}`];
    if (tensor === undefined) throw new ModelFileError(`the model file is damaged: its CRF has no ${name}`);
    return Array.from(tensor.data as Float32Array);
  };
  const flat = numbers("transitions");
  const transitions = Array.from({ length: tags }, (_, from) => flat.slice(from * tags, (from + 1) * tags));
  const constraints = (loss?.options.constraints ?? null) as CrfConstraints | null;
  return { transitions, start: numbers("start"), end: numbers("end"), constraints };
}
