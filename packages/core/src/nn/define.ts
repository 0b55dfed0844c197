/** The door for layers of one's own: from a definition to the function that makes layers. */
import { ConfigError } from "../errors.ts";
import { checkIds } from "./ids.ts";
import { type Flow, type Kind, kinds } from "./kinds.ts";
import {
  type AnyLayer,
  type BuildContext,
  type IdRules,
  type KnownKinds,
  type Layer,
  type LayerDefinition,
  type MergingLayer,
  type OwnKind,
  type PointwiseLayer,
  type Symbolic,
  withDefinition,
} from "./layer.ts";
import { layerKinds } from "./layerKinds.ts";
import { createLayer } from "./make.ts";
import { expectKeys, isName, isRecord, NAME_RULE, OptionReader, repeatedName, shown } from "./options.ts";
import { expectReadAgain, plainCopy } from "./plain.ts";
import { checkResults, watched } from "./results.ts";
import type { TreeReader } from "./trees/reader.ts";

/** What comes out by what goes in: `{ sequence: "features" }`. */
export type OutputsByKind = { readonly [K in Kind]?: Kind };

/** What comes out of a layer: by the kind of what goes in, or where `merges` tell what goes in a kind or a list of them. */
export type Outputs = OutputsByKind | Kind | readonly Kind[];

/** The same as a function of the options and of what goes in, the initial states last; undefined where it cannot take that. */
export type OutputsOf<C> = (config: C, inputs: readonly Kind[]) => readonly Kind[] | undefined;

type Merges = true | readonly Kind[] | undefined;

/** A kind of layer of one's own. `O` are the options of its users, `C` what it makes of them. */
export interface OwnLayer<O, C, Out extends Outputs | OutputsOf<C>, In extends Merges> {
  /** What files, summaries and errors call it: a plain name that no layer of the library has. */
  readonly kind: string;
  /**
   * Checks options and fills in defaults. What it gives is plain data, which files keep and it reads again, making the same of it. Users are held to the type
   * of `options`, but files may hold anything: read them with an `OptionReader`, whose errors begin with `owner`. `known` is for `parseLayer`.
   */
  parse(options: O, owner: string, known?: KnownKinds): C;
  /** What it takes, for errors: `… takes a sequence [batch, time, features]; it was given …`. */
  readonly takes: string;
  /**
   * It is applied to a list, `layer([a, b])`: of inputs of one kind where it is true, or of those kinds in their order. Default: it is applied to
   * one input.
   */
  readonly merges?: In;
  /**
   * What it gives: by the kind that it takes, `{ sequence: "sequence", features: "features" }`; where `merges` are kinds, a kind or a list of them; or a
   * function of its options and the kinds of its inputs, the initial states last, which gives undefined for what it cannot take.
   */
  readonly outputs: Out;
  /** Names of the states that it can begin with, each features: `layer(x, { initialState: [h] })`. They follow the inputs. Default none. */
  states?(config: C): readonly string[];
  /** It has the options `returnSequences`, `returnState` and `reverse` of recurrences, so that `bidirectional` takes it. */
  readonly recurrence?: true;
  /** `treeReader` where it reads the trees of its input, `x.tree`: a chain with it has an input of trees. Default: it does not. */
  readonly trees?: TreeReader;
  /** The most children of a node that it takes, where it reads trees; data with more is refused. Default: any number. */
  arity?(config: C): number | undefined;
  /** What ids must be, where it takes any. Default: any whole numbers, in rows of one length. */
  ids?(config: C): IdRules;
  /**
   * Makes the graph: one flow for each output. Time comes first in sequences and ids: [time, batch, features]. What is past a row's length is whatever the layers
   * before made of padding, seldom zeros: what sums, compares or moves values over time leaves it out, with `sequenceMask(x.lengths, time)`, or the result for a row depends on the
   * rows beside it. Nothing checks that.
   */
  build(context: BuildContext, config: C, inputs: FlowsOf<In>): readonly Flow[];
}

/** One flow for each input, then the initial states. */
type FlowsOf<In> = In extends readonly Kind[]
  ? { readonly [I in keyof In]: Flow }
  : readonly [first: Flow, ...others: Flow[]];

type Pointwise = { readonly sequence: "sequence"; readonly features: "features"; readonly ids?: never };
type Handles<K extends readonly Kind[]> = { readonly [I in keyof K]: Symbolic<K[I] & Kind> };
type Results<Out> = Out extends Kind ? Symbolic<Out> : Out extends readonly Kind[] ? Handles<Out> : never;

/** A layer of a list of inputs, `layer([a, b])`; a chain has no place for it. */
export interface ListLayer<Inputs extends readonly Symbolic[], Result> extends AnyLayer {
  (inputs: Inputs): Result;
  readonly pointwise?: never;
}

type OutOf<Out, K> = K extends keyof Out ? Out[K] & Kind : never;

