/** `export`: the model as two ONNX files, which onnxruntime must agree with before they are written. */
import { dirname, join } from "node:path";
import {
  backends,
  exportFolder,
  FailureError,
  formOf,
  type Measuring,
  measuringOf,
  type OnnxForm,
  type Output,
  openOnnxFolder,
  path,
  shownCount,
  writeOnnx,
} from "@ostinato/app";
import { RandomStream } from "@ostinato/core";
import { writeFileAtomic } from "@ostinato/core/node";
import { exportDecoding } from "@ostinato/onnx";
import {
  type SideVocabulary,
  type Translation,
  type Translator,
  textOf,
  tokenizerFiles,
  translatorDescription,
} from "@ostinato/translator";
import { translator } from "@ostinato/translator/node";
import { Option } from "commander";
import { allTexts, quoted, readTestTexts } from "../data.ts";
import { beamSize, exportedNames } from "../defaults.ts";
import { loadTranslation, type TranslationModel } from "../model.ts";
import { textTokens } from "../tokens.ts";
import { filesOf, measureWeights, testEntries } from "../weight-loss.ts";

export interface ExportOptions extends OnnxForm, Measuring {
  readonly model: string;
  readonly out?: string;
}

export function exportFolderOption(): Option {
  return new Option("--out <dir>", "folder for the ONNX files; the model's own by default").argParser(path);
}

/** By how much the log-probabilities of translations may differ. */
const tolerance = 1e-4;
/** Drawn texts are this long at most. */
const longestDrawn = 12;

/** Batches of other sizes than training has seen; 300 texts in all. */
const checks = [
  { texts: 20, batchSize: 1 },
  { texts: 70, batchSize: 7 },
  { texts: 210, batchSize: 70 },
];
const textCount = checks.reduce((sum, { texts }) => sum + texts, 0);

export async function exportModel(options: ExportOptions, output: Output): Promise<void> {
  const [form, measuring] = [formOf(options), measuringOf(options)];
  const model = await loadTranslation(options.model);
  const { trained } = model;
  const target = await openOnnxFolder(
    exportFolder(options.out, model),
    exportedNames,
    (json) => "vocabulary" in json && "memory" in json,
  );
  const exported = exportDecoding(trained, form);
  const { texts, what } = await checkTexts(model);
  output.say(`Comparing with onnxruntime on ${shownCount(texts.length)} ${what}.`);

  await using ours = await translator(trained, { backend: await backends.cpu() });
  await using theirs = await translator(exported);
  const progress = output.progress("check");
  let largest = 0;
  let from = 0;
  for (const [index, check] of checks.entries()) {
    const part = texts.slice(from, from + check.texts);
    const [expected, actual] = await translated([ours, theirs], part, check.batchSize);
    largest = Math.max(largest, differenceOf(part, expected, actual, measuring === undefined));
    from += check.texts;
    progress.update(index + 1, checks.length);
  }
  progress.stop();
  const weights = measuring && (await measureWeights({ model, exported, drawn: texts }, form, measuring, output));
  await writeOnnx(
    target,
    {
      bytes: filesOf(exported),
      description: translatorDescription(trained),
      describes: "vocabularies and limits",
      maxDifference: largest,
      tolerance,
      compared: `the log-probabilities of ${shownCount(texts.length)} ${what}, ${weights ? "where they are " : ""}translated equally with a beam of ${beamSize} at batch sizes ${checks.map(({ batchSize }) => batchSize).join(", ")}`,
      event: { texts: texts.length, beam: beamSize, opset: form.opset },
      weights,
    },
    output,
  );
  for (const [name, json] of Object.entries(tokenizerFiles(model.vocabulary))) {
    const file = join(dirname(target.description), name);
    await writeFileAtomic(file, json);
    output.say(`and ${file}: subwords, as Hugging Face's tokenizers reads them`);
  }
}

/** What each makes of the texts. */
function translated(
  [ours, theirs]: readonly [Translator, Translator],
  texts: readonly string[],
  batchSize: number,
): Promise<[Translation[], Translation[]]> {
  const options = { ...allTexts, beamSize, nBest: beamSize, batchSize };
  return Promise.all([ours.translate(texts, options), theirs.translate(texts, options)]);
}

/** The largest difference of log-probabilities of equal translations. If they `must` be equal, throws `FailureError` for a different best translation. */
function differenceOf(
  texts: readonly string[],
  expected: readonly Translation[],
  actual: readonly Translation[],
  must: boolean,
): number {
  let largest = 0;
  for (const [row, { text, logProbability }] of actual.entries()) {
    const { text: wanted, logProbability: of = Number.NaN } = expected[row] ?? {};
    if (text !== wanted && !must) continue;
    if (text !== wanted)
      throw new FailureError(
        `onnxruntime does not agree: it makes "${text}" of ${quoted(texts[row] ?? "")}, and not "${wanted}"; nothing was written`,
      );
    largest = Math.max(largest, Math.abs(logProbability - of));
  }
  return largest;
}

/** Test texts, as many as there are; the others, or all where the data is not at hand, are texts of tokens from the vocabulary. */
async function checkTexts(
  model: TranslationModel,
): Promise<{ readonly texts: readonly string[]; readonly what: string }> {
  const { data, seed, settings, vocabulary } = model;
  const isDictionary = data.kind === "cmudict";
  const entries = isDictionary
    ? await readTestTexts({ limit: textCount, trainedOn: data, asTrained: true })
    : ((await testEntries(model, textCount)) ?? []);
  const texts = entries.map(({ source }) => source);
  const random = new RandomStream(seed, "export");
  while (texts.length < textCount) texts.push(drawn(vocabulary.source, settings.maxSourceLength, random));
  const real = isDictionary ? "test words" : "test texts";
  const parts = [
    ...(entries.length > 0 ? [real] : []),
    ...(entries.length < textCount ? ["texts of drawn tokens"] : []),
  ];
  return { texts, what: parts.join(" and ") };
}

/** A text of tokens that are not white space. */
function drawn(side: SideVocabulary, most: number, random: RandomStream): string {
  const tokens = textTokens(side).filter((token) => textOf(side, [token]).trim() !== "");
  const length = 1 + random.below(Math.min(most, longestDrawn));
  return textOf(
    side,
    Array.from({ length }, () => tokens[random.below(tokens.length)] ?? ""),
  );
}
