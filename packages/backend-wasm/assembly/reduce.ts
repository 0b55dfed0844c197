/**
 * Sums, maxima and their places over the middle of three axes. Each thread takes a range of the results, and each result its elements in the same order
 * whoever computes it.
 */
import { sum, sumInt } from "./elementwise";
import { normal } from "./lanes";
import { Reduce, Reduction, TILE } from "./protocol";
import { address, argument } from "./team";

@inline
function storeNormal(to: usize, x: f64): void {
  v128.store32_lane(to, normal(f32x4.splat(<f32>x)), 0);
}

/** The largest of numbers side by side; NaN where one is. Four vectors of them at a time, which need not wait for each other. */
function largestOf(x: usize, count: i32): f32 {
  let most = f32x4.splat(-Infinity);
  let second = most;
  let third = most;
  let fourth = most;
  for (; count >= 16; count -= 16, x += 64) {
    most = f32x4.max(most, v128.load(x));
    second = f32x4.max(second, v128.load(x, 16));
    third = f32x4.max(third, v128.load(x, 32));
    fourth = f32x4.max(fourth, v128.load(x, 48));
  }
  most = f32x4.max(f32x4.max(most, second), f32x4.max(third, fourth));
  for (; count >= 4; count -= 4, x += 16) most = f32x4.max(most, v128.load(x));
  for (; count > 0; count--, x += 4) most = f32x4.max(most, v128.load32_splat(x));
  const pairs = f32x4.max(most, i32x4.shuffle(most, most, 2, 3, 0, 1));
  return max(f32x4.extract_lane(pairs, 0), f32x4.extract_lane(pairs, 1));
}

function largestIntOf(x: usize, count: i32): i32 {
  let most = i32.MIN_VALUE;
  for (; count > 0; count--, x += 4) most = max(most, load<i32>(x));
  return most;
}

/** The first largest number; the first NaN counts as such. */
function placeOf(x: usize, count: i32): i32 {
  const most = largestOf(x, count);
  for (let i = 0; i < count; i++) {
    const value = load<f32>(x + (<usize>i << 2));
    if (value === most || value !== value) return i;
  }
  return 0;
}

function placeOfInt(x: usize, count: i32): i32 {
  const most = largestIntOf(x, count);
  let i = 0;
  while (load<i32>(x + (<usize>i << 2)) !== most) i++;
  return i;
}

/** A result whose elements lie side by side. */
function reduceRow(kind: i32, x: usize, count: i32, y: usize): void {
  if (kind === Reduction.sum) storeNormal(y, sum(x, 32, count));
  else if (kind === Reduction.sumInt) store<i32>(y, <i32>(<i64>sumInt(x, 32, count)));
  else if (kind === Reduction.max) store<f32>(y, largestOf(x, count));
  else if (kind === Reduction.maxInt) store<i32>(y, largestIntOf(x, count));
  else if (kind === Reduction.argMax) store<i32>(y, placeOf(x, count));
  else store<i32>(y, placeOfInt(x, count));
}

/** Adds a row of numbers to sums in double precision. */
function addRow(x: usize, sums: usize, count: i32, ints: bool): void {
  for (; count >= 4; count -= 4, x += 16, sums += 32) {
    const values = v128.load(x);
    const others = i32x4.shuffle(values, values, 2, 3, 2, 3);
    const low = ints ? f64x2.convert_low_i32x4_s(values) : f64x2.promote_low_f32x4(values);
    const high = ints ? f64x2.convert_low_i32x4_s(others) : f64x2.promote_low_f32x4(others);
    v128.store(sums, f64x2.add(v128.load(sums), low));
    v128.store(sums, f64x2.add(v128.load(sums, 16), high), 16);
  }
  for (; count > 0; count--, x += 4, sums += 8) {
    store<f64>(sums, load<f64>(sums) + (ints ? <f64>load<i32>(x) : <f64>load<f32>(x)));
  }
}

/** Two numbers of a row added to their sums. */
@inline
function addTwo(sum: v128, x: usize): v128 {
  return f64x2.add(sum, f64x2.promote_low_f32x4(v128.load64_zero(x)));
}

