/**
 * Whether values can be computed as steps come, whatever number of them at once: at each step from that step, and from states that go on. It is found in
 * the ops that make them, so that it holds for layers of anybody's.
 */
import { byElementwise, type OpAttrs, type OpName } from "./ops.ts";
import { byRecurrence, byRecurrenceGrad, type RecurrenceName, recurrenceInputs } from "./recurrences.ts";
import { type AnyNode, type Dim, type Node, nodesOf, type Shape, type Value } from "./value.ts";

/**
 * What a value is where rows are read step by step.
 *
 * - `fixed`: the same whichever steps there are.
 * - `steps`: at each step it depends on that one and on those before.
 * - `ends`: it depends on all steps so far.
 * - `counts`: it tells how many steps a row is given.
 * - `begun`: a state as the steps before left it.
 */
export type Standing = "fixed" | "steps" | "ends" | "counts" | "begun";

/** Why a value cannot be computed as steps come; completes "it …". */
export class NotStepwise extends Error {}

type IsTime = (dim: Dim | undefined) => boolean;

/** The standing of all outputs, or of each. */
type Rule<O extends OpName = OpName> = (
  node: Node<O>,
  inputs: readonly Standing[],
  isTime: IsTime,
) => Standing | readonly Standing[];

function refuse(why: string): never {
  throw new NotStepwise(why);
}

/** What is made of values in their places. */
function together(standings: readonly Standing[]): Standing {
  const kinds = [...new Set(standings.filter((standing) => standing !== "fixed"))];
  if (kinds.length < 2) return kinds[0] ?? "fixed";
  if (kinds.includes("counts")) return refuse("computes with the number of steps that it is given");
  if (kinds.includes("begun")) return refuse("begins with what is known after its steps only");
  return refuse("uses at each step what is known after all of them only");
}

const inPlace: Rule = (_node, inputs) => together(inputs);

/** An op that goes along some axes of its first input, which must not be time. */
const along =
  <O extends OpName>(why: string, axesOf: (attrs: OpAttrs[O], rank: number) => readonly number[]): Rule<O> =>
  ({ attrs, inputs: [x] }, standings, isTime) => {
    const { shape } = (x as Value).type;
    if (axesOf(attrs, shape.length).some((axis) => isTime(shape[axis]))) refuse(why);
    return together(standings);
  };

/** An op that makes an axis, which must not be time. */
const makes =
  <O extends OpName>(why: string, dimOf: (attrs: OpAttrs[O]) => Dim): Rule<O> =>
  ({ attrs }, standings, isTime) =>
    isTime(dimOf(attrs)) ? refuse(why) : together(standings);

const hasTime = ({ type }: Value, isTime: IsTime): boolean => type.shape.some(isTime);

/** An op that finds or sums rows by number: what it reads so must not be over time. */
const whole =
  <O extends OpName>(why: string, inputs: readonly number[]): Rule<O> =>
  (node, standings, isTime) =>
    inputs.some((i) => hasTime(node.inputs[i] as Value, isTime)) ? refuse(why) : together(standings);

/** The sizes before the axis of time: where a reshape leaves them, steps stay where they are. */
function sizesBefore(shape: Shape, isTime: IsTime): string {
  const sizes = shape.slice(0, Math.max(0, shape.findIndex(isTime)));
  const known = sizes.reduce<number>((product, dim) => (typeof dim === "number" ? product * dim : product), 1);
  return [known, ...sizes.filter((dim) => typeof dim === "string")].join();
}

const EVERY_STEP = "compares each step with the others";
const COUNTS = "counts its steps from the first that it is given";
const BACKWARD = "reads each row from its end";
const LONE =
  "begins anew with the first step that it is given: its states do not go on (see carry of the build context)";
const TREES = "goes up from the leaves of trees, which are known only when all steps are";
const LATE = "is part of training alone";

/** A recurrence: X are steps, its states were begun, weights are fixed. */
const recurrent: Rule<RecurrenceName> = ({ inputs, attrs, outputs }, standings, isTime) => {
  const options: readonly string[] = attrs.options;
  if (attrs.direction === "reverse") refuse(BACKWARD);
  const steps = together([standings[0] as Standing, ...standings.slice(1, recurrenceInputs.length)]);
  if (!isTime(inputs[0]?.type.shape[0]) || steps === "ends") refuse("reads something else than steps");
  let states = 0;
  options.forEach((_, i) => {
    const standing = standings[recurrenceInputs.length + i] as Standing;
    if (standing === "begun") states += 1;
    else if (standing !== "fixed" && standing !== "counts") together(["begun", standing]);
  });
  // y, the states, and what is kept for the gradient.
  const last = outputs.map(({ shape }, i) => i > 0 && !isTime(shape[0]));
  if (states === 0 || states !== last.filter((end) => end).length) refuse(LONE);
  return last.map((end) => (end ? "ends" : "steps"));
};

