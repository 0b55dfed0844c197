/** Rows of a table looked up and added to by whole numbers. Ids were checked before. */
import { loadPart, normal, storePart } from "./lanes";
import { Gather, MoveRows, ScatterAdd } from "./protocol";
import { address, argument } from "./team";

/** What `moveRows` does, as the kernel numbers it. */
const TAKE: i32 = 0;
const PUT: i32 = 1;

@inline
function copyRow(to: usize, from: usize, bytes: usize): void {
  const stop = to + bytes;
  for (; to + 16 <= stop; to += 16, from += 16) v128.store(to, v128.load(from));
  for (; to + 4 <= stop; to += 4, from += 4) store<i32>(to, load<i32>(from));
  for (; to < stop; to++, from++) store<u8>(to, load<u8>(from));
}

function addRow(to: usize, from: usize, bytes: usize): void {
  for (let left = <i32>(bytes >> 2); left > 0; left -= 4, to += 16, from += 16)
    storePart(to, normal(f32x4.add(loadPart(to, left), loadPart(from, left))), left);
}

/** Rows of a table become those of a block, or the other way about, or those of the block are added; -1 stands for none. Each thread takes a range of the block. */
export function moveRows(thread: i32, threads: i32): void {
  const way = argument(MoveRows.way);
  const count = argument(MoveRows.count);
  const bytes = address(MoveRows.rowBytes);
  const end = <i32>((<i64>count * (thread + 1)) / threads);
  for (let i = <i32>((<i64>count * thread) / threads); i < end; i++) {
    const row = load<i32>(address(MoveRows.list) + (<usize>i << 2));
    const inBlock = address(MoveRows.block) + <usize>i * bytes;
    const inTable = address(MoveRows.table) + <usize>row * bytes;
    if (row < 0) {
      if (way === TAKE) memory.fill(inBlock, 0, bytes);
    } else if (way === TAKE) copyRow(inBlock, inTable, bytes);
    else if (way === PUT) copyRow(inTable, inBlock, bytes);
    else addRow(inTable, inBlock, bytes);
  }
}

/** Each thread takes a range of the ids. */
export function gather(thread: i32, threads: i32): void {
  const count = argument(Gather.count);
  const bytes = address(Gather.rowBytes);
  const start = <i32>((<i64>count * thread) / threads);
  const end = <i32>((<i64>count * (thread + 1)) / threads);
  let to = address(Gather.y) + <usize>start * bytes;
  for (let k = start; k < end; k++, to += bytes) {
    const id = <usize>load<u32>(address(Gather.ids) + (<usize>k << 2));
    copyRow(to, address(Gather.table) + id * bytes, bytes);
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
