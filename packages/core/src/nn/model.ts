/** Models: layers put together, as a chain or by applying them to each other's results. */
import { ConfigError, ShapeError } from "../errors.ts";
import { buildModel } from "./build.ts";
import { input } from "./create.ts";
import type { Kind } from "./kinds.ts";
import {
  type AnyLayer,
  type Call,
  called,
  definitionOf,
  type InputSpec,
  isSymbolic,
  type Layer,
  type PointwiseLayer,
  type Symbolic,
  withDefinition,
} from "./layer.ts";
import { isName, isRecord, NAME_RULE, repeatedName, shown } from "./options.ts";
import type { CallSpec, ModelSpec, OutputSpec, Source } from "./spec.ts";
import { isLayer, shownPart, treeReaderOf } from "./wrapping.ts";

/** A model: what it is, as plain data. It holds no weights; `compile` makes them, a trained model brings them. */
export interface Model {
  readonly spec: ModelSpec;
}

/** What a stage of a chain gives when it is given `K`; never, where it cannot take that. */
type Given<K extends Kind, L> = L extends PointwiseLayer
  ? K extends "sequence" | "features"
    ? K
    : never
  : L extends Layer<infer In, infer Out>
    ? K extends In
      ? Out
      : never
    : never;

/** The chain itself where it fits; where it does not, the first stage that cannot take what it is given has a type that says so. */
type Chain<K extends Kind, L extends readonly unknown[]> = L extends readonly [infer First, ...infer Rest]
  ? [Given<K, First>] extends [never]
    ? readonly [{ readonly "this layer cannot take": K }, ...Rest]
    : readonly [First, ...Chain<Given<K, First>, Rest>]
  : readonly [];

type Checked<L extends readonly unknown[]> = number extends L["length"]
  ? L
  : L extends readonly [Symbolic<infer K>, ...infer Rest]
    ? L[0] extends AnyLayer
      ? Chain<"ids", L>
      : readonly [L[0], ...Chain<K, Rest>]
    : Chain<"ids", L>;

type Stage = AnyLayer | Symbolic;

const isInput = (stage: Stage): stage is Symbolic => isSymbolic(stage) && stage.input !== undefined;
/** A layer as a chain applies it. */
type Applied = (x: Symbolic) => Symbolic | readonly Symbolic[];

/**
 * A chain of layers. Where it does not begin with an `input`, its input is ids [batch, time], as an embedding takes them; those of the nodes of trees, where a
 * layer reads trees.
 *
 * @example
 * sequential([embedding({ inputDim: 5000, outputDim: 10, maskZero: true }), dense({ units: 3, activation: "softmax" })]) // [batch, time, 3]
 * sequential([input({ shape: [8] }), dense({ units: 16, activation: "relu" }), dropout({ rate: 0.5 }), dense({ units: 1 })]) // [batch, 1]
 */
export function sequential<const L extends readonly Stage[]>(stages: L & Checked<L>): Model;
export function sequential(stages: readonly Stage[]): Model {
  const [first] = Array.isArray(stages) ? (stages as readonly Stage[]) : [];
  if (first === undefined) throw new ConfigError("sequential takes a list of at least one layer");
  const layers = isInput(first) ? stages.slice(1) : stages;
  const tree = treeReaderOf(layers.flatMap((layer) => (isLayer(layer) ? layer.spec : []))) !== undefined;
  const start = isInput(first) ? first : input({ shape: ["time"], tree });
  let last: Symbolic = start;
  for (const layer of layers) {
    if (!isLayer(layer))
      throw new ConfigError(
        `sequential takes layers, got ${shownPart(layer)}${isInput(layer) ? "; an input can only come first" : ""}`,
      );
    const given = (layer as unknown as Applied)(last);
    if (!isSymbolic(given))
      throw new ConfigError(
        `sequential: ${called(layer.spec)} gives several results, as recurrences do by returnState, and a chain has no place for them; apply it, and close the model with model(inputs, outputs)`,
      );
    last = given;
  }
  return model(start, last);
}

/** Inputs or outputs: one, or several by name. */
type OneOrMore = Symbolic | Readonly<Record<string, Symbolic>>;

/** What is below `roots`: the inputs that are read, and the calls, each after what it reads. */
function below(roots: readonly Symbolic[]): { inputs: ReadonlySet<Symbolic>; calls: readonly Call[] } {
  const inputs = new Set<Symbolic>();
  const calls: Call[] = [];
  const entered = new Set<Call>();
  const path: { call: Call; next: number }[] = [];
  const enter = (symbolic: Symbolic): void => {
    const { call } = symbolic;
    if (call === undefined) inputs.add(symbolic);
    else if (!entered.has(call)) {
      entered.add(call);
      path.push({ call, next: 0 });
    }
  };
  for (const root of roots) {
    enter(root);
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const input = top.call.inputs[top.next++];
      if (input !== undefined) enter(input);
      else {
        calls.push(top.call);
        path.pop();
      }
    }
  }
  return { inputs, calls };
}

