/** Errors on their way between threads: the same class, message and cause on the other side. */
import * as ours from "../errors.ts";

export interface Failure {
  /** Of an `Error`: the name of its class. */
  readonly name?: string;
  readonly message: string;
  readonly stack?: string;
  readonly cause?: Failure;
}

/** Causes of causes that are told. */
const DEPTH = 8;

const classes: Readonly<Record<string, new (message: string, options?: { cause: unknown }) => Error>> = {
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
  ...ours,
};

export function failureOf(error: unknown, depth = DEPTH): Failure {
  if (!(error instanceof Error)) return { message: String(error) };
  const { name, message, stack, cause } = error;
  return {
    name,
    message,
    ...(stack === undefined ? {} : { stack }),
    ...(cause === undefined || depth === 0 ? {} : { cause: failureOf(cause, depth - 1) }),
  };
}

/** The error again; what was thrown without being one is an `Error` with its text. */
export function errorOf({ name = "Error", message, stack, cause }: Failure): Error {
  const known = Object.hasOwn(classes, name) ? classes[name] : undefined;
  const options = cause === undefined ? undefined : { cause: errorOf(cause) };
  const error = new (known ?? Error)(message, options);
  if (error.name !== name) Object.defineProperty(error, "name", { value: name, configurable: true, writable: true });
  if (stack !== undefined) error.stack = stack;
  return error;
}
