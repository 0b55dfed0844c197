/** Warnings about data that is not wrong for certain, but makes training unlikely to work. */

import { classesOf, type TargetSpec } from "../objective/target.ts";
import type { Column } from "./column.ts";
import type { Fed } from "./fed.ts";

/** The part of the console that is used. Core uses the types of neither Node nor the DOM. */
declare const console: { warn(message: string): void };

/** Writes a warning to the console. */
export const warnOnConsole = (message: string): void => console.warn(`ostinato: ${message}`);

/** How often each class occurs in some rows of a column of targets; undefined where targets are not classes. */
function countClasses(
  { spec, data, starts, lengths }: Column,
  order: Int32Array,
  classes: number,
): Float64Array | undefined {
  const counts = new Float64Array(classes);
  const { width } = spec;
  for (const row of order) {
    const start = starts[row] as number;
    for (let at = start; at < start + (lengths[row] as number) * width; at += width) {
      if (width > 1) {
        // One class, or any number of labels that do not exclude each other.
        for (let k = 0; k < width; k++) {
          const value = data[at + k] as number;
          if (value !== 0 && value !== 1) return undefined;
          counts[k] = (counts[k] as number) + value;
        }
        continue;
      }
      const label = data[at] as number;
      if (!Number.isInteger(label) || label < 0 || label >= classes) return undefined;
      counts[label] = (counts[label] as number) + 1;
    }
  }
  return counts;
}

/** So many rows tell what an input reads. */
const ROWS_LOOKED_AT = 8;

/** Whether an input over the same time reads at each step the label of the step before, as a decoder does. */
function reads({ spec, data, starts }: Column, target: Column, order: Int32Array): boolean {
  let steps = 0;
  if (spec.time !== target.spec.time || spec.width !== 1) return false;
  for (const row of order.subarray(0, ROWS_LOOKED_AT))
    for (let step = 1; step < (target.lengths[row] as number); step++, steps++)
      if (data[(starts[row] as number) + step] !== target.data[(target.starts[row] as number) + step - 1]) return false;
  return steps > 0;
}

/** At most so many classes are named. */
const MOST_NAMED = 5;

/**
 * Warns of classes that no row to train on has, where there are labels enough for all. `held` are rows kept for validation: a class that only
 * they have points at rows that are sorted by class. `fed` is all that is fed; tokens of a text that the model reads as it writes it are no such classes.
 */
export function unseenClasses(
  target: TargetSpec,
  column: Column,
  order: Int32Array,
  held: Int32Array | undefined,
  fed: readonly Fed[],
): string | undefined {
  const classes = target.probability || target.classes ? classesOf(target) : undefined;
  const counts = classes === undefined ? undefined : countClasses(column, order, classes);
  if (classes === undefined || counts === undefined) return undefined;
  const labels = counts.reduce((sum, count) => sum + count, 0);
  // Over time the ids before the first that occurs are as a rule padding, and tokens that nothing is to say.
  const first = typeof column.spec.time === "string" ? counts.findIndex((count) => count > 0) : 0;
  // A text that is written token by token has a vocabulary that may hold more than its targets: bytes, or another language.
  if (fed.some((input) => reads(input.column, column, order))) return undefined;
  const named = (label: number): boolean => label >= first && label !== target.unlabelled;
  const unseen = [...counts.keys()].filter((label) => named(label) && counts[label] === 0);
  if (unseen.length === 0 || labels < classes) return undefined;
  const listed = `${unseen.slice(0, MOST_NAMED).join(", ")}${unseen.length > MOST_NAMED ? ", …" : ""}`;
  const what =
    unseen.length === 1
      ? `class ${listed} of ${classes} is in no row to train on`
      : `${unseen.length} of ${classes} classes are in no row to train on: ${listed}`;
  const heldCounts = held && countClasses(column, held, classes);
  const sorted = heldCounts && unseen.some((label) => (heldCounts[label] as number) > 0);
  const way = sorted
    ? "; validationSplit keeps the last rows, which have it: shuffle rows that are sorted by class, or give validationData"
    : "; the model cannot learn what it never sees";
  return `y of "${target.name}": ${what}${way}`;
}
