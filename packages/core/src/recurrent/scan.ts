/** `scan`: a body run once a step over the leading axis. Its builder and its gradient. */
import { apply } from "../ir/build/apply.ts";
import { add, select } from "../ir/build/elementwise.ts";
import { sequenceMask } from "../ir/build/index.ts";
import { broadcast } from "../ir/build/shape.ts";
import { full, parameter } from "../ir/build/source.ts";
import { substitute } from "../ir/rewrite.ts";
import type { Dim, Node, Value } from "../ir/value.ts";

/** The reverse walk of `autodiff/gradients.ts`, handed in because a gradient of a body is taken inside a rule. */
export type Gradients = (seeds: readonly { value: Value; cotangent: Value }[], wrt: readonly Value[]) => Value[];

/** What a `scan` runs over. */
export interface ScanOptions {
  /** What the carries are before the first step. */
  readonly initial: readonly Value[];
  /** Read one step at a time: [time, …]. */
  readonly sequences: readonly Value[];
  /** Read whole in every step. The body may use nothing else from outside. */
  readonly constants?: readonly Value[];
  /** int32 [batch]: past a row's length its carries stay and its outputs are zero. Carries and outputs then begin with the batch axis. */
  readonly lengths?: Value;
  /** From the last step to the first; outputs stay in their places. */
  readonly reverse?: boolean;
  readonly body: (
    carries: readonly Value[],
    slices: readonly Value[],
    constants: readonly Value[],
  ) => { readonly carries: readonly Value[]; readonly outputs: readonly Value[] };
}

/** The results of a `scan`. */
export interface ScanResult {
  /** The carries after the last step. */
  readonly carries: readonly Value[];
  /** The outputs of all steps: [time, …]. */
  readonly outputs: readonly Value[];
}

/** `mask` [batch] over the shape of `x` [batch, …]. */
function maskLike(mask: Value, x: Value): Value {
  return broadcast(mask, x.type.shape, [0]);
}

/** Runs `body` once a step along the leading axis of `sequences`. */
export function scan({ initial, sequences, constants = [], lengths, reverse = false, body }: ScanOptions): ScanResult {
  const time = sequences[0]?.type.shape[0] as Dim;
  const all = lengths ? [...sequences, sequenceMask(lengths, time)] : sequences;
  const carries = initial.map((x, i) => parameter(`carry${i}`, x.type.dtype, x.type.shape));
  const slices = all.map((x, i) => parameter(`slice${i}`, x.type.dtype, x.type.shape.slice(1)));
  const fixed = constants.map((x, i) => parameter(`constant${i}`, x.type.dtype, x.type.shape));

  const step = body(carries, slices.slice(0, sequences.length), fixed);
  const mask = lengths ? slices.at(-1) : undefined;
  const results = mask
    ? [
        ...step.carries.map((next, i) => select(maskLike(mask, next), next, carries[i] as Value)),
        ...step.outputs.map((output) => select(maskLike(mask, output), output, 0)),
      ]
    : [...step.carries, ...step.outputs];

  const outputs = apply("scan", [...initial, ...all, ...constants], {
    body: { parameters: [...carries, ...slices, ...fixed], results },
    carries: initial.length,
    sequences: all.length,
    reverse,
  });
  return { carries: outputs.slice(0, initial.length), outputs: outputs.slice(initial.length, results.length) };
}

/**
 * The gradient of a scan: a scan the other way over the kept carries, which computes each step again and runs the gradient of the
 * body. It carries the cotangents of the carries and the sums of the cotangents of the constants. The kept carries have cotangents
 * too where this gradient is itself differentiated.
 */
export function scanGradient(
  node: Node<"scan">,
  cotangents: readonly (Value | undefined)[],
  needs: readonly boolean[],
  gradients: Gradients,
): (Value | undefined)[] {
  const { body, carries, sequences, reverse } = node.attrs;
  const steps = body.results.length - carries;
  const history = node.outputs
    .slice(carries + steps)
    .map((type, i) => ({ node, output: carries + steps + i, type }) as Value);
  const inputs = node.inputs;
  const float = (values: readonly Value[]): number[] =>
    values.flatMap((value, i) => (value.type.dtype === "float32" ? [i] : []));

  const carried = float(inputs.slice(0, carries));
  const wanted = (from: number, to: number): number[] => {
    const group = inputs.slice(from, to);
    return float(group).filter((i) => needs[from + i]);
  };
  const slicesWanted = wanted(carries, carries + sequences);
  const constantsWanted = wanted(carries + sequences, inputs.length);
  const outputsGiven = Array.from({ length: steps }, (_, i) => i).filter((i) => cotangents[carries + i] !== undefined);
  const historyGiven = carried.filter((i) => cotangents[carries + steps + i] !== undefined);

  const zeros = (value: Value): Value => full(0, value.type.shape);
  const result = scan({
    reverse: !reverse,
    initial: [
      ...carried.map((i) => cotangents[i] ?? zeros(inputs[i] as Value)),
      ...constantsWanted.map((i) => zeros(inputs[carries + sequences + i] as Value)),
    ],
    sequences: [
      ...history,
      ...inputs.slice(carries, carries + sequences),
      ...outputsGiven.map((i) => cotangents[carries + i] as Value),
      ...historyGiven.map((i) => cotangents[carries + steps + i] as Value),
    ],
    constants: inputs.slice(carries + sequences),
    body: (states, slices, constants) => {
      const carryIn = slices.slice(0, carries);
      const sliceIn = slices.slice(carries, carries + sequences);
      const here = [...carryIn, ...sliceIn, ...constants];
      const results = substitute(body.results, body.parameters, here);
      const seeds = [
        ...carried.map((i, k) => ({ value: results[i] as Value, cotangent: states[k] as Value })),
        ...outputsGiven.map((i, k) => ({
          value: results[carries + i] as Value,
          cotangent: slices[carries + sequences + k] as Value,
        })),
      ];
      const grads = gradients(seeds, [
        ...carried.map((i) => carryIn[i] as Value),
        ...constantsWanted.map((i) => constants[i] as Value),
        ...slicesWanted.map((i) => sliceIn[i] as Value),
      ]);
      const sums = constantsWanted.map((_, k) =>
        add(states[carried.length + k] as Value, grads[carried.length + k] as Value),
      );
      const kept = slices.slice(carries + sequences + outputsGiven.length);
      const flowing = carried.map((i, k) => {
        const cotangent = kept[historyGiven.indexOf(i)];
        return cotangent ? add(grads[k] as Value, cotangent) : (grads[k] as Value);
      });
      return {
        carries: [...flowing, ...sums],
        outputs: grads.slice(carried.length + constantsWanted.length),
      };
    },
  });

  const grads: (Value | undefined)[] = inputs.map(() => undefined);
  carried.forEach((i, k) => {
    grads[i] = result.carries[k];
  });
  constantsWanted.forEach((i, k) => {
    grads[carries + sequences + i] = result.carries[carried.length + k];
  });
  slicesWanted.forEach((i, k) => {
    grads[carries + i] = result.outputs[k];
  });
  return grads;
}
