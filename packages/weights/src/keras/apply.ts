/** Converts a call of a Keras layer to a call here: its arguments, its masks, and its results. */
import { type Json, ModelFileError } from "@ostinato/core";
import { damaged, type Fields, type Options, shown } from "./json.ts";
import { calledThere } from "./layers.ts";
import { comparison, type Mask, sameMask } from "./masks.ts";
import { type Node, type Reference, referencesIn } from "./nodes.ts";
import { isComputed, type Part, type Parts, type Result, type Value } from "./parts.ts";
import { snakeCase } from "./values.ts";

/** Resolves a reference. */
export type Read = (reference: Reference) => Result;

/** The results of a call by index. */
export type Results = (result: number) => Result;

const ownerOf = ({ layer: { row, name } }: Part): string => calledThere(row.className, name);

/** Options for reading calls. */
interface CallOptions {
  /** Accept layers that treat masks differently from ours. */
  readonly acceptDifferences: boolean;
  /** The file is from before Keras 3, which found masks in all calls. */
  readonly isOlder: boolean;
}

/** The arguments of a call. */
interface Arguments {
  readonly inputs: unknown;
  readonly states: unknown;
  readonly mask: unknown;
  /** `reverse=True` of a reversible embedding. */
  readonly isReverse: boolean;
}

const isNothing = (argument: unknown): boolean => argument === undefined || argument === null || argument === false;

/** @throws ModelFileError for unsupported arguments */
function argumentsOf(
  { layer: { row }, config }: Part,
  owner: string,
  { positional, named }: Node,
  isFirst: boolean,
): Arguments {
  const { inputs, sequences, sequence, initial_state: states, mask, training, ...others } = named;
  const [first = inputs ?? sequences ?? sequence, second, ...rest] = positional;
  const takesStates = row.gives === "recurrence";
  const wrong = (what: string): ModelFileError => new ModelFileError(`${owner} is called with ${what}`);
  if (!(takesStates ? rest : [second, ...rest]).every(isNothing))
    throw wrong("several positional arguments; only the first may be positional, pass the others by name");
  if (training === true) throw wrong("training=True, which is not supported");
  const isReverse = others.reverse === true && row.goesBack === true;
  setCallOptions(row.callOptions ?? [], config, others, owner, isFirst);
  const known = new Set([...(row.callOptions ?? []).map(snakeCase), ...(isReverse ? ["reverse"] : [])]);
  for (const [name, value] of Object.entries(others))
    if (!known.has(name) && !isNothing(value))
      throw wrong(`${name.slice(0, 60)}=${shown(value)}, which is not supported`);
  return { inputs: first, states: takesStates ? (states ?? second) : [], mask, isReverse };
}

/** Call arguments that are options of the layer here. @throws ModelFileError if two calls have different values */
function setCallOptions(
  options: readonly string[],
  config: Record<string, Json>,
  named: Fields,
  owner: string,
  isFirst: boolean,
): void {
  for (const option of options) {
    const value = named[snakeCase(option)] === true;
    if (!isFirst && config[option] !== value)
      throw new ModelFileError(
        `${owner} is called with and without ${snakeCase(option)}, which is an option of the layer here; use two layers`,
      );
    config[option] = value;
  }
}

/** A value as read by a layer. An input becomes ids if it is looked up, otherwise its kind follows from its shape. */
function readAs(value: Value, asIds: boolean, owner: string): Value {
  const { input } = value;
  if (input === undefined) return value;
  const kind = asIds ? "ids" : input.shape.length === 3 ? "sequence" : "features";
  if (input.kind !== undefined && input.kind !== kind)
    throw new ModelFileError(
      `${owner} reads the input "${input.name}" as ${kind}, but another layer reads it as ${input.kind}`,
    );
  input.kind = kind;
  return { ...value, kind };
}

/** The mask of a layer's output, and how the layer treats the masks of its inputs differently from ours. */
function maskAfter(
  { layer: { row }, config }: Part,
  inputs: readonly Value[],
  isReverse: boolean,
): { readonly mask?: Mask | undefined; readonly difference?: string | undefined } {
  const { masks } = row;
  const [first, second, third] = inputs as [Value, Value?, Value?];
  if (typeof masks === "object") {
    if (isReverse) return { mask: first.mask };
    if (masks.compares === "maskValue") return { mask: comparison(first.key, config.maskValue ?? 0) };
    return { mask: config.maskZero === true ? comparison(first.key, 0) : undefined };
  }
  const hasOthers = inputs.some(({ mask }) => !sameMask(mask, first.mask));
  switch (masks) {
    case "same":
      return { mask: first.mask };
    case "none":
      return {};
    case "ignored":
      return { difference: first.mask && "Keras includes masked steps, and Ostinato ignores them" };
    case "merged":
      return {
        mask: first.mask,
        difference:
          first.kind === "sequence" && hasOthers
            ? "its inputs have different masks, and Ostinato ignores an input after its end"
            : undefined,
      };
    case "first":
      return {
        mask: first.mask,
        difference:
          third?.mask && !sameMask(third.mask, second?.mask)
            ? "its key has a mask and its value has none, and Ostinato applies both"
            : undefined,
      };
  }
}

