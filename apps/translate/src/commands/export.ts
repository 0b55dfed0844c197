/** `export`: the model as two ONNX files, which onnxruntime must agree with before they are written. */
import { dirname, join } from "node:path";
import { setImmediate } from "node:timers/promises";
import {
  backends,
  exportFolder,
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
import { RandomStream, sequenceModel } from "@ostinato/core";
import { writeFileAtomic } from "@ostinato/core/node";
import { exportDecoding } from "@ostinato/onnx";
import { onnxSequenceModel } from "@ostinato/onnx/node";
import { type SideVocabulary, textOf, tokenizerFiles, translatorDescription } from "@ostinato/translator";
import { Option } from "commander";
import { checks, compareTranslations, textCount, tolerance } from "../agreement.ts";
import { nounOf, readTestTexts } from "../data.ts";
import { beamSize, exportedNames } from "../defaults.ts";
import { loadTranslation, type TranslationModel } from "../model.ts";
import { textTokens } from "../tokens.ts";
import { filesOf, measureWeights, testTextsAtHand } from "../weight-loss.ts";

export interface ExportOptions extends OnnxForm, Measuring {
  readonly model: string;
  readonly out?: string;
}

export function exportFolderOption(): Option {
  return new Option("--out <dir>", "folder for the ONNX files; the model's own by default").argParser(path);
}

/** Drawn texts are this long at most. */
const longestDrawn = 12;

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
  output.say(`Comparing wasm with onnxruntime on ${what}.`);

  const { weights: _, ...described } = trained;
  await using ours = { ...(await sequenceModel(trained, { backend: await backends.wasm({}) })), ...described };
  await using theirs = await onnxSequenceModel(exported);
  const progress = output.progress("check");
  const { maxDifference, nearTies } = await compareTranslations(
    [ours, theirs],
    texts,
    measuring === undefined,
    async (done, count) => {
      progress.update(done, count);
      await setImmediate(); // lets Ctrl-C and the terminal have their turn
    },
  );
  progress.stop();
  const weights = measuring && (await measureWeights({ model, exported, drawn: texts }, form, measuring, output));
  await writeOnnx(
    target,
    {
      bytes: filesOf(exported),
      description: translatorDescription(trained),
      describes: "vocabularies and limits",
      maxDifference,
      tolerance,
      compared: `the log-probabilities of ${what}, ${weights ? "where translations are the same" : "with the same translations"} (beam ${beamSize}, batch sizes ${checks.map(({ batchSize }) => batchSize).join(", ")})${nearTies > 0 ? `, but for ${nearTies} near ${nearTies === 1 ? "tie" : "ties"}` : ""}`,
      event: { texts: texts.length, nearTies, beam: beamSize, opset: form.opset },
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

/** Test texts, as many as there are; the others, or all where the data is not at hand, are texts of tokens from the vocabulary. */
async function checkTexts(
  model: TranslationModel,
): Promise<{ readonly texts: readonly string[]; readonly what: string }> {
  const { data, seed, settings, vocabulary } = model;
  const tested =
    data.kind === "cmudict"
      ? await readTestTexts({ limit: textCount, trainedOn: data, asTrained: true })
      : await testTextsAtHand(model, textCount);
  const texts = (tested?.entries ?? []).map(({ source }) => source);
  const own = tested === undefined ? [] : [`${shownCount(texts.length)} ${nounOf(tested, data)}`];
  const others = textCount - texts.length;
  const random = new RandomStream(seed, "export");
  while (texts.length < textCount) texts.push(drawn(vocabulary.source, settings.maxSourceLength, random));
  return { texts, what: [...own, ...(others > 0 ? [`${shownCount(others)} random texts`] : [])].join(" and ") };
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
