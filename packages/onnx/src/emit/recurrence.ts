/** Recurrences as the operators that ONNX has for them: of one direction, or of both. */
import {
  type ActivationParameters,
  factsOf,
  initialOf,
  type Node,
  type RecurrenceInputs,
  type RecurrenceName,
  recurrenceInputsOf,
  sizeOf,
  spelledOut,
  UnsupportedOpError,
  type Value,
} from "@ostinato/core";
import { addsBiases } from "../recurrent/biases.ts";
import { isZeros } from "../recurrent/rules.ts";
import {
  type Attributes,
  type AttributeValue,
  type Emission,
  isMatrix,
  type JointExport,
  type Known,
  type Part,
} from "./emission.ts";
import { int32Scalar } from "./source.ts";

type Recurrence = Node<RecurrenceName>;

/** The inputs of one direction; which of the optional ones there are depends on the recurrence. */
type Roles = RecurrenceInputs & { readonly [role: string]: Value | undefined };

const rolesOf = ({ inputs, attrs }: Pick<Recurrence, "inputs" | "attrs">): Roles =>
  recurrenceInputsOf(inputs, attrs) as Roles;

/** `linearBeforeReset` → `linear_before_reset`. */
const attributeName = (flag: string): string => flag.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** The flags of the recurrence by ONNX's names; those that are not set are left out. */
function flagsOf({ op, attrs }: Recurrence): Attributes {
  const given = attrs as unknown as Readonly<Record<string, unknown>>;
  const flags = Object.keys(factsOf(op).flags).filter((flag) => given[flag] === true);
  return Object.fromEntries(flags.map((flag) => [attributeName(flag), 1]));
}

const sameValue = (a: Value | undefined, b: Value | undefined): boolean =>
  a?.node === b?.node && a?.output === b?.output;

/** What an ONNX node has once for both directions, beside X and the lengths. */
const sharedBy = (node: Recurrence): string => {
  const { hiddenSize, clip, options } = node.attrs;
  // Each direction has two biases in any case.
  return JSON.stringify([hiddenSize, clip, options.filter((option) => option !== "recurrentBias"), flagsOf(node)]);
};

function joins(forward: Recurrence, reverse: Recurrence): boolean {
  if (forward.attrs.direction !== "forward" || reverse.attrs.direction !== "reverse") return false;
  const [a, b] = [rolesOf(forward), rolesOf(reverse)];
  return sameValue(a.X, b.X) && sameValue(a.lengths, b.lengths) && sharedBy(forward) === sharedBy(reverse);
}

/** The joint name of the weights of both directions: `layer/forward/W`, `layer/backward/W` → `layer/forward+backward/W`. See `separateNames`. */
function jointName(names: readonly string[]): string {
  const [first = ""] = names;
  if (names.length === 1) return first;
  const parts = names.map((name) => name.split("/"));
  const depth = Math.max(...parts.map(({ length }) => length));
  const joined = Array.from({ length: depth }, (_, i) => [...new Set(parts.map((part) => part[i] ?? ""))].join("+"));
  return names.every((name) => name === first) ? names.join("+") : joined.join("/");
}

/** Stored as [directions, …]. */
function storeStacked(known: readonly Known[], emission: Emission): string {
  const shape = known[0]?.tensor.shape ?? [];
  const size = sizeOf(shape);
  const data = new Float32Array(known.length * size);
  known.forEach(({ tensor }, i) => {
    data.set(tensor.data.subarray(0, size), i * size);
  });
  const weights = known.filter(({ kind }) => kind === "weight");
  const name = jointName((weights.length === 0 ? known.slice(0, 1) : known).map((each) => each.name));
  return emission.store(name, {
    type: "float32",
    dims: [known.length, ...shape],
    data,
    matrices: known.every(isMatrix),
  });
}

/** The list, where nothing in it is unknown. */
const allOf = (known: readonly (Known | undefined)[]): readonly Known[] | undefined =>
  known.includes(undefined) ? undefined : (known as readonly Known[]);

/** What is computed, as [directions, …]. */
function stackNames(names: readonly string[], emission: Emission): string {
  const each = names.map((name) => emission.add("Unsqueeze", [name, emission.ints([0])]));
  return each.length === 1 ? (each[0] as string) : emission.add("Concat", each, { axis: 0 });
}

/** The same input of each direction: [directions, …]; the empty name where it is absent. */
function stacked(role: string, directions: readonly Roles[], emission: Emission): string {
  const given = directions.flatMap((roles) => roles[role] ?? []);
  if (given.length === 0) return "";
  const known = allOf(given.map(emission.known));
  return known ? storeStacked(known, emission) : stackNames(given.map(emission.name), emission);
}

/** Zeros of a row of gates. */
function zeroRows(rows: number, emission: Emission): string {
  return emission.store("zeros", { type: "float32", dims: [rows], data: new Float32Array(rows) });
}

/** ONNX adds two biases, Wb and Rb: [2 * rows]. If ours can be added in advance, the sum is Wb and Rb is zero. `undefined` if a bias is computed. */
function knownBias({ op, inputs, attrs }: Recurrence, emission: Emission): Known | undefined {
  const { B, recurrentBias } = rolesOf({ inputs, attrs });
  const known = emission.known(B);
  const recurrent = recurrentBias && emission.known(recurrentBias);
  if (known === undefined || (recurrentBias && recurrent === undefined)) return undefined;
  const rows = B.type.shape[0] as number;
  const data = new Float32Array(2 * rows);
  data.set(known.tensor.data.subarray(0, rows));
  const added = addsBiases(op, attrs);
  recurrent?.tensor.data.subarray(0, rows).forEach((x, i) => {
    data[added ? i : i + rows] = x + (added ? (data[i] as number) : 0);
  });
  return { ...known, tensor: { dtype: "float32", shape: [2 * rows], data } };
}

