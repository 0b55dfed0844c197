/** A call of a layer of Keras's as one of ours: its arguments, the masks that it reads and hands on, and what it gives. */
import { type Json, ModelFileError } from "@ostinato/core";
import { damaged, type Fields, type Options, shown } from "./json.ts";
import { calledThere } from "./layers.ts";
import { comparison, type Mask, sameMask } from "./masks.ts";
import { type Node, type Reference, referencesIn } from "./nodes.ts";
import { isComputed, type Part, type Parts, type Result, type Value } from "./parts.ts";
import { snakeCase } from "./values.ts";

/** Finds what a reference refers to. */
export type Read = (reference: Reference) => Result;

/** The results of a call by number. */
export type Results = (result: number) => Result;

const ownerOf = ({ layer: { row, name } }: Part): string => calledThere(row.className, name);

/** How calls are taken. */
interface CallOptions {
  /** Layers that do otherwise with masks than ours, too. */
  readonly acceptDifferences: boolean;
  /** A Keras before 3 found masks of all calls. */
  readonly isOlder: boolean;
}

/** What a call is given. */
interface Arguments {
  readonly inputs: unknown;
  readonly states: unknown;
  readonly mask: unknown;
  /** `reverse=True` of an embedding that goes both ways. */
  readonly isReverse: boolean;
}

const isNothing = (argument: unknown): boolean => argument === undefined || argument === null || argument === false;

/** @throws ModelFileError for arguments that there are none of here */
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
    throw wrong("several arguments without names, of which only the first is read here; name them");
  if (training === true) throw wrong("training=True, and here training alone trains");
  const isReverse = others.reverse === true && row.goesBack === true;
  setCallOptions(row.callOptions ?? [], config, others, owner, isFirst);
  const known = new Set([...(row.callOptions ?? []).map(snakeCase), ...(isReverse ? ["reverse"] : [])]);
  for (const [name, value] of Object.entries(others))
    if (!known.has(name) && !isNothing(value))
      throw wrong(`${name.slice(0, 60)}=${shown(value)}, which there is not here`);
  return { inputs: first, states: takesStates ? (states ?? second) : [], mask, isReverse };
}

/** What calls of a layer say there, and its options here. @throws ModelFileError where two calls say different things */
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
        `${owner} is called with ${snakeCase(option)} and without, which is an option of the layer here; make it two layers`,
      );
    config[option] = value;
  }
}

/** A value as a layer reads it: an input becomes ids where it is looked up, and else what its axes say. */
function readAs(value: Value, asIds: boolean, owner: string): Value {
  const { input } = value;
  if (input === undefined) return value;
  const kind = asIds ? "ids" : input.shape.length === 3 ? "sequence" : "features";
  if (input.kind !== undefined && input.kind !== kind)
    throw new ModelFileError(`${owner} reads the input "${input.name}" as ${kind}, and another layer as ${input.kind}`);
  input.kind = kind;
  return { ...value, kind };
}

/** The mask of what a layer gives, and what it does otherwise with the masks of its inputs than ours does. */
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
      return { difference: first.mask && "it looks at masked steps, too, and here at those that count alone" };
    case "merged":
      return {
        mask: first.mask,
        difference:
          first.kind === "sequence" && hasOthers
            ? "its inputs have different masks, and here an input takes no part behind its end"
            : undefined,
      };
    case "first":
      return {
        mask: first.mask,
        difference:
          third?.mask && !sameMask(third.mask, second?.mask)
            ? "its key has a mask that its value has not, and here both limit what is looked at"
            : undefined,
      };
  }
}

/** @throws ModelFileError where a call is given masks that are not those that its inputs have anyway */
function expectOwnMasks(owner: string, given: readonly Result[], inputs: readonly Value[]): void {
  given.forEach((result, i) => {
    const mask = isComputed(result) ? result.mask : undefined;
    if (mask === undefined || !sameMask(mask, inputs[i]?.mask))
      throw new ModelFileError(
        `${owner} is given a mask of its own; here the steps that count are found by Embedding(mask_zero=True) and Masking`,
      );
  });
}

/** Time axes that the layer takes for one. */
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
  // Of a recurrence in both directions the layer inside says it.
  const { returnSequences } = "layer" in config ? (config.layer as { readonly config: Options }).config : config;
  return returnSequences === true ? "sequence" : "features";
}

/** Whether a recurrence reads rows from their ends. */
const readsBackward = ({ config }: Part): boolean => config.reverse === true || "layer" in config;

/**
 * Adds a call of a layer.
 *
 * @param isFirst whether it is the first call of the layer
 * @throws ModelFileError that names the layer, for arguments that there are none of here, and for masks with another meaning unless differences are accepted
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
        `${owner} reads the operation ${shown(result.operation)} ("${reference.layer.slice(0, 60)}"), which there is none of here; make it a layer`,
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
      `${owner}: ${why}; where that is wanted, or all rows have one length, pass { acceptDifferences: true }`,
    );
  };
  expectSame(difference);
  const kind = kindAfter(part, main, given.isReverse);
  // Keras finds the mask of a call by itself only where it is given nothing else. The steps that count are before those that do not, and the same.
  const runsOn =
    !isOlder && states.length > 0 && main.mask && referencesIn(given.mask).length === 0
      ? "it is given initial states and no mask, so that in Keras it goes on behind the ends of rows; there, call it with mask=…"
      : undefined;
  if (kind !== "sequence" || readsBackward(part)) expectSame(runsOn);
  joinTimes(part, inputs);
  const call = parts.addCall(part, [...inputs, ...states]);
  // Steps of its own begin with a layer that makes a sequence of features.
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
