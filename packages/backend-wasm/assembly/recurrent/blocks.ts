/**
 * The rows of a batch in blocks, longest rows first, each of which is a chain of steps that nobody else touches. Threads take what is to be done one
 * by one, so that a thread on a slower or busier core takes less; what is computed does not depend on who computes it.
 */
import { copyLasting } from "../lanes";
import { Recurrence, STATE_BYTES } from "../protocol";
import { address, argument } from "../team";

/** The first row of a block, in the order of length; that of the block after the last is the end. */
@inline
export function firstRow(block: i32): i32 {
  return <i32>((<i64>argument(Recurrence.batch) * block) / argument(Recurrence.blocks));
}

/** Address of a block's room. */
@inline
export function blockRoom(block: i32): usize {
  return address(Recurrence.blockRooms) + <usize>block * address(Recurrence.blockRoomBytes);
}

/** Address of a thread's room. */
@inline
export function threadRoom(thread: i32): usize {
  return address(Recurrence.threadRooms) + <usize>thread * address(Recurrence.threadRoomBytes);
}

@inline
function stateOf(block: i32): usize {
  return address(Recurrence.states) + <usize>block * STATE_BYTES;
}

/** So much is to be done of a block. To be called by one thread, before a barrier. */
export function openBlock(block: i32, stretches: i32): void {
  store<i32>(stateOf(block), stretches);
  store<i32>(stateOf(block), 0, 4);
}

/** Stretches that are left of a block. */
@inline
export function stretchesLeft(block: i32): i32 {
  return atomic.load<i32>(stateOf(block));
}

/** The block with most left to do of those that no thread is at, of each `apart`-th from `first` on; -1 where there is none. */
function takeLongest(first: i32, apart: i32): i32 {
  while (true) {
    let longest = -1;
    let most = 0;
    for (let block = first; block < argument(Recurrence.blocks); block += apart) {
      const left = stretchesLeft(block);
      if (left <= most || atomic.load<i32>(stateOf(block), 4) !== 0) continue;
      longest = block;
      most = left;
    }
    if (longest < 0) return -1;
    if (atomic.cmpxchg<i32>(stateOf(longest), 0, 1, 4) !== 0) continue;
    if (stretchesLeft(longest) > 0) return longest;
    atomic.store<i32>(stateOf(longest), 0, 4);
  }
}

/**
 * The block that a thread goes on with: of its own, which lie in its cache, and when these are done of the others'. -1 where there is none: whoever
 * is at the others will end them.
 */
export function takeBlock(thread: i32, threads: i32): i32 {
  const own = takeLongest(thread, threads);
  return own >= 0 ? own : takeLongest(0, 1);
}

/** After a stretch of a block that was taken. */
export function putBack(block: i32): void {
  atomic.store<i32>(stateOf(block), stretchesLeft(block) - 1);
  atomic.store<i32>(stateOf(block), 0, 4);
}

/** The length of the row that stands at `p` in the order of length. */
@inline
export function lengthOf(p: i32): i32 {
  return load<i32>(address(Recurrence.lengths) + (<usize>p << 2));
}

/** Its place in the batch. */
@inline
export function rowOf(p: i32): i32 {
  return load<i32>(address(Recurrence.order) + (<usize>p << 2));
}

/** Rows that still run at a step. */
export function activeAt(step: i32): i32 {
  let active = argument(Recurrence.batch);
  while (active > 0 && lengthOf(active - 1) <= step) active--;
  return active;
}

/** Words of all rows before a step: where what is kept of it begins. */
export function wordsBefore(step: i32): i32 {
  let words = 0;
  for (let p = 0; p < argument(Recurrence.batch); p++) words += min(step, lengthOf(p));
  return words;
}

/** Writes zeros [time, batch, width] past the end of some rows. */
export function clearEnds(to: usize, width: i32, first: i32, end: i32): void {
  const time = argument(Recurrence.time);
  const batch = argument(Recurrence.batch);
  for (let p = first; p < end; p++) {
    for (let t = lengthOf(p); t < time; t++) {
      memory.fill(to + (<usize>((t * batch + rowOf(p)) * width) << 2), 0, <usize>width << 2);
    }
  }
}

/** Rows [hidden] of a block, `stride` bytes apart, from [batch, hidden]; zeros where there is nothing to read. */
export function gatherRows(from: usize, to: usize, stride: usize, first: i32, end: i32): void {
  const bytes = <usize>argument(Recurrence.hidden) << 2;
  for (let p = first; p < end; p++, to += stride) {
    memory.fill(to, 0, stride);
    if (from !== 0) memory.copy(to, from + <usize>rowOf(p) * bytes, bytes);
  }
}

/** The other way round, without what is too small; nothing where there is nowhere to write. */
export function scatterRows(from: usize, to: usize, stride: usize, first: i32, end: i32): void {
  const hidden = argument(Recurrence.hidden);
  if (to === 0) return;
  for (let p = first; p < end; p++, from += stride) copyLasting(to + <usize>rowOf(p) * (<usize>hidden << 2), from, hidden);
}
