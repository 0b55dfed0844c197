/** A small checkpoint, its file, and damage of many kinds. */
import {
  type Checkpoint,
  checkpointFromBytes,
  checkpointToBytes,
  float32,
  int32,
  ModelFileError,
  type RandomStream,
} from "@ostinato/core";
import { crc32c } from "../src/checkpoint/checksum.ts";
import { putTogether, takeApart } from "./models.ts";

export function smallCheckpoint(changes: Partial<Checkpoint> = {}): Checkpoint {
  return {
    settings: { seed: 1, batchSize: 2, callbacks: ["earlyStopping"], model: { layers: [{ kind: "dense" }] } },
    position: {
      epoch: 1,
      step: 2,
      iteration: 5,
      orders: 1,
      learningRate: 0.001,
      seconds: 0.25,
      sums: [
        [1.5, 4],
        [3, 4],
      ],
      history: [
        { epoch: 1, epochs: 3, seconds: 1, loss: 0.5, accuracy: Number.NaN, valLoss: Number.POSITIVE_INFINITY },
      ],
    },
    state: { "training/step": int32([], [5]), "dense/kernel": float32([2, 1], [0.5, -0.25]) },
    callbacks: { earlyStopping: { best: 0.5, bestEpoch: 1, waited: 0 } },
    callbackTensors: { "earlyStopping/dense/kernel": float32([2, 1], [1, 2]) },
    ...changes,
  };
}

/** Whether bytes are refused in the right way, or make a checkpoint that can be written again. Any other error is thrown on. */
export function probe(bytes: Uint8Array): "refused" | "read" {
  try {
    checkpointToBytes(checkpointFromBytes(bytes));
    return "read";
  } catch (error) {
    if (error instanceof ModelFileError && !error.message.includes("\n")) return "refused";
    throw error;
  }
}

type Metadata = Record<"settings" | "position" | "callbacks" | "checksum", string>;

/** A file whose texts were edited, with a checksum that is right again: what a hostile writer, and no accident, makes. */
export function forged(bytes: Uint8Array, edit: (metadata: Metadata) => void): Uint8Array {
  const { header, data } = takeApart(bytes);
  const metadata = header.__metadata__ as Metadata;
  edit(metadata);
  const { __metadata__: _, ...described } = header;
  const names = Object.keys(described).sort();
  const dtypes: Record<string, string> = { F32: "float32", I32: "int32" };
  const forms = names.map((name) => {
    const { dtype, shape } = described[name] as { dtype: string; shape: number[] };
    return [name, dtypes[dtype], shape];
  });
  const texts = JSON.stringify([metadata.settings, metadata.position, metadata.callbacks, forms]);
  // The tensors stand in the order of their names.
  metadata.checksum = crc32c(data, crc32c(new TextEncoder().encode(texts)))
    .toString(16)
    .padStart(8, "0");
  return putTogether(JSON.stringify(header), data);
}

const fragments = [
  "-1",
  "1e308",
  "1e999",
  "null",
  "[]",
  "{}",
  '"NaN"',
  '"__proto__"',
  '"toString"',
  "9007199254740993",
  "true",
  '"\\ud800"',
  "0.5",
  "",
];

/** A text in which one number, word or bracket is another. */
function disturbed(text: string, random: RandomStream): string {
  const tokens = [...text.matchAll(/-?\d+|[\w/]+|[[\]{},:]/g)];
  const token = tokens[random.below(tokens.length)];
  if (token === undefined) return text;
  const fragment = fragments[random.below(fragments.length)] as string;
  return text.slice(0, token.index) + fragment + text.slice(token.index + token[0].length);
}

/** The `number`th of many ways to damage a file. */
function mutation(file: Uint8Array, number: number, random: RandomStream): Uint8Array {
  const flipped = (count: number, from = 0): Uint8Array => {
    const copy = file.slice();
    for (let k = 0; k < count; k++) {
      const at = from + random.below(copy.length - from);
      copy[at] = (copy[at] as number) ^ (1 << random.below(8));
    }
    return copy;
  };
  const { header, data } = takeApart(file);
  const text = JSON.stringify(header);
  switch (number % 7) {
    case 0:
      return flipped(1);
    case 1:
      return flipped(1 + random.below(30));
    case 2:
      return flipped(1, file.length - data.length);
    case 3:
      return putTogether(
        text,
        data,
        BigInt([0, 1, 7, text.length - 1, text.length + 1, 2 ** 31, 2 ** 53][random.below(7)] as number),
      );
    case 4:
      return putTogether(disturbed(text, random), data);
    case 5: {
      const [from = 0, to = 0] = [random.below(text.length), random.below(text.length)].sort((a, b) => a - b);
      return putTogether(text.slice(0, from) + text.slice(from, to).repeat(random.below(3)) + text.slice(to), data);
    }
    default:
      return forged(file, (metadata) => {
        const part = (["settings", "position", "callbacks"] as const)[random.below(3)] as "settings";
        metadata[part] = disturbed(metadata[part], random);
      });
  }
}

/** Damages a file `count` times. Throws where anything but a typed error comes of it; tells how long the slowest reading took. */
export function damageOften(count: number, random: RandomStream): { refused: number; read: number; slowest: number } {
  const file = checkpointToBytes(smallCheckpoint());
  const told = { refused: 0, read: 0, slowest: 0 };
  for (let number = 0; number < count; number++) {
    const damaged = mutation(file, number, random);
    const start = performance.now();
    told[probe(damaged)] += 1;
    told.slowest = Math.max(told.slowest, performance.now() - start);
  }
  return told;
}
