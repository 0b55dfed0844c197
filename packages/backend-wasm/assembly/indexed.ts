/** Rows of a table looked up and added to by whole numbers. Ids were checked before. */
import { loadPart, normal, storePart } from "./lanes";
import { Gather, ScatterAdd } from "./protocol";
import { address, argument } from "./team";

/** Each thread takes a range of the ids. */
export function gather(thread: i32, threads: i32): void {
  const count = argument(Gather.count);
  const bytes = address(Gather.rowBytes);
  const start = <i32>((<i64>count * thread) / threads);
  const end = <i32>((<i64>count * (thread + 1)) / threads);
  let to = address(Gather.y) + <usize>start * bytes;
  for (let k = start; k < end; k++, to += bytes) {
    let from = address(Gather.table) + <usize>load<u32>(address(Gather.ids) + (<usize>k << 2)) * bytes;
    const stop = to + bytes;
    let at = to;
    for (; at + 16 <= stop; at += 16, from += 16) v128.store(at, v128.load(from));
    for (; at + 4 <= stop; at += 4, from += 4) store<i32>(at, load<i32>(from));
    for (; at < stop; at++, from++) store<u8>(at, load<u8>(from));
  }
}

/** Each thread takes a range of the rows, each of which is summed once, in the order of the updates. */
export function scatterAdd(thread: i32, threads: i32): void {
  const rows = argument(ScatterAdd.rows);
  const width = argument(ScatterAdd.width);
  const ends = address(ScatterAdd.ends);
  const positions = address(ScatterAdd.positions);
  const updates = address(ScatterAdd.updates);
  const first = <i32>((<i64>rows * thread) / threads);
  const last = <i32>((<i64>rows * (thread + 1)) / threads);
  const bytes = <usize>width << 2;
  let start = first === 0 ? 0 : load<i32>(ends + (<usize>(first - 1) << 2));
  for (let row = first; row < last; row++) {
    const end = load<i32>(ends + (<usize>row << 2));
    const to = address(ScatterAdd.y) + <usize>row * bytes;
    if (end === start) {
      memory.fill(to, 0, bytes);
      continue;
    }
    for (let d = 0; d < width; d += 4) {
      const count = width - d;
      const column = updates + (<usize>d << 2);
      let sum = f32x4.splat(0);
      for (let k = start; k < end; k++) {
        sum = f32x4.add(sum, loadPart(column + <usize>load<u32>(positions + (<usize>k << 2)) * bytes, count));
      }
      storePart(to + (<usize>d << 2), normal(sum), count);
    }
    start = end;
  }
}
