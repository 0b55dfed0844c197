/** `export`: the model as an ONNX file, which onnxruntime must agree with before it is written. */
import { backends, exportFile, fileNames, type Output, openOnnxTarget, shownCount, writeOnnx } from "@ostinato/app";
import { predictor, RandomStream } from "@ostinato/core";
import type { LabelledTree } from "@ostinato/datasets";
import { exportOnnx } from "@ostinato/onnx";
import { onnxPredictor } from "@ostinato/onnx/node";
import { loadTreeModel, type TreeModel } from "../model.ts";
import { inputsFor } from "../rows.ts";

export interface ExportOptions {
  readonly model: string;
  readonly out?: string;
}

/** Random words leave a network undecided, so rounding matters more. */
const tolerance = 1e-4;
const treeCount = 200;
const mostLeaves = 20;
const batchSizes = [1, 7, 33];

export async function exportModel({ model: path, out }: ExportOptions, output: Output): Promise<void> {
  const model = await loadTreeModel(path);
  const { trained, reading, settings } = model;
  const target = await openOnnxTarget(
    exportFile(out, model, fileNames.onnx),
    (json) => "labels" in json && "vocabulary" in json,
  );
  const bytes = exportOnnx(trained);
  output.say(`Comparing with onnxruntime on ${shownCount(treeCount)} random trees.`);

  await using ours = await predictor(trained, { backend: await backends.cpu() });
  await using theirs = await onnxPredictor(bytes);
  const trees = drawnTrees(model);
  const x = inputsFor(
    reading,
    trees,
    trees.map(({ parents }) => [parents.length - 1]),
  );
  let largest = 0;
  for (const batchSize of batchSizes) {
    const { data: expected } = await ours.predict(x, { batchSize });
    const { data: actual } = await theirs.predict(x, { batchSize });
    for (const [i, figure] of actual.entries())
      largest = Math.max(largest, Math.abs(figure - (expected[i] ?? Number.NaN)));
  }
  await writeOnnx(
    target,
    {
      bytes: [bytes],
      description: { ...settings, vocabulary: reading.vocabulary, linear: reading.linear },
      describes: "labels and vocabulary",
      maxDifference: largest,
      tolerance,
      compared: `${shownCount(treeCount)} random trees at batch sizes ${batchSizes.join(", ")}`,
      event: { trees: treeCount },
    },
    output,
  );
}

/** Binary trees of known and unknown words. */
function drawnTrees({ seed, reading: { vocabulary }, settings: { arity } }: TreeModel): LabelledTree[] {
  const random = new RandomStream(seed, "export");
  const known = ["?", ...vocabulary.words];
  const leaves = arity === 1 ? 1 : mostLeaves;
  return Array.from({ length: treeCount }, () => {
    const words: (string | null)[] = [];
    const parents: number[] = [];
    /** The nodes that have no parent yet. */
    const open: number[] = [];
    for (let left = 1 + random.below(leaves); left > 0 || open.length > 1; ) {
      const joins = open.length > 1 && (left === 0 || random.below(2) === 0);
      for (const child of joins ? open.splice(-2) : []) parents[child] = words.length;
      if (!joins) left -= 1;
      open.push(words.length);
      words.push(joins ? null : (known[random.below(known.length)] as string));
      parents.push(-1);
    }
    return { words, parents, labels: words.map(() => null) };
  });
}
