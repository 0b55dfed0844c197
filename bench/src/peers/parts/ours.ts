/** Matrix products by themselves, and how the cost of a step grows with each size. */
import { agreementOf } from "../agreement.ts";
import { jaxProduct, ownProduct, ownTraining } from "../entries.ts";
import { denseRows, writeJob } from "../job.ts";
import { flopsOf, imdb } from "../network.ts";
import { products } from "../products.ts";
import { type Row, rated, type Section } from "../report.ts";
import { interleave } from "../rounds.ts";
import { measure, one, roundsOf, rowOf, type Setting, two } from "./setting.ts";

export async function productSections(setting: Setting): Promise<Section[]> {
  const sections: Section[] = [];
  for (const product of products) {
    const entries = [ownProduct(product, two), ownProduct(product, one), jaxProduct(product)];
    const { onRound: _, ...options } = roundsOf(setting, { steps: 2, warmUp: 2 });
    const results = await interleave(entries, options, setting.say);
    // Products are as large as their operands: it is their ratio that is near to one.
    const first = results[0]?.facts.first ?? Number.NaN;
    const values = results.map(({ name, facts }) => ({ name, values: [(facts.first ?? Number.NaN) / first] }));
    for (const line of agreementOf(values).different) setting.disagree(line);
    const work = 2 * product.rows * product.inner * product.columns;
    const rows = results.map((result) => {
      const each = result.ms / product.times;
      return rowOf(result, each, work / each / 1e6);
    });
    sections.push({
      id: `products-${product.rows}`,
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
  const times = setting.quick ? [10, 20] : [50, 100, 200, 400, 800, 1200, 2000];
  const sizes = [
    ...(setting.quick ? [] : [1, 4, 16, 32, 64, 256]).map((value) => ({ batch: value, time, units })),
    ...times.map((value) => ({ batch, time: value, units })),
    ...(setting.quick ? [] : [32, 64, 256, 512]).map((value) => ({ batch, time, units: value })),
  ];
  const rows: Row[] = [];
  const perHundred = new Map<number, number>();
  for (const at of sizes) {
    const task = { ...imdb, ...at };
    const file = await writeJob(setting.folder, "sweep", task, false, denseRows(task));
    const options = { rounds: 3, seconds: 10, steps: 1, warmUp: 2 };
    const [result] = await interleave([ownTraining(file, two)], options, setting.say);
    if (result === undefined) continue;
    const { forward, backward } = flopsOf(task);
    const name = `batch ${at.batch}, time ${at.time}, units ${at.units}`;
    rows.push({ name, value: result.ms, gflops: (forward + backward) / result.ms / 1e6 });
    if (at.batch === batch && at.units === units && at.time >= 100)
      perHundred.set(at.time, (100 * result.ms) / at.time);
  }
  const costs = [...perHundred.values()];
  const growth = Math.max(...costs) / Math.min(...costs);
  const shown = [...perHundred].map(([steps, ms]) => `${ms.toFixed(1)} at ${steps}`).join(", ");
  const note = `Milliseconds per 100 steps of time: ${shown}; at most ${growth.toFixed(2)} times the least.`;
  const notes = costs.length > 0 ? [note] : [];
  return { id: "sweep", title: `a dense training step of ${measure}`, unit: "ms", rows, notes };
}
