/** The order in which Keras has the layers of a Functional model, by which its files of weights number them. */
import type { ModelSpec } from "@ostinato/core";
import { type Row, rowsByKind } from "./table.ts";

/** What Keras orders: an input, or a layer by its index. */
export type Operation = { readonly input: number } | { readonly layer: number };

/** A call, or an input: what it reads. */
interface Step {
  readonly operation: string;
  readonly reads: readonly number[];
}

const keyOf = (operation: Operation): string =>
  "input" in operation ? `input ${operation.input}` : `layer ${operation.layer}`;

/** Inputs, then calls; each with the numbers of those that it reads. */
function stepsOf({ inputs, calls }: ModelSpec): Step[] {
  return [
    ...inputs.map((_, input): Step => ({ operation: keyOf({ input }), reads: [] })),
    ...calls.map(
      ({ layer, sources }): Step => ({
        operation: keyOf({ layer }),
        reads: sources.map((source) => ("input" in source ? source.input : inputs.length + source.call)),
      }),
    ),
  ];
}

/** Operations that Keras computes a mask with, one behind another, between what that reads and what takes the mask. */
const MASK_OPERATIONS = 4;

/** By step, the steps that take a mask that is made of what it gives. */
function maskTakers(
  { inputs, calls, layers }: ModelSpec,
  steps: readonly Step[],
): ReadonlyMap<number, readonly number[]> {
  const rowOf = (step: number): Row | undefined => {
    const call = calls[step - inputs.length];
    return call && rowsByKind.get(layers[call.layer]?.kind ?? "");
  };
  const takers = new Map<number, number[]>();
  steps.forEach((merge, at) => {
    if (!rowOf(at)?.computesMask) return;
    const reached = new Set([at]);
    const found = steps.flatMap(({ reads }, step) => {
      const row = rowOf(step);
      if (step === at || !reads.some((read) => reached.has(read)) || row === undefined) return [];
      if (row.masks !== "none" && row.masks !== "ignored") reached.add(step);
      return row.takesMask ? [step] : [];
    });
    for (const read of merge.reads) takers.set(read, [...(takers.get(read) ?? []), ...found]);
  });
  return takers;
}

/** Keras's `map_graph`: by depth, the deepest first, and by when a walk from the outputs meets an operation first. */
function orderedBy(spec: ModelSpec, withMasks: boolean): string[] {
  const steps = stepsOf(spec);
  const takers = withMasks ? maskTakers(spec, steps) : new Map<number, readonly number[]>();
  const met = new Map<string, number>();
  const entered = new Set<number>();
  /** Each after what it reads. */
  const finished: number[] = [];
  const path: { step: number; next: number }[] = [];
  const enter = (step: number): void => {
    if (entered.has(step)) return;
    entered.add(step);
    const { operation } = steps[step] as Step;
    if (!met.has(operation)) met.set(operation, met.size);
    path.push({ step, next: 0 });
  };
  // Records of outputs are walked in the order of their names.
  for (const { source } of [...spec.outputs].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    enter("input" in source ? source.input : spec.inputs.length + source.call);
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const read = (steps[top.step] as Step).reads[top.next++];
      if (read !== undefined) enter(read);
      else {
        finished.push(top.step);
        path.pop();
      }
    }
  }
  const depths = new Map<number, number>();
  const ofOperations = new Map<string, number>();
  const deepen = (step: number, depth: number): void => {
    depths.set(step, Math.max(depths.get(step) ?? 0, depth));
  };
  // Who reads it comes behind it in this list.
  for (const step of finished.reverse()) {
    const { operation, reads } = steps[step] as Step;
    for (const taker of takers.get(step) ?? []) deepen(step, (depths.get(taker) ?? 0) + MASK_OPERATIONS + 1);
    const depth = Math.max(depths.get(step) ?? 0, ofOperations.get(operation) ?? 0);
    ofOperations.set(operation, depth);
    for (const read of reads) deepen(read, depth + 1);
  }
  const depthOf = (operation: string): number => ofOperations.get(operation) as number;
  return [...ofOperations.keys()].sort(
    (a, b) => depthOf(b) - depthOf(a) || (met.get(a) as number) - (met.get(b) as number),
  );
}

/**
 * The inputs and layers of a model in Keras's order.
 *
 * @param classOf what tells apart layers that files number together
 * @returns undefined where it depends on how Keras computes masks, which files do not say, for two layers of one class
 */
export function kerasOrder(spec: ModelSpec, classOf: (layer: number) => string): Operation[] | undefined {
  const operations = new Map<string, Operation>([
    ...spec.inputs.map((_, input) => [keyOf({ input }), { input }] as const),
    ...spec.layers.map((_, layer) => [keyOf({ layer }), { layer }] as const),
  ]);
  const [plain, masked] = [false, true].map((withMasks) =>
    orderedBy(spec, withMasks).map((key) => operations.get(key) as Operation),
  ) as [Operation[], Operation[]];
  const byClass = (order: readonly Operation[]): string[] =>
    order
      .flatMap((operation) => ("layer" in operation ? [`${classOf(operation.layer)} ${operation.layer}`] : []))
      .sort((a, b) => {
        const [first, second] = [a, b].map((text) => text.slice(0, text.lastIndexOf(" "))) as [string, string];
        return first < second ? -1 : first > second ? 1 : 0;
      });
  return byClass(plain).join() === byClass(masked).join() ? masked : undefined;
}
