/** Lowering the learning rate when a figure no longer gets better. */
import { OptionReader } from "../../nn/options.ts";
import type { Callback } from "./callback.ts";
import { figureToJson, KeptReader } from "./kept.ts";
import { type MonitorOptions, monitorOf, monitorOptions } from "./monitor.ts";

/** Options of `reduceLearningRateOnPlateau`. */
export interface ReduceOnPlateauOptions extends MonitorOptions {
  /** The rate is multiplied by this. Default 0.1. */
  readonly factor?: number;
  /** Epochs without getting better before the rate is lowered. Default 10. */
  readonly patience?: number;
  /** Epochs after lowering in which nothing is counted. Default 0. */
  readonly cooldown?: number;
  /** The rate is not lowered below this. Default 0. */
  readonly minLearningRate?: number;
}

/** Keras's ReduceLROnPlateau, `minDelta` 1e-4 by default. It changes a constant learning rate, and goes with no schedule. Each `fit` begins anew, with the rate that there is. */
export function reduceLearningRateOnPlateau(options: ReduceOnPlateauOptions = {}): Callback {
  const allowed = [...monitorOptions, "factor", "patience", "cooldown", "minLearningRate"];
  const read = new OptionReader("reduceLearningRateOnPlateau", { patience: 10, cooldown: 0, ...options }, allowed);
  const factor = read.number("factor", 0.1, 0, 1);
  const patience = read.integer("patience", 0);
  const cooldown = read.integer("cooldown", 0);
  const minimum = read.number("minLearningRate", 0, 0);
  const monitor = monitorOf("reduceLearningRateOnPlateau", options, read, 1e-4);
  let best: number | null = null;
  let waited = 0;
  let cooling = 0;
  let restored = false;
  return {
    name: "reduceLearningRateOnPlateau",
    onStart(control) {
      monitor.expectIn(control);
      if (!restored) {
        best = null;
        waited = 0;
        cooling = 0;
      }
      restored = false;
      // Said before the first epoch where the rate follows a schedule.
      const { learningRate } = control;
      control.learningRate = learningRate;
    },
    onEpoch(event, control) {
      const value = monitor.read(event);
      if (cooling > 0) {
        cooling -= 1;
        waited = 0;
      }
      if (monitor.better(value, best)) {
        best = value;
        waited = 0;
        return;
      }
      if (cooling > 0) return;
      waited += 1;
      if (waited < patience || control.learningRate <= minimum) return;
      control.learningRate = Math.max(control.learningRate * factor, minimum);
      cooling = cooldown;
      waited = 0;
    },
    state: () => ({ data: { best: figureToJson(best), waited, cooling } }),
    restore({ data }) {
      const kept = new KeptReader("reduceLearningRateOnPlateau", data);
      best = kept.figure("best");
      waited = kept.count("waited");
      cooling = kept.count("cooling");
      restored = true;
    },
  };
}
