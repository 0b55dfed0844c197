/** The order of layers in a Keras Functional model, which determines their numbers in weight files. */
import type { ModelSpec } from "@ostinato/core";
import { type Row, rowsByKind } from "./table.ts";

/** An input, or a layer by its index. */
export type Operation = { readonly input: number } | { readonly layer: number };

/** A call or an input, with the nodes that it reads. */
interface Step {
  readonly operation: string;
  readonly reads: readonly number[];
}

const keyOf = (operation: Operation): string =>
  "input" in operation ? `input ${operation.input}` : `layer ${operation.layer}`;

/** The inputs followed by the calls; each with the indices of those that it reads. */
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

/** The number of operations with which Keras computes a mask, in sequence, between the input of the mask and the layer that uses it. */
const MASK_OPERATIONS = 4;

/** For each step, the steps that use a mask computed from its output. */
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

/** Keras's `map_graph`: sorts by depth, deepest first, then by the order of a traversal from the outputs. */
function orderedBy(spec: ModelSpec, withMasks: boolean): string[] {
  const steps = stepsOf(spec);
  const takers = withMasks ? maskTakers(spec, steps) : new Map<number, readonly number[]>();
  const met = new Map<string, number>();
  const entered = new Set<number>();
  /** Each step follows those that it reads. */
  const finished: number[] = [];
  const path: { step: number; next: number }[] = [];
  const enter = (step: number): void => {
    if (entered.has(step)) return;
    entered.add(step);
    const { operation } = steps[step] as Step;
    if (!met.has(operation)) met.set(operation, met.size);
    path.push({ step, next: 0 });
  };
  // Output dictionaries are traversed in the order of their keys.
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
  // A step that reads another comes after it in this list.
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
 * @param classOf identifies layers that files number together
 * @returns undefined if, for two layers of one class, the order depends on how Keras computes masks, which the file does not contain
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
