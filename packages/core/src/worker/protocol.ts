/** The messages between a caller and the backend in its worker: numbered calls, with one answer to each. They are plain data. */
import type { CompositeName, OpAttrs } from "../ir/ops.ts";
import type { ValueType } from "../ir/value.ts";
import type { Program } from "../plan/program.ts";
import type { Tensor, Tensors } from "../tensor.ts";
import type { Failure } from "./failure.ts";

/** Both ends must have the same number: the worker's file may be an older one, from a cache. */
export const PROTOCOL = 3;

/** Asks whether a composite with these attributes and types of inputs runs natively. */
export interface Question {
  readonly op: CompositeName;
  readonly attrs: OpAttrs[CompositeName];
  readonly inputs: readonly ValueType[];
}

/** A tensor that a result is written to. Its data stays with the caller. */
export interface Place {
  readonly dtype: Tensor["dtype"];
  readonly shape: readonly number[];
  /** How many of the shape's elements there is room for: all, unless the caller is wrong. */
  readonly length: number;
}

/** Each call: what is given, and what is answered. Sessions and executables are named by numbers. */
export interface Calls {
  /** Answered at once. `lock`: a lock of the browser that the worker holds for as long as it lives. */
  hello: { given: Record<never, never>; answer: { readonly protocol: number; readonly lock?: string } };
  /** Answered when the backend is there. */
  start: { given: Record<never, never>; answer: { readonly name: string } };
  runs: { given: { readonly questions: readonly Question[] }; answer: readonly boolean[] };
  open: { given: { readonly state: Tensors }; answer: number };
  compile: { given: { readonly session: number; readonly program: Program }; answer: number };
  run: {
    given: {
      readonly session: number;
      readonly executable: number;
      readonly feeds: Tensors;
      readonly into?: Readonly<Record<string, Place>>;
    };
    answer: Tensors;
  };
  readState: { given: { readonly session: number; readonly names?: readonly string[] }; answer: Tensors };
  writeState: { given: { readonly session: number; readonly state: Tensors }; answer: null };
  close: { given: { readonly session: number }; answer: null };
}

export type CallName = keyof Calls;

/** A call under way. */
export type Request<C extends CallName = CallName> = {
  readonly [Name in C]: { readonly id: number; readonly call: Name; readonly given: Calls[Name]["given"] };
}[C];

export type Answer =
  | { readonly id: number; readonly value: Calls[CallName]["answer"] }
  | { readonly id: number; readonly failure: Failure };

function hasId(message: unknown): message is { readonly id: number } {
  return typeof message === "object" && message !== null && "id" in message && Number.isInteger(message.id);
}

export function isRequest(message: unknown): message is Request {
  return hasId(message) && "call" in message && "given" in message;
}

export function isAnswer(message: unknown): message is Answer {
  return hasId(message) && ("value" in message || "failure" in message);
}
