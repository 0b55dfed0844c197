/** Loss and gradients of a training step, and the gradients against central differences of a naive loss. */
import { evaluate } from "@ostinato/conformance";
import { float64, type Loss, sgd, type Tensor, type Tensors, trainingGraph } from "@ostinato/core";
import { expect } from "vitest";
import { type KerasTrial, plainRate, plainState } from "./trial.ts";

/** What one step of training tells. */
export interface Trained {
  readonly loss: number;
  readonly gradients: Readonly<Record<string, Tensor>>;
}

/** Loss and gradients by one step of w - g. */
export function trainedBy(trial: Pick<KerasTrial, "model" | "weights">, loss: Loss, feeds: Tensors): Trained {
  const weighted = "output/sampleWeights" in feeds;
  const graph = trainingGraph(
    trial.model.spec,
    { loss, metrics: [] },
    sgd({ learningRate: 1 }),
    0,
    weighted ? "rows" : "none",
  );
  const { fetches, state } = evaluate(graph, { ...feeds, ...plainRate }, plainState(trial.weights));
  expect(fetches.applied.data[0]).toBe(1);
  const gradients = Object.entries(trial.weights).map(([name, { shape, data }]) => [
    name,
    float64(
      shape,
      Array.from(data, (value, i) => value - state[name].data[i]),
    ),
  ]);
  return { loss: fetches.loss.data[0], gradients: Object.fromEntries(gradients) };
}

/** Every gradient against central differences of the naive loss: a definition that shares nothing with the graph. */
export function expectGradients(
  trial: Pick<KerasTrial, "weights">,
  { gradients }: Trained,
  lossOf: (weights: Tensors) => number,
  label: string,
) {
  const epsilon = 1e-6;
  for (const [name, { data }] of Object.entries(trial.weights)) {
    for (let i = 0; i < data.length; i++) {
      const kept = data[i];
      data[i] = kept + epsilon;
      const above = lossOf(trial.weights);
      data[i] = kept - epsilon;
      const below = lossOf(trial.weights);
      data[i] = kept;
      const difference = (above - below) / (2 * epsilon);
      const gradient = gradients[name].data[i];
      if (!(Math.abs(gradient - difference) <= 1e-5 + 1e-3 * Math.abs(difference)))
        expect.fail(`${label}: the gradient of ${name}[${i}] is ${gradient}, the central difference ${difference}`);
    }
  }
}
