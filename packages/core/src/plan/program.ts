/** A program: a lowered graph as a list of steps over numbered values, each with its place in memory. Plain data that can be cloned; what a backend runs. */
import type { OpAttrs, OpName, StructuredName } from "../ir/ops.ts";
import type { DType, Shape } from "../ir/value.ts";

/** Where an arena backend keeps a value. Backends with their own memory ignore it. */
export type Storage =
  /** Byte offset in the arena, a multiple of 64; or in what the program keeps from run to run, which no other program writes to. */
  | { readonly kind: "arena" | "kept"; readonly offset: number }
  | { readonly kind: "state" | "held"; readonly name: string };

/** A value of a program, and its place in memory. */
export interface ProgramValue {
  readonly dtype: DType;
  readonly shape: Shape;
  /** Elements at full capacity. Elements of the actual size are stored densely. */
  readonly capacity: number;
  readonly storage: Storage;
  /** One element that stands for all: a broadcast scalar that only elementwise ops read. Its storage holds that one element. */
  readonly uniform: boolean;
}

/** The steps of a structured op's body. Its values stand in the program's table. */
export interface Block {
  readonly parameters: readonly number[];
  readonly results: readonly number[];
  readonly steps: readonly AnyStep[];
}

/** The attributes of the op; the body of a structured op is the step's block. */
export type StepAttrs = {
  readonly [O in OpName]: O extends StructuredName ? Omit<OpAttrs[O], "body"> : OpAttrs[O];
};

/** One application of an op in a program. */
export interface Step<O extends OpName = OpName> {
  readonly op: O;
  readonly attrs: StepAttrs[O];
  /** Numbers of values. */
  readonly inputs: readonly number[];
  /** Numbers of values; -1 where nothing reads the output, which then need not be computed. */
  readonly outputs: readonly number[];
  /** The output shares the storage of the input (`reshape`, a uniform `broadcast`): nothing to do for an arena backend. */
  readonly alias: boolean;
  /** The values that nothing reads after this step, for backends that free as they go. State and what is kept are never among them. */
  readonly releases: readonly number[];
  readonly block?: Block;
}

/** A step of any op. */
export type AnyStep = { readonly [O in OpName]: Step<O> }[OpName];

/** A value of a program, by its number, under a name. */
export interface NamedValue {
  readonly name: string;
  readonly value: number;
}

/** A graph as a list of steps, with every value placed in memory. */
export interface Program {
  /** The named sizes and how large each may become. */
  readonly capacities: Readonly<Record<string, number>>;
  readonly values: readonly ProgramValue[];
  readonly feeds: readonly NamedValue[];
  readonly states: readonly NamedValue[];
  /** State with named sizes that is read: what a program of the session has written last. These sizes are bound by it where no feed tells them. */
  readonly held: readonly NamedValue[];
  readonly steps: readonly AnyStep[];
  /**
   * So many steps, the first ones, depend on the state alone; what later steps read of them is kept. They need to run only where the state was written
   * since the last run. To run them each time gives the same results.
   */
  readonly prepared: number;
  readonly keptBytes: number;
  readonly fetches: readonly NamedValue[];
  /** Run after all others, where the guard does not hold them up: they write the state themselves, each element over the one that it is made from. */
  readonly commits: readonly AnyStep[];
  /** Written to the state after that, all of them or, where the guard is false, none. */
  readonly updates: readonly NamedValue[];
  /** Written in the same way, and held at its actual size until it is written again. */
  readonly holds: readonly NamedValue[];
  readonly guard?: number;
  /** Bytes of all values that lie in the arena, at full capacity: what a backend needs beside the state and its own scratch. */
  readonly arenaBytes: number;
  /** Composites that arrive decomposed, for `describe`. */
  readonly decomposed: readonly OpName[];
  /** What runs outside of what makes the backend fast, for `describe`. */
  readonly plain: readonly OpName[];
}
