/** Finding where a number stopped being finite: the step is computed again, and every layer's values and gradients are counted. */
import { gradients } from "../autodiff/gradients.ts";
import { NonFiniteError } from "../errors.ts";
import { cast, finite, sub } from "../ir/build/elementwise.ts";
import { sum } from "../ir/build/reduce.ts";
import { constant, state } from "../ir/build/source.ts";
import type { Value } from "../ir/ops.ts";
import type { Graph } from "../ir/value.ts";
import { buildModel } from "../nn/build.ts";
import type { ModelSpec } from "../nn/spec.ts";
import type { Tensors } from "../tensor.ts";
import type { TrainerContext } from "./context.ts";
import type { Dataset } from "./dataset.ts";
import { lossOf, STEP } from "./graphs.ts";

/** How many elements of a value are not finite. */
function countNonFinite(x: Value): Value {
  return sum(sub(1, cast(finite(x), "int32")));
}

const layerOf = (spec: ModelSpec, index: number): string => {
  const { kind, name } = spec.layers[index] as ModelSpec["layers"][number];
  return `${kind} "${name}"`;
};

/** The counts for each parameter, each result of a layer, the loss, and each gradient, in the order in which a step computes them. */
function probeGraph({ spec, objective, seed }: TrainerContext, weighted: boolean): Graph {
  const built = buildModel(spec, { seed, step: state(STEP, "int32", []) });
  const { loss } = lossOf(built, objective, weighted);
  const grads = gradients([{ value: loss, cotangent: constant(1) }], built.weights);
  const fetches: Record<string, Value> = {};
  built.weights.forEach((weight, i) => {
    fetches[`the weights ${built.parameters[i]?.name}`] = countNonFinite(weight);
  });
  built.calls.forEach((flows, i) => {
    const layer = layerOf(spec, spec.calls[i]?.layer as number);
    for (const flow of flows)
      if (flow.values.type.dtype === "float32") fetches[`the output of ${layer}`] = countNonFinite(flow.values);
  });
  fetches["the loss"] = countNonFinite(loss);
  // The gradient of the last layer is computed first.
  built.parameters
    .map(({ name }, i) => ({ name, i }))
    .reverse()
    .forEach(({ name, i }) => {
      fetches[`the gradient of ${name}, of ${layerOf(spec, built.owners[i] as number)},`] = countNonFinite(
        grads[i] as Value,
      );
    });
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
  const { executable } = await context.programs.get("probe", () => probeGraph(context, dataset.weighted), {
    batch,
    ...dataset.longest,
  });
  const counts = await executable.run(feeds);
  const place = Object.keys(counts).find((name) => counts[name]?.data[0] !== 0);
  const where =
    place === undefined
      ? "the new weights would not be finite"
      : `${place} has ${counts[place]?.data[0]} values that are not finite`;
  return new NonFiniteError(
    `epoch ${epoch}, step ${step}: ${where}. The step was not applied: the weights are those from before it. A smaller learning rate, or clipping, is the usual way out`,
  );
}
