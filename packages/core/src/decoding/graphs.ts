/** The graphs of decoding as programs of one session run them. What the encoder gives and the states of the rows are state with named sizes, which the session holds. */
import { apply } from "../ir/build/apply.ts";
import { logNormalizer } from "../ir/build/crossentropy.ts";
import { add, cast, mul, select, sub } from "../ir/build/elementwise.ts";
import { gather } from "../ir/build/index.ts";
import { type Top, topK } from "../ir/build/reduce.ts";
import { broadcast, slice, squeeze } from "../ir/build/shape.ts";
import { feed, state } from "../ir/build/source.ts";
import { mapGraph, rewrite } from "../ir/rewrite.ts";
import { type AnyNode, type Graph, nodesOf, rootsOf, type Value } from "../ir/value.ts";
import type { DecodingParts, HeldPart, StepValues } from "../nn/decoding/decoding.ts";

/** The size of what is held for the rows of the step before, or for the sources, of which the rows of a run are chosen. */
export const BEFORE = "rows before";
/** That of the memory of sources, which a step reads where it is. */
export const SOURCES = "sources held";

/** What a run of a step is fed, and gives. */
export const stepFeeds = { tokens: "tokens", from: "from", sources: "sources", allowed: "allowed" } as const;
export const stepFetches = { tokens: "tokens", logProbabilities: "logProbabilities", attention: "attention" } as const;

/** What the encoder gave for each source; and for each row, as the step reads it. */
const ofSource = ({ name }: HeldPart): string => `source ${name}`;
const ofRow = ({ name }: HeldPart): string => `row ${name}`;

/** The rows of a part that was held before, chosen by their numbers. */
function chosen(name: string, { type }: HeldPart, from: Value, size = BEFORE): Value {
  return gather(state(name, type.dtype, [size, ...type.shape.slice(1)]), from);
}

/** The encoder: holds memory for each source, and what the states of its row begin with. Beside the sources it is fed a number for each. */
export function encodeGraph({ memory, states }: DecodingParts): Graph {
  const none = mul(cast(feed(stepFeeds.from, "int32", ["batch"]), "float32"), 0);
  return {
    fetches: {},
    updates: [
      ...memory.map((part) => ({ name: ofSource(part), value: part.first as Value })),
      ...states.map((part) => ({ name: ofRow(part), value: part.first ?? broadcast(none, part.type.shape, [0]) })),
    ],
  };
}

/** Holds the memory of the sources that the rows of the next steps read: these parts of it. */
export function selectGraph(memory: readonly HeldPart[]): Graph {
  const from = feed(stepFeeds.from, "int32", ["batch"]);
  return {
    fetches: {},
    updates: memory.map((part) => ({ name: ofRow(part), value: chosen(ofSource(part), part, from) })),
  };
}

/** What is asked of a step. */
export interface StepForm {
  readonly top: number;
  /** Only some tokens may come. */
  readonly limited: boolean;
  readonly attention: boolean;
}

/** The likeliest tokens and their log-probabilities. Where these are of units the logarithm is taken of the likeliest alone. */
function likeliestOf({ logProbabilities, units }: StepValues, top: number, allowed: Value | undefined): Top {
  // Added, so that NaN stays what it is, and is found.
  const within = (all: Value): Value => (allowed ? add(all, select(allowed, 0, Number.NEGATIVE_INFINITY)) : all);
  if (units === undefined) return topK(within(logProbabilities), top);
  const { values, indices } = topK(within(units), top);
  const { largest, logSum } = logNormalizer(units, squeeze(slice(indices, 1, 0, 1), 1));
  const ofRow = (value: Value): Value => broadcast(value, values.type.shape, [0]);
  return { indices, values: sub(sub(values, ofRow(largest)), ofRow(logSum)) };
}

/** A product with chosen rows of a table reads these where they are: those that stand together and read the same are computed together. */
function whereTheyAre(node: AnyNode, inputs: readonly Value[]): readonly Value[] | undefined {
  if (node.op !== "dot") return undefined;
  const [a, b] = inputs as [Value, Value];
  if (b.node.op !== "gather") return undefined;
  const [table, ids] = b.node.inputs as [Value, Value];
  const [, batch] = node.attrs.batch;
  const fits = ids.type.shape.length === 1 && batch.length === 1 && batch[0] === 0;
  return fits ? apply("gatheredDot", [a, table, ids], node.attrs) : undefined;
}

/** The memory that steps read in products alone: rows share that of their source, and none has a copy. */
export function sharedMemory(parts: DecodingParts): readonly HeldPart[] {
  const { memory } = parts;
  const graph = stepGraph(parts, { top: 1, limited: false, attention: true }, memory);
  const copied = new Set(
    nodesOf(rootsOf(graph)).flatMap(({ op, inputs: [table] }) =>
      op === "gather" && table?.node.op === "input" ? [table.node.attrs.name] : [],
    ),
  );
  return memory.filter((part) => !copied.has(ofSource(part)));
}

/** One step of all rows: holds their states after it, and gives the likeliest tokens. `shared` memory is read where the encoder left it. */
export function stepGraph(
  parts: DecodingParts,
  { top, limited, attention }: StepForm,
  shared: readonly HeldPart[],
): Graph {
  const { states, vocabularySize } = parts;
  const from = feed(stepFeeds.from, "int32", ["batch"]);
  const sources = feed(stepFeeds.sources, "int32", ["batch"]);
  const given = parts.step(feed(stepFeeds.tokens, "int32", ["batch"]), (part) => {
    if (states.includes(part)) return chosen(ofRow(part), part, from);
    if (shared.includes(part)) return chosen(ofSource(part), part, sources, SOURCES);
    return state(ofRow(part), part.type.dtype, part.type.shape);
  });
  const allowed = limited ? feed(stepFeeds.allowed, "bool", ["batch", vocabularySize]) : undefined;
  const likeliest = likeliestOf(given, top, allowed);
  const graph = {
    fetches: {
      [stepFetches.tokens]: likeliest.indices,
      [stepFetches.logProbabilities]: likeliest.values,
      ...(attention && given.attention ? { [stepFetches.attention]: given.attention } : {}),
    },
    updates: states.map((part, i) => ({ name: ofRow(part), value: given.states[i] as Value })),
  };
  return mapGraph(graph, (roots) => rewrite(roots, whereTheyAre));
}
