/** An epoch of reviews with their lengths, in the batches that `fit` forms and in those that others would. */
import { RandomStream, shuffle } from "@ostinato/core";
import { jaxTraining, kerasTraining, ownTraining, torchAsItComes, torchTraining } from "../entries.ts";
import { batchesOfEpoch, drawEvenly, type Reviews, sortedBatches } from "../epoch.ts";
import { writeJob } from "../job.ts";
import { imdb } from "../network.ts";
import { rated, type Section } from "../report.ts";
import { interleave, type Result } from "../rounds.ts";
import { agree, roundsOf, rowOf, type Setting, settingsTried, two } from "./setting.ts";

/** Libraries that compile for each length have it rounded up to a multiple of this. */
const MULTIPLE = 50;

function inRandomOrder<T>(list: readonly T[]): T[] {
  const order = Int32Array.from(list.keys());
  shuffle(order, new RandomStream(1, "bench order"));
  return Array.from(order, (at) => list[at] as T);
}

export async function epoch(setting: Setting, reviews: Reviews): Promise<Section> {
  const batches = await batchesOfEpoch(reviews.train, true);
  const grouped = drawEvenly(batches, setting.sample);
  const mixed = drawEvenly(await batchesOfEpoch(reviews.train, false), setting.sample);
  // Of the shortest reviews alone nobody could tell what is fastest.
  const sorted = drawEvenly(inRandomOrder(sortedBatches(reviews.train)), setting.sample);
  const written = (name: string, data: typeof grouped) => writeJob(setting.folder, name, imdb, true, data);
  const files = {
    grouped: await written("grouped", grouped),
    mixed: await written("mixed", mixed),
    sorted: await written("sorted", sorted),
  };
  const { pythons } = setting;
  const padded = { note: `, padded to ${imdb.time}`, padTo: imdb.time };
  const trimmed = { note: ", trimmed" };
  const rounded = { note: `, trimmed to multiples of ${MULTIPLE}`, multiple: MULTIPLE };
  const onGrouped = [
    ownTraining(files.grouped, two, ", grouped by length"),
    ...torchTraining(pythons, files.grouped, padded),
    ...torchTraining(pythons, files.grouped, trimmed),
    ...torchTraining(pythons, files.grouped, { note: ", PackedSequence", packed: true }),
    ...torchAsItComes(pythons, files.grouped, trimmed),
    ...kerasTraining(pythons, files.grouped, { ...padded, note: `, masked${padded.note}`, masked: true }),
    ...kerasTraining(pythons, files.grouped, { ...rounded, note: `, masked${rounded.note}`, masked: true }),
    ...kerasTraining(pythons, files.grouped, { ...padded, note: `, not masked${padded.note}` }).map((entry) => {
      return { ...entry, aside: true };
    }),
    ...jaxTraining(pythons, files.grouped, rounded),
  ];
  const onSorted = [
    ownTraining(files.sorted, two, ", sorted by length"),
    ...torchTraining(pythons, files.sorted, { note: ", sorted and trimmed" }),
  ];
  const entries = [...onGrouped, ownTraining(files.mixed, two, ", not grouped"), ...onSorted];
  const count = grouped.rows.length / imdb.batch;
  const turns = Math.ceil(count / 10);
  const steps = Math.floor(count / turns);
  const whole = setting.sample >= batches.length;
  const options = roundsOf(setting, { steps, turns, warmUp: Math.min(10, steps * turns) });
  // Every batch in turn is as good as rounds over a few of them.
  const results = await interleave(
    entries,
    { ...options, rounds: whole ? 1 : Math.min(3, options.rounds) },
    setting.say,
  );
  const among = (list: typeof entries): Result[] => results.filter(({ entry }) => list.includes(entry));
  const first = ({ losses }: Result): readonly number[] => losses.slice(0, 3);
  const apart = [agree(setting, among(onGrouped), first), agree(setting, among(onSorted), first)];
  const scale = reviews.train.rows.length / (steps * turns * imdb.batch);
  const rows = results.map((result) => rowOf(result, (result.steps.reduce((sum, ms) => sum + ms, 0) * scale) / 1000));
  const base = entries[0]?.name ?? "";
  return {
    id: "epoch",
    title: `an epoch of ${reviews.train.rows.length.toLocaleString("en")} reviews, batch ${imdb.batch}`,
    unit: "s",
    measure: base,
    rows: rated(rows, base),
    notes: [
      setting.cores.describe(),
      `Scaled from ${steps * turns} of ${batches.length} batches, drawn evenly by length. Adam; losses of the first steps on the same batches lie at most ${apart.join(" and, sorted, ")} apart.`,
      "Who trains on padding without a mask computes something else, and is not compared.",
      ...settingsTried(results, "ms a step"),
    ],
  };
}
