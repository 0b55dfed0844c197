/** The kinds of layers and cells that a file may have: the library's own, and those of its reader. */
import { ConfigError, ModelFileError } from "../errors.ts";
import { carried, type KnownKinds, type LayerDefinition, type OwnKind } from "./layer.ts";
import { layerDefinitions } from "./layers.ts";
import { type Json, OptionReader, shown } from "./options.ts";
import { isCell } from "./wrapping.ts";

/** How a model is read that somebody's own layers are part of. */
export interface ReadOptions {
  /** What `defineLayer` and `defineCell` made, for the kinds in the file that are not the library's own. */
  readonly layers?: readonly OwnKind[];
}

/** How code lists the layer of a kind: `[scale]`, or `[…]` where the kind is no name in code. */
const listed = (kind: string): string => (/^[A-Za-z_]\w{0,50}$/.test(kind) ? `[${kind}]` : "[…]");

/** The kinds that a file may have. @throws ConfigError for what is no layer of the user's own, or two of one kind */
export function knownKinds(options: ReadOptions = {}): KnownKinds {
  // files.map(fromBytes) gives an index here.
  new OptionReader("reading a model", typeof options === "number" ? {} : options, ["layers"]);
  const given: unknown = options.layers ?? [];
  if (!Array.isArray(given))
    throw new ConfigError(`layers must be a list of what defineLayer and defineCell made, got ${shown(given)}`);
  const own = new Map<string, object>();
  for (const item of given as readonly unknown[]) {
    const definition = typeof item === "function" ? carried(item) : undefined;
    if (definition === undefined)
      throw new ConfigError(
        `layers must be what defineLayer and defineCell made, such as scale of const scale = defineLayer(…); got ${shown(item)}`,
      );
    const { kind } = item as OwnKind;
    if (own.has(kind)) throw new ConfigError(`layers has two of the kind ${shown(kind)}; give one of them another`);
    own.set(kind, definition);
  }
  const unknown = (what: string, kind: string, owner: string, names: readonly string[]): ModelFileError =>
    new ModelFileError(
      `${owner} is of an unknown kind, ${shown(kind)}; where it is one of your own, pass what define${what} made for it in the options of what reads the model: { layers: ${listed(kind)} }; known are ${names.join(", ") || "none"}`,
    );
  const misplaced = (kind: string, owner: string, is: string, wanted: string): ModelFileError =>
    new ModelFileError(`${owner} must be a ${wanted}, and ${shown(kind)} is a ${is}`);
  const ownNames = (cells: boolean): string[] =>
    [...own].flatMap(([kind, definition]) => (isCell(definition) === cells ? [kind] : []));
  return {
    layer(kind, owner) {
      const found = Object.hasOwn(layerDefinitions, kind)
        ? layerDefinitions[kind as keyof typeof layerDefinitions]
        : own.get(kind);
      if (found && isCell(found)) throw misplaced(kind, owner, "cell", "layer");
      if (found === undefined)
        throw unknown("Layer", kind, owner, [...Object.keys(layerDefinitions), ...ownNames(false)]);
      return found as unknown as LayerDefinition<Json>;
    },
    cell(kind, owner) {
      const found = own.get(kind);
      if ((found && !isCell(found)) || Object.hasOwn(layerDefinitions, kind))
        throw misplaced(kind, owner, "layer", "cell");
      if (found === undefined) throw unknown("Cell", kind, owner, ownNames(true));
      return found;
    },
  };
}
