/** Tensors sent between threads, in buffers that are transferred. */
import { classOf, sizeOf, type Tensor, type TensorData, type Tensors, zeros } from "../tensor.ts";
import type { Place } from "./protocol.ts";

/** Tensors, and the buffers that go over with them. */
export interface Parcel {
  readonly tensors: Tensors;
  readonly buffers: readonly ArrayBuffer[];
}

const arrays = { float32: Float32Array, int32: Int32Array, bool: Uint8Array, float64: Float64Array } as const;

/** A copy of the elements that the shape has. What is no tensor is sent unchanged, so that the backend reports it. */
function copied(tensor: Tensor): Tensor {
  if (!Object.hasOwn(arrays, tensor?.dtype) || !Array.isArray(tensor.shape) || !ArrayBuffer.isView(tensor.data)) {
    return tensor;
  }
  const { dtype, shape, data } = tensor;
  const counting = Math.max(0, Math.min(sizeOf(shape), data.length));
  const copy = new arrays[dtype](counting);
  copy.set(data.subarray(0, counting));
  return { dtype, shape: [...shape], data: copy } as Tensor;
}

const mapTensors = (tensors: Tensors, change: (tensor: Tensor) => Tensor): Tensors =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, change(tensor)]));

/** Copies to be sent. The caller keeps the originals. */
export function copiesOf(tensors: Tensors): Parcel {
  const copies = mapTensors(tensors, copied);
  const buffers = Object.entries(copies).flatMap(([name, copy]) =>
    copy === tensors[name] ? [] : [copy.data.buffer as ArrayBuffer],
  );
  return { tensors: copies, buffers };
}

/** Whether the data fills a buffer of its own, which can be transferred. */
function ownsBuffer({ buffer, byteLength }: TensorData): boolean {
  return classOf(buffer) === "ArrayBuffer" && buffer.byteLength === byteLength;
}

/** Results to be transferred. Only views of larger or shared buffers are copied. */
export function handedOver(tensors: Tensors): Parcel {
  const buffers = new Set<ArrayBuffer>();
  const own = mapTensors(tensors, (tensor) => {
    const owns = ownsBuffer(tensor.data) && !buffers.has(tensor.data.buffer as ArrayBuffer);
    const given = owns ? tensor : copied(tensor);
    buffers.add(given.data.buffer as ArrayBuffer);
    return given;
  });
  return { tensors: own, buffers: [...buffers] };
}

/** The places of the tensors that results are written to. */
export function placesOf(tensors: Tensors): Record<string, Place> {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, { dtype, shape, data }]) => [
      name,
      { dtype, shape, length: Math.min(sizeOf(shape), data.length) },
    ]),
  );
}

/** Tensors in the place of the caller's, of the same shapes. */
export function standIns(places: Readonly<Record<string, Place>>): Tensors {
  return Object.fromEntries(
    Object.entries(places).map(([name, { dtype, shape, length }]) => [
      name,
      { ...zeros(dtype, [length]), shape } as Tensor,
    ]),
  );
}

/** The results in the caller's tensors where there are any, which come back as `Executable.run` has it. */
export function written(results: Tensors, into: Tensors | undefined): Tensors {
  if (into === undefined) return results;
  const names = Object.keys(results);
  for (const name of names) into[name]?.data.set(results[name]?.data as ArrayLike<number>);
  if (names.every((name) => into[name] !== undefined)) return into;
  return Object.fromEntries(names.map((name) => [name, into[name] ?? (results[name] as Tensor)]));
}
