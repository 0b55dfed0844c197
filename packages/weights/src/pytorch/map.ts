/** Which module of PyTorch is which part of a model, where the user says so. */
import { ConfigError } from "@ostinato/core";
import type { Slot } from "./slots.ts";
import type { Place } from "./stateDict.ts";

/**
 * The modules of PyTorch by the parts of a model that they are: `{ encoder: "rnn.l0", head: "classifier.fc" }`, or a function from one to the other, which gives
 * undefined where it does not know. A part is a layer by its name, or what is inside of one, `tagger/forward`. A recurrent module with its layer is `rnn.l1`,
 * and `rnn` is `rnn.l0`; of a bidirectional layer both directions follow from that.
 */
export type ModuleMap = Readonly<Record<string, string>> | ((part: string) => string | undefined);

/** @throws ConfigError for a part that the model does not have */
function expectParts(owner: string, map: Readonly<Record<string, string>>, slots: readonly Slot[]): void {
  const known = new Set(slots.flatMap((slot) => [slot.path, ...(slot.layer === undefined ? [] : [slot.layer])]));
  const unknown = Object.keys(map).find((part) => !known.has(part));
  if (unknown !== undefined)
    throw new ConfigError(
      `${owner}: map names the part "${unknown}", and the model has ${slots.map(({ path }) => path).join(", ")}`,
    );
}

/** What a map says of each part. @throws ConfigError for a map that is none, names no part of the model, or gives no text */
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

/** The place that the name of a module means for a part. */
export function placeOf({ recurrent, backward }: Pick<Slot, "recurrent" | "backward">, name: string): Place {
  if (!recurrent) return { module: name, suffix: "" };
  const found = /^(?:(.*)\.)?(l\d+)(_reverse)?$/.exec(name);
  const [, module = "", layer, reverse] = found ?? ["", name, "l0"];
  return { module, suffix: `_${layer}${reverse !== undefined || backward ? "_reverse" : ""}` };
}
