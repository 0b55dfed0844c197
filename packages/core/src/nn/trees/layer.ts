/** What every layer of trees has: Keras's options and initial weights around a cell of trees. */
import type { TreeCell } from "../../cells/trees/treeCell.ts";
import { ConfigError, ShapeError } from "../../errors.ts";
import { mul } from "../../ir/build/elementwise.ts";
import type { TreeValues } from "../../ir/forest.ts";
import type { Dim, Value } from "../../ir/ops.ts";
import type { RandomStream } from "../../random.ts";
import { hoistTrees } from "../../recurrent/hoistTrees.ts";
import { joinPads } from "../../recurrent/joinPads.ts";
import { treeStates, treeWeightShapes } from "../../recurrent/treeCell.ts";
import { type RecurrentActivationName, recurrentActivationNames, recurrentActivations } from "../activations.ts";
import { type Initializer, initialize } from "../initializers.ts";
import { type Flow, featuresOf } from "../kinds.ts";
import type { BuildContext, LayerDefinition } from "../layer.ts";
import { type Json, OptionReader, shown } from "../options.ts";
import { lastStep } from "../pooling.ts";
import type { Regularizer } from "../regularizers.ts";
import { treeReader } from "./reader.ts";

/** How a node reads its children: as a sum of any number of them, in any order; or each with its own weights, by position. */
export const treeTypes = ["childSum", "nary"] as const;
/** The types of layers of trees. */
export type TreeType = (typeof treeTypes)[number];

/** The options of every layer of trees. */
export type TreeConfig = {
  readonly units: number;
  /** The most children of a node, where each has a position; null: any number. */
  readonly arity: number | null;
  readonly activation: RecurrentActivationName;
  readonly returnSequences: boolean;
  readonly dropout: number;
  readonly recurrentDropout: number;
  readonly useBias: boolean;
  readonly recurrentInitializer: Initializer;
  readonly biasInitializer: Initializer;
  readonly recurrentRegularizer: Regularizer | null;
  readonly biasRegularizer: Regularizer | null;
  readonly trainable: boolean;
};

/** The options of those that multiply their input with a kernel, and have gates with an activation of their own. */
export type GatedTreeConfig = TreeConfig & {
  readonly type: TreeType;
  readonly recurrentActivation: RecurrentActivationName;
  readonly kernelInitializer: Initializer;
  readonly kernelRegularizer: Regularizer | null;
};

/** What sets one layer of trees apart from the others. */
export interface TreeTraits<C extends TreeConfig> {
  /** The cell of each type; without one that sums over children it has no types. */
  readonly cells: { readonly nary: TreeCell; readonly childSum?: TreeCell };
  /** Truth values of its own, with their defaults. */
  readonly flags?: Readonly<Record<string, boolean>>;
  /** The bias as it is drawn: [gates * units]. */
  readonly bias?: (data: Float32Array, config: C) => Float32Array;
}

/** Every option that some layer of trees has. */
type AnyTreeConfig = TreeConfig &
  Partial<GatedTreeConfig> & {
    readonly tensorInitializer?: Initializer;
    readonly tensorRegularizer?: Regularizer | null;
  };

/** Options that end in the name of a weight, of which not every cell has all: `kernelInitializer`. */
const weightOptions = { W: "kernel", R: "recurrent", V: "tensor" } as const;

/** A matrix drawn as Keras has it, [inputs, outputs], with the outputs first. */
function outputsFirst(initializer: Initializer, inputs: number, outputs: number, stream: RandomStream): Float32Array {
  const drawn = initialize(initializer, [inputs, outputs], stream);
  const turned = new Float32Array(drawn.length);
  for (let i = 0; i < inputs; i++)
    for (let j = 0; j < outputs; j++) turned[j * inputs + i] = drawn[i * outputs + j] as number;
  return turned;
}

