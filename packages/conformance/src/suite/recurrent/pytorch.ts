/** What PyTorch's LSTM, GRU and RNN compute: one layer in each direction, and two bidirectional layers, with all gradients. */
import {
  concat,
  factsOf,
  gradients,
  initialOf,
  int32,
  type RecurrenceInputs,
  type RecurrenceName,
  recurrence,
  recurrenceNames,
  type Tensor,
  type Value,
} from "@ostinato/core";
import gru from "../../golden/pytorch-gru.json" with { type: "json" };
import lstm from "../../golden/pytorch-lstm.json" with { type: "json" };
import rnn from "../../golden/pytorch-rnn.json" with { type: "json" };
import stacks from "../../golden/pytorch-stacks.json" with { type: "json" };
import { feedsOf, type GoldenCase, type GoldenTensor, gates, plain, single } from "../goldenCase.ts";

type ByName = Readonly<Record<string, GoldenTensor>>;
type Named = Readonly<Record<string, Tensor>>;

/** One direction of one layer. States are by name: what they begin with, what they end with, and the gradients `h0`, `c0`. */
interface Part {
  readonly direction: string;
  readonly weights: ByName;
  readonly initial: ByName;
  readonly cotangents: ByName;
  readonly outputs: ByName;
  readonly gradients: ByName;
}

/** One or two layers: parts are layer by layer, and directions of one layer beside each other. */
interface Stack {
  readonly cell: RecurrenceName;
  readonly nonlinearity?: string;
  readonly hidden: number;
  readonly lengths: readonly number[];
  readonly initialStates: boolean;
  readonly x: GoldenTensor;
  readonly y: GoldenTensor;
  readonly dy: GoldenTensor;
  readonly dx: GoldenTensor;
  readonly parts: readonly Part[];
}

/** Whether the bias of the product with R stands by itself: where the reset gate comes after that product. */
const hasRecurrentBias = (cell: RecurrenceName): boolean => cell === "gru";

/** Weights in our layout. */
function weightsOf(cell: RecurrenceName, weights: ByName): Named {
  const { weight_ih, weight_hh, bias_ih, bias_hh } = weights;
  const sum = { shape: bias_ih.shape, data: bias_ih.data.map((bias, i) => bias + bias_hh.data[i]) };
  return {
    W: gates(cell, weight_ih, "pytorch"),
    R: gates(cell, weight_hh, "pytorch"),
    ...(hasRecurrentBias(cell)
      ? { B: gates(cell, bias_ih, "pytorch"), recurrentBias: gates(cell, bias_hh, "pytorch") }
      : { B: gates(cell, sum, "pytorch") }),
  };
}

/** Their gradients: that of a sum of two biases is the one of either. */
function weightGradientsOf(cell: RecurrenceName, gradientsOf: ByName): Named {
  const { weight_ih, weight_hh, bias_ih, bias_hh } = gradientsOf;
  return {
    W: gates(cell, weight_ih, "pytorch"),
    R: gates(cell, weight_hh, "pytorch"),
    B: gates(cell, bias_ih, "pytorch"),
    ...(hasRecurrentBias(cell) ? { recurrentBias: gates(cell, bias_hh, "pytorch") } : {}),
  };
}

/** What a part is fed and gives, by our names. */
function tensorsOf(cell: RecurrenceName, initialStates: boolean, part: Part) {
  const { states } = factsOf(cell);
  const ofStates = (from: ByName): Named => Object.fromEntries(states.map((state) => [state, plain(from[state])]));
  const begun = (from: ByName, nameOf: (state: string) => string): Named =>
    initialStates ? Object.fromEntries(states.map((state) => [initialOf(state), plain(from[nameOf(state)])])) : {};
  return {
    inputs: { ...weightsOf(cell, part.weights), ...begun(part.initial, (state) => state) },
    cotangents: ofStates(part.cotangents),
    outputs: ofStates(part.outputs),
    gradients: { ...weightGradientsOf(cell, part.gradients), ...begun(part.gradients, (state) => `${state}0`) },
  };
}

