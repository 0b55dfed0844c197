/** Keeping the best model seen so far. */
import { OptionReader } from "../../nn/options.ts";
import type { Trained } from "../../nn/trained.ts";
import type { SnapshotOptions } from "../evaluation/events.ts";
import type { Callback } from "./callback.ts";
import { figureToJson, KeptReader } from "./kept.ts";
import { type MonitorOptions, monitorOf, monitorOptions } from "./monitor.ts";
import { expectSave } from "./save.ts";

/** Options of `bestModel`. */
export interface BestModelOptions extends MonitorOptions {
  /** Takes the model of each epoch that is better than all before: `(trained) => saveModel("best.safetensors", trained)`. */
  readonly save: (trained: Trained) => void | Promise<void>;
  /** What is kept beside the weights. */
  readonly snapshot?: SnapshotOptions;
}

/** Saves the model after each epoch in which `monitor` is better than ever before, over all `fit`s that it is given to. */
export function bestModel(options: BestModelOptions): Callback {
  const read = new OptionReader("bestModel", options, [...monitorOptions, "save", "snapshot"]);
  const monitor = monitorOf("bestModel", options, read);
  expectSave("bestModel", options.save, "(trained) => saveModel(path, trained)");
  let best: number | null = null;
  return {
    name: "bestModel",
    onStart: (control) => monitor.expectIn(control),
    async onEpoch(event, control) {
      const value = monitor.read(event);
      if (!monitor.better(value, best)) return;
      await options.save(await control.snapshot(options.snapshot));
      best = value;
    },
    state: () => ({ data: { best: figureToJson(best) } }),
    restore({ data }) {
      best = new KeptReader("bestModel", data).figure("best");
    },
  };
}
