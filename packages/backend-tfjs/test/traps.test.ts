/** Where single backends of tfjs compute something else than asked, found by trying: each is stepped round. */
import { type TfjsBackend, tfjs } from "@ostinato/backend-tfjs";
import { bool, cast, dot, feed, float32, int32, matmul, reshape, reverse, select, sum } from "@ostinato/core";
import { add } from "@ostinato/core/graph";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import { beforeAll, describe, expect, test } from "vitest";
import { elements, results } from "./programs.ts";

describe.each(["cpu", "wasm"] as const)("tfjs-%s", (name) => {
  let backend: TfjsBackend;
  beforeAll(async () => {
    backend = await tfjs(tf, { backend: name });
  });

  test("truth values are moved as the bytes they are", async () => {
    const shape = [3, 5];
    const [c, a, b] = ["c", "a", "b"].map((feedName) => feed(feedName, "bool", shape));
    const data = (modulus: number) =>
      bool(
        shape,
        Uint8Array.from({ length: 15 }, (_, i) => Number(i % modulus === 0)),
      );
    const feeds = { c: data(2), a: data(3), b: data(5) };
    const got = await results(backend, { chosen: select(c!, a!, b!), reversed: reverse(a!, 1) }, feeds);
    const chosen = [...feeds.c.data].map((value, i) => (value ? feeds.a : feeds.b).data[i]);
    const reversed = [...feeds.a.data].map((_, i) => feeds.a.data[i - (i % 5) + 4 - (i % 5)]);
    expect(elements(got, "chosen")).toEqual(chosen);
    expect(elements(got, "reversed")).toEqual(reversed);
  });

  test("to bool means not zero", async () => {
    const x = feed("x", "float32", [5]);
    const k = feed("k", "int32", [3]);
    const feeds = { x: float32([5], [0, 0.5, 256, -1, Number.NaN]), k: int32([3], [0, 256, -1]) };
    const got = await results(backend, { floats: cast(x, "bool"), ints: cast(k, "bool") }, feeds);
    expect(elements(got, "floats")).toEqual([0, 1, 1, 1, 1]);
    expect(elements(got, "ints")).toEqual([0, 1, 1]);
  });

  test("seven axes", async () => {
    const shape = [2, 1, 2, 1, 2, 1, 1];
    const x = feed("x", "float32", shape);
    const feeds = { x: float32(shape, [1, 2, 3, 4, 5, 6, 7, 8]) };
    const got = await results(backend, { twice: add(x, x), more: add(x, 1) }, feeds);
    expect(elements(got, "twice")).toEqual([2, 4, 6, 8, 10, 12, 14, 16]);
    expect(elements(got, "more")).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test("one right factor in two shapes", async () => {
    const a = feed("a", "float32", [1, 2]);
    const b = feed("b", "float32", [2, 4]);
    const again = reshape(b, [4, 2]);
    const feeds = { a: float32([1, 2], [1, 10]), b: float32([2, 4], [1, 2, 3, 4, 5, 6, 7, 8]) };
    const got = await results(backend, { wide: matmul(a, b), tall: matmul(matmul(a, b), again) }, feeds);
    expect(elements(got, "wide")).toEqual([51, 62, 73, 84]);
    expect(elements(got, "tall")).toEqual([51 + 62 * 3 + 73 * 5 + 84 * 7, 51 * 2 + 62 * 4 + 73 * 6 + 84 * 8]);
  });

  test("a sum of a million", async () => {
    const x = feed("x", "float32", [1000, 1000]);
    const feeds = { x: float32([1000, 1000], new Float32Array(1e6).fill(0.1)) };
    const { total } = await results(backend, { total: sum(x) }, feeds);
    expect(total?.data[0]).toBeCloseTo(100_000, 1);
  });

  test("batch axes that do not come first", async () => {
    const a = feed("a", "float32", [2, 3, 2]);
    const b = feed("b", "float32", [2, 3]);
    const data = float32([2, 3, 2], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    const y = dot(a, b, { contract: [[2], [0]], batch: [[1], [1]] });
    const got = await results(backend, { y }, { a: data, b: float32([2, 3], [1, 2, 3, 10, 20, 30]) });
    // y[n, m] = Σk a[m, n, k] b[k, n]
    expect(got.y?.shape).toEqual([3, 2]);
    expect(elements(got, "y")).toEqual([21, 87, 86, 218, 195, 393]);
  });
});
