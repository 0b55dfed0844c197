/** Dropout masks from Threefry-2x32-20, four blocks at a time; bit for bit those of core's `fillDropoutMask`. */
import { storePart } from "./lanes";
import { rangeStart } from "./elementwise";
import { DropoutMask } from "./protocol";
import { address, argument } from "./team";

@inline
function rotated(x: v128, bits: i32): v128 {
  return v128.or(i32x4.shl(x, bits), i32x4.shr_u(x, 32 - bits));
}

/** Arguments: size, result, seed, site, step, the threshold below which a word drops, the bits of what is kept. */
export function dropoutMask(thread: i32, threads: i32): void {
  const quads = (argument(DropoutMask.size) + 3) >> 2;
  // Ranges of eight elements: four blocks of two words.
  const size = argument(DropoutMask.size);
  const start = rangeStart(quads, thread, threads) << 2;
  const end = min(size, rangeStart(quads, thread + 1, threads) << 2);
  const threshold = i32x4.splat(argument(DropoutMask.threshold));
  const key0 = argument(DropoutMask.seed);
  const key1 = argument(DropoutMask.site);
  const key2 = 0x1bd11bda ^ key0 ^ key1;
  const step = argument(DropoutMask.step);
  const kept = i32x4.splat(argument(DropoutMask.kept));
  for (let index = start; index < end; index += 8) {
    const counter = i32x4.add(i32x4.splat(index >> 1), i32x4(0, 1, 2, 3));
    let x = i32x4.add(counter, i32x4.splat(key0));
    let y = i32x4.splat(step + key1);
    x = i32x4.add(x, y);
    y = v128.xor(rotated(y, 13), x);
    x = i32x4.add(x, y);
    y = v128.xor(rotated(y, 15), x);
    x = i32x4.add(x, y);
    y = v128.xor(rotated(y, 26), x);
    x = i32x4.add(x, y);
    y = v128.xor(rotated(y, 6), x);
    x = i32x4.add(x, i32x4.splat(key1));
    y = i32x4.add(y, i32x4.splat(key2 + 1));
    x = i32x4.add(x, y);
    y = v128.xor(rotated(y, 17), x);
    x = i32x4.add(x, y);
    y = v128.xor(rotated(y, 29), x);
    x = i32x4.add(x, y);
    y = v128.xor(rotated(y, 16), x);
    x = i32x4.add(x, y);
    y = v128.xor(rotated(y, 24), x);
    x = i32x4.add(x, i32x4.splat(key2));
    y = i32x4.add(y, i32x4.splat(key0 + 2));
    x = i32x4.add(x, y);
    y = v128.xor(rotated(y, 13), x);
    x = i32x4.add(x, y);
    y = v128.xor(rotated(y, 15), x);
    x = i32x4.add(x, y);
    y = v128.xor(rotated(y, 26), x);
    x = i32x4.add(x, y);
    y = v128.xor(rotated(y, 6), x);
    x = i32x4.add(x, i32x4.splat(key0));
    y = i32x4.add(y, i32x4.splat(key1 + 3));
    x = i32x4.add(x, y);
    y = v128.xor(rotated(y, 17), x);
    x = i32x4.add(x, y);
    y = v128.xor(rotated(y, 29), x);
    x = i32x4.add(x, y);
    y = v128.xor(rotated(y, 16), x);
    x = i32x4.add(x, y);
    y = v128.xor(rotated(y, 24), x);
    x = i32x4.add(x, i32x4.splat(key1));
    y = i32x4.add(y, i32x4.splat(key2 + 4));
    x = i32x4.add(x, y);
    y = v128.xor(rotated(y, 13), x);
    x = i32x4.add(x, y);
    y = v128.xor(rotated(y, 15), x);
    x = i32x4.add(x, y);
    y = v128.xor(rotated(y, 26), x);
    x = i32x4.add(x, y);
    y = v128.xor(rotated(y, 6), x);
    x = i32x4.add(x, i32x4.splat(key2));
    y = i32x4.add(y, i32x4.splat(key0 + 5));
    const low = i32x4.shuffle(x, y, 0, 4, 1, 5);
    const high = i32x4.shuffle(x, y, 2, 6, 3, 7);
    const to = address(DropoutMask.y) + (<usize>index << 2);
    storePart(to, v128.andnot(kept, i32x4.lt_u(low, threshold)), end - index);
    storePart(to + 16, v128.andnot(kept, i32x4.lt_u(high, threshold)), end - index - 4);
  }
}
