/** Matches the modules of a state dict with the parts of a model: by map, by name, by unique shapes, and in order if modules are numbered. */
import type { Tensor } from "@ostinato/core";
import { grouped } from "./grouped.ts";
import { placeOf } from "./map.ts";
import type { Slot } from "./slots.ts";
import { pathOf, type StateDict, type StoredModule } from "./stateDict.ts";

/** The matches, and the reasons for missing ones. */
export interface Matching {
  readonly found: ReadonlyMap<Slot, StoredModule>;
  /** Parts without a module, with their requirements. */
  readonly missing: readonly (readonly [Slot, string])[];
  /** Modules that match no part. */
  readonly left: readonly StoredModule[];
  /** Messages about ambiguities and invalid map entries. */
  readonly problems: readonly string[];
}

type Shapes = Readonly<Record<string, readonly number[]>>;

const shapesOf = ({ tensors }: StoredModule): Shapes =>
  Object.fromEntries([...tensors].map(([name, { shape }]) => [name, shape]));

/** Shapes as text; the order of names is ignored. */
const keyOf = (shapes: Shapes): string => JSON.stringify(Object.entries(shapes).sort(([a], [b]) => (a < b ? -1 : 1)));

const keyOfSlot = ({ shapes, backward }: Slot): string => `${backward} ${keyOf(shapes)}`;
const keyOfModule = (stored: StoredModule): string =>
  `${stored.suffix.endsWith("_reverse")} ${keyOf(shapesOf(stored))}`;

/** The maximum number of list entries in an error. */
const SHOWN = 12;

/** Joins a list, shortened if it is long. */
export function listed(items: readonly string[], word = "and"): string {
  const cut = items.slice(0, SHOWN).map((item) => item.slice(0, 200));
  if (items.length > SHOWN) return `${cut.join(", ")} and ${items.length - SHOWN} more`;
  return cut.length < 2 ? cut.join() : `${cut.slice(0, -1).join(", ")} ${word} ${cut.at(-1)}`;
}

/** `weight [2, 8] and bias [2]`. */
const shownShapes = (shapes: Shapes): string =>
  listed(Object.entries(shapes).map(([name, shape]) => `${name} [${shape.join(", ")}]`));

const called = (stored: StoredModule): string => pathOf(stored) || "the module";

/** Whether two tensors are equal, as for tied weights. */
function sameTensor(a: Tensor, b: Tensor): boolean {
  if (a === b) return true;
  const same = a.dtype === b.dtype && a.shape.join() === b.shape.join();
  return same && a.data.every((x: number, i: number) => Object.is(x, b.data[i]));
}

const sameModule = (a: StoredModule, b: StoredModule): boolean =>
  [...a.tensors].every(([name, tensor]) => sameTensor(tensor, b.tensors.get(name) as Tensor));

/** The numbers in a path: those of lists and chains, and of layers in recurrent modules. */
const numbered = /^l?(\d+)(?:_reverse)?$/;

/** Sorts modules by their numbers; undefined if their names differ in anything else. */
function inOrder(modules: readonly StoredModule[]): readonly StoredModule[] | undefined {
  const parsed = modules.map((stored) => {
    const words = pathOf(stored).split(".");
    const numbers = words.flatMap((word) => numbered.exec(word)?.[1] ?? []).map(Number);
    return { stored, numbers, form: words.map((word) => (numbered.test(word) ? "#" : word)).join(".") };
  });
  if (new Set(parsed.map(({ form }) => form)).size > 1) return undefined;
  const byNumbers = (a: readonly number[], b: readonly number[]): number => {
    const i = a.findIndex((number, k) => number !== b[k]);
    return i < 0 ? 0 : (a[i] as number) - (b[i] as number);
  };
  return parsed.sort((a, b) => byNumbers(a.numbers, b.numbers)).map(({ stored }) => stored);
}

