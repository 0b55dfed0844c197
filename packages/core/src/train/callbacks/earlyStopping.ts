/** Early stopping: ends training when a figure no longer gets better. */
import { isRecord, OptionReader } from "../../nn/options.ts";
import type { Tensors } from "../../tensor.ts";
import type { Callback } from "../callback.ts";
import { type MonitorOptions, monitorOf, monitorOptions } from "./monitor.ts";

export interface EarlyStoppingOptions extends MonitorOptions {
  /** Epochs without getting better before training ends. Default 0. */
  readonly patience?: number;
  /** Puts back the weights of the best epoch at the end, however training ends. Default true (in Keras false). */
  readonly restoreBestWeights?: boolean;
  /** Epochs at the start that do not count. Default 0. */
  readonly startFromEpoch?: number;
}

/** Ends training once `monitor` has not got better for `patience` epochs; then the best weights are put back. */
export function earlyStopping(options: EarlyStoppingOptions = {}): Callback {
  const allowed = [...monitorOptions, "patience", "restoreBestWeights", "startFromEpoch"];
  const read = new OptionReader("earlyStopping", { patience: 0, startFromEpoch: 0, ...options }, allowed);
  const patience = read.integer("patience", 0);
  const start = read.integer("startFromEpoch", 0);
  const restores = read.boolean("restoreBestWeights", true);
  const monitor = monitorOf("earlyStopping", options, read);
  let best: number | null = null;
  let bestEpoch = 0;
  let waited = 0;
  let weights: Tensors | undefined;
  return {
    name: "earlyStopping",
    async onEpoch(event, control) {
      const value = monitor.read(event);
      if (event.epoch <= start) return;
      if (monitor.better(value, best)) {
        best = value;
        bestEpoch = event.epoch;
        waited = 0;
        if (restores) weights = await control.readWeights();
        return;
      }
      waited += 1;
      if (waited >= patience && event.epoch < event.epochs) {
        control.stop(`${monitor.name} has not got better since epoch ${bestEpoch} (${best})`);
      }
    },
    async onEnd(_history, control) {
      if (weights) await control.writeWeights(weights);
    },
    state: () => ({ data: { best, bestEpoch, waited }, ...(weights ? { tensors: weights } : {}) }),
    restore({ data, tensors }) {
      if (!isRecord(data)) return;
      best = typeof data.best === "number" ? data.best : null;
      bestEpoch = Number(data.bestEpoch);
      waited = Number(data.waited);
      weights = tensors && Object.keys(tensors).length > 0 ? tensors : undefined;
    },
  };
}
