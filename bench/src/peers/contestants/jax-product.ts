/** A contestant: a matrix product in jax-js, on its WebAssembly device. */
import { defaultDevice, init, numpy } from "@jax-js/jax";
import { operands, type Product } from "../products.ts";
import { repeat } from "./steps.ts";

const options: { product: Product } = JSON.parse(process.argv[3] ?? "");
const { rows, inner, columns, times } = options.product;
await init("wasm");
defaultDevice("wasm");
const { a, b } = operands(options.product);
const left = numpy.array(a as Float32Array<ArrayBuffer>, { shape: [rows, inner] });
const right = numpy.array(b as Float32Array<ArrayBuffer>, { shape: [inner, columns] });
const product = async (): Promise<ArrayLike<number>> => {
  // Operands are used up unless another reference is held.
  const result = numpy.matmul(left.ref, right.ref);
  return (await result.data()) as ArrayLike<number>;
};
const first = (await product())[0];
await repeat(
  async () => {
    for (let i = 0; i < times; i++) await product();
    return undefined;
  },
  { first },
);