/** The weights of a layer, each the same in every use of it. */
function weightsOf<C extends TreeConfig>(
  cell: TreeCell,
  { bias }: TreeTraits<C>,
  config: AnyTreeConfig,
  features: number,
  { parameter }: BuildContext,
): { readonly W?: Value; readonly R: Value; readonly B?: Value; readonly V?: Value } {
  const { units, arity, trainable, useBias, biasInitializer } = config;
  const shapes = treeWeightShapes(cell, { features, units, ...(arity === null ? {} : { arity }) });
  const weight = (which: keyof typeof weightOptions): Value | undefined => {
    const shape = shapes[which];
    if (shape === undefined) return undefined;
    const [outputs, ...others] = shape as readonly [number, ...number[]];
    const inputs = others.reduce((product, size) => product * size, 1);
    const initializer = config[`${weightOptions[which]}Initializer`] as Initializer;
    const regularizer = config[`${weightOptions[which]}Regularizer`] ?? null;
    return parameter(which, shape, (stream) => outputsFirst(initializer, inputs, outputs, stream), {
      trainable,
      regularizer,
    });
  };
  const [W, R, V] = [weight("W"), weight("R") as Value, weight("V")];
  const begun = (stream: RandomStream): Float32Array => {
    const drawn = initialize(biasInitializer, shapes.B as readonly number[], stream);
    return bias?.(drawn, config as unknown as C) ?? drawn;
  };
  const B = useBias
    ? parameter("B", shapes.B as readonly number[], begun, { trainable, regularizer: config.biasRegularizer })
    : undefined;
  return { ...(W ? { W } : {}), R, ...(B ? { B } : {}), ...(V ? { V } : {}) };
}

/** A limit for model files: the computation of a node grows with the number of positions, and R with its square. */
const MOST_PLACES = 256;

/** @throws ConfigError where it is no number of places */
export function expectPlaces(owner: string, arity: unknown): void {
  if (!Number.isSafeInteger(arity) || (arity as number) < 1 || (arity as number) > MOST_PLACES)
    throw new ConfigError(`${owner}: arity must be a whole number from 1 to ${MOST_PLACES}, got ${shown(arity)}`);
}

/** The option `arity`, with a `fallback` where it may be left out. @throws ConfigError */
function readPlaces(read: OptionReader, owner: string, fallback?: number): number {
  const arity = read.integer("arity", 1, fallback);
  expectPlaces(owner, arity);
  return arity;
}

/** What layers of trees take, for errors. */
export const TAKES =
  'a sequence of nodes [batch, nodes, features]; put an embedding first, give the layer of trees before it returnSequences: true, or for vectors begin with input({ shape: ["time", features], tree: true })';

/** The trees of what a layer reads. @throws ShapeError where it has none */
export function expectTree({ tree }: Flow): TreeValues {
  if (tree) return tree;
  throw new ShapeError(
    "it takes a sequence whose steps are the nodes of trees, and its input is not of trees; make the input with input({ shape, tree: true })",
  );
}

/** The same of a layer with types, one of which has none. @throws ConfigError where it does not go with the type */
function readArity(read: OptionReader, owner: string, options: object, type: TreeType): number | null {
  if (type === "nary") return readPlaces(read, owner);
  if (((options as { readonly arity?: unknown }).arity ?? null) !== null)
    throw new ConfigError(
      `${owner}: arity goes with type: "nary"; with "${type}" a node has any number of children: leave arity out`,
    );
  return null;
}

