/** Early stopping: ends training when a figure no longer gets better. */
import { ModelFileError } from "../../errors.ts";
import { OptionReader } from "../../nn/options.ts";
import type { Tensors } from "../../tensor.ts";
import type { Callback } from "./callback.ts";
import { figureToJson, KeptReader } from "./kept.ts";
import { type MonitorOptions, monitorOf, monitorOptions } from "./monitor.ts";

/** Options of `earlyStopping`. */
export interface EarlyStoppingOptions extends MonitorOptions {
  /** Epochs without getting better before training ends. Default 0. */
  readonly patience?: number;
  /** Puts back the weights of the best epoch at the end, however training ends. Default true (in Keras false). */
  readonly restoreBestWeights?: boolean;
  /** Epochs at the start that do not count. Default 0. */
  readonly startFromEpoch?: number;
}

/** Ends training once `monitor` has not got better for `patience` epochs, as Keras's EarlyStopping; then the best weights are put back. Each `fit` begins anew. */
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
  let restored = false;
  return {
    name: "earlyStopping",
    async onStart(control) {
      monitor.expectIn(control);
      if (!restored) {
        best = null;
        bestEpoch = 0;
        waited = 0;
        weights = undefined;
      }
      restored = false;
      if (weights) expectAlike(weights, await control.readWeights());
    },
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
      if (waited < patience || event.epoch === 1) return;
      const since =
        best === null ? "never had a value to go by" : `has not got better since epoch ${bestEpoch} (${best})`;
      control.stop(`${monitor.name} ${since}`);
    },
    async onEnd(_history, control) {
      if (weights) await control.writeWeights(weights);
    },
    state: () => ({ data: { best: figureToJson(best), bestEpoch, waited }, ...(weights ? { tensors: weights } : {}) }),
    restore({ data, tensors }) {
      const kept = new KeptReader("earlyStopping", data);
      best = kept.figure("best");
      bestEpoch = kept.count("bestEpoch");
      waited = kept.count("waited");
      weights = tensors && Object.keys(tensors).length > 0 ? tensors : undefined;
      restored = true;
    },
  };
}

/** @throws ModelFileError where weights from a checkpoint are not those of the model */
function expectAlike(weights: Tensors, model: Tensors): void {
  const form = (tensors: Tensors) =>
    JSON.stringify(
      Object.entries(tensors)
        .map(([name, { shape }]) => [name, shape])
        .sort(),
    );
  if (form(weights) !== form(model))
    throw new ModelFileError("the checkpoint is damaged: the best weights of earlyStopping are not those of the model");
}