/** What a definition's layers take and give, by its `outputs` and `merges`. */
export type LayerOf<Out, In> = In extends readonly Kind[]
  ? ListLayer<Handles<In>, Results<Out>>
  : In extends true
    ? Out extends Pointwise
      ? MergingLayer
      : ListLayer<readonly Symbolic<keyof Out & Kind>[], Symbolic<OutOf<Out, keyof Out & Kind>>>
    : Out extends Pointwise
      ? PointwiseLayer
      : Layer<keyof Out & Kind, OutOf<Out, keyof Out & Kind>>;

type Named = { readonly name?: string };

/** Makes layers of one kind: `scale({ factor: 2 })`, with a `name` among the options, as every layer has it. */
export interface LayerMaker<O, L extends AnyLayer> extends OwnKind {
  // biome-ignore lint/complexity/noBannedTypes: whether no option is required
  (...options: {} extends O ? [options?: O & Named] : [options: O & Named]): L;
}

/** @throws ConfigError where a kind is not a plain name, or the library's own */
export function expectOwnKind(maker: string, kind: unknown): asserts kind is string {
  if (!isName(kind)) throw new ConfigError(`${maker}: kind must be ${NAME_RULE}, got ${shown(kind)}`);
  if ((layerKinds as readonly string[]).includes(kind))
    throw new ConfigError(`${maker}: ${shown(kind)} is a layer of the library; call yours by another kind`);
}

/** What the parts of a definition are; those that are data are checked by themselves. */
export type Parts<D> = { readonly [P in keyof D]-?: "function" | "function or nothing" | "data" };

/** @throws ConfigError where a part of a definition is unknown, or not what it must be */
export function expectParts<D>(
  maker: string,
  kind: string,
  definition: Record<string, unknown>,
  parts: Parts<D>,
): void {
  expectKeys(`the definition of ${shown(kind)} for ${maker}`, definition, Object.keys(parts));
  for (const [part, wanted] of Object.entries(parts)) {
    const given = definition[part];
    const absent = given === undefined && wanted === "function or nothing";
    if (wanted !== "data" && !absent && typeof given !== "function")
      throw new ConfigError(`${maker}: ${part} of ${shown(kind)} must be a function, got ${shown(given)}`);
  }
}

const parts: Parts<OwnLayer<never, object, Outputs, Merges>> = {
  kind: "data",
  parse: "function",
  takes: "data",
  merges: "data",
  outputs: "data",
  states: "function or nothing",
  recurrence: "data",
  ids: "function or nothing",
  trees: "function or nothing",
  arity: "function or nothing",
  build: "function",
};

const isKind = (given: unknown): given is Kind => kinds.some((kind) => kind === given);
const isKinds = (given: unknown): given is readonly Kind[] =>
  Array.isArray(given) && given.length > 0 && given.every(isKind);

function expectOutputs(kind: string, merges: unknown, outputs: unknown): void {
  if (merges !== undefined && merges !== true && !isKinds(merges))
    throw new ConfigError(
      `defineLayer: merges of ${shown(kind)} must be true or a list of ${kinds.join(", ")}, got ${shown(merges)}`,
    );
  if (typeof outputs === "function") return;
  const right = isKinds(merges)
    ? isKind(outputs) || isKinds(outputs)
    : isRecord(outputs) && isKinds(Object.keys(outputs)) && isKinds(Object.values(outputs));
  if (!right)
    throw new ConfigError(
      `defineLayer: outputs of ${shown(kind)} must be ${isKinds(merges) ? 'a kind such as "features", a list of them' : 'kinds by kinds such as { sequence: "features" }'} or a function, got ${shown(outputs)}`,
    );
}

interface Told<C> {
  readonly kind: string;
  states?(config: C): unknown;
  ids?(config: C): unknown;
}

function statesOf<C>(own: Told<C>, config: C): readonly string[] {
  const given = own.states?.(config) ?? [];
  if (Array.isArray(given) && given.every((state) => typeof state === "string") && repeatedName(given) === undefined)
    return given;
  throw new ConfigError(`${own.kind}: states must give a list of names, each once, got ${shown(given)}`);
}

function idRulesOf<C>(own: Told<C>, config: C): IdRules {
  const given = own.ids?.(config);
  if (!isRecord(given)) throw new ConfigError(`${own.kind}: ids must give { inputDim, maskZero }, got ${shown(given)}`);
  const { inputDim, maskZero } = given;
  const read = new OptionReader(`${own.kind}: ids`, { inputDim, maskZero }, ["inputDim", "maskZero"]);
  return { inputDim: read.integer("inputDim", 1), maskZero: read.boolean("maskZero", false) };
}

