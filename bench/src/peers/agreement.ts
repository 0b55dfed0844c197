/** Whether all contestants compute the same: their losses or probabilities from the same weights. */

/** How far the losses and probabilities of the same weights may lie apart. */
export const TOLERANCE = 1e-3;

export interface Computed {
  readonly name: string;
  readonly values: readonly number[];
}

export interface Agreement {
  /** The largest distance from the first. */
  readonly apart: number;
  /** A line for each that computes something else than the first. */
  readonly different: readonly string[];
}

/** Compares all with the first. Who gives fewer values is compared in those; who gives none, as a program that draws its own weights, is not. */
export function agreementOf([first, ...others]: readonly Computed[]): Agreement {
  const different: string[] = [];
  let apart = 0;
  for (const { name, values } of others) {
    if (first === undefined || values.length === 0) continue;
    const distances = values.map((value, at) => Math.abs(value - (first.values[at] ?? Number.NaN)));
    // A number that is none is further away than any.
    const most = distances.some(Number.isNaN) ? Number.POSITIVE_INFINITY : Math.max(...distances);
    apart = Math.max(apart, most);
    if (most > TOLERANCE) {
      const shown = Number.isFinite(most) ? most.toExponential(1) : "without end";
      different.push(`${name} computes something else than ${first.name}: ${shown} apart`);
    }
  }
  return { apart, different };
}
