/** Carries states over between runs of a graph: forward recurrences and scans start with their previous state, and states are kept after the end of a row. */
import { apply } from "../../ir/build/apply.ts";
import type { OpAttrs, OpName } from "../../ir/ops.ts";
import {
  factsOf,
  initialOf,
  optionsOf,
  type RecurrenceName,
  recurrenceInputs,
  recurrenceNames,
} from "../../ir/recurrences.ts";
import { substitute } from "../../ir/rewrite.ts";
import type { Dim, Value } from "../../ir/value.ts";
import { scan } from "../../recurrent/scan.ts";
import type { Flow } from "../kinds.ts";
import type { Carry } from "../layer.ts";
import { numberIn } from "./rules.ts";

const isRecurrence = (op: OpName): op is RecurrenceName => (recurrenceNames as readonly string[]).includes(op);

/** All outputs of the node of a value. */
const outputsOf = ({ node }: Value): readonly Value[] => node.outputs.map((type, output) => ({ node, output, type }));

/**
 * Replaces recurrences and scans if states are carried over. Each has a number in the order of the graph: `0/h`.
 *
 * @param inputOver the input with a time axis; undefined for other axes, along which no state is carried over
 */
export function carrying(carry: Carry, inputOver: (time: Dim) => Flow | undefined) {
  let count = 0;
  /** The initial states, and a function that records the final states. */
  const begin = (names: readonly string[], sizes: readonly number[], initial: readonly (Value | undefined)[]) => {
    const place = count++;
    const begun = names.map((name, i) => {
      const given = initial[i];
      // Initial states that are constant zeros are also zeros in rows that start again.
      return carry.begin(`${place}/${name}`, sizes[i] as number, given && numberIn(given) === 0 ? undefined : given);
    });
    return {
      begun,
      end: (states: readonly Value[]) => {
        names.forEach((name, i) => {
          carry.end(`${place}/${name}`, states[i] as Value);
        });
      },
    };
  };

  const recurrence = (
    op: RecurrenceName,
    inputs: readonly Value[],
    attrs: OpAttrs[RecurrenceName],
  ): readonly Value[] | undefined => {
    const input = inputOver(inputs[0]?.type.shape[0] as Dim);
    if (attrs.direction !== "forward" || input === undefined) return undefined;
    const { states } = factsOf(op);
    const fixed = recurrenceInputs.length;
    const given = new Map<string, Value>(attrs.options.map((option, i) => [option, inputs[fixed + i] as Value]));
    const { begun, end } = begin(
      states,
      states.map(() => attrs.hiddenSize),
      states.map((state) => given.get(initialOf(state))),
    );
    states.forEach((state, i) => {
      given.set(initialOf(state), begun[i] as Value);
    });
    if (input.lengths && !given.has("lengths")) given.set("lengths", input.lengths);
    const options = optionsOf(op).filter((option) => given.has(option));
    const read = options.map((option) => given.get(option) as Value);
    const outputs = apply(op, [...inputs.slice(0, fixed), ...read], { ...attrs, options } as OpAttrs[RecurrenceName]);
    end(outputs.slice(1));
    return outputs;
  };

  const scanned = (
    inputs: readonly Value[],
    { body, carries, sequences, reverse }: OpAttrs["scan"],
  ): readonly Value[] | undefined => {
    const [initial, read] = [inputs.slice(0, carries), inputs.slice(carries, carries + sequences)];
    const input = inputOver(read[0]?.type.shape[0] as Dim);
    const [, batch] = read[0]?.type.shape ?? [];
    const areStates = initial.every(
      ({ type: { dtype, shape } }) =>
        dtype === "float32" && shape.length === 2 && shape[0] === batch && typeof shape[1] === "number",
    );
    if (reverse || input === undefined || !areStates || carries === 0) return undefined;
    const { begun, end } = begin(
      initial.map((_, i) => `state${i}`),
      initial.map(({ type }) => type.shape[1] as number),
      initial,
    );
    const result = scan({
      initial: begun,
      sequences: read,
      constants: inputs.slice(carries + sequences),
      ...(input.lengths ? { lengths: input.lengths } : {}),
      body(states, slices, constants) {
        const results = substitute(body.results, body.parameters, [...states, ...slices, ...constants]);
        return { carries: results.slice(0, carries), outputs: results.slice(carries) };
      },
    });
    end(result.carries);
    return outputsOf(result.carries[0] as Value);
  };

  return (op: OpName, inputs: readonly Value[], attrs: OpAttrs[OpName]): readonly Value[] | undefined => {
    if (op === "scan") return scanned(inputs, attrs as OpAttrs["scan"]);
    return isRecurrence(op) ? recurrence(op, inputs, attrs as OpAttrs[RecurrenceName]) : undefined;
  };
}
