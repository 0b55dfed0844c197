/** The training step of the IMDB network, for which more contestants are there. */
import { compileNative, kerasTraining, oneDnnHint, oneDnnTraining, ownTraining, tfjsTraining } from "../entries.ts";
import { denseRows, writeJob } from "../job.ts";
import { flopsOf, imdb } from "../network.ts";
import { rated, type Section } from "../report.ts";
import { interleave } from "../rounds.ts";
import { agree, cpu, measure, narrow, one, rowOf, type Setting, two } from "./setting.ts";
import { sized, trainingStep } from "./training.ts";

/** Of tfjs-layers on cpu, which takes minutes for a whole step. */
const SHORT = 10;

export async function imdbStep(setting: Setting): Promise<Section> {
  const oneDnn = await compileNative(setting.folder, "onednn.cpp", "-ldnnl");
  if (oneDnn === undefined) setting.say(`left out: oneDNN (install it with: ${oneDnnHint})`);
  const { section, results, file } = await trainingStep(
    setting,
    { id: "step", title: "32 × 300 × 10 → LSTM 128, no mask", task: imdb },
    (job, task) => [
      ownTraining(job, one),
      ownTraining(job, narrow),
      ...(oneDnn === undefined ? [] : oneDnnTraining(oneDnn, task)),
      ...kerasTraining(setting.pythons, job, { note: ", masked", masked: true }),
    ],
  );
  // Those that take seconds have their own, shorter rounds, with ours among them.
  const slow = [ownTraining(file, two), ownTraining(file, cpu), tfjsTraining(file, "wasm", ", embedding not trained")];
  const few = { rounds: Math.min(3, setting.rounds), seconds: 40, steps: 1, warmUp: 2 };
  const slower = await interleave(slow, few, setting.say);
  agree(setting, [...results.slice(0, 1), ...slower], ({ losses }) => losses.slice(0, 2));
  const task = sized(setting, imdb);
  const short = await writeJob(setting.folder, "short", task, false, denseRows({ ...task, time: SHORT }));
  const single = { rounds: 1, seconds: 40, steps: 1, warmUp: 1 };
  const plainTfjs = await interleave([tfjsTraining(short, "cpu", `, 32 × ${SHORT}`)], single, setting.say);
  const { forward, backward } = flopsOf(task);
  const added = slower.slice(1).map((result) => rowOf(result, result.ms, (forward + backward) / result.ms / 1e6));
  const rows = rated([...section.rows, ...added, ...plainTfjs.map((result) => rowOf(result, result.ms))], measure);
  return {
    ...section,
    rows,
    notes: [
      ...section.notes,
      ...(oneDnn === undefined ? [] : ["oneDNN does the LSTM alone, forward and backward, on weights of its own."]),
      ...(plainTfjs.length > 0 ? [`tfjs-layers on cpu is measured once, on ${SHORT} steps of time.`] : []),
    ],
  };
}
