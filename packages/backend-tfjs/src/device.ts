/** One backend of tfjs with the data that a session holds on it: every tensor is counted from the kernel that made it to its release. */
import { type DType, StateError } from "@ostinato/core";
import type { TfjsBackendName } from "./connect.ts";
import type { HostData, KernelAttrs, KernelBackend, TensorInfo, Tfjs } from "./tfjs.ts";

/** The inputs of a kernel by tfjs's names; a list for `Concat`. */
type Inputs = Readonly<Record<string, TensorInfo>> | readonly TensorInfo[];

/** The attributes of a kernel, of which tfjs only reads. */
type Attrs = Readonly<Record<string, number | boolean | string | readonly number[] | readonly number[][]>>;

export class Device {
  readonly name: TfjsBackendName;
  /** Data can be read within the same tick at the price of a copy or less: then a few steps are done quicker, or more exactly, on the host. */
  readonly readsAtOnce: boolean;
  /** Products with a transposed operand are quick. In WebAssembly only plain ones are: 5 to 15 times. */
  readonly transposesInProducts: boolean;
  readonly #tf: Tfjs;
  readonly #backend: KernelBackend;
  /** By data: tfjs's backend in WebAssembly packs a right factor once and keeps it by the data's id, whatever its shape is the next time. */
  readonly #factorShapes = new WeakMap<object, string>();
  readonly #live = new Set<TensorInfo>();

  constructor(
    tf: Tfjs,
    name: TfjsBackendName,
    backend: KernelBackend,
    readsAtOnce = name === "cpu" || name === "wasm",
  ) {
    this.name = name;
    this.readsAtOnce = readsAtOnce;
    this.transposesInProducts = name !== "wasm";
    this.#tf = tf;
    this.#backend = backend;
  }

  /** How many tensors are held. Two that share data are two. */
  get liveTensors(): number {
    return this.#live.size;
  }

  /** Throws where the app has removed or replaced the backend, whose kernels would then work on other memory. */
  check(): void {
    if (this.#tf.engine().registry[this.name] !== this.#backend) {
      throw new StateError(
        `the app has removed or replaced the backend "${this.name}" of tfjs while a session used it`,
      );
    }
  }

  /** Runs a kernel with one output. */
  run(kernel: string, inputs: Inputs, attrs: Attrs = {}): TensorInfo {
    return this.#adopt(this.#call(kernel, inputs, attrs) as TensorInfo);
  }

  /** Runs a kernel with several outputs, of which only one is wanted. */
  runFor(output: number, kernel: string, inputs: Inputs, attrs: Attrs = {}): TensorInfo {
    const outputs = (this.#call(kernel, inputs, attrs) as TensorInfo[]).map((x) => this.#adopt(x));
    outputs.forEach((x, at) => {
      if (at !== output) this.release(x);
    });
    return outputs[output] as TensorInfo;
  }

  #call(kernel: string, inputs: Inputs, attrs: Attrs): TensorInfo | TensorInfo[] {
    const config = this.#tf.getKernel(kernel, this.name);
    if (config === undefined) throw new StateError(`the app has unregistered the kernel ${kernel} of "${this.name}"`);
    const call = {
      inputs: inputs as Record<string, TensorInfo>,
      attrs: attrs as KernelAttrs,
      backend: this.#backend,
    };
    return config.kernelFunc(call);
  }

  /** Takes in data that nobody writes to afterwards: tfjs's plain backend keeps the array itself. */
  upload(data: HostData, shape: readonly number[], dtype: DType): TensorInfo {
    return this.#adopt({ dataId: this.#backend.write(data, [...shape], dtype), shape: [...shape], dtype });
  }

  /** Another holder of the same data. */
  share(x: TensorInfo): TensorInfo {
    this.#backend.incRef(x.dataId);
    return this.#adopt({ ...x });
  }

  /** Another holder of the same data, in another shape. */
  reshape(x: TensorInfo, shape: readonly number[]): TensorInfo {
    return this.run("Reshape", { x }, { shape });
  }

  release(x: TensorInfo): void {
    if (this.#live.delete(x)) this.#backend.disposeData(x.dataId);
  }

  /** Runs `use` and releases these tensors, which only it needs. */
  using<R>(tensors: readonly TensorInfo[], use: () => R): R {
    try {
      return use();
    } finally {
      for (const x of tensors) this.release(x);
    }
  }

  /** The product [batch, rows, common] · [batch, common, columns], where an operand may be given the other way round. */
  product(a: TensorInfo, b: TensorInfo, transposeA: boolean, transposeB: boolean): TensorInfo {
    const shape = b.shape.join();
    const known = this.#factorShapes.get(b.dataId) ?? shape;
    this.#factorShapes.set(b.dataId, known);
    if (this.name !== "wasm" || known === shape) {
      return this.run("BatchMatMul", { a, b }, { transposeA, transposeB });
    }
    const copy = this.run("Identity", { x: b });
    return this.using([copy], () => this.run("BatchMatMul", { a, b: copy }, { transposeA, transposeB }));
  }

  /** The elements, in whatever numeric array holds them here. Not to be written to. */
  readNow(x: TensorInfo): HostData {
    return this.#backend.readSync(x.dataId) as HostData;
  }

  async read(x: TensorInfo): Promise<HostData> {
    return (await this.#backend.read(x.dataId)) as HostData;
  }

  /** A point in time, for `releaseSince`. */
  mark(): number {
    return this.#live.size;
  }

  /** Releases all that was made since the mark, provided that nothing older was released in between. */
  releaseSince(mark: number, keep: ReadonlySet<TensorInfo> = new Set()): void {
    for (const x of [...this.#live].slice(mark)) if (!keep.has(x)) this.release(x);
  }

  releaseAll(): void {
    this.releaseSince(0);
  }

  #adopt(x: TensorInfo): TensorInfo {
    this.#live.add(x);
    return x;
  }
}
