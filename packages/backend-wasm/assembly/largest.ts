/** The largest numbers of each row, in order. Each thread takes a range of the rows; what is found of a row is that of `findLargest` in core. */
import { DIGITS, TopK } from "./protocol";
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
    const bound = f32x4.splat(least);
    if (x + 32 <= end && !v128.any_true(v128.or(f32x4.gt(v128.load(x), bound), f32x4.gt(v128.load(x, 16), bound)))) {
      x += 32;
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

/** A number as bits that are the less the larger it is. Zeros of either sign are equal. */
@inline
function rankOf(value: f32): u32 {
  const bits = reinterpret<u32>(value + 0);
  return <i32>bits < 0 ? bits : bits ^ 0x7fffffff;
}

/** Where a digit of the rank of a pair is counted. */
@inline
function placeOf(places: usize, pair: usize, shift: u32): usize {
  return places + (<usize>((load<u32>(pair) >> shift) & (DIGITS - 1)) << 2);
}

/**
 * The places of the `k` largest by a sort of all: pairs of a rank and an index, from the lowest digit on, so that of equal numbers that of the lower index
 * stays first. The pairs go from the first half of `room` to the second and back.
 */
function findSorted(x: usize, width: i32, k: i32, room: usize): void {
  const half = <usize>width << 3;
  const places = room + 2 * half;
  for (let i = 0; i < width; i++) {
    const pair = room + (<usize>i << 3);
    store<u32>(pair, rankOf(ranked(x + (<usize>i << 2))));
    store<i32>(pair, i, 4);
  }
  let from = room;
  for (let shift: u32 = 0; shift < 32; shift += 8) {
    const end = from + half;
    memory.fill(places, 0, DIGITS << 2);
    for (let pair = from; pair < end; pair += 8) {
      const place = placeOf(places, pair, shift);
      store<u32>(place, load<u32>(place) + 8);
    }
    let to = <u32>(from === room ? end : room);
    for (let place = places; place < places + (DIGITS << 2); place += 4) {
      const bytes = load<u32>(place);
      store<u32>(place, to);
      to += bytes;
    }
    for (let pair = from; pair < end; pair += 8) {
      const place = placeOf(places, pair, shift);
      const at = load<u32>(place);
      store<u64>(at, load<u64>(pair));
      store<u32>(place, at + 8);
    }
    from = from === room ? end : room;
  }
  // Each is written where a pair was read before.
  for (let i = 0; i < k; i++) put(room, i, x + (<usize>load<u32>(room + (<usize>i << 3), 4) << 2));
}

/** Arguments: rows, their width, how many are looked for, whether by a sort of all; operand, results; the threads' rooms, and the bytes of one. */
export function topK(thread: i32, threads: i32): void {
  const rows = argument(TopK.rows);
  const k = argument(TopK.k);
  const width = argument(TopK.width);
  const sorted = argument(TopK.sorted) !== 0;
  const bytes = <usize>width << 2;
  const values = address(TopK.values);
  const indices = address(TopK.indices);
  const found = address(TopK.rooms) + <usize>thread * address(TopK.roomBytes);
  const end = <i32>((<i64>rows * (thread + 1)) / threads);
  for (let row = <i32>((<i64>rows * thread) / threads); row < end; row++) {
    const x = address(TopK.x) + <usize>row * bytes;
    if (sorted) findSorted(x, width, k, found);
    else find(x, x + bytes, k, found);
    for (let i = 0; i < k; i++) {
      const place = entry(found, i);
      const to = <usize>(row * k + i) << 2;
      if (values !== 0) store<f32>(values + to, load<f32>(place));
      if (indices !== 0) store<i32>(indices + to, <i32>((place - x) >> 2));
    }
  }
}
