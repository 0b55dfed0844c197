/** An epoch over the trees of a treebank, ours and PyTorch's. */
import { ownTrees, torchTrees } from "../entries.ts";
import { rated, type Section } from "../report.ts";
import { interleave } from "../rounds.ts";
import { type Treebank, treebank, treeFlops, treeRows, writeTreeJob } from "../treebank.ts";
import { agree, measure, narrow, one, roundsOf, rowOf, type Setting, settingsTried, two } from "./setting.ts";

const sized = ({ quick }: Setting): Treebank =>
  quick ? { ...treebank, words: 200, units: 8, embedding: 8, trees: 75 } : treebank;

/** An epoch of 8,544 trees from the time of its first batches, or of all of them. */
export async function trees(setting: Setting): Promise<Section> {
  const task = sized(setting);
  const { rows: all, source } = await treeRows(task, setting.quick);
  const count = Math.min(setting.sample * task.batch, all.trees.length);
  const rows = { trees: all.trees.slice(0, count), labels: all.labels.slice(0, count) };
  const file = await writeTreeJob(setting.folder, task, rows);
  const steps = Math.ceil(count / task.batch);
  const entries = [
    ...[two, one, narrow].map((options) => ownTrees(file, options)),
    ...torchTrees(setting.pythons, file),
  ];
  const results = await interleave(entries, roundsOf(setting, { steps, warmUp: steps }), setting.say);
  const cores = setting.cores.describe();
  const apart = agree(setting, results, ({ losses }) => losses.slice(0, 3));
  const { forward, backward } = treeFlops(task, rows);
  const batches = all.trees.length / task.batch;
  const table = results.map((result) => {
    const mean = result.steps.reduce((sum, ms) => sum + ms, 0) / result.steps.length;
    return rowOf(result, (mean * batches) / 1000, (forward + backward) / mean / 1e6);
  });
  const { batch, embedding, units, words, classes } = task;
  return {
    id: "trees",
    title: `an epoch of ${all.trees.length.toLocaleString("en")} trees, ${words.toLocaleString("en")} words × ${embedding} → Tree-LSTM of ${units} units → ${classes} classes at every node, ${batch} trees a batch`,
    unit: "s",
    measure,
    rows: rated(table, measure),
    notes: [
      cores,
      `From ${steps} of ${Math.ceil(batches)} batches of ${source}, in its order. Adagrad; losses of the first steps from the same weights lie at most ${apart} apart.`,
      "PyTorch computes the nodes of all trees that have one height together, `index_select` and one product a level; of the ways to keep the states so far it takes the faster.",
      ...settingsTried(results),
    ],
  };
}
