/** The contract between programs and what runs them, and nothing else. */
/// <reference lib="esnext.disposable" preserve="true" />
import type { Pass } from "./ir/rewrite.ts";
import type { AnyNode, Graph } from "./ir/value.ts";
import type { Program } from "./plan/program.ts";
import type { Tensors } from "./tensor.ts";

/** What runs programs. One is made by a function such as `cpu()`. */
export interface Backend {
  readonly name: string;
  /** Whether this op, with these attributes, runs natively here. Composites that do not arrive decomposed; primitives must. */
  runs(node: AnyNode): boolean;
  /** Whether it runs outside of what makes the backend fast, for `describe` to say so. Absent: nothing does. */
  runsPlainly?(node: AnyNode): boolean;
  /**
   * Of a backend in another thread: asks there what `runs` has to know to lower `graph` with the passes `more`. Await it before `lower`, as `lowerFor` does.
   * Absent where `runs` always knows.
   */
  prepare?(graph: Graph, more?: readonly Pass[]): Promise<void>;
  /** Takes in the state: parameters, optimizer slots, counters. The tensors are copied. */
  open(state: Tensors): Promise<Session>;
}

/**
 * Holds the state once, for all programs that are compiled in it: what is given to `open`, and what programs write under names of their own whose sizes change
 * from run to run (`Program.held` and `holds`).
 */
export interface Session extends AsyncDisposable {
  /** What is held stays as it is, where a program needs more room for it, too. */
  compile(program: Program): Promise<Executable>;
  /** Copies of the state that was given to `open`; all of it, or what is named. What is held is read by a program that fetches it. */
  readState(names?: readonly string[]): Promise<Tensors>;
  /** Replaces the state that is named; names, types and shapes must be those of `open`. */
  writeState(state: Tensors): Promise<void>;
}

/** A compiled program of a session. */
export interface Executable {
  /**
   * Runs once. A feed's `data` holds at least the elements of its shape, of which the first count. What comes back is the caller's;
   * with `into`, results are written to the tensors given there instead of new ones (an inference or training loop then allocates nothing).
   * A second run in the same session before the first ends is a `StateError`.
   */
  run(feeds: Tensors, into?: Tensors): Promise<Tensors>;
}