/** Adds four rows to sums in double precision, one after another; returns how many columns are done. */
function addFourRows(x: usize, stride: usize, sums: usize, count: i32): i32 {
  const second = x + stride;
  const third = second + stride;
  const fourth = third + stride;
  let at: usize = 0;
  for (let left = count; left >= 4; left -= 4, at += 16, sums += 32) {
    const low = addTwo(addTwo(addTwo(v128.load(sums), x + at), second + at), third + at);
    const high = addTwo(addTwo(addTwo(v128.load(sums, 16), x + at + 8), second + at + 8), third + at + 8);
    v128.store(sums, addTwo(low, fourth + at));
    v128.store(sums, addTwo(high, fourth + at + 8), 16);
  }
  return count & ~3;
}

function sumColumns(x: usize, stride: usize, rows: i32, y: usize, count: i32, sums: usize, ints: bool): void {
  memory.fill(sums, 0, <usize>count << 3);
  let row = 0;
  for (; !ints && row + 4 <= rows; row += 4) {
    const done = addFourRows(x, stride, sums, count);
    const rest = sums + (<usize>done << 3);
    for (let i = 0; i < 4; i++, x += stride) addRow(x + (<usize>done << 2), rest, count - done, false);
  }
  for (; row < rows; row++, x += stride) addRow(x, sums, count, ints);
  for (let i = 0; i < count; i++, y += 4, sums += 8) {
    if (ints) store<i32>(y, <i32>(<i64>load<f64>(sums)));
    else storeNormal(y, load<f64>(sums));
  }
}

function maxColumns(x: usize, stride: usize, rows: i32, y: usize, count: i32, ints: bool): void {
  memory.copy(y, x, <usize>count << 2);
  for (let row = 1; row < rows; row++) {
    x += stride;
    let i: usize = 0;
    for (; i < (<usize>count & ~3) << 2; i += 16) {
      const most = v128.load(y + i);
      const values = v128.load(x + i);
      v128.store(y + i, ints ? i32x4.max_s(most, values) : f32x4.max(most, values));
    }
    for (; i < <usize>count << 2; i += 4) {
      if (ints) store<i32>(y + i, max(load<i32>(y + i), load<i32>(x + i)));
      else store<f32>(y + i, max(load<f32>(y + i), load<f32>(x + i)));
    }
  }
}

/** Arguments: what is computed; the three axes; operand, result, the threads' rooms, a tile of double precision each. */
export function reduce(thread: i32, threads: i32): void {
  const kind = argument(Reduce.kind);
  const outer = argument(Reduce.outer);
  const middle = argument(Reduce.middle);
  const inner = argument(Reduce.inner);
  const x = address(Reduce.x);
  const y = address(Reduce.y);
  if (inner === 1) {
    const end = <i32>((<i64>outer * (thread + 1)) / threads);
    for (let row = <i32>((<i64>outer * thread) / threads); row < end; row++) {
      reduceRow(kind, x + ((<usize>row * <usize>middle) << 2), middle, y + (<usize>row << 2));
    }
    return;
  }
  // Tiles of the columns of every outer entry.
  const perEntry = (inner + TILE - 1) / TILE;
  const tiles = outer * perEntry;
  const stride = <usize>inner << 2;
  const sums = address(Reduce.rooms) + <usize>thread * (<usize>TILE << 3);
  const end = <i32>((<i64>tiles * (thread + 1)) / threads);
  for (let tile = <i32>((<i64>tiles * thread) / threads); tile < end; tile++) {
    const entry = tile / perEntry;
    const column = (tile % perEntry) * TILE;
    const count = min(TILE, inner - column);
    const from = x + <usize>(entry * middle) * stride + (<usize>column << 2);
    const to = y + <usize>entry * stride + (<usize>column << 2);
    if (kind === Reduction.sum) sumColumns(from, stride, middle, to, count, sums, false);
    else if (kind === Reduction.sumInt) sumColumns(from, stride, middle, to, count, sums, true);
    else maxColumns(from, stride, middle, to, count, kind === Reduction.maxInt);
  }
}
