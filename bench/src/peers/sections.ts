/** The measurements, a function each: who takes part in what, and what the times come to. */
import { flops } from "./arithmetic.ts";
import type { CoreMeter } from "./cores.ts";
import {
  compileOneDnn,
  findTorch,
  jaxProduct,
  oneDnnHint,
  oneDnnTraining,
  onnxruntimePrediction,
  ownPrediction,
  ownProduct,
  ownTraining,
  tfjsTraining,
  torchHint,
  torchTraining,
} from "./entries.ts";
import { batchesOfEpoch, drawEvenly, listener, type Reviews, sortedBatches } from "./epoch.ts";
import { denseRows, imdb, jobOf, type Sizes, writeJob } from "./job.ts";
import { products } from "./products.ts";
import { type Row, rated, type Section } from "./report.ts";
import { interleave, type Result } from "./rounds.ts";

export interface Setting {
  /** For jobs and compiled programs. */
  readonly folder: string;
  /** Batches of an epoch that are measured. */
  readonly sample: number;
  readonly rounds: number;
  readonly cores: CoreMeter;
  readonly say: (line: string) => void;
  /** Results that do not agree with ours. */
  readonly disagree: (line: string) => void;
}

const nobody = listener(() => {});
const two = { backend: "wasm", threads: 2 } as const;
const one = { backend: "wasm", threads: 1 } as const;
const narrow = { backend: "wasm", threads: 2, simd: "relaxed" } as const;
const cpu = { backend: "cpu", threads: 1 } as const;
const measure = "Ostinato wasm, 2 threads";
/** How far the losses and probabilities of the same weights may lie apart. */
const TOLERANCE = 1e-3;

function job(setting: Setting, name: string, masked: boolean, data: ReturnType<typeof denseRows>, sizes: Sizes = imdb) {
  return jobOf(sizes, masked, data.rows, data.labels, nobody).then((made) => writeJob(setting.folder, name, made));
}

/** Says whose losses of the first steps, or probabilities, are not those of the first result. */
function compare(setting: Setting, results: readonly Result[], of: (result: Result) => readonly number[]): string {
  const [own, ...others] = results;
  let most = 0;
  for (const other of others) {
    const pairs = of(other).map((value, i) => Math.abs(value - (own ? (of(own)[i] ?? value) : value)));
    const apart = Math.max(0, ...pairs);
    most = Math.max(most, apart);
    if (!(apart <= TOLERANCE)) setting.disagree(`${other.name} computes something else than ${own?.name}: ${apart}`);
  }
  return most.toExponential(1);
}

/** The dense training step; also tells which number of threads serves PyTorch best. */
export async function denseStep(setting: Setting): Promise<{ section: Section; torchThreads: number }> {
  const file = await job(setting, "dense", false, denseRows(imdb, imdb.time));
  const python = await findTorch();
  const oneDnn = await compileOneDnn(setting.folder);
  if (python === undefined) setting.say(`left out: PyTorch (install it with: ${torchHint})`);
  if (oneDnn === undefined) setting.say(`left out: oneDNN (install it with: ${oneDnnHint})`);
  const quick = [
    ownTraining(file, two),
    ownTraining(file, one),
    ownTraining(file, narrow),
    ...(python === undefined ? [] : [1, 2].map((threads) => torchTraining(python, file, threads))),
    ...(oneDnn === undefined ? [] : [1, 2].map((threads) => oneDnnTraining(oneDnn, { ...imdb }, threads))),
  ];
  const onRound = () => setting.cores.read();
  const results = await interleave(
    quick,
    { rounds: 4 * setting.rounds + 1, steps: 3, warmUp: 3, onRound },
    setting.say,
  );
  const cores = setting.cores.describe();
  // Those that take seconds have their own, shorter rounds, with ours among them.
  const slow = [ownTraining(file, two), ownTraining(file, cpu), tfjsTraining(file, "wasm", ", embedding not trained")];
  const slower = await interleave(slow, { rounds: setting.rounds, steps: 1, warmUp: 2 }, setting.say);
  const apart = compare(setting, [...results, ...slower], ({ losses }) => losses);
  const short = 10;
  const fraction = await job(setting, "fraction", false, denseRows(imdb, short));
  const note = `, 32 × ${short}`;
  const single = { rounds: 1, steps: 1, warmUp: 1 };
  const plainTfjs = await interleave([tfjsTraining(fraction, "cpu", note)], single, setting.say);
  const work = flops(imdb.batch * imdb.time, imdb, true);
  const rowOf = ({ name, ms }: Result): Row => ({ name, value: ms, gflops: work / ms / 1e6 });
  const rows = rated([...results.map(rowOf), ...slower.slice(1).map(rowOf)], measure);
  const torch = results.filter(({ name }) => name.startsWith("PyTorch")).toSorted((a, b) => a.ms - b.ms)[0];
  return {
    section: {
      title: `a training step, ${imdb.batch} × ${imdb.time}, no mask`,
      unit: "ms",
      measure,
      rows: [...rows, ...plainTfjs.map(({ name, ms }) => ({ name, value: ms }))],
      notes: [
        cores,
        `Losses of the first steps from the same weights lie at most ${apart} apart. oneDNN does the LSTM alone, forward and backward, on weights of its own.`,
        ...(torch?.facts.version === undefined ? [] : [`PyTorch is ${torch.facts.version}.`]),
        ...(plainTfjs.length > 0 ? [`tfjs-layers on cpu is measured once, on ${short} steps of time.`] : []),
      ],
    },
    torchThreads: torch?.name.includes("2") ? 2 : 1,
  };
}

