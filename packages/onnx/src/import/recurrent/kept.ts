/**
 * Our files preserve the initial states of rows without steps with `Where(0 < lengths, state, initial)`, because runtimes return zeros there. Our recurrences preserve
 * them themselves, so the `Where` is removed.
 */
import { factsOf, initialOf, recurrenceInputsOf, type Value } from "@ostinato/core";
import { isRecurrence } from "../../recurrent/rules.ts";
import { filledWith } from "../broadcasting.ts";
import type { Imported } from "../imported.ts";
import type { Importing } from "../importing.ts";
import type { OnnxNode } from "../node.ts";
import { byDirection, unshaped } from "./directions.ts";

/** Whether two values are the same elements, or the same part of the same value. */
function isSame(a: Value | undefined, b: Value | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  const [left, right] = [unshaped(a), unshaped(b)];
  if (left.node === right.node) return left.output === right.output;
  const isPart = left.node.op === "slice" && right.node.op === "slice";
  return (
    isPart &&
    JSON.stringify(left.node.attrs) === JSON.stringify(right.node.attrs) &&
    isSame(left.node.inputs[0], right.node.inputs[0])
  );
}

/** The lengths that a condition compares with 0. */
function comparedLengths(condition: Imported): Value | undefined {
  if (condition.kind !== "computed") return undefined;
  const { node } = unshaped(condition.value);
  const [zero, lengths] = node.inputs;
  return node.op === "less" && zero && filledWith(zero) === 0 ? lengths : undefined;
}

/** Whether `initial` is the initial state of the recurrence over these lengths. */
function keeps(state: Value, lengths: Value, initial: Value): boolean {
  const { node, output } = state;
  if (!isRecurrence(node)) return false;
  const name = factsOf(node.op).states[output - 1];
  const roles = recurrenceInputsOf(node.inputs, node.attrs) as Readonly<Record<string, Value | undefined>>;
  const begun = name && roles[initialOf(name)];
  return (
    name !== undefined && isSame(roles.lengths, lengths) && (begun ? isSame(begun, initial) : filledWith(initial) === 0)
  );
}

/** The states of each direction, or the state of the only direction. */
function partsOf(states: Imported): readonly Value[] {
  if (states.kind === "stack") return states.axis === 0 ? states.parts : [];
  return states.kind === "computed" ? [states.value] : [];
}

/** The states selected by a `Where`, if that is its only effect. */
export function keptStates(node: OnnxNode, importing: Importing): Imported | undefined {
  const [condition, states, initial] = node.inputs;
  const lengths = condition && comparedLengths(condition);
  if (lengths === undefined || states === undefined || initial === undefined) return undefined;
  const parts = partsOf(states);
  if (parts.length === 0 || !parts.every(({ node }) => isRecurrence(node))) return undefined;
  const begun = states.kind === "stack" ? byDirection(initial, parts.length, importing) : [importing.value(initial)];
  return parts.every((part, i) => keeps(part, lengths, begun[i] as Value)) ? states : undefined;
}
