/** A training step of a network on dense rows: ours, and every library in Python that is there. */

import type { Entry } from "../contestant.ts";
import { ownForward, ownProducts, ownTraining, pythonTraining } from "../entries.ts";
import { denseRows, writeJob } from "../job.ts";
import { limitsOf, trainingProgram } from "../limits.ts";
import { flopsOf, imdb, productsOf, type Task } from "../network.ts";
import { type Row, rated, type Section } from "../report.ts";
import { interleave, type Result } from "../rounds.ts";
import { agree, measure, roundsOf, rowOf, type Setting, settingsTried, two } from "./setting.ts";

export interface Training {
  readonly id: string;
  readonly title: string;
  readonly task: Task;
}

const sequence = { ...imdb, classes: 17, units: 100, embedding: 100, words: 10_000 } as const;
const language = { ...sequence, classes: 10_000, layers: 2, batch: 20, time: 70 } as const;

/** The networks beside the IMDB network itself, each a part of its own. */
export const trainings: readonly Training[] = [
  { id: "gru", title: "GRU, 32 × 300 × 10 → 128", task: { ...imdb, kind: "gru" } },
  {
    id: "bidirectional",
    title: "bidirectional LSTM, 64 × 100 × 100 → 2 × 128",
    task: { ...imdb, bidirectional: true, frozen: true, embedding: 100, batch: 64, time: 100 },
  },
  {
    id: "tagger",
    title: "tagger, 32 × 25 × 100 → 2 × LSTM 100 → 17 tags a step",
    task: { ...sequence, bidirectional: true, batch: 32, time: 25 },
  },
  {
    id: "language-256",
    title: "language model, 20 × 70 × 256 → 256 → 256 → 10,000 words",
    task: { ...language, embedding: 256, units: 256 },
  },
  {
    id: "language-650",
    title: "language model, 20 × 70 × 650 → 650 → 650 → 10,000 words",
    task: { ...language, embedding: 650, units: 650 },
  },
  {
    id: "characters",
    title: "character model, 32 × 100 × 64 → 256 → 256 → 96 letters",
    task: { ...language, words: 96, classes: 96, embedding: 64, units: 256, batch: 32, time: 100 },
  },
  { id: "long", title: "LSTM over long rows, 8 × 2,000 × 10 → 128", task: { ...imdb, batch: 8, time: 2000 } },
];

/** With `quick` a network of the same kind that takes no time. */
export function sized({ quick }: Pick<Setting, "quick">, task: Task): Task {
  if (!quick) return task;
  const { words, classes, units, embedding, time } = task;
  return {
    ...task,
    words: Math.min(words, 200),
    classes: Math.min(classes, 200),
    units: Math.min(units, 16),
    embedding: Math.min(embedding, 8),
    time: Math.min(time, 20),
  };
}

export interface Measured {
  readonly section: Section;
  readonly results: readonly Result[];
  readonly file: string;
}

/** The section of a training step; `others` take part beside us and the libraries in Python. */
export async function trainingStep(
  setting: Setting,
  { id, title, task: whole }: Training,
  others: (file: string, task: Task) => readonly Entry[] = () => [],
): Promise<Measured> {
  const task = sized(setting, whole);
  const data = denseRows(task);
  const file = await writeJob(setting.folder, id, task, false, data);
  const forward = ownForward(file, two);
  const products = ownProducts(productsOf(task), two);
  const entries = [
    ownTraining(file, two),
    ...others(file, task),
    ...pythonTraining(setting.pythons, file),
    forward,
    products,
  ];
  const results = await interleave(entries, roundsOf(setting, { steps: 2, warmUp: 4 }), setting.say);
  const cores = setting.cores.describe();
  const apart = agree(setting, results, ({ losses }) => losses.slice(0, 3));
  const flops = flopsOf(task);
  const gflops = (ms: number): number => (flops.forward + flops.backward) / ms / 1e6;
  const timeOf = (name: string): number | undefined => results.find((each) => each.name === name)?.ms;
  const compared = results.filter(({ entry }) => entry !== forward && entry !== products);
  const rows: Row[] = compared.map((result) => rowOf(result, result.ms, gflops(result.ms)));
  const program = await trainingProgram(task, false, data);
  const [ofForward, ofProducts] = [timeOf(forward.name), timeOf(products.name)];
  const times = {
    step: timeOf(measure) ?? Number.NaN,
    ...(ofForward === undefined ? {} : { forward: ofForward }),
    ...(ofProducts === undefined ? {} : { products: ofProducts }),
  };
  const section: Section = {
    id,
    title: `a training step, ${title}`,
    unit: "ms",
    measure,
    rows: rated(rows, measure),
    limits: limitsOf(flops, times, program, setting.peak),
    notes: [
      cores,
      `Adam; losses of the first steps from the same weights lie at most ${apart} apart.`,
      ...settingsTried(compared),
    ],
  };
  return { section, results: compared, file };
}