/** An epoch of reviews with their lengths. */
export async function epoch(setting: Setting, reviews: Reviews, torchThreads: number): Promise<Section> {
  const batches = await batchesOfEpoch(reviews.train, true);
  const grouped = drawEvenly(batches, setting.sample);
  const mixed = drawEvenly(await batchesOfEpoch(reviews.train, false), setting.sample);
  const groupedFile = await job(setting, "grouped", true, grouped);
  const mixedFile = await job(setting, "mixed", true, mixed);
  const python = await findTorch();
  const count = grouped.rows.length / imdb.batch;
  const turns = Math.ceil(count / 10);
  const entries = [
    ownTraining(groupedFile, two, ", grouped by length"),
    ownTraining(mixedFile, two, ", not grouped"),
    ...(python === undefined
      ? []
      : [
          torchTraining(python, groupedFile, torchThreads, imdb.time, `, padded to ${imdb.time}`),
          torchTraining(python, groupedFile, torchThreads, undefined, ", the same batches trimmed"),
        ]),
  ];
  const steps = Math.floor(count / turns);
  const rounds = setting.sample >= batches.length ? 1 : setting.rounds;
  const onRound = () => setting.cores.read();
  const results = await interleave(entries, { rounds, steps, turns, warmUp: steps * turns, onRound }, setting.say);
  const groupedResults = results.filter(({ name }) => !name.includes("not grouped"));
  const apart = compare(setting, groupedResults, ({ losses }) => losses.slice(0, 3));
  const scale = reviews.train.rows.length / (steps * turns * imdb.batch);
  const rows = results.map(({ name, steps: times }) => ({
    name,
    value: (times.reduce((sum, ms) => sum + ms, 0) * scale) / 1000,
  }));
  const base = results[0]?.name ?? "";
  const whole = reviews.train.rows.length.toLocaleString("en");
  return {
    title: `an epoch of ${whole} reviews, batch ${imdb.batch}`,
    unit: "s",
    measure: base,
    rows: rated(rows, base),
    notes: [
      setting.cores.describe(),
      `Scaled from ${steps * turns} of ${batches.length} batches, drawn evenly by length. Losses of the first steps on the same batches lie at most ${apart} apart.`,
    ],
  };
}

/** Probabilities of the test reviews. */
export async function inference(setting: Setting, reviews: Reviews): Promise<Section> {
  const batches = sortedBatches(reviews.test);
  const drawn = drawEvenly(batches, setting.sample);
  const file = await job(setting, "test", true, drawn);
  const steps = drawn.rows.length / imdb.batch;
  const entries = [ownPrediction(file, two), onnxruntimePrediction(file, 2), ownPrediction(file, narrow)];
  const onRound = () => setting.cores.read();
  const rounds = 4 * setting.rounds + 1;
  const results = await interleave(entries, { rounds, steps, warmUp: steps, onRound }, setting.say);
  const apart = compare(setting, results, ({ facts }) => facts.probabilities ?? []);
  const scale = reviews.test.rows.length / drawn.rows.length;
  const rows = results.map(({ name, steps: times }) => ({
    name,
    value: (times.reduce((sum, ms) => sum + ms, 0) * scale) / 1000,
  }));
  return {
    title: `probabilities of ${reviews.test.rows.length.toLocaleString("en")} reviews, sorted by length`,
    unit: "s",
    measure,
    rows: rated(rows, measure),
    notes: [
      setting.cores.describe(),
      `Scaled from ${steps} of ${batches.length} batches. ONNX Runtime has the exported model, which gives its LSTM \`sequence_lens\`; probabilities lie at most ${apart} apart.`,
    ],
  };
}

export async function productSections(setting: Setting): Promise<Section[]> {
  const sections: Section[] = [];
  for (const product of products) {
    const entries = [ownProduct(product, two), ownProduct(product, one), jaxProduct(product)];
    const results = await interleave(entries, { rounds: setting.rounds, steps: 2, warmUp: 2 }, setting.say);
    const [first] = results;
    for (const { name, facts } of results) {
      const apart = Math.abs((facts.first ?? Number.NaN) / (first?.facts.first ?? Number.NaN) - 1);
      if (!(apart <= TOLERANCE)) setting.disagree(`${name} computes another product than ${first?.name}: ${apart}`);
    }
    const work = 2 * product.rows * product.inner * product.columns;
    const rows = results.map(({ name, ms }) => {
      const each = ms / product.times;
      return { name, value: each, gflops: work / each / 1e6 };
    });
    sections.push({
      title: `product of ${product.name}`,
      unit: "ms",
      measure,
      rows: rated(rows, measure),
      notes: ["Each product is awaited; jax-js hands its result to JavaScript."],
    });
  }
  return sections;
}

/** How the cost of a dense step grows with each size, the others as in the IMDB network. */
export async function sweep(setting: Setting): Promise<Section> {
  const { batch, time, units } = imdb;
  const sizes = [
    ...[1, 4, 16, 32, 64, 256].map((value) => ({ batch: value, time, units })),
    ...[50, 100, 200, 400, 800].map((value) => ({ batch, time: value, units })),
    ...[32, 64, 256, 512].map((value) => ({ batch, time, units: value })),
  ];
  const rows: Row[] = [];
  for (const at of sizes) {
    const given = { ...imdb, batch: at.batch, units: at.units };
    const file = await job(setting, "sweep", false, denseRows(given, at.time), given);
    const [result] = await interleave([ownTraining(file, two)], { rounds: 3, steps: 1, warmUp: 1 }, setting.say);
    if (result === undefined) continue;
    const work = flops(at.batch * at.time, given, true);
    const name = `batch ${at.batch}, time ${at.time}, units ${at.units}`;
    rows.push({ name, value: result.ms, gflops: work / result.ms / 1e6 });
  }
  return { title: `a dense training step of ${measure}`, unit: "ms", rows, notes: [] };
}
