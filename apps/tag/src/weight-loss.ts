/** Measures the cost of weights in fewer bits: compares the tags of test sentences in onnxruntime with those of float32. */
import {
  compareWeights,
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
  measuring: KnownMeasuring,
  output: Output,
): Promise<MeasuredWeights> {
  const float32 = exportOnnx(model.trained, { ...form, weights: "float32" });
  const sentences = await taggedSentences(model, measuring.limit);
  const tokens = sentences?.map((sentence) => sentence.tokens) ?? drawn;
  const noun = sentences === undefined ? "sentences of drawn tokens" : "test sentences";
  return compareWeights(
    {
      ...{ float32, own: bytes, float32Bytes: float32.length, rows: tokens.length, noun },
      open: (exported) => tagger(exported),
      async answers(opened, onProgress) {
        const taggings = await opened.tag(tokens, { onStep: ({ step, steps }) => onProgress(step, steps) });
        return taggings.map(({ tags }) => tags);
      },
      changes(wanted, given) {
        const before = wanted.flat();
        const changed = given.flat().filter((tag, i) => tag !== before[i]).length;
        const where = `${shownCount(before.length)} tokens in ${shownCount(tokens.length)} ${noun}`;
        return { changed, changes: `${shownCount(changed)} of ${where} get a different tag` };
      },
      metric: sentences && metricOf(model, sentences),
    },
    form,
    measuring,
    output,
  );
}

type Tags = readonly (readonly string[])[];

/** The metric for the best epoch: the F1 of spans for span tags, otherwise the accuracy of tokens. */
function metricOf({ settings }: TaggerModel, sentences: readonly TaggedSentence[]) {
  const right = sentences.map(({ tags }) => tags);
  const better = "higher" as const;
  return areSpanTags(settings.tags)
    ? { name: "spanF1", title: "F1 of spans", better, score: (said: Tags) => spanReport(right, said).f1 }
    : {
        ...{ name: "accuracy", title: "accuracy of tokens", better },
        score: (said: Tags) => accuracyOf(right.flat(), said.flat()),
      };
}

const accuracyOf = (right: readonly string[], said: readonly string[]): number =>
  said.filter((tag, i) => tag === right[i]).length / said.length;

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
