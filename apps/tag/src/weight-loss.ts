/** Measures the cost of weights in fewer bits: compares the tags of test sentences in onnxruntime with those of float32. */
import { setImmediate } from "node:timers/promises";
import {
  dataPathOf,
  ifAtHand,
  type KnownMeasuring,
  type MeasuredWeights,
  type OnnxForm,
  type Output,
  shownCount,
} from "@ostinato/app";
import type { TaggedSentence } from "@ostinato/datasets";
import { exportOnnx } from "@ostinato/onnx";
import { tagger } from "@ostinato/tagger/node";
import { areSpanTags, spanReport } from "@ostinato/text";
import { readTestSentences } from "./data.ts";
import type { TaggerModel } from "./model.ts";

/** The data and models to compare. */
interface Exported {
  readonly model: TaggerModel;
  /** With weights in fewer bits. */
  readonly bytes: Uint8Array;
  /** Sentences to tag if the test data is not available. */
  readonly drawn: readonly (readonly string[])[];
}

export async function measureWeights(
  { model, bytes, drawn }: Exported,
  form: OnnxForm,
  { maxLoss, limit }: KnownMeasuring,
  output: Output,
): Promise<MeasuredWeights> {
  const float32 = exportOnnx(model.trained, { ...form, weights: "float32" });
  const sentences = await taggedSentences(model, limit);
  const tokens = sentences?.map((sentence) => sentence.tokens) ?? drawn;
  const noun = sentences === undefined ? "sentences of drawn tokens" : "test sentences";
  output.say(`Measuring ${form.weights} weights on ${shownCount(tokens.length)} ${noun}.`);
  const [wanted, given] = [await tagsOf(float32, tokens, output), await tagsOf(bytes, tokens, output)];
  const before = wanted.flat();
  const changed = given.flat().filter((tag, i) => tag !== before[i]).length;
  return {
    type: form.weights,
    float32Bytes: float32.length,
    rows: tokens.length,
    changed,
    changes: `${shownCount(changed)} of ${shownCount(before.length)} tokens in ${shownCount(tokens.length)} ${noun} get a different tag`,
    ...(sentences && { figure: { ...figureOf(model, sentences, wanted, given), better: "higher", maxLoss } }),
  };
}

/** The metric for the best epoch: the F1 of spans for span tags, otherwise the accuracy of tokens. */
function figureOf(
  { settings }: TaggerModel,
  sentences: readonly TaggedSentence[],
  float32: readonly (readonly string[])[],
  own: readonly (readonly string[])[],
) {
  const right = sentences.map(({ tags }) => tags);
  const spans = areSpanTags(settings.tags);
  const score = (said: readonly (readonly string[])[]): number =>
    spans ? spanReport(right, said).f1 : accuracyOf(right.flat(), said.flat());
  const named = spans ? { name: "spanF1", title: "F1 of spans" } : { name: "accuracy", title: "accuracy of tokens" };
  return { ...named, float32: score(float32), own: score(own) };
}

const accuracyOf = (right: readonly string[], said: readonly string[]): number =>
  said.filter((tag, i) => tag === right[i]).length / said.length;

/** The tags of each sentence in onnxruntime. */
async function tagsOf(
  bytes: Uint8Array,
  sentences: readonly (readonly string[])[],
  output: Output,
): Promise<readonly (readonly string[])[]> {
  await using opened = await tagger(bytes);
  const progress = output.progress("measure");
  const taggings = await opened.tag(sentences, {
    async onStep({ step, steps }) {
      progress.update(step, steps);
      await setImmediate(); // lets Ctrl-C and the terminal have their turn
    },
  });
  progress.stop();
  return taggings.map(({ tags }) => tags);
}

/** Test sentences with their tags; undefined if the data of the training is not available. */
async function taggedSentences(
  { data: trainedOn, folder, settings: { tags } }: TaggerModel,
  limit: number | undefined,
): Promise<readonly TaggedSentence[] | undefined> {
  const data = trainedOn.kind === "brown" ? undefined : await dataPathOf(folder);
  const asked = { ...(data === undefined ? {} : { data }), ...(limit === undefined ? {} : { limit }) };
  const tagset = trainedOn.tagset ?? "universal";
  return ifAtHand(() => readTestSentences({ ...asked, tagset, test: true, asTrained: true, trainedOn, tags }));
}
