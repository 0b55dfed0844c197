/** Measures the cost of weights in fewer bits: compares the translations of test texts in onnxruntime with those of float32. */
import {
  byteCount,
  compareWeights,
  dataPathOf,
  ifAtHand,
  type KnownMeasuring,
  type MeasuredWeights,
  type OnnxForm,
  type Output,
  shownCount,
} from "@ostinato/app";
import type { ParallelText } from "@ostinato/datasets";
import { type DecodingFiles, exportDecoding } from "@ostinato/onnx";
import type { Translation } from "@ostinato/translator";
import { translator } from "@ostinato/translator/node";
import { allTexts, nounOf, readTestTexts, type TestTexts } from "./data.ts";
import { beamSize } from "./defaults.ts";
import { answersOf } from "./judging.ts";
import { measureOf, measures } from "./measures.ts";
import type { TranslationModel } from "./model.ts";

/** The bytes of both files; only for models with source texts. */
export const filesOf = ({ encode, decodeStep }: DecodingFiles): readonly Uint8Array[] => [
  encode as Uint8Array,
  decodeStep,
];

/** The data and models to compare. */
interface Exported {
  readonly model: TranslationModel;
  /** With weights in fewer bits. */
  readonly exported: DecodingFiles;
  /** Texts to translate if the test data is not available. */
  readonly drawn: readonly string[];
}

export async function measureWeights(
  { model, exported, drawn }: Exported,
  form: OnnxForm,
  measuring: KnownMeasuring,
  output: Output,
): Promise<MeasuredWeights> {
  const float32 = exportDecoding(model.trained, { ...form, weights: "float32" });
  const tested = await testTextsAtHand(model, measuring.limit);
  const entries = tested?.entries;
  const texts = entries?.map(({ source }) => source) ?? drawn;
  const noun = tested === undefined ? "random texts" : nounOf(tested, model.data);
  return compareWeights(
    {
      ...{ float32, own: exported, float32Bytes: byteCount(filesOf(float32)), rows: texts.length, noun },
      open: (files) => translator(files),
      answers: (opened, onProgress) =>
        opened.translate(texts, { ...allTexts, beamSize, onProgress: ({ done, count }) => onProgress(done, count) }),
      changes(wanted, given) {
        const changed = given.filter(({ text }, row) => text !== wanted[row]?.text).length;
        const where = `${shownCount(texts.length)} ${noun}`;
        return { changed, changes: `${shownCount(changed)} of ${where} get a different translation` };
      },
      metric: entries && metricOf(model, entries),
    },
    form,
    measuring,
    output,
  );
}

/** What the translations are measured by, and how far it may fall or rise. */
function metricOf({ data, vocabulary: { target } }: TranslationModel, entries: readonly ParallelText[]) {
  const { name, of } = measureOf(
    data,
    target,
    entries.flatMap(({ targets }) => targets),
  );
  const { mode, titleOf, whole } = measures[name];
  return {
    name,
    title: titleOf(data),
    better: mode === "max" ? "higher" : "lower",
    whole,
    score: (said: readonly Translation[]) => of(answersOf(target, entries, said)),
  } as const;
}

/** Texts to test with and their references; undefined if the data of the training is not available. */
export async function testTextsAtHand(
  { data: trainedOn, folder }: TranslationModel,
  limit: number | undefined,
): Promise<TestTexts | undefined> {
  const data = trainedOn.kind === "table" ? await dataPathOf(folder) : undefined;
  const asked = { ...(data === undefined ? {} : { data }), ...(limit === undefined ? {} : { limit }) };
  return ifAtHand(() => readTestTexts({ ...asked, trainedOn, asTrained: true }));
}
