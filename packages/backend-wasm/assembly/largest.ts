/** The largest numbers of each row, in order. Each thread takes a range of the rows; what is found of a row is that of `findLargest` in core. */
import { TopK } from "./protocol";
import { address, argument } from "./team";

/** NaN counts as the least. */
@inline
function ranked(place: usize): f32 {
  const value = load<f32>(place);
  return value === value ? value : -Infinity;
}

/** Of equal numbers that further on is the less. */
@inline
function isLess(a: usize, b: usize): bool {
  const left = ranked(a);
  const right = ranked(b);
  return left < right || (left === right && a > b);
}

@inline
function entry(heap: usize, at: i32): usize {
  return load<u32>(heap + (<usize>at << 2));
}

@inline
function put(heap: usize, at: i32, place: usize): void {
  store<u32>(heap + (<usize>at << 2), <u32>place);
}

/** Puts a place where it belongs below the entry `at`: the least of a heap stands on top. */
function sink(heap: usize, at: i32, size: i32, place: usize): void {
  for (let child = 2 * at + 1; child < size; child = 2 * at + 1) {
    if (child + 1 < size && isLess(entry(heap, child + 1), entry(heap, child))) child++;
    if (!isLess(entry(heap, child), place)) break;
    put(heap, at, entry(heap, child));
    at = child;
  }
  put(heap, at, place);
}

/** The places of the `k` largest of the numbers from `x` to `end`, the largest first. */
function find(x: usize, end: usize, k: i32, heap: usize): void {
  for (let i = 0; i < k; i++, x += 4) put(heap, i, x);
  for (let i = (k >> 1) - 1; i >= 0; i--) sink(heap, i, k, entry(heap, i));
  let least = ranked(entry(heap, 0));
  while (x < end) {
    if (x + 16 <= end && !v128.any_true(f32x4.gt(v128.load(x), f32x4.splat(least)))) {
      x += 16;
      continue;
    }
    if (load<f32>(x) > least) {
      sink(heap, 0, k, x);
      least = ranked(entry(heap, 0));
    }
    x += 4;
  }
  for (let size = k - 1; size > 0; size--) {
    const place = entry(heap, size);
    put(heap, size, entry(heap, 0));
    sink(heap, 0, size, place);
  }
}

/** Arguments: rows, their width, how many are looked for; operand, results; the threads' rooms, and the bytes of one. */
export function topK(thread: i32, threads: i32): void {
  const rows = argument(TopK.rows);
  const k = argument(TopK.k);
  const bytes = <usize>argument(TopK.width) << 2;
  const values = address(TopK.values);
  const indices = address(TopK.indices);
  const heap = address(TopK.rooms) + <usize>thread * address(TopK.roomBytes);
  const end = <i32>((<i64>rows * (thread + 1)) / threads);
  for (let row = <i32>((<i64>rows * thread) / threads); row < end; row++) {
    const x = address(TopK.x) + <usize>row * bytes;
    find(x, x + bytes, k, heap);
    for (let i = 0; i < k; i++) {
      const place = entry(heap, i);
      const to = <usize>(row * k + i) << 2;
      if (values !== 0) store<f32>(values + to, load<f32>(place));
      if (indices !== 0) store<i32>(indices + to, <i32>((place - x) >> 2));
    }
  }
}