function ambiguous(slots: readonly Slot[], modules: readonly StoredModule[]): string {
  const [{ shapes }] = slots as readonly [Slot];
  const each = slots.length > 1 ? "could each be" : "could be";
  const pairs = slots.slice(0, SHOWN).map(({ path }, i) => {
    const key = /^[A-Za-z_]\w*$/.test(path) ? path : JSON.stringify(path);
    return `${key}: ${JSON.stringify(pathOf(modules[Math.min(i, modules.length - 1)] as StoredModule))}`;
  });
  return `${listed(slots.map(({ label }) => label))} ${each} ${listed(modules.map(called), "or")}, ${modules.length > 1 ? "which have the same shapes" : "the only module of its shapes"} (${shownShapes(shapes)}); say which: map: { ${pairs.join(", ")} }`;
}

/** A matching in progress. */
interface Making {
  readonly found: Map<Slot, StoredModule>;
  readonly missing: Set<Slot>;
  readonly left: Set<StoredModule>;
  readonly problems: string[];
}

/** Finds a module by name. The name of a recurrent module may omit the layer; cells are found too. */
type Find = (slot: Slot, name: string) => StoredModule | undefined;

function take({ found, missing, left }: Making, slot: Slot, stored: StoredModule): void {
  found.set(slot, stored);
  missing.delete(slot);
  left.delete(stored);
}

/** Parts and modules that do not match. */
function refuse(
  { missing, left, problems }: Making,
  slots: readonly Slot[],
  modules: readonly StoredModule[],
  problem: string,
): void {
  problems.push(problem);
  for (const slot of slots) missing.delete(slot);
  for (const stored of modules) left.delete(stored);
}

/** Matches the parts in the map. Two parts may use the same module; both get its weights. */
function byMap(making: Making, said: (slot: Slot) => string | undefined, find: Find, known: readonly string[]): void {
  for (const slot of making.missing) {
    const name = said(slot);
    if (name === undefined) continue;
    const stored = find(slot, name);
    if (stored === undefined) {
      const has = `map assigns ${JSON.stringify(name)} to ${slot.label}, but the file has ${listed(known)}`;
      refuse(making, [slot], [], has);
    } else if (slot.tiedTo === undefined && keyOf(slot.shapes) !== keyOf(shapesOf(stored)))
      refuse(making, [slot], [stored], misfit(slot, stored));
    else take(making, slot, stored);
  }
}

const untied = (slots: Iterable<Slot>): Slot[] => [...slots].filter(({ tiedTo }) => tiedTo === undefined);

/** Matches parts and modules with the same name and shapes. */
function byName(making: Making, find: Find): void {
  for (const slot of untied(making.missing)) {
    const stored = find(slot, slot.module);
    if (stored && making.left.has(stored) && keyOfSlot(slot) === keyOfModule(stored)) take(making, slot, stored);
  }
}

/** Matches parts and modules by unique shapes, or by number. */
function byShapes(making: Making): void {
  const modules = grouped(making.left, keyOfModule);
  for (const [key, slots] of grouped(untied(making.missing), keyOfSlot)) {
    const candidates = modules.get(key) ?? [];
    const [first] = candidates;
    if (first === undefined) continue;
    const alike = candidates.length >= slots.length && candidates.every((stored) => sameModule(first, stored));
    const ordered = alike ? candidates : candidates.length === slots.length ? inOrder(candidates) : undefined;
    if (ordered === undefined) refuse(making, slots, candidates, ambiguous(slots, candidates));
    else
      slots.forEach((slot, i) => {
        take(making, slot, ordered[i] as StoredModule);
      });
  }
}

/** Matches the output sides of tied embeddings: modules with the same weight, or no module if the file stores the weight once. */
function byTies(making: Making, slots: readonly Slot[], find: Find): void {
  for (const slot of slots) {
    if (slot.tiedTo === undefined) continue;
    const embedding = slots.find(({ path }) => path === slot.tiedTo) as Slot;
    const weight = making.found.get(embedding)?.tensors.get("weight");
    const said = making.found.get(slot);
    if (weight === undefined) making.missing.delete(slot);
    else if (said) {
      if (!isTied(slot, said, weight)) refuse(making, [slot], [said], loose(slot, said));
    } else if (making.missing.has(slot)) {
      const candidates = [...making.left].filter((stored) => isTied(slot, stored, weight));
      const named = candidates.find((stored) => stored === find(slot, slot.module));
      const only = named ?? (candidates.length === 1 ? candidates[0] : undefined);
      if (only) take(making, slot, only);
      else if (candidates.length > 0) refuse(making, [slot], candidates, ambiguous([slot], candidates));
      else if (slot.shapes.bias === undefined) making.missing.delete(slot);
    }
  }
}

