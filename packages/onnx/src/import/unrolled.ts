/** Loops that an exporter unrolled: they read the steps 0 to n - 1 of an axis one by one, so that further steps would be ignored. */
import { type AnyNode, type Dim, nodesOf, UnsupportedOpError, type Value } from "@ostinato/core";
import { asked, type Found, openName } from "./borders.ts";
import type { Dims } from "./dims.ts";

const isOver = ({ shape }: { readonly shape: readonly Dim[] }, name: Dim): boolean => shape.includes(name);

/** The step that a node takes from an axis; undefined for nodes that read the axis in another way. */
function stepOf(node: AnyNode, name: Dim): number | undefined {
  if (node.op !== "slice") return undefined;
  const { axis, start, size } = node.attrs;
  return size === 1 && start >= 0 && node.inputs[0]?.type.shape[axis] === name ? start : undefined;
}

/** The steps that are read of each axis by name; undefined among them for other readings. */
function stepsByName(results: readonly Value[]): ReadonlyMap<string, ReadonlySet<number | undefined>> {
  const steps = new Map<string, Set<number | undefined>>();
  const add = (name: Dim, step: number | undefined): void => {
    if (typeof name === "string") steps.set(name, (steps.get(name) ?? new Set()).add(step));
  };
  for (const node of nodesOf(results)) {
    if (node.op === "size") add(node.attrs.dim, undefined);
    const names = new Set(node.inputs.flatMap(({ type }) => type.shape));
    for (const name of names) if (node.outputs.some((output) => !isOver(output, name))) add(name, stepOf(node, name));
  }
  for (const name of results.flatMap(({ type }) => type.shape)) add(name, undefined);
  return steps;
}

/** n, if the steps are 0 to n - 1 and n is at least 2. */
function unrolled(steps: ReadonlySet<number | undefined> = new Set()): number | undefined {
  for (let step = 0; step < steps.size; step++) if (!steps.has(step)) return undefined;
  return steps.size >= 2 ? steps.size : undefined;
}

/** @throws UnsupportedOpError for an input with an axis over which a loop was unrolled, with the node that reads its last step, and the way out */
export function expectNotUnrolled({ inputs, outputs }: Found, dims: Dims): void {
  const read = stepsByName([...outputs.values()]);
  for (const [input, { type }] of inputs) {
    type.shape.forEach((name, axis) => {
      if (typeof name !== "string") return;
      const steps = unrolled(read.get(name));
      if (steps === undefined) return;
      const called = name === openName(input, axis) ? "" : ` (${name})`;
      const fixed = type.shape.map((dim, i) => (i === axis ? steps : dim));
      // Ids need a dynamic time.
      const help = type.dtype === "int32" ? "" : `, or read ${steps} steps as features: ${asked(input, fixed)}`;
      throw new UnsupportedOpError(
        `axis ${axis}${called} of the input "${input}" is dynamic in the file but must be ${steps}: the exporter unrolled a loop over it, whose last step is read by ${dims.takenBy(name, steps - 1) ?? "a node"}, and further steps would be ignored; export the loop as a loop (PyTorch: a recurrent module of torch.nn, or torch.jit.script)${help}`,
      );
    });
  }
}
