/** Errors on their way between threads: the same class, message, fields and cause on the other side. */
import * as ours from "../errors.ts";
import { classOf } from "../tensor.ts";
import { messageOf } from "../thrown.ts";

type Field = string | number | boolean;

export interface Failure {
  readonly message: string;
  readonly stack?: string;
  readonly cause?: Failure;
  /** Of an `Error`: the name of its class. */
  readonly name?: string;
  /** What an `Error` has beside these, such as a `code`, as far as it is plain. */
  readonly fields?: Readonly<Record<string, Field>>;
}

/** How many causes of causes go along. */
const DEPTH = 8;

const classes: Readonly<Record<string, { readonly prototype: Error }>> = {
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
  ...ours,
};

const isField = (entry: [string, unknown]): entry is [string, Field] =>
  ["string", "number", "boolean"].includes(typeof entry[1]);

/** An error of this realm or another. */
function isError(error: unknown): error is Error {
  return error instanceof Error || classOf(error) === "Error";
}

/** What was thrown, as plain data. Whatever it is, this does not throw: the worker would end, with all that others have in it. */
export function failureOf(error: unknown, depth = DEPTH): Failure {
  try {
    if (!isError(error)) return { message: messageOf(error) };
    const { name, stack, cause } = error;
    return {
      name: String(name),
      message: messageOf(error),
      fields: Object.fromEntries(Object.entries(error).filter(isField)),
      ...(typeof stack === "string" ? { stack } : {}),
      ...(cause === undefined || depth === 0 ? {} : { cause: failureOf(cause, depth - 1) }),
    };
  } catch {
    return { message: messageOf(error) };
  }
}

/** The error again; what was thrown without being one is an `Error` with its text. */
export function errorOf({ name = "Error", message, stack, cause, fields }: Failure): Error {
  const error = new Error(message, cause === undefined ? undefined : { cause: errorOf(cause) });
  // Constructors of our classes want different things; what they make of them is in the fields.
  if (Object.hasOwn(classes, name)) Object.setPrototypeOf(error, classes[name]?.prototype ?? null);
  Object.assign(error, fields);
  if (error.name !== name) Object.defineProperty(error, "name", { value: name, configurable: true, writable: true });
  if (stack !== undefined) error.stack = stack;
  return error;
}