/** @throws ModelFileError for calls with masks other than those of their inputs */
function expectOwnMasks(owner: string, given: readonly Result[], inputs: readonly Value[]): void {
  given.forEach((result, i) => {
    const mask = isComputed(result) ? result.mask : undefined;
    if (mask === undefined || !sameMask(mask, inputs[i]?.mask))
      throw new ModelFileError(
        `${owner} is called with a custom mask; only the masks of Embedding(mask_zero=True) and Masking are supported`,
      );
  });
}

/** The time axes that the layer treats as one. */
function joinTimes({ layer: { row }, config }: Part, inputs: readonly Value[]): void {
  const join = (a: Value | undefined, b: Value | undefined): void => {
    if (a?.time && b?.time) a.time.join(b.time);
  };
  const [first, value, key] = inputs;
  if (row.masks === "merged") for (const other of inputs) join(first, other);
  if (row.masks !== "first") return;
  join(value, key);
  if (config.useCausalMask === true) join(first, value);
}

/** The kind of the first result. */
function kindAfter({ layer: { row }, config }: Part, main: Value, isReverse: boolean): Value["kind"] {
  if (row.gives === "same" || isReverse) return main.kind;
  if (row.gives !== "recurrence") return row.gives;
  // In a bidirectional layer, the inner layer determines it.
  const { returnSequences } = "layer" in config ? (config.layer as { readonly config: Options }).config : config;
  return returnSequences === true ? "sequence" : "features";
}

/** Whether a recurrence reads rows backwards. */
const readsBackward = ({ config }: Part): boolean => config.reverse === true || "layer" in config;

/**
 * Adds a call of a layer.
 *
 * @param isFirst whether it is the first call of the layer
 * @throws ModelFileError that names the layer, for unsupported arguments, and for masks with a different meaning unless differences are accepted
 */
export function applyPart(
  parts: Parts,
  part: Part,
  node: Node,
  read: Read,
  isFirst: boolean,
  { acceptDifferences, isOlder }: CallOptions,
): Results {
  const owner = ownerOf(part);
  const { row } = part.layer;
  const given = argumentsOf(part, owner, node, isFirst);
  const valuesOf = (argument: unknown, asIds: boolean): Value[] =>
    referencesIn(argument).map((reference) => {
      const result = read(reference);
      if (!isComputed(result)) return readAs(result, asIds, owner);
      throw new ModelFileError(
        `${owner} reads the operation ${shown(result.operation)} ("${reference.layer.slice(0, 60)}"), which is not supported; use a layer instead`,
      );
    });
  const looksUp = typeof row.masks === "object" && row.masks.compares === "maskZero" && !given.isReverse;
  const inputs = valuesOf(given.inputs, looksUp);
  const states = valuesOf(given.states, false);
  const [main] = inputs;
  if (main === undefined) throw damaged(`${owner} reads nothing`);
  expectOwnMasks(owner, referencesIn(given.mask).map(read), inputs);
  const { mask, difference } = maskAfter(part, inputs, given.isReverse);
  /** @throws ModelFileError unless differences are accepted */
  const expectSame = (why: string | undefined): void => {
    if (why === undefined || acceptDifferences) return;
    throw new ModelFileError(
      `${owner}: ${why}; if this is intended, or all rows have the same length, pass { acceptDifferences: true }`,
    );
  };
  expectSame(difference);
  const kind = kindAfter(part, main, given.isReverse);
  // Keras only finds the mask of a call itself if the call has no other tensor argument. The results are the same for steps before the end of the row.
  const runsOn =
    !isOlder && states.length > 0 && main.mask && referencesIn(given.mask).length === 0
      ? "it is called with initial states and without a mask, so Keras continues after the ends of rows; call it with mask=… in Keras"
      : undefined;
  if (kind !== "sequence" || readsBackward(part)) expectSame(runsOn);
  joinTimes(part, inputs);
  const call = parts.addCall(part, [...inputs, ...states]);
  // A layer that turns features into a sequence starts a new time axis.
  const time = main.kind === "features" ? undefined : main.time;
  const results = part.config.mergeMode === null ? 2 : 1;
  return (result) => {
    const address = { key: `call ${call}, ${result}`, source: result === 0 ? { call } : { call, output: result } };
    if (result >= results) {
      expectSame(runsOn);
      return { ...address, kind: row.gives === "recurrence" ? "features" : "scores" };
    }
    if (kind !== "sequence") return { ...address, kind };
    return { ...address, kind, ...(mask ? { mask } : {}), ...(time ? { time } : {}) };
  };
}
