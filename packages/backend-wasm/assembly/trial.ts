/** Shows how fast this engine computes blocks of 6 × 16 sums: all at once, and by halves. */
import { block6, half6 } from "./panels";

/** Steps of the sum of a block. */
const DEPTH: i32 = 128;
/** Where the sums and the operands lie, behind the control block; `src/wide.ts` fills them. */
const SUMS: usize = 4096;
const LEFT: usize = 8192;
const RIGHT: usize = 16384;

/** Computes one block `turns` times. */
export function trial(wide: bool, turns: i32): void {
  for (; turns > 0; turns--) {
    if (wide) {
      block6(LEFT, RIGHT, DEPTH, SUMS, 64, false);
    } else {
      half6(LEFT, RIGHT, DEPTH, SUMS, 64, false);
      half6(LEFT, RIGHT + 32, DEPTH, SUMS + 32, 64, false);
    }
  }
}
