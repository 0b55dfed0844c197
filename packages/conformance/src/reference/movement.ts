/** Ops that make elements from nothing, and ops that only move them. */
import { DataError, fillDropoutMask, fillNormalNoise } from "@ostinato/core";
import { at, build, type Dense, each, empty, positionOf, withAxis } from "./dense.ts";
import type { Kernels } from "./kernel.ts";

/** Where a slice begins: a negative start counts from the end. */
function startOf(start: number, extent: number): number {
  return start < 0 ? extent + start : start;
}

function checkId(op: string, id: number, rows: number): void {
  if (id < 0 || id >= rows) throw new DataError(`${op}: id ${id} is not a row of ${rows}`);
}

export const sources: Kernels<"constant" | "iota" | "size" | "dropoutMask" | "normalNoise"> = {
  constant: (_inputs, { dtype, shape, data }) => [
    build(dtype, shape, (_index, position) => data[data.length === 1 ? 0 : position]),
  ],
  iota: (_inputs, { dim }, { sizeOf }) => [build("int32", [sizeOf(dim)], ([i]) => i)],
  size: (_inputs, { dim }, { sizeOf }) => [build("int32", [], () => sizeOf(dim))],
  dropoutMask: ([step], { rate, seed, site, shape }, { sizeOf }) => {
    const out = empty("float64", shape.map(sizeOf));
    fillDropoutMask(out.data as Float64Array, 0, out.data.length, rate, seed, site, step.data[0], new Uint32Array(2));
    return [out];
  },
  normalNoise: ([step], { seed, site, shape }, { sizeOf }) => {
    const out = empty("float64", shape.map(sizeOf));
    fillNormalNoise(out.data as Float64Array, 0, out.data.length, seed, site, step.data[0], new Uint32Array(2));
    return [out];
  },
};

export const shapes: Kernels<"reshape" | "transpose" | "broadcast" | "concat" | "slice" | "pad" | "reverse"> = {
  reshape: ([x], { shape }, { sizeOf }) => [{ ...x, shape: shape.map(sizeOf) }],
  transpose: ([x], { permutation }) => [
    build(
      x.dtype,
      permutation.map((axis) => x.shape[axis]),
      (index) =>
        at(
          x,
          permutation.map((_, axis) => index[permutation.indexOf(axis)]),
        ),
    ),
  ],
  broadcast: ([x], { shape, axes }, { sizeOf }) => [
    build(x.dtype, shape.map(sizeOf), (index) =>
      at(
        x,
        axes.map((axis) => index[axis]),
      ),
    ),
  ],
  concat: (parts, { axis }) => {
    const extent = parts.reduce((total, part) => total + part.shape[axis], 0);
    const out = empty(parts[0].dtype, withAxis(parts[0].shape, axis, extent));
    let start = 0;
    for (const part of parts) {
      each(part.shape, (index, position) => {
        out.data[positionOf(out.shape, withAxis(index, axis, start + index[axis]))] = part.data[position];
      });
      start += part.shape[axis];
    }
    return [out];
  },
  slice: ([x], { axis, start, size }) => {
    const first = startOf(start, x.shape[axis]);
    return [
      build(x.dtype, withAxis(x.shape, axis, size), (index) => at(x, withAxis(index, axis, first + index[axis]))),
    ];
  },
  pad: ([x], { axis, start, dim }, { sizeOf }) => {
    const extent = sizeOf(dim);
    const first = startOf(start, extent);
    const inside = (i: number): boolean => i >= first && i < first + x.shape[axis];
    return [
      build(x.dtype, withAxis(x.shape, axis, extent), (index) =>
        inside(index[axis]) ? at(x, withAxis(index, axis, index[axis] - first)) : 0,
      ),
    ];
  },
  reverse: ([x], { axis }) => [
    build(x.dtype, x.shape, (index) => at(x, withAxis(index, axis, x.shape[axis] - 1 - index[axis]))),
  ],
};

export const indexing: Kernels<"gather" | "scatterAdd" | "reverseSequence" | "sequenceMask" | "sequenceLengths"> = {
  gather: ([table, ids]) => {
    const rank = ids.shape.length;
    return [
      build(table.dtype, [...ids.shape, ...table.shape.slice(1)], (index) => {
        const id = at(ids, index.slice(0, rank));
        checkId("gather", id, table.shape[0]);
        return at(table, [id, ...index.slice(rank)]);
      }),
    ];
  },
  scatterAdd: ([ids, updates], { rows }, { sizeOf }) => {
    const rank = ids.shape.length;
    const out = empty("float64", [sizeOf(rows), ...updates.shape.slice(rank)]);
    each(updates.shape, (index, position) => {
      const id = at(ids, index.slice(0, rank));
      checkId("scatterAdd", id, out.shape[0]);
      out.data[positionOf(out.shape, [id, ...index.slice(rank)])] += updates.data[position];
    });
    return [out];
  },
  reverseSequence: ([x, lengths]) => {
    const mirrored = (t: number, length: number): number => (t < length ? length - 1 - t : t);
    return [build(x.dtype, x.shape, ([t, b, ...rest]) => at(x, [mirrored(t, lengths.data[b]), b, ...rest]))];
  },
  sequenceMask: ([lengths], { time }, { sizeOf }) => [
    build("bool", [sizeOf(time), lengths.shape[0]], ([t, b]) => Number(t < lengths.data[b])),
  ],
  sequenceLengths: ([ids]) => {
    const lengths: Dense = empty("int32", [ids.shape[1]]);
    each(ids.shape, ([t, b], position) => {
      if (ids.data[position] !== 0) lengths.data[b] = t + 1;
    });
    return [lengths];
  },
};
