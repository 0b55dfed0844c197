/** The encoder–decoder: a training step, and writing, ours and PyTorch's. */
import { ownPairs, ownWriting, torchTranscription, torchWriting } from "../entries.ts";
import { writePairJob } from "../pairs.ts";
import { rated, type Section } from "../report.ts";
import { interleave } from "../rounds.ts";
import { flopsOf, letters, modelOf, rowsOf, type Transcription } from "../transcription.ts";
import { agree, measure, narrow, one, roundsOf, rowOf, type Setting, settingsTried, two } from "./setting.ts";

const sized = ({ quick }: Setting): Transcription =>
  quick ? { ...letters, units: 8, embedding: 8, batch: 16 } : letters;

function jobOf({ folder }: Setting, name: string, task: Transcription): Promise<string> {
  const { batch } = task;
  return writePairJob(folder, name, { task, model: modelOf(task), rows: rowsOf(task), batch, maxLength: 8 });
}

/** A training step over batches of 128 words, an epoch of them in each turn. */
export async function transcriptionStep(setting: Setting): Promise<Section> {
  const task = sized(setting);
  const file = await jobOf(setting, "transcription", task);
  const entries = [
    ...[two, one, narrow].map((options) => ownPairs(file, options)),
    ...torchTranscription(setting.pythons, file),
  ];
  const options = roundsOf(setting, { steps: task.batches, warmUp: 2 * task.batches });
  const results = await interleave(entries, options, setting.say);
  const cores = setting.cores.describe();
  const apart = agree(setting, results, ({ losses }) => losses.slice(0, 3));
  const { forward, backward } = flopsOf(task);
  const rows = results.map((result) => rowOf(result, result.ms, (forward + backward) / result.ms / 1e6));
  const { batch, embedding, layers, units } = task;
  return {
    id: "transcription",
    title: `a training step, encoder–decoder with attention, ${batch} words × ${embedding} → ${layers} × BiLSTM ${units} → LSTM ${2 * units} → ${task.phones} phones`,
    unit: "ms",
    measure,
    rows: rated(rows, measure),
    notes: [
      cores,
      `Sources of 8 to 10 letters, of one length in each batch, and 7 to 9 phones. Adam; losses of the first steps from the same weights lie at most ${apart} apart.`,
      ...settingsTried(results),
    ],
  };
}

/** Phones of 1,000 words, written greedily. */
export async function writing(setting: Setting): Promise<Section> {
  const task = { ...sized(setting), batch: 100, batches: setting.quick ? 2 : 10 };
  const file = await jobOf(setting, "writing", task);
  const count = task.batch * task.batches;
  const entries = [
    ...[two, one].map((options) => ownWriting(file, options)),
    ...torchWriting(setting.pythons, file, [task.batch, count]),
  ];
  const results = await interleave(entries, roundsOf(setting, { steps: 2, warmUp: 4 }), setting.say);
  const cores = setting.cores.describe();
  const apart = agree(setting, results, ({ losses }) => losses.slice(0, 1));
  return {
    id: "writing",
    title: `the phones of ${count.toLocaleString("en")} words, written greedily by that model`,
    unit: "ms",
    measure,
    rows: rated(
      results.map((result) => rowOf(result, result.ms)),
      measure,
    ),
    notes: [
      cores,
      `Weights as they begin, and at most 8 phones a word, so that all go through as many steps; mean log-probabilities lie at most ${apart} apart. PyTorch decodes in a loop under \`inference_mode\`, words of one length beside each other.`,
      ...settingsTried(results),
    ],
  };
}
