/** The encoder–decoder that translates sentences: a training step, what of it goes to the output, and writing; ours and PyTorch's. */

import type { Model } from "@ostinato/core";
import { openBackend } from "../contestants/backends.ts";
import { ownPairs, ownWriting, torchOutput, torchSentences, torchTranslating } from "../entries.ts";
import { type PairWork, pairTrainer, writePairJob } from "../pairs.ts";
import { largestShares, type Profile, profiling, shareOfSize } from "../profile.ts";
import { rated, type Section } from "../report.ts";
import { interleave, type Result } from "../rounds.ts";
import {
  outputFlops,
  outputModel,
  type Sentences,
  sentenceFlops,
  sentenceModel,
  sentenceRows,
  sentences,
} from "../sentences.ts";
import { agree, measure, narrow, one, roundsOf, rowOf, type Setting, settingsTried, two } from "./setting.ts";

const sized = ({ quick }: Setting, task: Sentences): Sentences =>
  quick ? { ...task, subwords: task.subwords / 100, embedding: 8, units: 8, batch: 16, time: 5 } : task;

function jobOf({ folder }: Setting, name: string, task: Sentences, model: Model, work: Partial<PairWork> = {}) {
  const { batch, time: maxLength } = task;
  return writePairJob(folder, name, { batch, maxLength, ...work, task, model, rows: sentenceRows(task) });
}

const number = (value: number): string => value.toLocaleString("en");

const networkOf = ({ subwords, embedding, units, inputFeeding }: Sentences): string =>
  `${number(subwords)} subwords × ${embedding} → BiLSTM ${units} → LSTM ${2 * units} with attention${inputFeeding ? " and input feeding" : ""}`;

/** Our training step on two threads, step by step of its program. */
async function profileOf(task: Sentences): Promise<Profile> {
  const profiles: Profile[] = [];
  const backend = profiling(await openBackend(two), (profile) => profiles.push(profile));
  await using trainer = await pairTrainer(sentenceModel(task), backend);
  const { next, ...x } = sentenceRows(task);
  await trainer.fit({ x, y: next }, { batchSize: task.batch, epochs: 2 });
  return profiles[0] as Profile;
}

const percent = (share: number): string => `${Math.round(100 * share)} %`;

async function trainingSection(setting: Setting, id: string, whole: Sentences): Promise<Section> {
  const task = sized(setting, whole);
  const file = await jobOf(setting, id, task, sentenceModel(task));
  const entries = [
    ...[two, one, narrow].map((options) => ownPairs(file, options)),
    ...torchSentences(setting.pythons, file, task.inputFeeding),
  ];
  const results = await interleave(entries, roundsOf(setting, { steps: 2, warmUp: 4 }), setting.say);
  const cores = setting.cores.describe();
  const apart = agree(setting, results, ({ losses }) => losses.slice(0, 3));
  const { forward, backward } = sentenceFlops(task);
  const rows = results.map((result) => rowOf(result, result.ms, (forward + backward) / result.ms / 1e6));
  const { batch, time } = task;
  const shares = largestShares(await profileOf(task), 8).map(({ what, share }) => `${percent(share)} ${what}`);
  return {
    id,
    title: `a training step, translation of sentences, ${batch} × ${time} → ${time}, ${networkOf(task)}`,
    unit: "ms",
    measure,
    rows: rated(rows, measure),
    notes: [
      cores,
      `One matrix looks up sources and targets, and scores what comes next. Adam; losses of the first steps from the same weights lie at most ${apart} apart. In PyTorch the kernel of attention meets the memory once for all steps.`,
      `The steps of our program that take most, each run by itself: ${shares.join("; ")}.`,
      ...settingsTried(results),
    ],
  };
}

/** A training step with input feeding, and without. */
export async function sentenceSteps(setting: Setting): Promise<Section[]> {
  const parallel = { ...sentences, inputFeeding: false };
  return [
    await trainingSection(setting, "sentences", sentences),
    await trainingSection(setting, "sentences-not-fed", parallel),
  ];
}

