/** Matches the layers of a Keras file with the layers of a model. */
import type { Stored } from "./stored.ts";
import { type LayerModules, shapesOf, signatureOf } from "./variables.ts";

/** The name of a file's layer in errors. */
export const calledThere = ({ names, className }: Stored): string => `${className ?? "layer"} "${names[0]}"`;

/** A layer of the model that needs weights. */
export interface Wanted extends LayerModules {
  readonly className: string | undefined;
  readonly label: string;
}

/** A matching in progress. */
export interface Making {
  readonly found: Map<Wanted, Stored>;
  readonly missing: Set<Wanted>;
  readonly left: Set<Stored>;
  readonly problems: string[];
}

function take({ found, missing, left }: Making, wanted: Wanted, stored: Stored): void {
  found.set(wanted, stored);
  missing.delete(wanted);
  left.delete(stored);
}

const signature = (wanted: Wanted): string => signatureOf(shapesOf(wanted.label, wanted));

const fits = (wanted: Wanted, stored: Stored): boolean =>
  (stored.className === undefined || stored.className === wanted.className) &&
  signature(wanted) === signatureOf(stored.shapes);

/** Matches the layers in a map. */
function byMap(making: Making, map: Readonly<Record<string, string>>): void {
  for (const wanted of [...making.missing]) {
    const said = Object.hasOwn(map, wanted.layer) ? map[wanted.layer] : undefined;
    if (said === undefined) continue;
    const left = [...making.left];
    // The name of a layer takes precedence over that of a folder.
    const stored = left.find(({ names }) => names[0] === said) ?? left.find(({ names }) => names.includes(said));
    if (stored) take(making, wanted, stored);
    else {
      making.problems.push(
        `map assigns "${said}" to ${wanted.label}, but the file does not have it, or it is assigned to another layer`,
      );
      making.missing.delete(wanted);
    }
  }
}

/** Matches layers with the same user-defined name. Default names with a counter are ignored. */
function byName(making: Making): void {
  for (const wanted of [...making.missing]) {
    const { layer, className } = wanted;
    if (className !== undefined && (layer === className || layer.startsWith(`${className}_`))) continue;
    const named = [...making.left].filter((stored) => stored.names.includes(layer) && fits(wanted, stored));
    if (named.length === 1) take(making, wanted, named[0] as Stored);
  }
}

/** Matches layers of one class: by shape if it is unique, or by order in a chain. */
function byOrder(making: Making, inOrder: boolean): void {
  const classes = new Map<string | undefined, Wanted[]>();
  const told = [...making.left].every(({ className }) => className !== undefined);
  for (const wanted of making.missing) {
    const key = told ? wanted.className : undefined;
    classes.set(key, [...(classes.get(key) ?? []), wanted]);
  }
  for (const [className, wanted] of classes) {
    const stored = [...making.left].filter((one) => !told || one.className === className);
    if (stored.length === wanted.length && (inOrder || stored.length === 1)) {
      wanted.forEach((one, i) => {
        take(making, one, stored[i] as Stored);
      });
      continue;
    }
    for (const one of wanted) {
      const [mine, candidates] = [
        wanted.filter((other) => sameShapes(one, other)),
        stored.filter((other) => fits(one, other)),
      ];
      if (mine.length === 1 && candidates.length === 1) take(making, one, candidates[0] as Stored);
      else if (candidates.length > 0) {
        making.problems.push(
          `${one.label} may be ${candidates.map(calledThere).join(" or ")}; say which, map: { ${JSON.stringify(one.layer)}: ${JSON.stringify((candidates[mine.indexOf(one)] ?? candidates[0])?.names[0])} }`,
        );
        making.missing.delete(one);
        for (const candidate of candidates) making.left.delete(candidate);
      }
    }
  }
}

const sameShapes = (a: Wanted, b: Wanted): boolean => signature(a) === signature(b);

/** Matches the layers of a file with those of a model: by map, by name, by unique shape, and by order in a chain. */
export function match(
  wanted: readonly Wanted[],
  stored: readonly Stored[],
  map: Readonly<Record<string, string>>,
  isChain: boolean,
): Making {
  const making: Making = { found: new Map(), missing: new Set(wanted), left: new Set(stored), problems: [] };
  byMap(making, map);
  byName(making);
  byOrder(making, isChain);
  return making;
}