const scanned: Rule<"scan"> = ({ inputs, attrs }, standings, isTime) => {
  const { carries, sequences, reverse, body } = attrs;
  if (!isTime(inputs[carries]?.type.shape[0]))
    return standings.every((standing) => standing === "fixed")
      ? "fixed"
      : refuse("goes over something else than steps");
  if (reverse) refuse(BACKWARD);
  if (standings.slice(0, carries).some((standing) => standing !== "begun")) refuse(LONE);
  together(["steps", ...standings.slice(carries, carries + sequences)]);
  together(["steps", ...standings.slice(carries + sequences)]);
  if (inputs.slice(carries + sequences).some((constant) => hasTime(constant, isTime))) refuse(EVERY_STEP);
  return [...body.results, ...body.results.slice(0, carries)].map((_, i) => (i < carries ? "ends" : "steps"));
};

const rules: { readonly [O in OpName]: Rule<O> } = {
  input: () => "fixed",
  constant: () => "fixed",
  iota: makes(COUNTS, ({ dim }) => dim),
  size: makes(COUNTS, ({ dim }) => dim),
  dropoutMask: () => refuse(LATE),
  normalNoise: () => refuse(LATE),
  ...byElementwise((): Rule => inPlace),
  cast: inPlace,
  select: inPlace,
  dot({ attrs, inputs }, standings, isTime) {
    const [a, b] = inputs.map(({ type }) => type.shape) as [Shape, Shape];
    const contracts = attrs.contract[0].some((axis) => isTime(a[axis]));
    const free = (shape: Shape, side: 0 | 1): boolean =>
      shape.some((dim, axis) => isTime(dim) && !attrs.batch[side].includes(axis));
    return contracts || (free(a, 0) && free(b, 1)) ? refuse(EVERY_STEP) : together(standings);
  },
  sum: along("sums over the steps of a row", ({ axes }) => axes),
  max: along("takes the largest of the steps of a row", ({ axes }) => axes),
  logSumExp: along("sums over the steps of a row", ({ axes }) => axes),
  argMax: along("looks for the largest of the steps of a row", ({ axis }) => [axis]),
  topK: along(EVERY_STEP, (_, rank) => [rank - 1]),
  reshape({ inputs: [x], attrs }, standings, isTime) {
    const moved = sizesBefore((x as Value).type.shape, isTime) !== sizesBefore(attrs.shape, isTime);
    return moved ? refuse("moves its steps") : together(standings);
  },
  transpose: inPlace,
  broadcast({ inputs: [x], attrs }, standings, isTime) {
    const spread = attrs.shape.some(isTime) && !hasTime(x as Value, isTime) && standings[0] !== "fixed";
    return together(spread ? [...standings, "steps"] : standings);
  },
  concat: along("puts other steps beside its own", ({ axis }) => [axis]),
  slice: along("takes some of the steps of a row", ({ axis }) => [axis]),
  pad({ attrs, inputs: [x] }, standings, isTime) {
    const over = isTime(attrs.dim) || isTime((x as Value).type.shape[attrs.axis]);
    return over ? refuse("puts steps beside its own") : together(standings);
  },
  reverse: along(BACKWARD, ({ axis }) => [axis]),
  gather: whole("looks steps up by number", [0]),
  scatterAdd: whole("sums over the steps of a row", [0, 1]),
  reverseSequence: () => refuse(BACKWARD),
  softmax: along(EVERY_STEP, (_, rank) => [rank - 1]),
  logSoftmax: along(EVERY_STEP, (_, rank) => [rank - 1]),
  softmaxCrossentropy: () => refuse(LATE),
  softmaxCrossentropyGrad: () => refuse(LATE),
  sequenceMask: (_node, [lengths]) => (lengths === "counts" || lengths === "fixed" ? "steps" : refuse(COUNTS)),
  sequenceLengths: () => "counts",
  biasedDot: () => refuse(LATE),
  gatheredDot: () => refuse(LATE),
  fused: () => refuse(LATE),
  ...byRecurrence((): Rule<RecurrenceName> => recurrent),
  ...byRecurrenceGrad((): Rule => () => refuse(LATE)),
  scan: scanned,
  treeRecur: (_node, standings) => (standings.every((standing) => standing === "fixed") ? "fixed" : refuse(TREES)),
  treeRecurGrad: () => refuse(LATE),
};

/** Finds the standing of values, from those of feeds by name; states and constants are fixed. */
export class Stepwise {
  readonly #standings = new Map<AnyNode, readonly Standing[]>();
  readonly #feeds: (name: string) => Standing;
  readonly #isTime: IsTime;

  /** @param times the names of the sizes that count steps */
  constructor(feeds: (name: string) => Standing, times: readonly string[]) {
    this.#feeds = feeds;
    this.#isTime = (dim) => typeof dim === "string" && times.includes(dim);
  }

  /** @throws NotStepwise for a value that depends on steps to come, or on how many are there at once */
  of(value: Value): Standing {
    for (const node of nodesOf([value], this.#standings.keys())) this.#standings.set(node, this.#find(node));
    return this.#standings.get(value.node)?.[value.output] as Standing;
  }

  #find(node: AnyNode): readonly Standing[] {
    const { op, outputs } = node;
    if (op === "input" && node.attrs.kind === "feed") return [this.#feeds(node.attrs.name)];
    const inputs = node.inputs.map(({ node: from, output }) => this.#standings.get(from)?.[output] as Standing);
    const found = (rules[op] as Rule)(node, inputs, this.#isTime);
    return typeof found === "string" ? outputs.map(() => found) : found;
  }
}
