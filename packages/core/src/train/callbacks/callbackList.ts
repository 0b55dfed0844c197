/** The callbacks of one `fit`: the order of their calls, which of them have been told of a step, and what they keep. */
import type { Checkpoint } from "../../checkpoint/checkpoint.ts";
import { ConfigError, StateError } from "../../errors.ts";
import { isName, isRecord, NAME_RULE, shown } from "../../nn/options.ts";
import type { Tensor, Tensors } from "../../tensor.ts";
import type { History } from "../evaluation/events.ts";
import type { Callback, TrainingControl } from "./callback.ts";

/** What a callback is told of, for errors. */
const happenings = { onStart: "the start", onStep: "the last step", onEpoch: "the last epoch" } as const;

type Happening = keyof typeof happenings;

const methods = [...Object.keys(happenings), "onEnd", "state", "restore"];

/** A callback that failed in `onEnd`. */
export interface EndFailure {
  readonly name: string;
  readonly error: unknown;
}

export class CallbackList {
  readonly #callbacks: readonly Callback[];
  /** Those whose `onStart` has ended. */
  readonly #started: Callback[] = [];
  #happening: Happening = "onStart";
  /** Those that keep a state and have not been told of what happened last, to the end of their call. */
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
      for (const method of methods)
        if (callback[method] !== undefined && typeof callback[method] !== "function")
          throw new ConfigError(
            `${owner}: ${method} of the callback "${callback.name}" must be a function, got ${shown(callback[method])}`,
          );
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
    this.happened("onStart");
    await this.tell(async (callback) => {
      await callback.onStart?.(control);
      this.#started.push(callback);
    });
  }

  /** Training starts, or a step or an epoch has ended, and no callback has been told yet. */
  happened(happening: Happening): void {
    this.#happening = happening;
    this.#untold.clear();
    for (const callback of this.#callbacks) if (callback.state && callback[happening]) this.#untold.add(callback);
  }

  /**
   * Calls one after another. Where one fails, its error is thrown. The rest are then not told of a start or a step; they are told of an epoch,
   * except those with `last`: what is saved of an epoch does not depend on what else fails in it.
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
        if (this.#happening !== "onEpoch") break;
      }
    }
    this.#current = undefined;
    if (failure) throw failure.error;
  }

  /**
   * @param byCallback the callback that is running asks, by its control, and knows what it keeps
   * @throws StateError where a callback has not been told of what happened last, to its end
   */
  expectTold(byCallback: boolean): void {
    for (const callback of this.#untold) {
      if (byCallback && callback === this.#current) continue;
      throw new StateError(
        `${callback.name} has not been told of ${happenings[this.#happening]} yet, so that training could not be resumed exactly; call control.checkpoint() in a callback with last: true, or trainer.checkpoint() when fit has ended`,
      );
    }
  }

  /** `onEnd` of all that were started, even where some of them fail. */
  async end(history: History, control: TrainingControl): Promise<EndFailure[]> {
    const failures: EndFailure[] = [];
    for (const callback of this.#started) {
      try {
        await callback.onEnd?.(history, control);
      } catch (error) {
        failures.push({ name: callback.name, error });
      }
    }
    return failures;
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
