/** Finding where a number stopped being finite: the step is computed again, and every layer's values and gradients are counted. */
import { NonFiniteError } from "../../errors.ts";
import { add, cast, finite, sub } from "../../ir/build/elementwise.ts";
import { sum } from "../../ir/build/reduce.ts";
import type { Value } from "../../ir/ops.ts";
import type { Graph } from "../../ir/value.ts";
import { layerOfCall } from "../../nn/spec.ts";
import type { Tensors } from "../../tensor.ts";
import { capacitiesOf } from "../data/batchRoom.ts";
import type { Dataset } from "../data/dataset.ts";
import { trainingStep, type Weighings } from "../objective/graphs.ts";
import { programName, type TrainerContext } from "../session/context.ts";

/** How many elements of a value are not finite. */
function countNonFinite(x: Value): Value {
  return sum(sub(1, cast(finite(x), "int32")));
}

/**
 * The counts for each parameter, each result of a layer, the loss, each gradient, and all that the optimizer leaves, in the order in which a step
 * computes them.
 */
function probeGraph({ spec, objective, outputs, optimizer, seed }: TrainerContext, weighing: Weighings): Graph {
  const { built, loss, losses, parameters, trained, updates } = trainingStep(
    spec,
    objective,
    optimizer,
    seed,
    weighing,
  );
  const fetches: Record<string, Value> = {};
  for (const { name, owner, value } of parameters) fetches[`the weights ${name} of ${owner}`] = countNonFinite(value);
  built.calls.forEach((flows, i) => {
    const layer = layerOfCall(spec, i);
    for (const { values } of flows) {
      if (values.type.dtype !== "float32") continue;
      const place = `the output of ${layer}`;
      // A layer may have several outputs, and be applied several times.
      const before = fetches[place];
      fetches[place] = before ? add(before, countNonFinite(values)) : countNonFinite(values);
    }
  });
  outputs.forEach(({ maker, lossName }, i) => {
    const name = lossName === undefined ? "the loss" : `the loss ${lossName}`;
    fetches[`${name} after ${maker}`] = countNonFinite(losses[i] as Value);
  });
  fetches["the sum of the losses and of what regularizers add"] = countNonFinite(loss);
  // The gradient of the last layer is computed first.
  for (const { name, owner, gradient } of trained.toReversed())
    fetches[`the gradient of ${name} of ${owner}`] = countNonFinite(gradient);
  const places = new Map(trained.map(({ name, owner }) => [name, `the new weights ${name} of ${owner}`]));
  for (const { name, value } of updates) {
    if (value.type.dtype !== "float32") continue;
    const place = places.get(name) ?? `what the optimizer keeps as ${name}`;
    fetches[place] = countNonFinite(value);
  }
  return { fetches, updates: [] };
}

/** The error for a step that was not applied: it names the first place where a number is not finite. The state is that from before the step. */
export async function explainNonFinite(
  context: TrainerContext,
  dataset: Dataset,
  feeds: Tensors,
  { epoch, step }: { readonly epoch: number; readonly step: number },
): Promise<NonFiniteError> {
  const [first] = dataset.fed;
  const batch = feeds[first?.feed as string]?.shape[0] ?? 1;
  const { executable } = await context.programs.get(
    programName("probe", dataset),
    () => probeGraph(context, dataset.weighing),
    capacitiesOf(dataset, batch),
  );
  const counts = await executable.run(feeds);
  const place = Object.keys(counts).find((name) => counts[name]?.data[0] !== 0);
  const count = place === undefined ? 0 : (counts[place]?.data[0] as number);
  const where =
    place === undefined
      ? "the new weights are too large for float32"
      : `in ${place}, ${count} ${count === 1 ? "value is" : "values are"} not finite`;
  return new NonFiniteError(
    `epoch ${epoch}, step ${step}: ${where}. The step was not applied: the weights are those from before it. A smaller learning rate, or clipping, is the usual way out`,
  );
}