/** A stack as a graph; where there are several parts, the names of their tensors end with the part's number. */
function caseOf(name: string, { cell, nonlinearity, lengths, initialStates, x, y, dy, dx, parts }: Stack): GoldenCase {
  const width = Math.min(parts.length, 2);
  const suffix = (part: number): string => (parts.length === 1 ? "" : ` ${part}`);
  const tensors = parts.map((part) => tensorsOf(cell, initialStates, part));
  const all = (kind: keyof (typeof tensors)[number], prefix = ""): Named =>
    Object.fromEntries(
      tensors.flatMap((own, i) =>
        Object.entries<Tensor>(own[kind]).map(([role, tensor]) => [`${prefix}${role}${suffix(i)}`, tensor]),
      ),
    );
  const inputs = { X: plain(x), ...all("inputs") };
  const feeds = { ...inputs, dy: plain(dy), ...all("cotangents", "d"), lengths: int32([lengths.length], lengths) };
  const fed = feedsOf(feeds);

  const last: Record<string, Value> = {};
  const run = (X: Value, index: number): Value => {
    const own = Object.keys(tensors[index].inputs).map((role) => [role, fed[`${role}${suffix(index)}`]]);
    const roles = { X, ...Object.fromEntries(own), lengths: fed.lengths } as RecurrenceInputs;
    const outputs: Readonly<Record<string, Value>> = recurrence(cell, roles, {
      direction: parts[index].direction === "reverse" ? "reverse" : "forward",
      ...(nonlinearity === "relu" ? { activations: ["Relu"] } : {}),
      ...(hasRecurrentBias(cell) ? { linearBeforeReset: true } : {}),
    });
    for (const state of factsOf(cell).states) last[`${state}${suffix(index)}`] = outputs[state];
    return outputs.y;
  };
  let top = fed.X;
  for (let first = 0; first < parts.length; first += width) {
    const below = top;
    const outputs = Array.from({ length: width }, (_, direction) => run(below, first + direction));
    top = width === 1 ? outputs[0] : concat(outputs, 2);
  }

  const seeds = Object.entries({ y: top, ...last }).map(([output, value]) => ({
    value,
    cotangent: fed[`d${output}`],
  }));
  const names = Object.keys(inputs);
  const found = gradients(
    seeds,
    names.map((input) => fed[input]),
  );
  return {
    name,
    feeds: single(feeds),
    fetches: { y: top, ...last, ...Object.fromEntries(names.map((input, i) => [`d ${input}`, found[i]])) },
    expected: { y: plain(y), ...all("outputs"), "d X": plain(dx), ...all("gradients", "d ") },
  };
}

/** Files with one layer a case, in each direction: the states stand beside the weights. */
interface OneLayer {
  readonly nonlinearity?: string;
  readonly hidden: number;
  readonly lengths: readonly number[];
  readonly initialStates: boolean;
  readonly x: GoldenTensor;
  readonly directions: readonly (Omit<Part, "initial"> & { readonly h0: GoldenTensor; readonly c0?: GoldenTensor })[];
}

const oneLayer = (cell: RecurrenceName, { directions, ...shared }: OneLayer): Stack[] =>
  directions.map(({ h0, c0, ...part }) => ({
    ...shared,
    cell,
    y: part.outputs.y,
    dy: part.cotangents.y,
    dx: part.gradients.x,
    parts: [{ ...part, initial: { h: h0, ...(c0 ? { c: c0 } : {}) } }],
  }));

function titleOf({ cell, nonlinearity, x, hidden, initialStates, parts: [part, ...others] }: Stack): string {
  const [time, batch, input] = x.shape;
  const activation = nonlinearity ? ` of ${nonlinearity}` : "";
  const layers = others.length > 0 ? "two bidirectional layers" : part.direction;
  return `pytorch ${cell}${activation} ${time} × ${batch} × ${input} to ${hidden}, ${layers}${initialStates ? ", initial states" : ""}`;
}

/** Every case of PyTorch. */
export function pytorchCases(): GoldenCase[] {
  const files: { readonly [R in RecurrenceName]?: readonly OneLayer[] } = {
    lstm: lstm.cases,
    gru: gru.cases,
    rnn: rnn.cases,
  };
  const layers = recurrenceNames.flatMap((cell) => (files[cell] ?? []).flatMap((golden) => oneLayer(cell, golden)));
  return [...layers, ...(stacks.cases as unknown as readonly Stack[])].map((stack) => caseOf(titleOf(stack), stack));
}
