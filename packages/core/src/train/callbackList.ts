/** The callbacks of one `fit`: in which order they are called, who has yet to be called, and what they keep. */
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { ConfigError, StateError } from "../errors.ts";
import { isName, isRecord, messageOf, NAME_RULE, shown } from "../nn/options.ts";
import type { Tensor, Tensors } from "../tensor.ts";
import type { Callback, TrainingControl } from "./callback.ts";
import type { History } from "./events.ts";

type Happening = "onStep" | "onEpoch";

export class CallbackList {
  readonly #callbacks: readonly Callback[];
  /** Those whose `onStart` has ended. */
  readonly #started: Callback[] = [];
  #happening: Happening = "onStep";
  /** Those that keep a state and have not been told of what happened last. */
  readonly #untold = new Set<Callback>();
  #current: Callback | undefined;

  /** @throws ConfigError that begins with `owner` where they are no callbacks, or two have one name */
  constructor(owner: string, callbacks: readonly Callback[]) {
    if (!Array.isArray(callbacks)) throw new ConfigError(`${owner}: callbacks must be a list, got ${shown(callbacks)}`);
    for (const callback of callbacks as readonly unknown[]) {
      if (!isRecord(callback))
        throw new ConfigError(
          `${owner}: each callback is an object such as earlyStopping() makes, got ${shown(callback)}`,
        );
      if (!isName(callback.name))
        throw new ConfigError(`${owner}: a callback needs a name of ${NAME_RULE}, got ${shown(callback.name)}`);
    }
    const twice = callbacks.find(({ name }, i) => callbacks.findIndex((other) => other.name === name) !== i);
    if (twice)
      throw new ConfigError(`${owner}: two callbacks are called "${twice.name}"; give one of them another name`);
    this.#callbacks = [...callbacks.filter(({ last }) => !last), ...callbacks.filter(({ last }) => last)];
  }

  /** In the order in which they are called. */
  get names(): string[] {
    return this.#callbacks.map(({ name }) => name);
  }

  /** Those that must find their state in a checkpoint. */
  get keepers(): readonly Callback[] {
    return this.#callbacks.filter(({ state }) => state);
  }

  listens(happening: Happening): boolean {
    return this.#callbacks.some((callback) => callback[happening]);
  }

  async start(control: TrainingControl): Promise<void> {
    for (const callback of this.#callbacks) {
      await callback.onStart?.(control);
      this.#started.push(callback);
    }
  }

  /** A step or an epoch has ended, of which nobody has been told yet. */
  happened(happening: Happening): void {
    this.#happening = happening;
    this.#untold.clear();
    for (const callback of this.#callbacks) if (callback.state && callback[happening]) this.#untold.add(callback);
  }

  /**
   * Calls one after another. Where one fails, its error is thrown, and of a step the rest are not told; of an epoch they are, but for those that
   * come `last`: what is saved of an epoch does not depend on what else fails in it.
   */
  async tell(tell: (callback: Callback) => void | Promise<void> | undefined): Promise<void> {
    let failure: { readonly error: unknown } | undefined;
    for (const callback of this.#callbacks) {
      if (failure && callback.last) break;
      this.#current = callback;
      try {
        await tell(callback);
        this.#untold.delete(callback);
      } catch (error) {
        failure ??= { error };
        if (this.#happening === "onStep") break;
      }
    }
    this.#current = undefined;
    if (failure) throw failure.error;
  }

  /** @throws StateError where a callback other than the one that is called right now has not been told of what happened last */
  expectTold(): void {
    for (const callback of this.#untold) {
      if (callback === this.#current) continue;
      throw new StateError(
        `${callback.name} has not been told of the last ${this.#happening === "onStep" ? "step" : "epoch"} yet, and would not go on exactly; take checkpoints in a callback with last: true, or when fit has ended`,
      );
    }
  }

  /** `onEnd` of all that were started. */
  async end(history: History, control: TrainingControl): Promise<void> {
    for (const callback of this.#started) await callback.onEnd?.(history, control);
  }

  /** `onEnd` of all that were started, after a failure that hides theirs: these are only passed to `report`. */
  async endAfterFailure(history: History, control: TrainingControl, report: (message: string) => void): Promise<void> {
    for (const callback of this.#started) {
      try {
        await callback.onEnd?.(history, control);
      } catch (error) {
        report(`${callback.name} failed at the end of training: ${messageOf(error)}`);
      }
    }
  }

  /** What they keep, as a checkpoint has it. */
  states(): Pick<Checkpoint, "callbacks" | "callbackTensors"> {
    const states = this.#callbacks.flatMap((callback) => {
      const state = callback.state?.();
      return state ? [{ name: callback.name, state }] : [];
    });
    const tensors = states.flatMap(({ name, state }) =>
      Object.entries(state.tensors ?? {}).map(([key, tensor]): [string, Tensor] => [`${name}/${key}`, tensor]),
    );
    return {
      callbacks: Object.fromEntries(states.map(({ name, state }) => [name, state.data])),
      callbackTensors: Object.fromEntries(tensors),
    };
  }

  /** Gives back what `states` gave. */
  async restore({ callbacks, callbackTensors }: Checkpoint): Promise<void> {
    for (const callback of this.#callbacks) {
      const data = Object.hasOwn(callbacks, callback.name) ? callbacks[callback.name] : undefined;
      if (data === undefined) continue;
      await callback.restore?.({ data, tensors: ownTensors(callbackTensors, callback) });
    }
  }
}

/** The tensors that a callback gave, by the names it gave them. */
function ownTensors(tensors: Tensors, callback: Callback): Tensors {
  const prefix = `${callback.name}/`;
  const own = Object.entries(tensors).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(own.map(([name, tensor]) => [name.slice(prefix.length), tensor]));
}
