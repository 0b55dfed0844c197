/** Evaluation: the loss and the metrics over rows. */

import { capacitiesOf } from "../data/batchRoom.ts";
import type { Dataset } from "../data/dataset.ts";
import { evaluationGraph } from "../objective/graphs.ts";
import { programName, type TrainerContext } from "../session/context.ts";
import { type PassOptions, passOver } from "./pass.ts";
import { type Logs, Running } from "./running.ts";

/** The figures over some rows of a data set. States that go on begin anew with the first batch. */
export async function evaluateRows(
  { spec, states, objective, outputs, programs, turns }: TrainerContext,
  dataset: Dataset,
  rows: Int32Array,
  options: PassOptions,
): Promise<Logs> {
  const running = new Running(outputs);
  await passOver(turns, dataset, rows, options, {
    // They begin anew, and those of training are left alone.
    states: states?.training.another(),
    open(part, batch) {
      const build = () => evaluationGraph(spec, objective, part.weighing);
      return programs.get(programName("evaluate", part), build, capacitiesOf(part, batch));
    },
    add: (results) => running.add(results),
    logs: () => running.logs(),
  });
  return running.logs();
}