/** What the library knows of a layer of its own, around one of somebody else's. */
function checkedDefinition<O, C, Out extends Outputs | OutputsOf<C>, In extends Merges>(
  own: OwnLayer<O, C, Out, In>,
): LayerDefinition<C> {
  const { kind, takes, merges, outputs, recurrence, trees } = own;
  const kindsOf = (config: C, inputs: readonly Kind[]): readonly Kind[] | undefined => {
    if (typeof outputs === "function") {
      const given: unknown = outputs(config, inputs);
      if (given === undefined || isKinds(given)) return given;
      throw new ConfigError(
        `${kind}: outputs must give a list of ${kinds.join(", ")}, or undefined, got ${shown(given)}`,
      );
    }
    const states = statesOf(own, config);
    const count = Array.isArray(merges) ? merges.length : merges ? inputs.length - states.length : 1;
    const [read, initial] = [inputs.slice(0, count), inputs.slice(count)];
    const [first] = read;
    const begun = initial.length === 0 || initial.join() === states.map(() => "features").join();
    if (first === undefined || !begun) return undefined;
    if (Array.isArray(merges)) {
      if (read.join() !== merges.join()) return undefined;
      return typeof outputs === "string" ? [outputs] : (outputs as readonly Kind[]);
    }
    const given = (outputs as OutputsByKind)[first];
    return given !== undefined && read.every((other) => other === first) ? [given] : undefined;
  };
  return {
    takes,
    ...(merges === undefined ? {} : { merges: true }),
    ...(recurrence ? { recurrence } : {}),
    ...(trees ? { trees } : {}),
    ...(own.arity ? { arity: (config) => own.arity?.(config) } : {}),
    ...(own.states ? { states: (config) => statesOf(own, config) } : {}),
    ...(own.ids ? { reads: (config, data, owner) => checkIds(idRulesOf(own, config), data, owner) } : {}),
    parse(options, owner, known) {
      const config = plainCopy(owner, own.parse(options as O, owner, known));
      if (!isRecord(config))
        throw new ConfigError(`${owner}: parse must give an object of options, got ${shown(config)}`);
      for (const option of recurrence ? ["returnSequences", "returnState", "reverse"] : [])
        if (typeof config[option] !== "boolean")
          throw new ConfigError(
            `${owner}: a recurrence has the option ${option}, true or false; got ${shown(config[option])}`,
          );
      return config as C;
    },
    outputs: kindsOf,
    build(context, config, inputs) {
      const { context: checked, asked } = watched(context);
      const kinds =
        kindsOf(
          config,
          inputs.map((input) => input.kind),
        ) ?? [];
      return checkResults(own.build(checked, config, inputs as FlowsOf<In>), kinds, inputs, asked);
    },
  };
}

/**
 * A layer of one's own. It stands wherever the library's do: in chains and models, summaries, training, files and exports. A file that has it is read
 * with it: `loadModel(path, { layers: [scale] })`.
 *
 * `outputs` and `merges` tell its types. Where `outputs` is a function they are those of the variable:
 * `const last: LayerMaker<Options, RecurrentLayer<"features", ["h"]>> = defineLayer(…)`.
 *
 * @throws ConfigError where the definition is not complete, or its kind is a layer of the library
 *
 * @example
 * const scale = defineLayer({
 *   kind: "scale",
 *   parse(options: { initial?: number }, owner) {
 *     const read = new OptionReader(owner, options, ["initial"]);
 *     return { initial: read.number("initial", 1, 0) };
 *   },
 *   takes: "a sequence or features",
 *   outputs: { sequence: "sequence", features: "features" },
 *   build({ parameter }, { initial }, [x]) {
 *     const factor = parameter("factor", [featuresOf(x)], { kind: "constant", value: initial });
 *     return [{ ...x, values: mul(x.values, factor) }];
 *   },
 * });
 * sequential([input({ shape: ["time", 8] }), scale({ initial: 2 }), dense({ units: 4 })]);
 */
export function defineLayer<
  O,
  C extends object,
  const Out extends Outputs,
  const In extends Merges = undefined,
  L extends AnyLayer = LayerOf<Out, In>,
>(own: OwnLayer<O, C, Out, In>): LayerMaker<O, L>;
export function defineLayer<O, C extends object, const In extends Merges = undefined, L extends AnyLayer = AnyLayer>(
  own: OwnLayer<O, C, OutputsOf<C>, In>,
): LayerMaker<O, L>;
export function defineLayer<O, C extends object, L extends AnyLayer>(
  own: OwnLayer<O, C, Outputs | OutputsOf<C>, Merges>,
): LayerMaker<O, L> {
  if (!isRecord(own)) throw new ConfigError(`defineLayer takes a definition, got ${shown(own)}`);
  const { kind, takes, outputs, recurrence } = own;
  expectOwnKind("defineLayer", kind);
  expectParts("defineLayer", kind, own, parts);
  if (typeof takes !== "string")
    throw new ConfigError(`defineLayer: takes of ${shown(kind)} must say in words what it takes, got ${shown(takes)}`);
  if (recurrence !== undefined && recurrence !== true)
    throw new ConfigError(
      `defineLayer: recurrence of ${shown(kind)} must be true or left out, got ${shown(recurrence)}`,
    );
  expectOutputs(kind, own.merges, outputs);
  const definition = checkedDefinition(own);
  const make = (options?: O & Named): L => {
    const layer: L = createLayer(kind, definition, options);
    expectReadAgain(kind, layer.spec.config, (config) => definition.parse(config, kind));
    return layer;
  };
  return withDefinition(Object.assign(make, { kind }), definition) as unknown as LayerMaker<O, L>;
}
