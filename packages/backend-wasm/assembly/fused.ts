/**
 * Elementwise operations one after another, tile by tile. What passes between them lies in the registers of a thread: rooms for the numbers of a tile.
 * Each thread takes a range of the tiles; sums are those of whole tiles, which do not depend on who takes them.
 */
import { approach, approachSquare, descend, flaws, replace, replaceSmall } from "./chains";
import { binary, boolToFloat, boolToInt, select, sum, sumInt, unary } from "./elementwise";
import { storePart, storeTwo } from "./lanes";
import { Fused, FusedOp, INSTRUCTION_BYTES, PLACE_BYTES, TILE, UNIFORM_BYTES } from "./protocol";
import { address, argument, tick } from "./team";
import { isZero } from "./zeros";

/** Kinds of places; from 0 on it is memory, and the kind is the binary logarithm of an element's bytes. */
const UNIFORM: i32 = -2;

@inline
function isUniform(place: usize): bool {
  return load<i32>(place) === UNIFORM;
}

/** Where the elements of a place begin, from element `start` on; registers and numbers that stand for all are in the thread's room. */
@inline
function located(place: usize, room: usize, start: i32): usize {
  const kind = load<i32>(place);
  const at = <usize>load<u32>(place, 4);
  return kind < 0 ? room + at : at + (<usize>start << kind);
}

@inline
function stepOf(place: usize): usize {
  return isUniform(place) ? 0 : 32;
}

/** `count` times the word at `from`. */
function fill(from: usize, y: usize, count: i32): void {
  const x = v128.load32_splat(from);
  for (; count >= 8; count -= 8, y += 32) storeTwo(y, x, x);
  for (; count > 0; count -= 4, y += 16) storePart(y, x, count);
}

/** Elements ⌊index / repeats⌋ mod `size` of `from`, for `count` indexes from `start` on; `bytes` is the size of an element. */
function spread(from: usize, size: i32, repeats: i32, bytes: i32, start: i32, y: usize, count: i32): void {
  const shift = bytes === 4 ? 2 : 0;
  let element = (start / repeats) % size;
  let left = repeats - (start % repeats);
  while (count > 0) {
    const at = from + (<usize>element << shift);
    let length: i32;
    if (repeats === 1) {
      length = min(count, size - element);
      memory.copy(y, at, <usize>length << shift);
      element = 0;
    } else {
      length = min(count, left);
      if (bytes === 4) fill(at, y, length);
      else memory.fill(y, load<u8>(at), <usize>length);
      element = element + 1 < size ? element + 1 : 0;
      left = repeats;
    }
    y += <usize>length << shift;
    count -= length;
  }
}

/** An operation on words or truth values, of a multiple of eight elements; false where it is none. */
function compute(op: i32, at: usize, room: usize, start: i32, y: usize, count: i32): bool {
  const second = at + PLACE_BYTES;
  const third = second + PLACE_BYTES;
  const fourth = third + PLACE_BYTES;
  const fifth = fourth + PLACE_BYTES;
  const a = located(at, room, start);
  const aStep = stepOf(at);
  if (unary(op, a, aStep, y, count)) return true;
  const b = located(second, room, start);
  if (binary(op, a, aStep, b, stepOf(second), y, count)) return true;
  if (op === FusedOp.select) select(a, aStep, b, stepOf(second), located(third, room, start), stepOf(third), y, count);
  else if (op === FusedOp.boolToFloat) boolToFloat(a, aStep, y, count);
  else if (op === FusedOp.boolToInt) boolToInt(a, aStep, y, count);
  else if (op >= FusedOp.approachSquare && op <= FusedOp.descend) {
    const bStep = stepOf(second);
    const c = located(third, room, start);
    const cStep = stepOf(third);
    const d = located(fourth, room, start);
    const dStep = stepOf(fourth);
    if (op === FusedOp.approachSquare) approachSquare(a, aStep, b, bStep, c, cStep, y, count);
    else if (op === FusedOp.approach) approach(a, aStep, b, bStep, c, cStep, y, count);
    else if (op === FusedOp.replaceSmall) replaceSmall(a, aStep, b, bStep, c, cStep, y, count);
    else if (op === FusedOp.replace) replace(a, aStep, b, bStep, c, cStep, d, dStep, y, count);
    else descend(a, aStep, b, bStep, c, cStep, d, dStep, located(fifth, room, start), stepOf(fifth), y, count);
  } else return false;
  return true;
}

