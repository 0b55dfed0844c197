/**
 * A contestant: the matrix products of a network by themselves on one of our backends, as many as a forward pass has. Products with the state follow
 * each other, in one program, to and from the gates; nothing but them is computed, and nothing but a number handed out.
 */
import {
  bind,
  type Executable,
  float32,
  int32,
  lower,
  matmul,
  RandomStream,
  slice,
  state,
  type Value,
} from "@ostinato/core";
import { add } from "@ostinato/core/graph";
import type { Product } from "../products.ts";
import { type OwnOptions, openBackend } from "./backends.ts";
import { repeat } from "./steps.ts";

/** Products in one program at most. */
const LINKS = 20;

const options: OwnOptions & { products: Omit<Product, "name">[] } = JSON.parse(process.argv[3] ?? "");
const backend = await openBackend(options);
const random = new RandomStream(3, "bench products");

/** Random numbers of a scale that neither lets the products of a chain grow nor vanish. */
function filled(rows: number, columns: number) {
  const scale = 2 * Math.sqrt(3 / rows);
  const numbers = Float32Array.from({ length: rows * columns }, () => scale * (random.uniform() - 0.5));
  return float32([rows, columns], numbers);
}

async function prepared({ rows, inner, columns, times }: Omit<Product, "name">): Promise<() => Promise<void>> {
  const session = await backend.open({
    x: filled(rows, inner),
    forth: filled(inner, columns),
    back: filled(columns, inner),
    runs: int32([], [0]),
  });
  const forth = state("forth", "float32", [inner, columns]);
  const back = state("back", "float32", [columns, inner]);
  const links = Math.min(times, LINKS);
  let end: Value = state("x", "float32", [rows, inner]);
  for (let link = 0; link < links; link++) end = matmul(end, link % 2 === 0 ? forth : back);
  const result = slice(end, 0, 0, 1);
  // What depends on the state alone is computed once, unless each run writes the state.
  const updates = [{ name: "runs", value: add(state("runs", "int32", []), 1) }];
  const executable: Executable = await session.compile(bind(lower({ fetches: { result }, updates }, backend), {}));
  const into = await executable.run({});
  return async () => {
    for (let left = times; left > 0; left -= links) await executable.run({}, into);
  };
}

const all: (() => Promise<void>)[] = [];
for (const product of options.products) all.push(await prepared(product));
await repeat(async () => {
  for (const run of all) await run();
  return undefined;
});