/** Each layer's own name, or its kind and a number: `dense`, `dense_1`. */
function nameLayers(layers: readonly AnyLayer[]): string[] {
  const taken = new Set(layers.flatMap(({ spec }) => (spec.name === undefined ? [] : [spec.name])));
  const counts = new Map<string, number>();
  const names = layers.map(({ spec }) => {
    if (spec.name !== undefined) return spec.name;
    let name = spec.kind;
    let count = counts.get(spec.kind) ?? 0;
    while (taken.has(name)) name = `${spec.kind}_${++count}`;
    counts.set(spec.kind, count);
    taken.add(name);
    return name;
  });
  const twice = repeatedName(names);
  if (twice !== undefined) throw new ConfigError(`two layers are called "${twice}"; give one of them another name`);
  return names;
}

/** Names for outputs that came as a list: after the states, where they are what a recurrence returned. */
function namesFor(outputs: readonly unknown[]): readonly string[] {
  const [first] = outputs;
  const spec = isSymbolic(first) ? first.call?.layer.spec : undefined;
  const states = (spec && definitionOf(spec).states?.(spec.config)) ?? [];
  const before = outputs.length - states.length;
  const camel = (state: string): string =>
    state.replace(/(\d+) (\w+)/, "$2$1").replace(/ (\w)/g, (_, letter: string) => letter.toUpperCase());
  return outputs.map((_, i) => {
    const state = before > 0 ? states[i - before] : undefined;
    return state === undefined ? (before === 1 ? "output" : `output${i}`) : camel(state);
  });
}

/**
 * Closes a model over its inputs and outputs. Several outputs are a record by name; a single one is called "output".
 *
 * @example
 * const x = input({ shape: [8] });
 * const hidden = dense({ units: 16, activation: "relu" })(x);
 * model(x, dense({ units: 3, activation: "softmax" })(hidden));
 */
export function model(inputs: Symbolic | readonly Symbolic[], outputs: OneOrMore): Model {
  const given = Array.isArray(inputs) ? (inputs as readonly Symbolic[]) : [inputs as Symbolic];
  const named: [string, Symbolic][] = isSymbolic(outputs)
    ? [["output", outputs]]
    : Object.entries(isRecord(outputs) ? outputs : {});
  if (named.length === 0) {
    const got = Array.isArray(outputs)
      ? `a list; name each: { ${namesFor(outputs).join(", ")} }`
      : isRecord(outputs)
        ? "an empty record"
        : shown(outputs);
    throw new ConfigError(`model: outputs must be the output of a layer, or a record of them by name, got ${got}`);
  }
  for (const [name, output] of named) {
    if (!isName(name)) throw new ConfigError(`model: the name of an output must be ${NAME_RULE}, got ${shown(name)}`);
    if (!isSymbolic(output))
      throw new ConfigError(`model: the output "${name}" must be what a layer made, got ${shown(output)}`);
  }
  const inputSpecs: InputSpec[] = given.map((symbolic) => {
    if (symbolic?.input === undefined)
      throw new ConfigError("model: its first argument takes what input(…) made, one or a list");
    return symbolic.input;
  });
  const twice = repeatedName(inputSpecs.map((spec) => spec.name));
  if (twice !== undefined) throw new ConfigError(`two inputs are called "${twice}"; give each a name of its own`);

  const { inputs: read, calls } = below(named.map(([, symbolic]) => symbolic));
  const unread = given.find((symbolic) => !read.has(symbolic));
  if (unread !== undefined)
    throw new ConfigError(
      `model: the input "${unread.input?.name}" is read by no output; leave it out, or apply a layer to it`,
    );
  for (const symbolic of read) {
    if (!given.includes(symbolic))
      throw new ConfigError(`model: the input "${symbolic.input?.name}" is read, but it is not among the inputs`);
  }
  const layers = [...new Set(calls.map(({ layer }) => layer))];
  const layerNames = nameLayers(layers);
  const places = new Map(calls.map((call, i) => [call, i]));
  const indexes = new Map(layers.map((layer, i) => [layer, i]));
  const sourceOf = (symbolic: Symbolic): Source => {
    const { call, output = 0 } = symbolic;
    if (call === undefined) return { input: given.indexOf(symbolic) };
    const place = places.get(call) as number;
    return output === 0 ? { call: place } : { call: place, output };
  };
  const spec: ModelSpec = {
    inputs: inputSpecs,
    layers: layers.map(({ spec: own }, i) => {
      const { kind, config } = own;
      return withDefinition({ kind, name: layerNames[i] as string, config }, definitionOf(own));
    }),
    calls: calls.map(
      (call): CallSpec => ({ layer: indexes.get(call.layer) as number, sources: call.inputs.map(sourceOf) }),
    ),
    outputs: named.map(([name, symbolic]): OutputSpec => ({ name, source: sourceOf(symbolic) })),
  };
  for (const { name, flow } of buildModel(spec).outputs) {
    if (flow.kind === "ids") throw new ShapeError(`model: the output "${name}" is an input; apply a layer to it`);
  }
  return { spec };
}
