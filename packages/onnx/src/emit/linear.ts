/** Products: `Gemm` and `MatMul` where the axes stand as they need them, `Einsum` for the rest. */
import type { OpAttrs, Value } from "@ostinato/core";
import type { Emitter } from "./emission.ts";

/** "abc,cd->abd": one letter an axis, shared ones for axes that are summed or run in parallel. */
function equation(ranks: readonly [number, number], { contract, batch }: OpAttrs["dot"]): string {
  let next = 0;
  const letter = (): string => String.fromCharCode(97 + next++);
  const a = Array.from({ length: ranks[0] }, letter);
  const b: (string | undefined)[] = Array.from({ length: ranks[1] });
  for (const group of [contract, batch]) {
    group[1].forEach((axis, i) => {
      b[axis] = a[group[0][i] as number];
    });
  }
  const freeOfB: string[] = [];
  const right = b.map((shared) => {
    if (shared !== undefined) return shared;
    const own = letter();
    freeOfB.push(own);
    return own;
  });
  const freeOfA = a.filter((_, axis) => !contract[0].includes(axis) && !batch[0].includes(axis));
  const out = [...batch[0].map((axis) => a[axis]), ...freeOfA, ...freeOfB];
  return `${a.join("")},${right.join("")}->${out.join("")}`;
}

const counted = (axes: readonly number[], count: number): boolean =>
  axes.length === count && axes.every((axis, i) => axis === i);

export const dot: Emitter<"dot"> = ({ inputs, attrs }, emission) => {
  const [a, b] = inputs as [Value, Value];
  const names = [emission.name(a), emission.name(b)];
  const ranks = [a.type.shape.length, b.type.shape.length] as const;
  const { contract, batch } = attrs;
  const one = contract[0].length === 1;
  const [left, right] = [contract[0][0], contract[1][0]];
  const leading = ranks[0] - 2;

  if (one && batch[0].length === 0 && ranks[1] === 2) {
    if (ranks[0] > 1 && left === ranks[0] - 1 && right === 0) return [emission.add("MatMul", names)];
    if (ranks[0] === 2) {
      const flip = (yes: boolean): 1 | undefined => (yes ? 1 : undefined);
      return [emission.add("Gemm", names, { transA: flip(left === 0), transB: flip(right === 1) })];
    }
    if (left === ranks[0] - 1) {
      // Without perm. Transposes of the graph are written with perm, so the reader can distinguish the two.
      const turned = emission.add("Transpose", [names[1] as string]);
      return [emission.add("MatMul", [names[0] as string, turned])];
    }
  }
  const parallel = leading > 0 && ranks[1] === ranks[0] && batch.every((axes) => counted(axes, leading));
  if (one && parallel && left === leading + 1 && right === leading) return [emission.add("MatMul", names)];
  return [emission.add("Einsum", names, { equation: equation(ranks, attrs) })];
};
