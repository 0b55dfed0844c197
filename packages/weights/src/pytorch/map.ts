/** Reads the user's map from parts of a model to PyTorch modules. */
import { ConfigError } from "@ostinato/core";
import type { Slot } from "./slots.ts";
import type { Place } from "./stateDict.ts";

/**
 * Maps parts of a model to PyTorch modules: `{ encoder: "rnn.l0", head: "classifier.fc" }`, or a function from part to module that returns
 * undefined for unknown parts. A part is a layer name, or the path of a nested layer, `tagger/forward`. `rnn.l1` is the second layer of a recurrent module,
 * and `rnn` is the same as `rnn.l0`. For a bidirectional layer, the module of each direction is derived.
 */
export type ModuleMap = Readonly<Record<string, string>> | ((part: string) => string | undefined);

/** @throws ConfigError for a part that the model does not have */
function expectParts(owner: string, map: Readonly<Record<string, string>>, slots: readonly Slot[]): void {
  const known = new Set(slots.flatMap((slot) => [slot.path, ...(slot.layer === undefined ? [] : [slot.layer])]));
  const unknown = Object.keys(map).find((part) => !known.has(part));
  if (unknown !== undefined)
    throw new ConfigError(
      `${owner}: map names the part "${unknown}", but the parts of the model are ${slots.map(({ path }) => path).join(", ")}`,
    );
}

/** The module of each part. @throws ConfigError if the map has another type, names an unknown part, or has a value that is not a string */
export function readMap(owner: string, map: unknown, slots: readonly Slot[]): (slot: Slot) => string | undefined {
  if (map === undefined) return () => undefined;
  const isFunction = typeof map === "function";
  if (!isFunction && (typeof map !== "object" || map === null || Array.isArray(map)))
    throw new ConfigError(`${owner}: map must be { part: module } or a function from one to the other`);
  if (!isFunction) expectParts(owner, map as Readonly<Record<string, string>>, slots);
  const say = (part: string | undefined): unknown => {
    if (part === undefined) return undefined;
    if (isFunction) return map(part);
    return Object.hasOwn(map as object, part) ? (map as Readonly<Record<string, unknown>>)[part] : undefined;
  };
  return (slot) => {
    const said = say(slot.path) ?? say(slot.layer);
    if (said === undefined || said === null || typeof said === "string") return said ?? undefined;
    throw new ConfigError(`${owner}: map must give the name of a module for "${slot.path}", such as "encoder.rnn"`);
  };
}

/** The place in a state dict that a module name means for a part. */
export function placeOf({ recurrent, backward }: Pick<Slot, "recurrent" | "backward">, name: string): Place {
  if (!recurrent) return { module: name, suffix: "" };
  const found = /^(?:(.*)\.)?(l\d+)(_reverse)?$/.exec(name);
  const [, module = "", layer, reverse] = found ?? ["", name, "l0"];
  return { module, suffix: `_${layer}${reverse !== undefined || backward ? "_reverse" : ""}` };
}
