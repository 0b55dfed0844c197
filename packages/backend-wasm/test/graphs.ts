/** Runs small graphs on the WebAssembly and the CPU backend, for the tests. */
import { cpu } from "@ostinato/backend-cpu";
import {
  type Backend,
  bind,
  type Capacities,
  lower,
  type Session,
  type Tensor,
  type Tensors,
  type Value,
} from "@ostinato/core";
import { afterAll, expect } from "vitest";
import { type WasmOptions, wasm } from "../src/index.ts";

/** The variants that a kernel is tried with; all but plain SIMD have to give the bits of the first. */
const variants: readonly WasmOptions[] = [
  { simd: "auto", threads: 1 },
  { simd: "plain", threads: 1 },
  { simd: "plain", threads: 2 },
  { simd: "auto", threads: 2 },
  { simd: "auto", threads: 3 },
  { simd: "auto", threads: 5 },
  { simd: "relaxed", threads: 1 },
  { simd: "relaxed", threads: 2 },
];

/** Sessions are opened once for a test file: starting threads takes longer than most tests. */
class Opened {
  readonly #backend: Backend;
  readonly #session: Session;

  private constructor(backend: Backend, session: Session) {
    this.#backend = backend;
    this.#session = session;
  }

  static async of(backend: Backend): Promise<Opened> {
    const session = await backend.open({});
    afterAll(() => session[Symbol.asyncDispose]());
    return new Opened(backend, session);
  }

  get name(): string {
    return this.#backend.name;
  }

  async run(fetches: Record<string, Value>, feeds: Tensors, capacities: Capacities): Promise<Tensors> {
    const program = bind(lower({ fetches, updates: [] }, this.#backend), capacities);
    return (await this.#session.compile(program)).run(feeds);
  }
}

const plain = await Opened.of(await cpu());
const tried: Opened[] = [];
for (const options of variants) tried.push(await Opened.of(await wasm(options)));

const bytesOf = ({ data }: Tensor): Buffer => Buffer.from(data.buffer, data.byteOffset, data.byteLength);

/**
 * Expects of every variant what the CPU backend computes, and of every number of threads and width of registers the same bits. Floats may be `tolerance` away from the plain
 * kernel's, relative to 1 + their magnitude.
 */
export async function expectAsPlain(
  fetches: Record<string, Value>,
  feeds: Tensors,
  { tolerance = 1e-6, capacities = {} }: { tolerance?: number; capacities?: Capacities } = {},
): Promise<void> {
  const expected = await plain.run(fetches, feeds, capacities);
  const [one] = tried;
  const alone = await one.run(fetches, feeds, capacities);
  for (const [i, variant] of tried.entries()) {
    const actual = variant === one ? alone : await variant.run(fetches, feeds, capacities);
    for (const [name, { data, shape }] of Object.entries(expected)) {
      const label = `${variant.name}: ${name} of [${shape}]`;
      const got = actual[name].data;
      for (let k = 0; k < data.length; k++) {
        const exact = got[k] === data[k] || Object.is(got[k], data[k]);
        const near = Number.isFinite(data[k]) && Math.abs(got[k] - data[k]) <= tolerance * (1 + Math.abs(data[k]));
        if (!exact && !near) expect.fail(`${label} is ${got[k]} at ${k}, the plain kernel's ${data[k]}`);
      }
      const sameBits = variants[i].simd !== "plain";
      if (sameBits && bytesOf(actual[name]).compare(bytesOf(alone[name])) !== 0) {
        expect.fail(`${label} has other bits than ${one.name}`);
      }
    }
  }
}
