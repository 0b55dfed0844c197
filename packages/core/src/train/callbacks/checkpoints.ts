/** Saving checkpoints while training runs. */

import type { Checkpoint } from "../../checkpoint/checkpoint.ts";
import { OptionReader } from "../../nn/options.ts";
import type { Callback } from "./callback.ts";
import { expectSave } from "./save.ts";

/** Options of `checkpoints`. */
export interface CheckpointsOptions {
  /** Takes each checkpoint; training goes on when it is done. `saveCheckpoint(path, checkpoint)` of `@ostinato/core/node` writes files. */
  readonly save: (checkpoint: Checkpoint) => void | Promise<void>;
  /** Steps between two checkpoints, counted over epochs. Default 200. */
  readonly everySteps?: number;
}

/** Saves a checkpoint every so many steps and at the end of each epoch, after all other callbacks. */
export function checkpoints(options: CheckpointsOptions): Callback {
  const read = new OptionReader("checkpoints", { everySteps: 200, ...options }, ["save", "everySteps"]);
  const every = read.integer("everySteps", 1);
  expectSave("checkpoints", options.save, "(checkpoint) => saveCheckpoint(path, checkpoint)");
  let since = 0;
  return {
    name: "checkpoints",
    last: true,
    async onStep(_event, control) {
      since += 1;
      if (since < every) return;
      since = 0;
      await options.save(await control.checkpoint());
    },
    async onEpoch(_event, control) {
      since = 0;
      await options.save(await control.checkpoint());
    },
  };
}
