/** Evaluation: the loss and the metrics over rows. */
import { longestFirst } from "./batchOrder.ts";
import { expectWanted, type Signal, type TrainerContext } from "./context.ts";
import { batchWriter, type Dataset, rowLengths } from "./dataset.ts";
import { evaluationGraph } from "./graphs.ts";
import { checkBatchSize, type StepEvent } from "./predict.ts";
import { type Logs, Running } from "./running.ts";

export interface EvaluateOptions {
  /** Default 32. It changes the speed, and no more than the last digits of the result. */
  readonly batchSize?: number;
  readonly onStep?: (event: StepEvent) => void | Promise<void>;
}

/** The figures over some rows of a data set. */
export async function evaluateRows(
  { spec, objective, programs }: TrainerContext,
  dataset: Dataset,
  rows: Int32Array,
  { batchSize, onStep }: EvaluateOptions,
  signal?: Signal,
): Promise<Logs> {
  const order = longestFirst(rows, rowLengths(dataset));
  const batch = Math.min(checkBatchSize(batchSize), order.length);
  const name = dataset.weighted ? "evaluate weighted" : "evaluate";
  const build = () => evaluationGraph(spec, objective, dataset.weighted);
  const { executable, results } = await programs.get(name, build, { batch, ...dataset.longest });
  const writer = batchWriter(dataset, batch);
  const running = new Running(objective);
  const steps = Math.ceil(order.length / batch);
  for (let step = 0; step < steps; step++) {
    expectWanted(signal);
    const from = step * batch;
    writer.write(order, from, Math.min(batch, order.length - from));
    running.add(await executable.run(writer.feeds, results));
    if (onStep) await onStep({ step: step + 1, steps, logs: running.logs() });
  }
  return running.logs();
}
