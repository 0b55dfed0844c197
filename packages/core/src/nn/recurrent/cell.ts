/** The door for cells of one's own: what one step of a recurrence computes, for the layer `rnn` to run. */
import { ConfigError } from "../../errors.ts";
import type { Dim, Value } from "../../ir/value.ts";
import { expectOwnKind, expectParts, type Parts } from "../define.ts";
import { type BuildContext, carried, type KnownKinds, type OwnKind, withDefinition } from "../layer.ts";
import { expectKeys, isName, isRecord, type Json, NAME_RULE, shown } from "../options.ts";
import { expectReadAgain, plainCopy } from "../plain.ts";
import { isCell, isLayer, shownPart } from "../wrapping.ts";

/** What a cell reads. */
export interface CellInput {
  /** How many features a step has. */
  readonly features: number;
  /** The size of the batch, for the shapes of masks: [batch, features]. */
  readonly batch: Dim;
}

/** What a step is given. */
export interface CellStep<S extends string = string> {
  /** What `prepare` made of this step: [batch, …]; without it the step's input [batch, features]. */
  readonly x: Value;
  /** The states after the step before, each [batch, size]. */
  readonly states: { readonly [K in S]: Value };
}

/** What a step gives. */
export interface CellResult<S extends string = string> {
  /** The states after it, each [batch, size]. */
  readonly states: { readonly [K in S]: Value };
  /** What comes out: [batch, features]. Default: the first state. */
  readonly output?: Value;
}

/** A cell with its parameters: what is computed once, and what in each step. */
export interface BuiltCell<S extends string = string> {
  /** What can be computed for all steps at once: of x [time, batch, features] a value [time, batch, …], such as its product with a kernel. */
  prepare?(x: Value): Value;
  /** The states before the first step where a call gives none, [size] or [batch, size], by name. Default zeros. */
  readonly initial?: { readonly [K in S]?: Value };
  /**
   * One step. It is called once, with placeholders, to make the graph of all steps; parameters, masks and all else that it reads from outside are the
   * same in each of them.
   */
  step(step: CellStep<S>): CellResult<S>;
}

/** What kinds of cells of one's own have in common. `O` are the options of its users, `C` what it makes of them, `S` the names of its states. */
export interface CellKind<O, C, S extends readonly string[]> {
  /** What files and errors call it: a plain name that no layer of the library has. */
  readonly kind: string;
  /** As of a layer: checks options and fills in defaults, and gives plain data that it makes the same of. */
  parse(options: O, owner: string): C;
  /** The names of its states, in the order in which they are returned and given. The first is the output, unless a step gives another. */
  readonly states: S;
  /** The size of each state. */
  sizes(config: C): { readonly [K in S[number]]: number };
}

/** A kind of cell of one's own. */
export interface OwnCell<O, C, S extends readonly string[]> extends CellKind<O, C, S> {
  /** Asks for parameters and masks, once for all steps. */
  build(context: BuildContext, config: C, input: CellInput): BuiltCell<S[number]>;
}

/** Where cells of a form come from, and the layer that takes them. */
export interface CellForm {
  readonly maker: string;
  readonly layer: string;
}

const ofSteps: CellForm = { maker: "defineCell", layer: "rnn" };

/** A cell as the layer `rnn` knows it. */
export type CellDefinition = OwnCell<unknown, Json, readonly string[]>;

/** A cell with its options: what `rnn` takes. `S` are the names of its states. */
export interface Cell<S extends readonly string[] = readonly string[]> {
  readonly kind: string;
  readonly config: Json;
  /** For types alone. */
  readonly states?: S;
}

/** Makes cells of one kind: `minGru({ units: 8 })`. */
export interface CellMaker<O, S extends readonly string[]> extends OwnKind {
  // biome-ignore lint/complexity/noBannedTypes: whether no option is required
  (...options: {} extends O ? [options?: O] : [options: O]): Cell<S>;
}

/** What builds a cell. */
export function cellOf(cell: Cell): CellDefinition {
  const definition = carried(cell);
  if (definition) return definition as CellDefinition;
  throw new ConfigError(
    `the cell ${cell.kind} is plain data, without what builds it; read its model with parseModelSpec`,
  );
}

