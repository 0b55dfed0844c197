/** Abort signals, as far as training and passes over data look at them. */
import { StateError } from "../errors.ts";

/** What of an `AbortSignal` is used. */
export interface Signal {
  readonly aborted: boolean;
  readonly reason?: unknown;
}

/** Throws the signal's reason once it is aborted. */
export function expectWanted(signal: Signal | undefined): void {
  if (signal?.aborted) throw signal.reason ?? new StateError("the signal was aborted");
}
