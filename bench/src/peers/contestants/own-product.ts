/** A contestant: a matrix product on one of our backends. */
import { bind, feed, float32, lower, matmul } from "@ostinato/core";
import { operands, type Product } from "../products.ts";
import { type OwnOptions, openBackend } from "./backends.ts";
import { repeat } from "./steps.ts";

const options: OwnOptions & { product: Product } = JSON.parse(process.argv[3] ?? "");
const { rows, inner, columns, times } = options.product;
const backend = await openBackend(options);
const session = await backend.open({});
const result = matmul(feed("a", "float32", [rows, inner]), feed("b", "float32", [inner, columns]));
const executable = await session.compile(bind(lower({ fetches: { result }, updates: [] }, backend), {}));
const { a, b } = operands(options.product);
const feeds = { a: float32([rows, inner], a), b: float32([inner, columns], b) };
const into = await executable.run(feeds);
await repeat(
  async () => {
    for (let i = 0; i < times; i++) await executable.run(feeds, into);
    return undefined;
  },
  { first: into.result?.data[0] },
);