/** The same for computed biases. Biases that can be added have been added already. */
function computedBias(node: Recurrence, emission: Emission): string {
  const { B, recurrentBias } = rolesOf(node);
  const own = emission.name(B);
  const second = recurrentBias ? emission.name(recurrentBias) : zeroRows(B.type.shape[0] as number, emission);
  return emission.add("Concat", [own, second], { axis: 0 });
}

/** [directions, 2 * rows]; absent if the model has no bias. A parameter whose values happen to be zero remains a parameter. */
function biases(nodes: readonly Recurrence[], emission: Emission): string {
  const absent = nodes.every((node) => {
    const { B, recurrentBias } = rolesOf(node);
    return isZeros(B) && recurrentBias === undefined;
  });
  if (absent) return "";
  const known = allOf(nodes.map((node) => knownBias(node, emission)));
  if (known) return storeStacked(known, emission);
  return stackNames(
    nodes.map((node) => computedBias(node, emission)),
    emission,
  );
}

/** A row of length 0 keeps its initial state; onnxruntime gives zeros, and the standard does not say. */
function keeper(lengths: Value | undefined, emission: Emission): (state: string, initial: () => string) => string {
  let begun: string | undefined;
  return (state, initial) => {
    if (lengths === undefined || state === "") return state;
    begun ??= emission.add("Unsqueeze", [
      emission.add("Less", [int32Scalar(0, emission), emission.name(lengths)]),
      emission.ints([1]),
    ]);
    return emission.add("Where", [begun, state, initial()]);
  };
}

/** Throws for what the operator does not have. */
function expectExportable(node: Recurrence, emission: Emission): void {
  const { op } = node;
  const { operator, states, kept } = factsOf(op);
  if (Object.keys(kept).some((_, i) => emission.reads(node, 1 + states.length + i))) {
    throw new UnsupportedOpError(
      `${op}: ${Object.keys(kept).join(" and ")} are kept for its gradient and have no ONNX output; export the inference graph`,
    );
  }
  if (node.attrs.options.includes("recurrentMask")) {
    throw new UnsupportedOpError(
      `${op}: ONNX's ${operator} has no mask on the recurrent input (recurrentMask); export the inference graph, which drops nothing`,
    );
  }
}

/** The activations of all directions. Runtimes take parameters from the lists in order, for the functions that have them, so all parameters are written. */
function activationsOf(nodes: readonly Recurrence[]): Attributes {
  const given = nodes.flatMap((node) => node.attrs.activations.map(spelledOut));
  const byDefault = nodes.flatMap((node) => factsOf(node.op).activations);
  if (given.every(({ name }, i) => name === byDefault[i])) return {};
  const parameters = (key: keyof ActivationParameters): AttributeValue | undefined => {
    const floats = given.flatMap((activation) => activation[key] ?? []);
    return floats.length === 0 ? undefined : { floats };
  };
  return {
    activations: given.map(({ name }) => name),
    activation_alpha: parameters("alpha"),
    activation_beta: parameters("beta"),
  };
}

/** The attributes of one direction, or of both. */
function attributesOf(nodes: readonly Recurrence[]): Attributes {
  const [{ attrs }] = nodes as [Recurrence];
  return {
    hidden_size: attrs.hiddenSize,
    direction: nodes.length > 1 ? "bidirectional" : attrs.direction === "forward" ? undefined : attrs.direction,
    ...activationsOf(nodes),
    clip: attrs.clip === undefined ? undefined : { float: attrs.clip },
    ...flagsOf(nodes[0] as Recurrence),
  };
}

/** The op of a recurrence: ONNX's operator has the same gate order, weight layout and lengths, so its weights are copied. */
export const recurrence = (op: RecurrenceName, operator: string): JointExport<RecurrenceName> => ({
  joins,
  together(nodes, emission) {
    for (const node of nodes) expectExportable(node, emission);
    const { states } = factsOf(op);
    const directions = nodes.map(rolesOf);
    const [{ X, lengths, ...first }] = directions as [Roles];
    const stack = (role: string): string => stacked(role, directions, emission);
    const inputs = [emission.name(X), stack("W"), stack("R"), biases(nodes, emission)];
    inputs.push(lengths ? emission.name(lengths) : "");
    const initial = states.map((state) => stack(initialOf(state)));
    inputs.push(...initial, stack("P"));
    while (inputs.at(-1) === "") inputs.pop();
    const wanted = ["y", ...states].map((_, output) => nodes.some((node) => emission.reads(node, output)));
    const names = emission.addMany(operator, inputs, attributesOf(nodes), wanted);

    const alone = nodes.length === 1;
    const axisOf = (output: number): number => (output === 0 ? 1 : 0);
    const keep = keeper(lengths, emission);
    const outputs = names.map((name, output) => {
      const given = alone && name !== "" ? emission.add("Squeeze", [name, emission.ints([axisOf(output)])]) : name;
      const [state, begun] = [states[output - 1] ?? "", initial[output - 1]];
      return begun ? keep(given, () => (alone ? emission.name(first[initialOf(state)] as Value) : begun)) : given;
    });
    if (alone) return [outputs];
    return nodes.map((_, index) =>
      outputs.map((whole, output): Part => ({ whole, axis: axisOf(output), index, size: nodes.length })),
    );
  },
});
