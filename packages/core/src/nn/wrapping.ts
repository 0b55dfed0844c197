/** Layers inside of layers: how they are read, what they give, and how they are built. */
import { ConfigError, OstinatoError } from "../errors.ts";
import type { Pass } from "../ir/rewrite.ts";
import { type Flow, type Kind, withTrees } from "./kinds.ts";
import {
  type AnyLayer,
  type BuildContext,
  carried,
  definitionOf,
  type KnownKinds,
  type LayerDefinition,
  type LayerSpec,
  withDefinition,
} from "./layer.ts";
import { isRecord, type Json, shown } from "./options.ts";
import type { TreeReader } from "./trees/reader.ts";

/** A layer inside of another: its kind and its options. It has no name of its own. */
export type WrappedLayer = Omit<LayerSpec, "name">;

/** How errors call what is inside of `owner`; cut in the middle where files nest deep. */
function inside(owner: string, kind: string): string {
  const outer = owner.length > 300 ? `${owner.slice(0, 150)}…${owner.slice(-100)}` : owner;
  return `${outer}: its ${kind}`;
}

/** Whether it is a layer, which can be applied. */
export const isLayer = (given: unknown): given is AnyLayer => typeof given === "function" && "spec" in given;

/** Whether a definition is one of a cell. */
export const isCell = (definition: object): boolean => "sizes" in definition;

/** Shows what is no layer, or no cell, in the place of one, with what to write where that is clear. */
export function shownPart(given: unknown): string {
  if (isLayer(given)) return `the layer ${shown(given.spec.kind)}`;
  const definition = typeof given === "function" || isRecord(given) ? carried(given) : undefined;
  const { kind } = (definition ? given : {}) as { readonly kind?: string };
  if (typeof given === "function")
    return definition
      ? `what makes ${isCell(definition) ? "cells" : "layers"}, which is to be called: ${kind}({ … })`
      : "a function; what makes layers and cells is to be called with their options";
  if (definition && isCell(definition))
    return `the cell ${shown(kind)}; ${(definition as { readonly advice?: string }).advice}`;
  return shown(given);
}

/** What goes wrong in `act` is told with `what` before it. */
export function toldOf<T>(what: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (error instanceof OstinatoError) error.message = `${what}: ${error.message}`;
    throw error;
  }
}

/**
 * A layer that is an option of another, as data: of a layer that was made, or of its description in a file. Its weights are those of the layer
 * around it, which names them; a name of its own and other uses of it mean nothing.
 *
 * @param owner how errors call the option: `residual: layer`
 * @param known what `parse` was given, which knows the kinds of a file
 * @throws ConfigError where it is no layer, or has wrong options; ModelFileError for a kind that is not known
 */
export function parseLayer(owner: string, given: unknown, known?: KnownKinds): WrappedLayer {
  const data = isLayer(given) ? given.spec : given;
  if (!isRecord(data) || typeof data.kind !== "string")
    throw new ConfigError(`${owner} takes a layer, got ${shownPart(given)}`);
  const { kind, config } = data;
  const definition = (carried(data) ?? known?.layer(kind, owner)) as LayerDefinition<Json> | undefined;
  if (definition === undefined)
    throw new ConfigError(`${owner} takes a layer, got plain data of the kind ${shown(kind)}`);
  if (isCell(definition)) throw new ConfigError(`${owner} takes a layer, got ${shownPart(given)}`);
  return withDefinition({ kind, config: definition.parse(config, inside(owner, kind), known) }, definition);
}

/** The same layer with other values for those of the options that it has, or that layers inside of it have. */
export function withOptions(layer: WrappedLayer, options: Readonly<Record<string, Json>>): WrappedLayer {
  const changed = Object.entries(layer.config as Readonly<Record<string, Json>>).map(([name, value]) => {
    const part = typeof value === "object" && value !== null ? carried(value) : undefined;
    const inner = part && !isCell(part) ? withOptions(value as unknown as WrappedLayer, options) : value;
    return [name, Object.hasOwn(options, name) ? options[name] : inner];
  });
  return withDefinition({ kind: layer.kind, config: Object.fromEntries(changed) }, definitionOf(layer));
}

/** All layers and cells, inside of others too. */
const partsIn = (data: unknown): LayerSpec[] =>
  typeof data === "object" && data !== null
    ? [...(carried(data) ? [data as LayerSpec] : []), ...Object.values(data).flatMap(partsIn)]
    : [];

/** @throws ConfigError where two layers or cells of one kind, inside of others too, come from two definitions: a file would be read with one of them */
export function expectOneDefinition(layers: readonly LayerSpec[]): void {
  const known = new Map<string, object>();
  for (const part of partsIn(layers)) {
    const definition = carried(part) as object;
    if ((known.get(part.kind) ?? definition) !== definition)
      throw new ConfigError(
        `the model has two definitions of the kind ${shown(part.kind)}; define it once, or call one of them by another kind, for files tell layers and cells apart by it`,
      );
    known.set(part.kind, definition);
  }
}

/** The passes that layers bring, each once. */
export const passesOf = (layers: readonly LayerSpec[]): readonly Pass[] => [
  ...new Set(partsIn(layers).flatMap((part) => (carried(part) as LayerDefinition<Json>).passes?.(part.config) ?? [])),
];

/** What reads trees, where one of the layers does. */
export const treeReaderOf = (layers: readonly LayerSpec[]): TreeReader | undefined =>
  partsIn(layers).flatMap((part) => (carried(part) as LayerDefinition<Json>).trees ?? [])[0];

/** The fewest children of a node that the layer, or one inside of it, takes no more than. */
export const arityOf = (layer: LayerSpec): number =>
  Math.min(
    ...partsIn(layer).map(
      (part) => (carried(part) as LayerDefinition<Json>).arity?.(part.config) ?? Number.POSITIVE_INFINITY,
    ),
  );

/** What comes out of a layer inside of another for what goes in; undefined where it cannot take that. */
export function layerOutputs(layer: WrappedLayer, inputs: readonly Kind[]): readonly Kind[] | undefined {
  return definitionOf(layer).outputs(layer.config, inputs);
}

/** The context of a part, whose parameters, random numbers and states have its name before theirs. */
export function within({ name, mask, noise, carry, parameter }: BuildContext, part: string): BuildContext {
  const path = (inner: string | undefined): string => (inner === undefined ? part : `${part}/${inner}`);
  return {
    name: `${name}/${part}`,
    ...(mask ? { mask: (rate, shape, inner) => mask(rate, shape, path(inner)) } : {}),
    ...(noise ? { noise: (shape, inner) => noise(shape, path(inner)) } : {}),
    ...(carry
      ? {
          carry: {
            always: carry.always,
            begin: (state, ...rest) => carry.begin(`${part}/${state}`, ...rest),
            end: (state, value) => carry.end(`${part}/${state}`, value),
          },
        }
      : {}),
    parameter: (suffix, ...rest) => parameter(`${part}/${suffix}`, ...rest),
  };
}

/**
 * Builds a layer inside of another, as often as it is asked to, with one set of weights for each `part`. Its parameters are called after the layer around it
 * and the part, `name/part/kernel`, and errors begin with the part.
 */
export function buildLayer(
  context: BuildContext,
  part: string,
  layer: WrappedLayer,
  inputs: readonly Flow[],
): readonly Flow[] {
  return toldOf(part, () => withTrees(inputs, definitionOf(layer).build(within(context, part), layer.config, inputs)));
}