/** Whether a module fits the output side of an embedding: it has the same weight or none, and a bias if the part has one. */
function isTied({ shapes }: Slot, { tensors }: StoredModule, embeddings: Tensor): boolean {
  const weight = tensors.get("weight");
  const names = [...(weight ? ["weight"] : []), ...(shapes.bias ? ["bias"] : [])];
  const fits =
    tensors.size === names.length && names.every((name) => tensors.get(name)?.shape.join() === shapes[name]?.join());
  return fits && names.length > 0 && (weight === undefined || sameTensor(weight, embeddings));
}

function loose({ label, shapes }: Slot, stored: StoredModule): string {
  return `${label} is tied with the embedding and needs ${shownShapes(shapes)} with the same weight, but ${called(stored)} has ${shownShapes(shapesOf(stored))}; if the weights differ, use embedding and dense`;
}

/** Whether names, or shapes, are equal apart from biases. */
function sameBesideBias(a: Shapes, b: Shapes): boolean {
  const [first, second] = [a, b].map((shapes) =>
    keyOf(Object.fromEntries(Object.entries(shapes).filter(([name]) => !name.startsWith("bias")))),
  );
  return first === second && first !== keyOf({});
}

const hasBias = (shapes: Shapes): boolean => Object.keys(shapes).some((name) => name.startsWith("bias"));

/** Describes a part and a module that do not fit; suggests `useBias` if only a bias differs. */
function misfit({ label, shapes, recurrent }: Slot, stored: StoredModule): string {
  const there = shapesOf(stored);
  const optional = recurrent || (shapes.weight?.length === 2 && label.startsWith("dense"));
  const inTheWay = optional && hasBias(shapes) !== hasBias(there) && sameBesideBias(shapes, there);
  return `${label} needs ${shownShapes(shapes)}, but ${called(stored)} of the file has ${shownShapes(there)}${inTheWay ? `; create the layer with useBias: ${hasBias(there)}` : ""}`;
}

/** The maximum number of unmatched modules that are searched for a near match. */
const LOOKED_AT = 1000;

/** Describes a part without a module, with a near match if there is one: a module of its name, one that differs only in a bias, or one with the same tensor names. */
function lacking(slot: Slot, all: readonly StoredModule[]): string {
  const left = all.slice(0, LOOKED_AT);
  const names = (shapes: Shapes): string => Object.keys(shapes).sort().join();
  const near =
    left.find((stored) => stored.module === slot.module) ??
    left.find((stored) => sameBesideBias(slot.shapes, shapesOf(stored))) ??
    left.find((stored) => names(shapesOf(stored)) === names(slot.shapes));
  return near ? misfit(slot, near) : `${slot.label} needs ${shownShapes(slot.shapes)}, but the file has no such module`;
}

/**
 * Matches the parts of a model with the modules of a state dict.
 *
 * @param said the entry of the map for a part
 */
export function match(
  slots: readonly Slot[],
  { modules, wrapper }: StateDict,
  said: (slot: Slot) => string | undefined,
): Matching {
  const byPath = new Map(modules.map((stored) => [pathOf(stored), stored]));
  const find: Find = (slot, name) => {
    const bare = name.startsWith(wrapper) ? name.slice(wrapper.length) : name;
    return byPath.get(pathOf(placeOf(slot, bare))) ?? byPath.get(bare);
  };
  const making: Making = { found: new Map(), missing: new Set(slots), left: new Set(modules), problems: [] };
  byMap(making, said, find, [...byPath.keys()]);
  byName(making, find);
  byShapes(making);
  byTies(making, slots, find);
  const left = [...making.left];
  return { ...making, left, missing: [...making.missing].map((slot) => [slot, lacking(slot, left)]) };
}
