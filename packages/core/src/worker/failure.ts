/** Errors sent between threads: they keep their class, message, fields and cause. */
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
  /** Further properties of an `Error` that are plain, such as a `code`. */
  readonly fields?: Readonly<Record<string, Field>>;
}

/** How many causes of causes are sent. */
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

/** What was thrown, as plain data. It never throws, because an error here would end the worker and all its sessions. */
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
