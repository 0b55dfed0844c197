/** The network with n-grams: recurrent layers that read the words, and a linear model of words and n-grams, whose logits are added. */
import type { TextRows } from "@ostinato/classifier";
import {
  activation,
  add,
  dense,
  dropout,
  embedding,
  globalAveragePooling1d,
  input,
  type Model,
  model,
  multiply,
  type Symbolic,
  spatialDropout1d,
  type Tensors,
} from "@ostinato/core";
import { logCountRatios } from "./log-count-ratios.ts";
import { type NetworkOptions, outputFor, stackOf } from "./network.ts";
import type { NgramSettings } from "./presets.ts";

/** The input that the recurrent layers read, beside those of n-grams. */
export const wordsInput = "words";

/** What the log-count ratios are multiplied by: about the words of a text, since Adam's steps are of one size and a mean over a text is small. */
const ratioScale = 250;

/** What each word or n-gram says of a class: its ratio, which `initialRatios` counted and which stays, times a weight, which begins at 0. */
function votes(name: string, ids: Symbolic<"ids">, inputDim: number, units: number): Symbolic<"sequence"> {
  const table = { inputDim, outputDim: units, maskZero: true, embeddingsInitializer: "zeros" } as const;
  const ratios = embedding({ ...table, trainable: false, name: `${name}Ratios` });
  const weights = embedding({ ...table, name: `${name}Weights` });
  return multiply({ name: `${name}Votes` })([ratios(ids), weights(ids)]);
}

/**
 * The linear model is that of NB-SVM (Wang and Manning 2012, "Baselines and Bigrams"), with means over the text. Sizes are those of the vocabularies, by the names
 * of the inputs.
 */
export function ngramNetwork(
  options: NetworkOptions,
  { wordDropout, textDropout }: NgramSettings,
  sizes: Readonly<Record<string, number>>,
  classes: number,
): Model {
  const { units, activation: shape } = outputFor(classes);
  const inputs = Object.entries(sizes).map(([name, size]) => ({ name, size, ids: input({ shape: ["time"], name }) }));
  const [words] = inputs as [(typeof inputs)[0]];
  const { lower, last } = stackOf(options);
  const vectors = embedding({
    inputDim: words.size,
    outputDim: options.embedding,
    maskZero: true,
    name: "wordVectors",
  });
  const read = lower.reduce(
    (state, layer) => layer(state),
    spatialDropout1d({ rate: wordDropout })(vectors(words.ids)),
  );
  const reading = dense({ units, name: "reading" })(dropout({ rate: textDropout, name: "textDropout" })(last(read)));
  const said = inputs.map(({ name, size, ids }) => votes(name, ids, size, units));
  const counting = globalAveragePooling1d({ name: "counting" })(add({ name: "votes" })(said));
  const logits = add({ name: "logits" })([reading, counting]);
  return model(
    inputs.map(({ ids }) => ids),
    activation({ activation: shape, name: "output" })(logits),
  );
}

/** The ratios of the linear model to begin with, counted in the rows to train with. Rows have lengths of their own. */
export function initialRatios(
  { x, y }: { readonly x: Readonly<Record<string, TextRows>>; readonly y: ArrayLike<number> },
  sizes: Readonly<Record<string, number>>,
  classes: number,
): Tensors {
  const { units } = outputFor(classes);
  return Object.fromEntries(
    Object.entries(x).map(([name, rows]) => [
      `${name}Ratios/embeddings`,
      logCountRatios(rows as number[][], y, { inputDim: sizes[name] ?? 0, units, scale: ratioScale }),
    ]),
  );
}
