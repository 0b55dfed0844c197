/** Keeping the best model seen so far. */
import { isRecord, OptionReader } from "../../nn/options.ts";
import type { Trained } from "../../nn/trained.ts";
import type { Callback } from "../callback.ts";
import type { SnapshotOptions } from "../events.ts";
import { type MonitorOptions, monitorOf, monitorOptions } from "./monitor.ts";

export interface BestModelOptions extends MonitorOptions {
  /** Takes the model of each epoch that is better than all before: `(trained) => saveModel("best.safetensors", trained)`. */
  readonly save: (trained: Trained) => void | Promise<void>;
  /** What is kept beside the weights. */
  readonly snapshot?: SnapshotOptions;
}

/** Saves the model after each epoch in which `monitor` is better than ever before. */
export function bestModel(options: BestModelOptions): Callback {
  const read = new OptionReader("bestModel", options, [...monitorOptions, "save", "snapshot"]);
  const monitor = monitorOf("bestModel", options, read);
  let best: number | null = null;
  return {
    name: "bestModel",
    async onEpoch(event, control) {
      const value = monitor.read(event);
      if (!monitor.better(value, best)) return;
      await options.save(await control.snapshot(options.snapshot));
      best = value;
    },
    state: () => ({ data: { best } }),
    restore({ data }) {
      best = isRecord(data) && typeof data.best === "number" ? data.best : null;
    },
  };
}
