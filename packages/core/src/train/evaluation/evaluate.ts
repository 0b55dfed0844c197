/** Evaluation: the loss and the metrics over rows. */

import { state } from "../../ir/build/source.ts";
import { mapGraph, rewrite } from "../../ir/rewrite.ts";
import type { Graph } from "../../ir/value.ts";
import { averagedNames } from "../../optim/step.ts";
import { capacitiesOf } from "../data/batchRoom.ts";
import type { Dataset } from "../data/dataset.ts";
import { evaluationGraph } from "../objective/graphs.ts";
import { programName, type TrainerContext } from "../session/context.ts";
import { type PassOptions, passOver } from "./pass.ts";
import { type Logs, Running } from "./running.ts";

/** The graph with the moving averages of the weights in their place. */
function withAverages(graph: Graph, { optimizer, parameters }: TrainerContext): Graph {
  const names = averagedNames(optimizer, parameters);
  return mapGraph(graph, (roots) =>
    rewrite(roots, (node) => {
      if (node.op !== "input" || node.attrs.kind !== "state") return undefined;
      const { name, dtype, shape } = node.attrs;
      const average = Object.hasOwn(names, name) ? (names[name] as string) : name;
      return average === name ? undefined : [state(average, dtype, shape)];
    }),
  );
}

/** The figures over some rows of a data set, of the weights or of their moving averages. States that go on begin anew with the first batch. */
export async function evaluateRows(
  context: TrainerContext,
  dataset: Dataset,
  rows: Int32Array,
  options: PassOptions,
  averaged = false,
): Promise<Logs> {
  const { spec, states, objective, outputs, programs, turns } = context;
  const running = new Running(outputs);
  await passOver(turns, dataset, rows, options, {
    // They begin anew, and those of training are left alone.
    states: states?.training.another(),
    open(part, batch) {
      const plain = () => evaluationGraph(spec, objective, part.weighing);
      const build = averaged ? () => withAverages(plain(), context) : plain;
      return programs.get(
        programName(averaged ? "evaluate averages" : "evaluate", part),
        build,
        capacitiesOf(part, batch),
      );
    },
    add: (results) => running.add(results),
    logs: () => running.logs(),
  });
  return running.logs();
}
