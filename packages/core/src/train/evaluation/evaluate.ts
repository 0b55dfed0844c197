/** Evaluation: the loss and the metrics over rows. */

import type { Dataset } from "../data/dataset.ts";
import { evaluationGraph } from "../objective/graphs.ts";
import { programName, type TrainerContext } from "../session/context.ts";
import { type PassOptions, passOver } from "./pass.ts";
import { type Logs, Running } from "./running.ts";

/** The figures over some rows of a data set. */
export async function evaluateRows(
  { spec, objective, outputs, programs, turns }: TrainerContext,
  dataset: Dataset,
  rows: Int32Array,
  options: PassOptions,
): Promise<Logs> {
  const { weighing } = dataset;
  const running = new Running(outputs);
  await passOver(turns, dataset, rows, options, {
    async open(batch) {
      const build = () => evaluationGraph(spec, objective, weighing);
      const room = { batch, ...dataset.longest };
      const { executable, results } = await programs.get(programName("evaluate", weighing), build, room);
      return (feeds) => executable.run(feeds, results);
    },
    add: (results) => running.add(results),
    logs: () => running.logs(),
  });
  return running.logs();
}
