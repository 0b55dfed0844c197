/** Graph descriptions damaged in many ways, as in hostile files. */
import {
  inferenceGraph,
  OstinatoError,
  parseModelSpec,
  printGraph,
  type RandomStream,
  type Trained,
  toBytes,
} from "@ostinato/core";

type Part = Record<string, unknown>;

/** Replacement values. */
const fragments: readonly unknown[] = [
  -1,
  0,
  1,
  3,
  1e308,
  0.5,
  null,
  [],
  {},
  "__proto__",
  "batch",
  "time",
  "feed",
  "state",
  "NaN",
  "scan",
  "treeRecur",
  "size",
  "float32",
  "int32",
  true,
  2 ** 31,
];

/** The outcome. */
export interface Damage {
  /** The number that were read, built and written again; the others were rejected. */
  readonly read: number;
  /** Milliseconds. */
  readonly slowest: number;
}

/** Damages graphs `count` times. Throws if one is neither read nor rejected with a typed error. */
export function damageGraphs(count: number, models: readonly Trained[], random: RandomStream): Damage {
  const pick = <T>(list: readonly T[]): T => list[random.below(list.length)] as T;
  /** A random position in plain data. */
  const place = (data: Part): { readonly holder: Part; readonly key: string } => {
    let holder = data;
    for (;;) {
      const keys = Object.keys(holder);
      const key = pick(keys.length > 0 ? keys : ["0"]);
      const inner = holder[key];
      if (typeof inner !== "object" || inner === null || random.below(6) === 0) return { holder, key };
      holder = inner as Part;
    }
  };
  const damage = (config: Part): void => {
    const [{ holder, key }, other] = [place(config), place(config)];
    const [value, act] = [holder[key], random.below(6)];
    if (typeof value === "number" && act > 1) holder[key] = value + pick([-2, -1, 1, 2]);
    else if (act === 0) delete holder[key];
    else if (act === 1 && other.holder[other.key] !== undefined) holder[key] = structuredClone(other.holder[other.key]);
    else holder[key] = structuredClone(pick(fragments));
  };
  let [read, slowest] = [0, 0];
  for (let i = 0; i < count; i++) {
    const { spec, weights } = pick(models);
    const description = JSON.parse(JSON.stringify(spec));
    for (let changes = 1 + random.below(3); changes > 0; changes--) damage(description.layers[0].config);
    const text = JSON.stringify(description);
    const began = performance.now();
    try {
      const parsed = parseModelSpec(JSON.parse(text));
      printGraph(inferenceGraph(parsed));
      toBytes({ spec: parsed, weights });
      read += 1;
    } catch (error) {
      if (!(error instanceof OstinatoError)) throw new Error(`${i}: ${text.slice(0, 3000)}`, { cause: error });
      if (error.message.length > 2000) throw new Error(`${i}: ${error.message}`);
    }
    slowest = Math.max(slowest, performance.now() - began);
  }
  return { read, slowest };
}
