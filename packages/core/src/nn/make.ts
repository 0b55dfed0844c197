/** From a layer's definition and options to the layer: a function that is applied to what it reads. */
import { ConfigError } from "../errors.ts";
import { type AnyLayer, applyLayer, type LayerDefinition, type Symbolic, withDefinition } from "./layer.ts";
import { isName, isRecord, type Json, NAME_RULE, shown } from "./options.ts";
import type { Regularizer, RegularizerOptions } from "./regularizers.ts";

/** What users may write for an option. */
type Written<T> = Regularizer extends T ? RegularizerOptions | null : T;

/** The required options, and any of the others; and a name, by which errors, parameters and files call the layer. */
export type OptionsOf<C, Required extends keyof C> = Pick<C, Required> & {
  readonly [K in keyof C]?: Written<C[K]>;
} & {
  readonly name?: string;
};

/** Options of layers that have none but a name. */
export interface NameOptions {
  /** How errors, summaries and files call the layer. Default its kind, with a number where there are several. */
  readonly name?: string;
}

/** A layer from options of unknown origin, which are checked. */
export function createLayer<L extends AnyLayer, C>(
  kind: string,
  own: LayerDefinition<C>,
  given: { readonly name?: string } | undefined,
): L {
  if (!isRecord(given ?? {})) throw new ConfigError(`${kind} takes an object of options, got ${shown(given)}`);
  const { name, ...options } = given ?? {};
  const definition = own as unknown as LayerDefinition<Json>;
  if (name !== undefined && !isName(name)) {
    throw new ConfigError(`${kind}: name must be ${NAME_RULE}, got ${shown(name)}`);
  }
  const config = definition.parse(options, name === undefined ? kind : `${kind} "${name}"`);
  const layer = (input: Symbolic, options?: unknown): Symbolic | readonly Symbolic[] =>
    applyLayer(made, definition, input, options);
  const spec = withDefinition({ kind, config, ...(name === undefined ? {} : { name }) }, definition);
  const made: AnyLayer = Object.assign(layer, { spec });
  return made as L;
}
