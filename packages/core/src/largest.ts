/** The largest of many numbers, as every backend finds them. */

/** The least of a heap stands on top. NaN counts as -∞; of equal numbers that of the higher index is the less. */
function sink(x: ArrayLike<number>, heap: Int32Array, at: number, from: number, size: number): void {
  const index = heap[at + from] as number;
  let place = from;
  for (let child = 2 * place + 1; child < size; child = 2 * place + 1) {
    if (child + 1 < size && isLess(x, heap[at + child + 1] as number, heap[at + child] as number)) child += 1;
    if (!isLess(x, heap[at + child] as number, index)) break;
    heap[at + place] = heap[at + child] as number;
    place = child;
  }
  heap[at + place] = index;
}

function ranked(value: number): number {
  return Number.isNaN(value) ? Number.NEGATIVE_INFINITY : value;
}

function isLess(x: ArrayLike<number>, a: number, b: number): boolean {
  const left = ranked(x[a] as number);
  const right = ranked(x[b] as number);
  return left < right || (left === right && a > b);
}

/**
 * Finds the `k` largest of the `width` numbers of `x` from `start` on, and puts their places in `x` to `found` from `at` on, the largest first; of equal
 * ones that of the lower place comes first, and NaN counts as -∞. It takes one pass over the numbers beside what becomes of those that are among the
 * largest so far.
 */
export function findLargest(
  x: ArrayLike<number>,
  start: number,
  width: number,
  k: number,
  found: Int32Array,
  at = 0,
): void {
  for (let i = 0; i < k; i++) found[at + i] = start + i;
  for (let i = (k >> 1) - 1; i >= 0; i--) sink(x, found, at, i, k);
  let least = ranked(x[found[at] as number] as number);
  for (let i = start + k; i < start + width; i++) {
    if (!((x[i] as number) > least)) continue;
    found[at] = i;
    sink(x, found, at, 0, k);
    least = ranked(x[found[at] as number] as number);
  }
  for (let size = k - 1; size > 0; size--) {
    const last = found[at] as number;
    found[at] = found[at + size] as number;
    found[at + size] = last;
    sink(x, found, at, 0, size);
  }
}
