/** `treeRecur`: a body run once a level over the nodes of trees, from the leaves up. Its builder and its gradient. */
import { apply } from "../ir/build/apply.ts";
import { full, parameter } from "../ir/build/source.ts";
import { levelDims, type TreeValues } from "../ir/forest.ts";
import { forestInputs } from "../ir/ops.ts";
import { substitute } from "../ir/rewrite.ts";
import type { Dim, Node, Shape, Value } from "../ir/value.ts";
import type { Gradients } from "./scan.ts";

/** What the body is given of the nodes of one level. */
export interface TreeLevel {
  /**
   * For each state what the children have: with `arity` a value [level, …] for each position, zeros where a node has no child there; without, one value
   * [children, …], the children of the first node, then those of the second, …
   */
  readonly children: readonly (readonly Value[])[];
  /** For each sequence what stands at the nodes: [level, …]. */
  readonly slices: readonly Value[];
  /** int32 [children]: the row of each child's parent in the level. With `arity` there is none. */
  readonly parents: Value | undefined;
  readonly constants: readonly Value[];
  /** The name of the number of nodes in the level. */
  readonly level: string;
}

/** What a `treeRecur` runs over. */
export interface TreeRecurOptions {
  readonly tree: TreeValues;
  /** Read at each node: [time, batch, …]. At least one, which tells time and batch. */
  readonly sequences: readonly Value[];
  /** Read whole in every level. The body may use nothing else from outside. */
  readonly constants?: readonly Value[];
  /** The shape of each state at one node: `[[units], [units]]`. */
  readonly states: readonly Shape[];
  /** The most children of a node, which then have places of their own; absent: any number. */
  readonly arity?: number | undefined;
  /** The states of the nodes of a level: [level, …] each. */
  readonly body: (level: TreeLevel) => readonly Value[];
}

const float = (values: readonly Value[]): number[] =>
  values.flatMap(({ type }, i) => (type.dtype === "float32" ? [i] : []));

/**
 * Runs `body` once a level, from the leaves to the roots. Returns each state at each node, where the node stands: [time, batch, …], zeros past the nodes of a
 * row.
 *
 * @example
 * // h = tanh(x + R · Σ h of the children)
 * const [h] = treeRecur({
 *   tree,
 *   sequences: [x],
 *   constants: [R],
 *   states: [[units]],
 *   body: ({ children: [[h]], slices: [x], parents, constants: [R], level }) => [
 *     tanh(add(x, dot(scatterAdd(parents, h, level), R, { contract: [[1], [1]] }))),
 *   ],
 * });
 */
export function treeRecur({ tree, sequences, constants = [], states, arity, body }: TreeRecurOptions): Value[] {
  const { level, children } = levelDims(tree.nodes.type.shape[0] as Dim);
  const own = states.map((shape, s) =>
    arity === undefined
      ? [parameter(`children${s}`, "float32", [children, ...shape])]
      : Array.from({ length: arity }, (_, k) => parameter(`child${s}.${k}`, "float32", [level, ...shape])),
  );
  const slices = sequences.map((x, i) => parameter(`slice${i}`, x.type.dtype, [level, ...x.type.shape.slice(2)]));
  const parents = arity === undefined ? parameter("parents", "int32", [children]) : undefined;
  const fixed = constants.map((x, i) => parameter(`constant${i}`, x.type.dtype, x.type.shape));
  const results = body({ children: own, slices, parents, constants: fixed, level });
  return apply("treeRecur", [tree.nodes, tree.edges, tree.levels, ...sequences, ...constants], {
    body: { parameters: [...own.flat(), ...slices, ...(parents ? [parents] : []), ...fixed], results },
    states: states.length,
    sequences: sequences.length,
    ...(arity === undefined ? {} : { arity }),
  });
}

/**
 * The gradient of a `treeRecur`: from the roots to the leaves, each level is computed again, and the gradient of the body run. What it gives of children
 * goes down to their level.
 */
export function treeGradient(
  node: Node<"treeRecur">,
  cotangents: readonly (Value | undefined)[],
  needs: readonly boolean[],
  gradients: Gradients,
): (Value | undefined)[] {
  const { inputs, attrs } = node;
  const { body, states, sequences, arity } = attrs;
  const outputs = node.outputs.map((type, output) => ({ node, output, type }) as Value);
  const read = inputs.slice(forestInputs, forestInputs + sequences);
  const constants = inputs.slice(forestInputs + sequences);
  const first = { slice: states * (arity ?? 1), constant: body.parameters.length - constants.length };
  const slicesWanted = float(read).filter((i) => needs[forestInputs + i]);
  const constantsWanted = float(constants).filter((i) => needs[forestInputs + sequences + i]);

  const here = body.parameters.map(({ type }, i) => parameter(`parameter${i}`, type.dtype, type.shape));
  const results = substitute(body.results, body.parameters, here);
  const flowing = results.map(({ type }, s) => parameter(`cotangent${s}`, type.dtype, type.shape));
  const grads = gradients(
    results.map((value, s) => ({ value, cotangent: flowing[s] as Value })),
    [
      ...here.slice(0, first.slice),
      ...slicesWanted.map((i) => here[first.slice + i] as Value),
      ...constantsWanted.map((i) => here[first.constant + i] as Value),
    ],
  );
  const made = apply(
    "treeRecurGrad",
    [
      ...inputs.slice(0, forestInputs),
      ...outputs,
      ...outputs.map(({ type }, s) => cotangents[s] ?? full(0, type.shape)),
      ...read,
      ...constants,
    ],
    { ...attrs, body: { parameters: [...flowing, ...here], results: grads }, slices: slicesWanted.length, rows: 0 },
  );

  const found: (Value | undefined)[] = inputs.map(() => undefined);
  slicesWanted.forEach((i, k) => {
    found[forestInputs + i] = made[states + k];
  });
  constantsWanted.forEach((i, k) => {
    found[forestInputs + sequences + i] = made[states + slicesWanted.length + k];
  });
  return found;
}