/**
 * One instruction on one tile: its op, where it writes to, and what it reads. Where a result ends within eight elements, these are computed in the tile at
 * `spare`, from operands and what lies behind them.
 */
function perform(at: usize, room: usize, spare: usize, start: i32, count: i32): void {
  const op = load<i32>(at);
  const target = at + 4;
  const first = target + PLACE_BYTES;
  const y = located(target, room, start);
  const kind = load<i32>(target);
  const eights = (count + 7) & ~7;
  const fits = kind < 0 || eights === count;
  if (compute(op, first, room, start, fits ? y : spare, eights)) {
    if (!fits) memory.copy(y, spare, <usize>count << kind);
    return;
  }
  const second = first + PLACE_BYTES;
  const a = located(first, room, start);
  switch (op) {
    case FusedOp.copy:
      memory.copy(y, a, <usize>count << 2);
      return;
    case FusedOp.copyBytes:
      memory.copy(y, a, count);
      return;
    case FusedOp.spread:
      return spread(load<u32>(first, 4), load<i32>(second), load<i32>(second, 4), 4, start, y, count);
    case FusedOp.spreadBytes:
      return spread(load<u32>(first, 4), load<i32>(second), load<i32>(second, 4), 1, start, y, count);
    case FusedOp.sum:
      store<f64>(load<u32>(target, 4) + (<usize>(start / TILE) << 3), sum(a, stepOf(first), count));
      return;
    case FusedOp.flaws:
      store<f64>(load<u32>(target, 4) + (<usize>(start / TILE) << 3), flaws(a, stepOf(first), count));
      return;
    case FusedOp.sumInt:
      store<f64>(load<u32>(target, 4) + (<usize>(start / TILE) << 3), sumInt(a, stepOf(first), count));
      return;
  }
  unreachable();
}

/**
 * Arguments: elements; the numbers that stand for all, and instructions: how many, and where; the threads' rooms, and how large one is. It ends with a spare
 * tile. And an operand, or 0: tiles where it is zero have other instructions, which stand behind these.
 */
export function fused(thread: i32, threads: i32): void {
  const size = argument(Fused.size);
  const tiles = (size + TILE - 1) / TILE;
  const end = min(size, <i32>((<i64>tiles * (thread + 1)) / threads) * TILE);
  const room = address(Fused.rooms) + <usize>thread * address(Fused.roomBytes);
  const spare = room + address(Fused.roomBytes) - (<usize>TILE << 2);
  const uniforms = argument(Fused.uniforms);
  for (let i = 0; i < uniforms; i++) {
    const place = address(Fused.code) + <usize>i * PLACE_BYTES;
    const at = <usize>load<u32>(place, 4);
    const x = load<i32>(place) === 0 ? v128.load8_splat(at) : v128.load32_splat(at);
    storeTwo(room + <usize>i * UNIFORM_BYTES, x, x);
  }
  const code = address(Fused.code) + <usize>uniforms * PLACE_BYTES;
  const last = code + <usize>argument(Fused.instructions) * INSTRUCTION_BYTES;
  const rest = address(Fused.rest);
  const restLast = last + <usize>argument(Fused.restInstructions) * INSTRUCTION_BYTES;
  for (let start = <i32>((<i64>tiles * thread) / threads) * TILE; start < end; start += TILE) {
    tick();
    const count = min(TILE, end - start);
    const rests = rest !== 0 && isZero(rest + (<usize>start << 2), count);
    const until = rests ? restLast : last;
    for (let at = rests ? last : code; at < until; at += INSTRUCTION_BYTES) perform(at, room, spare, start, count);
  }
}
