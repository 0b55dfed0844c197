/** Normalizes recurrences that are equal in a file. */
import {
  type AnyNode,
  apply,
  factsOf,
  initialOf,
  type Node,
  type RecurrenceName,
  recurrenceInputs,
  recurrenceNames,
  type Value,
} from "@ostinato/core";
import { add } from "@ostinato/core/graph";
import type { Rule } from "../emit/rules.ts";
import { addsBiases } from "./biases.ts";

/** Whether a value is zeros and not a parameter. */
export function isZeros(value: Value): boolean {
  const { node } = value;
  if (node.op === "broadcast") return isZeros(node.inputs[0] as Value);
  return node.op === "constant" && node.attrs.data.every((number) => number === 0);
}

/** Whether a node is a recurrence of any kind. */
export const isRecurrence = (node: AnyNode): node is Node<RecurrenceName> & AnyNode =>
  recurrenceNames.some((name) => name === node.op);

/** The recurrence with other inputs and other optional inputs. */
const withOptions = (node: Node<RecurrenceName>, inputs: readonly Value[], options: readonly string[]): Value[] =>
  apply(node.op, inputs, { ...node.attrs, options } as never);

/** Removes optional inputs that are zeros if zeros are the default. */
export const withoutZeros: Rule = (node, inputs) => {
  if (!isRecurrence(node)) return undefined;
  const own = recurrenceInputs.length;
  const byDefault: readonly string[] = [...factsOf(node.op).states.map(initialOf), "recurrentBias"];
  const options: readonly string[] = node.attrs.options;
  const isLeft = (i: number): boolean => byDefault.includes(options[i] ?? "") && isZeros(inputs[own + i] as Value);
  if (!options.some((_, i) => isLeft(i))) return undefined;
  return withOptions(
    node,
    inputs.filter((_, i) => i < own || !isLeft(i - own)),
    options.filter((_, i) => !isLeft(i)),
  );
};

/** Adds computed biases before the recurrence, if they can be added. Known biases are added when they are written. */
export const addedBiases: Rule = (node, inputs) => {
  if (!isRecurrence(node) || !addsBiases(node.op, node.attrs)) return undefined;
  const options: readonly string[] = node.attrs.options;
  const place = recurrenceInputs.indexOf("B");
  const at = recurrenceInputs.length + options.indexOf("recurrentBias");
  const [B, recurrentBias] = [inputs[place], inputs[at]];
  const isState = ({ node: { op, attrs } }: Value): boolean =>
    op === "input" && "kind" in attrs && attrs.kind === "state";
  if (!options.includes("recurrentBias") || B === undefined || recurrentBias === undefined) return undefined;
  if (isState(B) && isState(recurrentBias)) return undefined;
  const given = inputs.flatMap((input, i) => (i === at ? [] : [i === place ? add(B, recurrentBias) : input]));
  return withOptions(
    node,
    given,
    options.filter((option) => option !== "recurrentBias"),
  );
};
