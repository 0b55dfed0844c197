/** Copies along nested loops over strided operands: transposes, slices, broadcasts and the like. Each thread takes a range of the runs of the last axis. */
import { Move } from "./protocol";
import { address, argument } from "./team";

/** Words of an axis: how many entries, and how far apart they lie in either operand, in elements. */
const AXIS_WORDS: i32 = 3;

@inline
function axisWord(axis: i32, word: i32): i32 {
  return argument(Move.axes + axis * AXIS_WORDS + word);
}

function copyWords(from: usize, fromStep: i32, to: usize, toStep: i32, count: i32): void {
  for (; count > 0; count--, from += <usize>fromStep << 2, to += <usize>toStep << 2) store<i32>(to, load<i32>(from));
}

function copyBytes(from: usize, fromStep: i32, to: usize, toStep: i32, count: i32): void {
  for (; count > 0; count--, from += <usize>fromStep, to += <usize>toStep) store<u8>(to, load<u8>(from));
}

/** Arguments: the operands, the binary logarithm of an element's bytes, the number of axes, and of each its words, outermost first. */
export function move(thread: i32, threads: i32): void {
  const shift = argument(Move.shift);
  const last = argument(Move.rank) - 1;
  const count = axisWord(last, 0);
  const fromStep = axisWord(last, 1);
  const toStep = axisWord(last, 2);
  let runs = 1;
  for (let axis = 0; axis < last; axis++) runs *= axisWord(axis, 0);
  const end = <i32>((<i64>runs * (thread + 1)) / threads);
  for (let run = <i32>((<i64>runs * thread) / threads); run < end; run++) {
    let from = 0;
    let to = 0;
    for (let axis = last - 1, rest = run; axis >= 0; axis--) {
      const dim = axisWord(axis, 0);
      const entry = rest % dim;
      rest /= dim;
      from += entry * axisWord(axis, 1);
      to += entry * axisWord(axis, 2);
    }
    const x = address(Move.from) + (<usize>from << shift);
    const y = address(Move.to) + (<usize>to << shift);
    if (fromStep === 1 && toStep === 1) memory.copy(y, x, <usize>count << shift);
    else if (shift === 2) copyWords(x, fromStep, y, toStep, count);
    else copyBytes(x, fromStep, y, toStep, count);
  }
}
