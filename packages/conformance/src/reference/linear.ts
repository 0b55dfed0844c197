/** Products and reductions. */
import { at, build, type Dense, each, empty, positionOf } from "./dense.ts";
import type { Kernels } from "./kernel.ts";

function axesBut(x: Dense, used: readonly number[]): number[] {
  return x.shape.map((_, axis) => axis).filter((axis) => !used.includes(axis));
}

/** The shape, or the index, at some axes. */
function pick(from: readonly number[], axes: readonly number[]): number[] {
  return axes.map((axis) => from[axis]);
}

/** The output without `axes`; `fold` takes in one element of `x` after the other. */
function reduce(x: Dense, axes: readonly number[], start: number, fold: (soFar: number, element: number) => number) {
  const kept = axesBut(x, axes);
  const out = empty(x.dtype, pick(x.shape, kept));
  out.data.fill(start);
  each(x.shape, (index, position) => {
    const to = positionOf(out.shape, pick(index, kept));
    out.data[to] = fold(out.data[to], x.data[position]);
  });
  return out;
}

export const linear: Kernels<"dot" | "sum" | "max" | "logSumExp" | "argMax" | "topK"> = {
  // out[batch, freeA, freeB] = Σ a[batch, freeA, contract] · b[batch, freeB, contract], each in the axis order of its operand.
  dot: ([a, b], { contract, batch }) => {
    const free = [axesBut(a, [...batch[0], ...contract[0]]), axesBut(b, [...batch[1], ...contract[1]])];
    const shape = [...pick(a.shape, batch[0]), ...pick(a.shape, free[0]), ...pick(b.shape, free[1])];
    const summed = pick(a.shape, contract[0]);
    const indexA = a.shape.map(() => 0);
    const indexB = b.shape.map(() => 0);
    return [
      build("float64", shape, (index) => {
        batch[0].forEach((axis, i) => {
          indexA[axis] = index[i];
        });
        batch[1].forEach((axis, i) => {
          indexB[axis] = index[i];
        });
        free[0].forEach((axis, i) => {
          indexA[axis] = index[batch[0].length + i];
        });
        free[1].forEach((axis, i) => {
          indexB[axis] = index[batch[0].length + free[0].length + i];
        });
        let total = 0;
        each(summed, (term) => {
          contract[0].forEach((axis, i) => {
            indexA[axis] = term[i];
          });
          contract[1].forEach((axis, i) => {
            indexB[axis] = term[i];
          });
          total += at(a, indexA) * at(b, indexB);
        });
        return total;
      }),
    ];
  },
  sum: ([x], { axes }) => [reduce(x, axes, 0, (total, element) => total + element)],
  max: ([x], { axes }) => [reduce(x, axes, x.dtype === "int32" ? -(2 ** 31) : -Infinity, Math.max)],
  logSumExp: ([x], { axes }) => {
    const largest = reduce(x, axes, -Infinity, Math.max);
    const kept = axesBut(x, axes);
    const shifted = build("float64", x.shape, (index, position) => {
      const from = at(largest, pick(index, kept));
      return from === -Infinity ? 0 : Math.exp(x.data[position] - from);
    });
    const total = reduce(shifted, axes, 0, (sum, element) => sum + element);
    return [
      build("float64", total.shape, (_index, position) => Math.log(total.data[position]) + largest.data[position]),
    ];
  },
  argMax: ([x], { axis }) => {
    const best = reduce(x, [axis], x.dtype === "int32" ? -(2 ** 31) : -Infinity, Math.max);
    const first = empty("int32", best.shape);
    first.data.fill(-1);
    each(x.shape, (index, position) => {
      const to = positionOf(best.shape, index.toSpliced(axis, 1));
      if (first.data[to] < 0 && x.data[position] === best.data[to]) first.data[to] = index[axis];
    });
    return [first];
  },
  topK: ([x], { k }) => {
    const width = x.shape.at(-1) ?? 1;
    const ranked = (element: number): number => (Number.isNaN(element) ? -Infinity : element);
    const orders = Array.from({ length: x.data.length / width }, (_, row) => {
      const elements = Array.from(x.data.subarray(row * width, (row + 1) * width), ranked);
      // Not by their difference, which of two infinities is NaN.
      const sorted = elements
        .map((_, i) => i)
        .sort((a, b) => (elements[a] === elements[b] ? a - b : elements[a] > elements[b] ? -1 : 1));
      return sorted.slice(0, k);
    });
    const shape = [...x.shape.slice(0, -1), k];
    const at = (position: number): number => orders[Math.floor(position / k)][position % k];
    return [
      build("float64", shape, (_index, position) => x.data[Math.floor(position / k) * width + at(position)]),
      build("int32", shape, (_index, position) => at(position)),
    ];
  },
};
