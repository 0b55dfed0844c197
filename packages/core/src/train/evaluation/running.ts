/** Running means: the loss and the metrics of the batches seen so far. */
import type { Tensors } from "../../tensor.ts";
import { validationName } from "../objective/figures.ts";
import { figureFetch, LOSS_SUMS } from "../objective/graphs.ts";
import { type Figure, figuresOf, type TrainedOutput } from "../objective/objective.ts";

/** Figures by name: `loss`, `accuracy`, and of validation `valLoss`, `valAccuracy`; of several outputs also `toneLoss`, `toneAccuracy`. */
export type Logs = Readonly<Record<string, number>>;

/** The fetches that are folded: the sums of the losses, then those of each metric. */
export const summedFetches = (outputs: readonly TrainedOutput[]): readonly string[] => [
  LOSS_SUMS,
  ...figuresOf(outputs).map(figureFetch),
];

/** Folds the sums of batches; in double precision, so that the order of many batches does not show. */
export class Running {
  readonly #outputs: readonly TrainedOutput[];
  readonly #figures: readonly Figure[];
  readonly #fetches: readonly string[];
  #sums: (Float64Array | undefined)[] = [];

  constructor(outputs: readonly TrainedOutput[]) {
    this.#outputs = outputs;
    this.#figures = figuresOf(outputs);
    this.#fetches = summedFetches(outputs);
  }

  reset(): void {
    for (const sums of this.#sums) sums?.fill(0);
  }

  add(results: Tensors): void {
    for (let i = 0; i < this.#fetches.length; i++) {
      const data = results[this.#fetches[i] as string]?.data ?? [];
      const sums = this.#sums[i] ?? new Float64Array(data.length);
      this.#sums[i] = sums;
      fold(sums, data);
    }
  }

  /** The sums of each fetch, to go on from later. */
  sums(): number[][] {
    return this.#fetches.map((_, i) => [...(this.#sums[i] ?? [])]);
  }

  /** Takes back what `sums` gave. */
  restore(kept: readonly (readonly number[])[]): void {
    this.#sums = kept.map((sums) => (sums.length > 0 ? Float64Array.from(sums) : undefined));
  }

  /** The figures so far. A loss without a valid step is 0. */
  logs(): Logs {
    const [losses = new Float64Array(0), ...metrics] = this.#sums;
    const logs: Record<string, number> = { loss: 0 };
    let loss = 0;
    // After the outputs comes what regularizers add, where there are any.
    for (let i = 0; 2 * i < losses.length; i++) {
      const count = losses[2 * i + 1] as number;
      const mean = count > 0 ? (losses[2 * i] as number) / count : 0;
      const { lossWeight = 1, lossName } = this.#outputs[i] ?? {};
      loss += lossWeight * mean;
      if (lossName !== undefined) logs[lossName] = mean;
    }
    logs.loss = loss;
    this.#figures.forEach(({ name, metric }, i) => {
      logs[name] = metric.result(metrics[i] ?? new Float64Array(2));
    });
    return logs;
  }
}

function fold(into: Float64Array, data: ArrayLike<number>): void {
  for (let i = 0; i < data.length; i++) into[i] = (into[i] as number) + (data[i] as number);
}

/** The figures of validation, under their own names. */
export function validationLogs(logs: Logs): Logs {
  return Object.fromEntries(Object.entries(logs).map(([name, value]) => [validationName(name), value]));
}
