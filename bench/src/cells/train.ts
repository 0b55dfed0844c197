/** One training of a cell on a task. */
import { adam, type Backend, compile, countParameters, type Examples, RandomStream } from "@ostinato/core";
import type { Run } from "./report.ts";
import type { MakeLayer, Task } from "./tasks.ts";

const PARTS = 10;

/** Trains for the steps of the task; the seed is that of the weights and of the rows. */
export async function train(
  task: Task,
  layer: MakeLayer,
  { backend, seed, steps = task.settings.steps }: { backend: Backend; seed: number; steps?: number },
): Promise<Omit<Run, "task" | "cell" | "seed">> {
  const { learningRate, globalClipnorm } = task.settings;
  const model = task.model(layer);
  const stream = new RandomStream(seed, task.title);
  function* batches(): Generator<Examples> {
    for (;;) yield task.batch(stream);
  }
  await using trainer = await compile(model, {
    backend,
    loss: task.loss(),
    optimizer: adam({ learningRate, globalClipnorm }),
    seed,
  });
  const before = process.cpuUsage();
  const { epochs } = await trainer.fit(batches(), { epochs: PARTS, stepsPerEpoch: steps / PARTS });
  const { user, system } = process.cpuUsage(before);
  return {
    parameters: countParameters(model),
    losses: epochs.map(({ loss = Number.NaN }) => Number(loss.toPrecision(4))),
    figures: Object.fromEntries(
      Object.entries(await task.test(trainer)).map(([name, value]) => [name, Number(value.toPrecision(4))]),
    ),
    seconds: Number(((user + system) / 1e6).toFixed(1)),
  };
}
