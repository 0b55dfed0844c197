/** From the outputs of a tagger's network to tags: the most probable of each token, or the best path of a CRF. */
import type { CrfDecoder, Float32Tensor } from "@ostinato/core";
import type { TaggerOutput } from "./settings.ts";

/** The tags of a sentence by their numbers, and the probability of each. */
export interface Path {
  readonly tags: readonly number[];
  readonly probabilities: readonly number[];
}

/** The paths of rows of outputs, float32 [rows, time, tags]; `lengths` are the tokens of each row. */
export type Decode = (outputs: Float32Tensor, lengths: readonly number[]) => Path[];

/** The same outputs with the tag `outside` made less likely by `bias`: of a softmax its probability counts exp(-bias) times. */
export function withBias(decode: Decode, output: TaggerOutput, outside: number, bias: number): Decode {
  if (bias === 0 || outside < 0) return decode;
  const factor = Math.exp(-bias);
  return (outputs, lengths) => {
    const [, , units = 0] = outputs.shape;
    const data = Float32Array.from(outputs.data);
    for (let i = outside; i < data.length; i += units)
      data[i] = output === "crf" ? (data[i] as number) - bias : (data[i] as number) * factor;
    return decode({ ...outputs, data }, lengths);
  };
}

/** Where the largest number between two places stands, the first of several. */
function largest(numbers: Float32Array, from: number, to: number): number {
  let best = from;
  for (let i = from + 1; i < to; i++) if ((numbers[i] as number) > (numbers[best] as number)) best = i;
  return best;
}

/** Reads the probabilities of some tags of a row. */
function probabilitiesOf({ data, shape }: Float32Tensor, row: number, tags: readonly number[]): number[] {
  const [, time = 0, units = 0] = shape;
  return tags.map((tag, step) => data[(row * time + step) * units + tag] as number);
}

/** Of a softmax: the most probable tag of each token, by itself. */
export const mostProbable: Decode = (outputs, lengths) => {
  const [, time = 0, units = 0] = outputs.shape;
  return lengths.map((length, row) => {
    const tags = Array.from({ length }, (_, step) => {
      const from = (row * time + step) * units;
      return largest(outputs.data, from, from + units) - from;
    });
    return { tags, probabilities: probabilitiesOf(outputs, row, tags) };
  });
};

/** Of a CRF: the best path of each row, and the probability of each of its tags over all paths. */
export const bestPaths =
  (decoder: CrfDecoder): Decode =>
  (outputs, lengths) => {
    const { probabilities } = decoder.marginals(outputs, lengths);
    return decoder.decode(outputs, lengths).map((path, row) => {
      const tags = [...path];
      return { tags, probabilities: probabilitiesOf(probabilities, row, tags) };
    });
  };