/** Vocabularies whose output is measured by itself. */
const vocabularies = [sentences.subwords, 32_000] as const;

/** What scores subwords, by itself, beside the whole step. */
export async function sentenceOutputs(setting: Setting): Promise<Section[]> {
  const sections: Section[] = [];
  for (const subwords of vocabularies) {
    const task = sized(setting, { ...sentences, subwords });
    const id = `output-${subwords}`;
    const file = await jobOf(setting, id, task, outputModel(task));
    const step = await jobOf(setting, `${id}-step`, task, sentenceModel(task));
    const whole = { ...ownPairs(step, two, ", the whole step"), aside: true };
    const entries = [ownPairs(file, two), whole, ...torchOutput(setting.pythons, file)];
    const results = await interleave(entries, roundsOf(setting, { steps: 2, warmUp: 4 }), setting.say);
    const cores = setting.cores.describe();
    const apart = agree(setting, results, ({ losses }) => losses.slice(0, 3));
    const { forward, backward } = outputFlops(task);
    const timeOf = (wanted: string): number => results.find(({ name }) => name === wanted)?.ms ?? Number.NaN;
    const share = timeOf(measure) / timeOf(whole.name);
    const inside = shareOfSize(await profileOf(task), task.subwords);
    const gflops = ({ entry, ms }: Result) => (entry.aside ? undefined : (forward + backward) / ms / 1e6);
    sections.push({
      id,
      title: `of that step the output over ${number(task.subwords)} subwords: product, softmax, loss, their gradients, and the update of the matrix`,
      unit: "ms",
      measure,
      rows: rated(
        results.map((result) => rowOf(result, result.ms, gflops(result))),
        measure,
      ),
      notes: [
        cores,
        `Alone it takes ${percent(share)} of our whole step, in which all that reads or writes numbers of all subwords takes ${percent(inside)}. Adam; losses of the first steps from the same weights lie at most ${apart} apart.`,
        ...settingsTried(results),
      ],
    });
  }
  return sections;
}

/** Sentences that are translated, and those that the time is scaled to. */
const [TRANSLATED, SENTENCES] = [256, 1000];

async function translatingSection(setting: Setting, id: string, how: string, beamSize: number): Promise<Section> {
  const count = setting.quick ? 16 : TRANSLATED;
  const task = sized(setting, { ...sentences, batch: count, batches: 1 });
  const rows = { ...task, batch: count };
  const file = await jobOf(setting, id, rows, sentenceModel(task), { beamSize });
  const entries = [
    ...[two, one].map((options) => ownWriting(file, options)),
    ...torchTranslating(
      setting.pythons,
      file,
      [16, 8, 4, 2, 1].map((parts) => count / parts),
    ),
  ];
  const results = await interleave(entries, roundsOf(setting, { steps: 1, warmUp: 2 }), setting.say);
  const cores = setting.cores.describe();
  const apart = agree(setting, results, ({ losses }) => losses.slice(0, 1).map((sum) => sum / task.time));
  const scale = SENTENCES / count / 1000;
  return {
    id,
    title: `${number(SENTENCES)} sentences of ${task.time} subwords translated ${how} by that model`,
    unit: "s",
    measure,
    rows: rated(
      results.map((result) => rowOf(result, result.ms * scale)),
      measure,
    ),
    notes: [
      cores,
      `Scaled from ${count} sentences. Weights as they begin, and at most ${task.time} subwords, so that all go through as many steps; mean log-probabilities of a subword of the best lie at most ${apart} apart. PyTorch decodes in a loop under \`inference_mode\`; the hypotheses of a sentence share its memory, and states are chosen by \`index_select\`.`,
      ...settingsTried(results, "ms for all"),
    ],
  };
}

/** Translations by a beam of 5, and greedily. */
export async function translating(setting: Setting): Promise<Section[]> {
  return [
    await translatingSection(setting, "beam", "with a beam of 5", 5),
    await translatingSection(setting, "greedy", "greedily", 1),
  ];
}
