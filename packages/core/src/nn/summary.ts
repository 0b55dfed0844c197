/** A model as the table that Keras prints. */

import { sizeOf } from "../tensor.ts";
import { buildModel } from "./build.ts";
import { batchMajorShape, type Flow } from "./kinds.ts";
import type { ParameterSpec } from "./layer.ts";
import type { Model } from "./model.ts";
import type { ModelSpec } from "./spec.ts";
import { lossParametersOf, type Trained } from "./trained.ts";

/** A model, or a trained one, whose losses may have parameters. */
type Summed = Model & Pick<Trained, "losses">;

/** One line of a summary. */
export interface SummaryRow {
  readonly name: string;
  readonly kind: string;
  /** Of its first result, or of what a loss is on, batch first; named sizes that were not given stay names. */
  readonly shape: readonly (number | string)[];
  readonly parameters: number;
}

const numbersIn = (parameters: readonly { readonly shape: readonly number[] }[]): number =>
  parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0);

/**
 * The layers in the order in which they are applied, then of a trained model the losses that are kept with it. A layer applied twice has its parameters counted once.
 */
export function summaryRows(model: Summed, sizes: Readonly<Record<string, number>> = {}): SummaryRow[] {
  const built = buildModel(model.spec);
  /** By layer; those of a layer that was counted are taken out. */
  const numbers = new Map<number, number>();
  built.parameters.forEach(({ shape }, p) => {
    const owner = built.owners[p] as number;
    numbers.set(owner, (numbers.get(owner) ?? 0) + sizeOf(shape));
  });
  const shapeOf = (flow: Flow) => batchMajorShape(flow).map((dim) => sizes[dim] ?? dim);
  const layers = model.spec.calls.map((call, i): SummaryRow => {
    const { name, kind } = model.spec.layers[call.layer] as ModelSpec["layers"][number];
    const parameters = numbers.get(call.layer) ?? 0;
    numbers.delete(call.layer);
    return { name, kind, shape: shapeOf(built.calls[i]?.[0] as Flow), parameters };
  });
  const losses = Object.entries(model.losses ?? {}).map(([output, loss]): SummaryRow => {
    const of = built.outputs.find(({ name }) => name === output);
    const parameters = numbersIn(lossParametersOf({ losses: { [output]: loss } }));
    return { name: `${output}/${loss.kind}`, kind: loss.kind, shape: of ? shapeOf(of.flow) : [], parameters };
  });
  return [...layers, ...losses];
}

/** One parameter of a model. */
export type ParameterInfo = Readonly<Required<Pick<ParameterSpec, "name" | "shape" | "trainable">>>;

/**
 * The parameters of a model in the order in which its layers use them, without those of losses: names, shapes, and
 * whether training changes them.
 *
 * @example parametersOf(model) // [{ name: "embedding/embeddings", shape: [5000, 10], trainable: true }, …]
 */
export function parametersOf(model: Model): ParameterInfo[] {
  return buildModel(model.spec).parameters.map(({ name, shape, trainable = true }) => ({ name, shape, trainable }));
}

/** How many numbers the weights of the model are, frozen ones included, and of a trained model those of its losses. */
export function countParameters(model: Summed): number {
  return numbersIn(buildModel(model.spec).parameters) + numbersIn(lossParametersOf(model));
}

function frozenParameters(model: Model): number {
  return numbersIn(buildModel(model.spec).parameters.filter(({ trainable }) => trainable === false));
}

/**
 * The table of layers, output shapes and parameters; of a trained model with its losses that are kept, such as a CRF. `sizes` fills in named sizes: `summary(model, { time: 300 })`.
 */
export function summary(model: Summed, sizes: Readonly<Record<string, number>> = {}): string {
  const rows = summaryRows(model, sizes);
  const cells = [
    ["Layer (kind)", "Output shape", "Parameters"],
    ...rows.map(({ name, kind, shape, parameters }) => [
      `${name} (${kind})`,
      `[${shape.join(", ")}]`,
      parameters.toLocaleString("en-US"),
    ]),
  ] as [string, string, string][];
  const [first, second, third] = [0, 1, 2].map((k) => Math.max(...cells.map((cell) => (cell[k] as string).length))) as [
    number,
    number,
    number,
  ];
  const line = ([a, b, c]: [string, string, string]): string =>
    `${a.padEnd(first)}  ${b.padEnd(second)}  ${c.padStart(third)}`;
  const [head, ...body] = cells as [[string, string, string], ...[string, string, string][]];
  const rule = "─".repeat(first + second + third + 4);
  const total = countParameters(model).toLocaleString("en-US");
  const frozen = frozenParameters(model);
  return [
    line(head),
    rule,
    ...body.map(line),
    rule,
    `Total parameters: ${total}`,
    ...(frozen === 0 ? [] : [`Frozen parameters: ${frozen.toLocaleString("en-US")}`]),
  ].join("\n");
}
