/** The abort signals that training, evaluation and prediction look at. */
import { ConfigError, StateError } from "../../errors.ts";
import { isRecord, shown } from "../../nn/options.ts";

/** The part of an `AbortSignal` that is used. */
export interface Signal {
  readonly aborted: boolean;
  readonly reason?: unknown;
}

/** @throws ConfigError that begins with `owner` where it is no signal: a controller would never stop anything */
export function checkSignal(owner: string, signal: unknown): void {
  if (signal === undefined || (isRecord(signal) && typeof signal.aborted === "boolean")) return;
  throw new ConfigError(
    `${owner}: signal must be an AbortSignal, such as the signal of new AbortController(), got ${shown(signal)}`,
  );
}

/** Throws the signal's reason once it is aborted. */
export function expectWanted(signal: Signal | undefined): void {
  if (signal?.aborted) throw signal.reason ?? new StateError("the signal was aborted");
}
