/** States that go on, in the graph of a model: fed as they were left the time before, and fetched as they are at the end of each row. */
import { ConfigError, ShapeError } from "../errors.ts";
import { select } from "../ir/build/elementwise.ts";
import { broadcast } from "../ir/build/shape.ts";
import { feed } from "../ir/build/source.ts";
import { type AnyNode, showType, type Value } from "../ir/value.ts";
import type { Carry } from "./layer.ts";
import { shown } from "./options.ts";
import type { ModelSpec } from "./spec.ts";

/** Which states go on: those of `stateful` layers, or those of every recurrence, as in a stream. */
export type Carrying = "stateful" | "always";

/** A state that goes on. */
export interface CarriedState {
  /** `states/reader/h` of a layer "reader"; of a second use of it `states/reader:1/h`. */
  readonly name: string;
  readonly size: number;
  /** The index of the call that it belongs to. */
  readonly call: number;
  /** float32 [batch, size], at the end of each row. */
  readonly after: Value;
}

/** What the names of states begin with. */
export const STATES = "states/";

/** The feed that says which rows begin anew: bool [batch]. Part of the graph where some state does not begin with zeros. No layer has a state of this name. */
export const FRESH = `${STATES}fresh`;

/** A state where a graph chooses between what it is and what it begins with. */
export interface Beginning {
  readonly name: string;
  /** What rows that begin anew have, float32 [batch, size]. */
  readonly initial: Value;
  /** The state as it was left, which is a feed. */
  readonly before: Value;
}

/** What is chosen between in a node that `begin` of a carry made, where `inputs` are what the node reads; undefined for other nodes. */
export function beginningIn({ op }: AnyNode, [fresh, initial, before]: readonly Value[]): Beginning | undefined {
  if (op !== "select") return undefined;
  const [asked, state] = [fresh?.node.inputs[0]?.node, before?.node];
  if (asked?.op !== "input" || asked.attrs.name !== FRESH || state?.op !== "input") return undefined;
  return { name: state.attrs.name, initial: initial as Value, before: before as Value };
}

/** What a state is fetched as. */
export const fetchOf = ({ name }: Pick<CarriedState, "name">): string => `${name}/next`;

/** The fetches of states. */
export const carriedFetches = (states: readonly CarriedState[]): Record<string, Value> =>
  Object.fromEntries(states.map((state) => [fetchOf(state), state.after]));

/** Collects the states of one call. */
export interface CarriedCall {
  readonly carry: Carry;
  /** @throws ConfigError for a state that has a beginning and no end */
  finish(): readonly CarriedState[];
}

/** The states of call number `call`, which errors and names call `place`. */
export function carriedCall(call: number, place: string, carrying: Carrying): CarriedCall {
  const sizes = new Map<string, number>();
  const ends = new Map<string, Value>();
  const nameOf = (state: string): string => `${STATES}${place}/${state}`;
  return {
    carry: {
      always: carrying === "always",
      begin(state, size, initial) {
        if (sizes.has(state))
          throw new ConfigError(`the state "${state}" was begun before; give each a name of its own`);
        sizes.set(state, size);
        const before = feed(nameOf(state), "float32", ["batch", size]);
        return initial
          ? select(broadcast(feed(FRESH, "bool", ["batch"]), before.type.shape, [0]), initial, before)
          : before;
      },
      end(state, value) {
        const size = sizes.get(state);
        if (size === undefined || ends.has(state))
          throw new ConfigError(`the state "${state}" must be begun before it is ended, and ended once`);
        if (showType(value.type) !== `float32[batch, ${size}]`)
          throw new ShapeError(
            `the state "${state}" must end as float32[batch, ${size}], it is ${showType(value.type)}`,
          );
        ends.set(state, value);
      },
    },
    finish() {
      return [...sizes].map(([state, size]) => {
        const after = ends.get(state);
        if (after === undefined)
          throw new ConfigError(`the state ${shown(state)} is begun and never ended; tell carry.end what it becomes`);
        return { name: nameOf(state), size, call, after };
      });
    },
  };
}

/**
 * The same model with lengths for every input over time. Where states go on, rows of a batch may end at any step, or have none, and keep their states.
 */
export function withLengths(spec: ModelSpec): ModelSpec {
  return {
    ...spec,
    inputs: spec.inputs.map((input) => (input.kind === "features" ? input : { ...input, lengths: true })),
  };
}