/** The definition of a layer of trees. */
export function treeLayer<C extends TreeConfig>(traits: TreeTraits<C>): LayerDefinition<C> {
  const { cells } = traits;
  const facts = cells.nary;
  const typed = cells.childSum !== undefined;
  const isGated = facts.activations.length > 1;
  const hasWeights = { kernel: !facts.leavesAreInputs, recurrent: true, tensor: facts.bilinear === true };
  const weights = Object.entries(hasWeights).flatMap(([name, has]) => (has ? [name] : []));
  const flags = Object.entries(traits.flags ?? {});
  return {
    trees: treeReader,
    passes: () => [hoistTrees, joinPads],
    arity: ({ arity }) => arity ?? undefined,
    parse(options, owner) {
      const read = new OptionReader(owner, options, [
        "units",
        ...(typed ? ["type"] : []),
        "arity",
        "activation",
        ...(isGated ? ["recurrentActivation"] : []),
        "returnSequences",
        "dropout",
        "recurrentDropout",
        "useBias",
        ...flags.map(([flag]) => flag),
        ...weights.map((name) => `${name}Initializer`),
        "biasInitializer",
        ...weights.map((name) => `${name}Regularizer`),
        "biasRegularizer",
        "trainable",
      ]);
      const type = typed ? read.oneOf("type", treeTypes, "childSum") : "nary";
      const config: { readonly [name: string]: Json | Initializer | Regularizer } = {
        units: read.integer("units", 1),
        ...(typed ? { type } : {}),
        arity: typed ? readArity(read, owner, options as object, type) : readPlaces(read, owner, 2),
        activation: read.oneOf("activation", recurrentActivationNames, "tanh"),
        ...(isGated
          ? { recurrentActivation: read.oneOf("recurrentActivation", recurrentActivationNames, "sigmoid") }
          : {}),
        returnSequences: read.boolean("returnSequences", false),
        dropout: read.number("dropout", 0, 0, 1),
        recurrentDropout: read.number("recurrentDropout", 0, 0, 1),
        useBias: read.boolean("useBias", true),
        ...Object.fromEntries(flags.map(([flag, byDefault]) => [flag, read.boolean(flag, byDefault)])),
        ...Object.fromEntries(
          weights.map((name) => [
            `${name}Initializer`,
            read.initializer(`${name}Initializer`, name === "recurrent" ? "orthogonal" : "glorotUniform"),
          ]),
        ),
        biasInitializer: read.vectorInitializer("biasInitializer", "zeros"),
        ...Object.fromEntries(weights.map((name) => [`${name}Regularizer`, read.regularizer(`${name}Regularizer`)])),
        biasRegularizer: read.regularizer("biasRegularizer"),
        trainable: read.boolean("trainable", true),
      };
      return config as unknown as C;
    },
    takes: TAKES,
    outputs: ({ returnSequences }, inputs) =>
      inputs.join() === "sequence" ? [returnSequences ? "sequence" : "features"] : undefined,
    build(context, given, [input]) {
      const config = given as AnyTreeConfig;
      const { mask } = context;
      const { units, activation, recurrentActivation = activation, arity, dropout, recurrentDropout } = config;
      const flow = input as Flow;
      const { values } = flow;
      const tree = expectTree(flow);
      const features = featuresOf(flow);
      if (facts.leavesAreInputs && features !== units)
        throw new ShapeError(
          `the states of leaves are its inputs, so inputs must be as wide as its ${units} units, but they have ${features} features; put dense({ units: ${units} }) before it`,
        );
      const batch = values.type.shape[1] as Dim;
      const cell = (config.type && cells[config.type]) ?? cells.nary;
      const [h] = treeStates(
        cell,
        {
          X: mask && dropout > 0 ? mul(values, mask(dropout, [batch, features], "dropout")) : values,
          ...weightsOf(cell, traits, config, features, context),
          recurrentMask:
            mask && recurrentDropout > 0 ? mask(recurrentDropout, [batch, units], "recurrentDropout") : undefined,
        },
        {
          tree,
          units,
          arity: arity ?? undefined,
          activations: facts.activations.map(
            (_, i) => recurrentActivations[i === 0 && isGated ? recurrentActivation : activation],
          ),
        },
      );
      const nodes: Flow = { ...flow, values: h as Value };
      return config.returnSequences ? [nodes] : lastStep.build(context, {}, [nodes]);
    },
  };
}