/** A cell that is an option of a layer. @throws ConfigError where it is none, or has wrong options; ModelFileError for a kind that is not known */
export function parseCell(owner: string, given: unknown, known?: KnownKinds, form: CellForm = ofSteps): Cell {
  const takes = `${owner} takes a cell, which comes from what ${form.maker} made, got`;
  if (!isRecord(given) || typeof given.kind !== "string")
    throw new ConfigError(
      `${takes} ${shownPart(given)}${isLayer(given) ? `; a layer needs no ${form.layer} around it` : ""}`,
    );
  const { kind, config } = given;
  const definition = (carried(given) ?? known?.cell(kind, owner)) as CheckedKind | undefined;
  if (definition === undefined || !isCell(definition))
    throw new ConfigError(`${takes} ${definition ? "the layer" : "plain data of the kind"} ${shown(kind)}`);
  if (definition.layer !== form.layer) throw new ConfigError(`${takes} the cell ${shown(kind)}; ${definition.advice}`);
  return withDefinition({ kind, config: definition.parse(config, `${owner}: its ${kind}`) }, definition);
}

/** What the library knows of a kind of cells, whatever its form. */
interface CheckedKind extends CellKind<unknown, Json, readonly string[]> {
  readonly layer: string;
  /** For errors, where it is given as a layer. */
  readonly advice: string;
}

/** What makes cells of a kind, with its common parts checked; `more` are those of its form. */
export function cellMaker<O, C extends object, const S extends readonly string[]>(
  { maker, layer }: CellForm,
  own: CellKind<O, C, S>,
  parts: Parts<object>,
  more: object,
): CellMaker<O, S> {
  if (!isRecord(own)) throw new ConfigError(`${maker} takes a definition, got ${shown(own)}`);
  const { kind, states } = own;
  expectOwnKind(maker, kind);
  expectParts(maker, kind, own, parts);
  if (!Array.isArray(states) || states.length === 0 || new Set(states).size < states.length || !states.every(isName))
    throw new ConfigError(
      `${maker}: states of ${shown(kind)} must be a list of names, each once and ${NAME_RULE}, got ${shown(states)}`,
    );
  const definition = {
    layer,
    advice: `${layer} makes a layer of it: ${layer}(${kind}({ … }))`,
    states: [...states],
    parse: (options: unknown, owner: string) => {
      const config = plainCopy(owner, own.parse(options as O, owner));
      if (!isRecord(config))
        throw new ConfigError(`${owner}: parse must give an object of options, got ${shown(config)}`);
      return config;
    },
    sizes(config: C) {
      const sizes: unknown = own.sizes(config);
      if (isRecord(sizes)) expectKeys(`what sizes of ${kind} gives`, sizes, states);
      for (const state of states) {
        const size = isRecord(sizes) ? sizes[state] : undefined;
        if (!Number.isSafeInteger(size) || (size as number) < 1)
          throw new ConfigError(
            `${kind}: sizes must give a whole number from 1 on for the state ${state}, got ${shown(size)}`,
          );
      }
      return sizes;
    },
    ...more,
  };
  const make = (options: unknown = {}): Cell<S> => {
    const config = definition.parse(options, kind) as Json;
    expectReadAgain(kind, config, (given) => definition.parse(given, kind));
    return withDefinition({ kind, config }, definition);
  };
  return withDefinition(Object.assign(make, { kind }), definition) as CellMaker<O, S>;
}

const parts: Parts<CellDefinition> = {
  kind: "data",
  parse: "function",
  states: "data",
  sizes: "function",
  build: "function",
};

/**
 * A cell of one's own, for the layer `rnn`: `rnn(minGru({ units: 8 }))`. A step is written in the ops of `@ostinato/core/graph`; its gradient, lengths,
 * directions and its export to ONNX, as a `Scan`, follow from it. A file that has it is read with it: `loadModel(path, { layers: [minGru] })`.
 *
 * @throws ConfigError where the definition is not complete, or its kind is a layer of the library
 *
 * @example
 * const minGru = defineCell({
 *   kind: "minGru",
 *   parse: (options: { units: number }, owner) => ({ units: new OptionReader(owner, options, ["units"]).integer("units", 1) }),
 *   states: ["h"],
 *   sizes: ({ units }) => ({ h: units }),
 *   build({ parameter }, { units }, { features }) {
 *     const kernel = parameter("kernel", [features, 2 * units], "glorotUniform");
 *     return {
 *       prepare: (x) => matmul(x, kernel),
 *       step({ x, states: { h } }) {
 *         const z = sigmoid(slice(x, 1, 0, units));
 *         return { states: { h: add(mul(sub(1, z), h), mul(z, slice(x, 1, units, units))) } };
 *       },
 *     };
 *   },
 * });
 */
export function defineCell<O, C extends object, const S extends readonly string[]>(
  own: OwnCell<O, C, S>,
): CellMaker<O, S> {
  return cellMaker(ofSteps, own, parts, {
    build: (context: BuildContext, config: C, input: CellInput) => own.build(context, config, input),
  });
}
