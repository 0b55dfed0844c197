/** Running means: the loss and the metrics of the batches seen so far. */
import type { Tensors } from "../../tensor.ts";
import { validationName } from "../objective/figures.ts";
import { LOSS_SUMS, metricFetch, metricsOf, type Objective } from "../objective/graphs.ts";
import type { Metric } from "../objective/metrics.ts";

/** Figures by name: `loss`, `accuracy`, and of validation `valLoss`, `valAccuracy`. */
export type Logs = Readonly<Record<string, number>>;

/** Folds the sums of batches; in double precision, so that the order of many batches does not show. */
export class Running {
  readonly #metrics: readonly Metric[];
  #loss = new Float64Array(2);
  #sums: (Float64Array | undefined)[] = [];

  constructor(objective: Objective) {
    this.#metrics = metricsOf(objective);
  }

  reset(): void {
    this.#loss.fill(0);
    for (const sums of this.#sums) sums?.fill(0);
  }

  add(results: Tensors): void {
    fold(this.#loss, results[LOSS_SUMS]?.data ?? []);
    this.#metrics.forEach((metric, i) => {
      const data = results[metricFetch(metric)]?.data ?? [];
      const sums = this.#sums[i] ?? new Float64Array(data.length);
      this.#sums[i] = sums;
      fold(sums, data);
    });
  }

  /** The sums, to go on from later: of the loss, then of each metric. */
  sums(): number[][] {
    return [[...this.#loss], ...this.#metrics.map((_, i) => [...(this.#sums[i] ?? [])])];
  }

  /** Takes back what `sums` gave. */
  restore([loss = [], ...metrics]: readonly (readonly number[])[]): void {
    this.#loss = Float64Array.from({ length: 2 }, (_, i) => loss[i] ?? 0);
    this.#sums = metrics.map((sums) => (sums.length > 0 ? Float64Array.from(sums) : undefined));
  }

  /** The figures so far. A loss without a valid step is 0. */
  logs(): Logs {
    const [total = 0, count = 0] = this.#loss;
    const metrics = this.#metrics.map((metric, i) => [
      metric.name,
      metric.result(this.#sums[i] ?? new Float64Array(2)),
    ]);
    return { loss: count > 0 ? total / count : 0, ...Object.fromEntries(metrics) };
  }
}

function fold(into: Float64Array, data: ArrayLike<number>): void {
  for (let i = 0; i < data.length; i++) into[i] = (into[i] as number) + (data[i] as number);
}

/** The figures of validation, under their own names. */
export function validationLogs(logs: Logs): Logs {
  return Object.fromEntries(Object.entries(logs).map(([name, value]) => [validationName(name), value]));
}
