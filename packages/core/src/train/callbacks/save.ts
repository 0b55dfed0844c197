/** Functions that take what a callback has to save. */
import { ConfigError } from "../../errors.ts";
import { shown } from "../../nn/options.ts";

/** @throws ConfigError where `save` is no function */
export function expectSave(owner: string, save: unknown, example: string): void {
  if (typeof save !== "function")
    throw new ConfigError(`${owner}: save must be a function such as ${example}, got ${shown(save)}`);
}
