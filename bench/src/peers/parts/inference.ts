/** Probabilities: of the test reviews, and of one review; by us and by ONNX Runtime on the exported model. */
import { onnxruntimePrediction, ownPrediction } from "../entries.ts";
import { drawEvenly, type Reviews, sortedBatches } from "../epoch.ts";
import { denseRows, type Labelled, writeJob } from "../job.ts";
import { imdb, type Task } from "../network.ts";
import { type Row, rated, type Section } from "../report.ts";
import { interleave, type Result } from "../rounds.ts";
import { agree, measure, narrow, one, roundsOf, rowOf, type Setting, settingsTried, two } from "./setting.ts";

/** One row goes through the network so many times in a turn: it takes a millisecond or less. */
const REPEATS = 50;

async function predictions(setting: Setting, name: string, task: Task, data: Labelled, steps: number, masked: boolean) {
  const file = await writeJob(setting.folder, name, task, masked, data);
  const entries = [
    ownPrediction(file, two),
    ...[1, 2].map((threads) => onnxruntimePrediction(file, threads)),
    ownPrediction(file, task.batch === 1 ? one : narrow),
  ];
  const results = await interleave(entries, roundsOf(setting, { steps, warmUp: Math.max(4, steps) }), setting.say);
  const cores = setting.cores.describe();
  const apart = agree(setting, results, ({ facts }) => facts.probabilities ?? []);
  const notes = [
    cores,
    `ONNX Runtime has the exported model, which gives its LSTM \`sequence_lens\`; probabilities lie at most ${apart} apart.`,
    ...settingsTried(results, "ms a step"),
  ];
  return { results, notes };
}

/** The 25,000 test reviews in sorted batches. */
async function testReviews(
  setting: Setting,
  reviews: Reviews,
  id: string,
  title: string,
  task: Task,
): Promise<Section> {
  const batches = sortedBatches(reviews.test);
  const drawn = drawEvenly(batches, setting.sample);
  const steps = drawn.rows.length / task.batch;
  const { results, notes } = await predictions(setting, id, task, drawn, steps, true);
  const scale = reviews.test.rows.length / drawn.rows.length;
  const seconds = (result: Result): Row =>
    rowOf(result, (result.steps.reduce((sum, ms) => sum + ms, 0) * scale) / 1000);
  return {
    id,
    title: `probabilities of ${reviews.test.rows.length.toLocaleString("en")} reviews, sorted by length, ${title}`,
    unit: "s",
    measure,
    rows: rated(results.map(seconds), measure),
    notes: [...notes, `Scaled from ${steps} of ${batches.length} batches.`],
  };
}

export function inference(setting: Setting, reviews: Reviews): Promise<Section> {
  return testReviews(setting, reviews, "inference", "embedding of 10, LSTM 128", imdb);
}

export function bidirectionalInference(setting: Setting, reviews: Reviews): Promise<Section> {
  const task = { ...imdb, embedding: 128, units: 64, bidirectional: true };
  return testReviews(setting, reviews, "inference-bidirectional", "embedding of 128, bidirectional LSTM 64", task);
}

/** A long and a short review, each by itself. */
export async function oneReview(setting: Setting): Promise<Section[]> {
  const sections: Section[] = [];
  for (const time of [300, 20]) {
    const task = { ...imdb, batch: 1, time };
    const id = `review-${time}`;
    const { results, notes } = await predictions(setting, id, task, denseRows(task), REPEATS, true);
    const rows = results.map((result) => rowOf(result, result.ms));
    sections.push({
      id,
      title: `one review of ${time} words, predicted`,
      unit: "ms",
      measure,
      rows: rated(rows, measure),
      notes,
    });
  }
  return sections;
}
