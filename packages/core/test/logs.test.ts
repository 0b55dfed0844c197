/** Logs on disk: TensorBoard's event files, read field by field by a reader of their own, and CSV. */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Callback,
  ConfigError,
  type EpochEvent,
  ModelFileError,
  type TrainingControl,
  type TrainingStepEvent,
} from "@ostinato/core";
import { csvLogger, tensorBoard } from "@ostinato/core/node";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { crc32c } from "../src/checkpoint/checksum.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "ostinato-logs-"));
});
afterEach(() => rm(folder, { recursive: true }));

const control = {} as TrainingControl;
const start = async (callback: Callback): Promise<Callback> => {
  await callback.onStart?.(control);
  return callback;
};
const epoch = (number: number, figures: Record<string, number>): EpochEvent => ({
  epoch: number,
  epochs: 9,
  seconds: 1.5,
  ...figures,
});
const step = (number: number, logs: Record<string, number>): TrainingStepEvent => ({
  epoch: 1,
  epochs: 9,
  step: number,
  steps: 9,
  logs,
});

/** CRC-32C bit by bit, from its definition: reflected, polynomial 0x1edc6f41. */
function slowCrc(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes)
    for (let bit = 0; bit < 8; bit++) {
      const odd = (crc ^ (byte >>> bit)) & 1;
      crc = (crc >>> 1) ^ (odd ? 0x82f63b78 : 0);
    }
  return (crc ^ 0xffffffff) >>> 0;
}
const masked = (bytes: Uint8Array): number => {
  const crc = slowCrc(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
};

test("a checksum is the same at any length, from any place, and in any two pieces", () => {
  const bytes = Uint8Array.from({ length: 70 }, (_, i) => (i * 2_654_435_761) >>> 11);
  for (let from = 0; from < 9; from++) {
    for (let to = from; to <= bytes.length; to++) {
      const part = bytes.subarray(from, to);
      const cut = (to - from) >> 1;
      expect(crc32c(part), `${from} to ${to}`).toBe(slowCrc(part));
      expect(crc32c(part.subarray(cut), crc32c(part.subarray(0, cut))), `${from} to ${to}`).toBe(slowCrc(part));
    }
  }
});

test("checksums have the values that RFC 3720 and others give", () => {
  const text = (value: string): Uint8Array => new TextEncoder().encode(value);
  const known: readonly (readonly [Uint8Array, number])[] = [
    [text("123456789"), 0xe3069283],
    [text(""), 0],
    [text("a"), 0xc1d04330],
    [new Uint8Array(32), 0x8a9136aa],
    [new Uint8Array(32).fill(0xff), 0x62a8ab43],
    [Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
    [Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
  ];
  for (const [bytes, crc] of known) {
    expect(crc32c(bytes)).toBe(crc);
    expect(slowCrc(bytes)).toBe(crc);
    expect(crc32c(bytes.subarray(5), crc32c(bytes.subarray(0, 5)))).toBe(crc);
  }
});

interface Field {
  readonly number: number;
  readonly wire: number;
  readonly value: Buffer | number;
}

function bytesIn(field: Field | undefined): Buffer {
  if (!Buffer.isBuffer(field?.value)) throw new Error("a field of bytes is missing");
  return field.value;
}

/** The fields of a protobuf message: number, wire type and value, in their order. */
function fieldsOf(bytes: Buffer): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes.readUInt8(at++);
      value += (byte % 128) * factor;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = varint();
    const [number, wire] = [key >>> 3, key & 7];
    if (wire === 0) fields.push({ number, wire, value: varint() });
    else {
      const length = wire === 1 ? 8 : wire === 5 ? 4 : wire === 2 ? varint() : Number.NaN;
      const value = bytes.subarray(at, at + length);
      if (value.length !== length) throw new Error(`field ${number} of wire type ${wire} is cut`);
      fields.push({ number, wire, value });
      at += length;
    }
  }
  return fields;
}

interface Event {
  readonly wallTime: number;
  readonly step: number;
  readonly version?: string;
  readonly scalars: Record<string, number>;
}

function eventOf(data: Buffer): Event {
  const [time, number, payload, ...rest] = fieldsOf(data);
  expect([time?.number, time?.wire, number?.number, number?.wire, payload?.wire, rest.length]).toEqual([
    1, 1, 2, 0, 2, 0,
  ]);
  const wallTime = bytesIn(time).readDoubleLE();
  const at = { wallTime, step: number?.value as number };
  if (payload?.number === 3) return { ...at, version: bytesIn(payload).toString(), scalars: {} };
  expect(payload?.number).toBe(5);
  const scalars = fieldsOf(bytesIn(payload)).map((value) => {
    expect([value.number, value.wire]).toEqual([1, 2]);
    const [tag, simple, ...more] = fieldsOf(bytesIn(value));
    expect([tag?.number, tag?.wire, simple?.number, simple?.wire, more.length]).toEqual([1, 2, 2, 5, 0]);
    return [bytesIn(tag).toString(), bytesIn(simple).readFloatLE()];
  });
  return { ...at, scalars: Object.fromEntries(scalars) };
}

/** The events of a file; each record's length and data must have their checksums. */
async function eventsOf(path: string): Promise<Event[]> {
  const bytes = await readFile(path);
  const events: Event[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Number(bytes.readBigUInt64LE(at));
    expect(bytes.readUInt32LE(at + 8)).toBe(masked(bytes.subarray(at, at + 8)));
    const data = bytes.subarray(at + 12, at + 12 + length);
    expect(bytes.readUInt32LE(at + 12 + length)).toBe(masked(data));
    events.push(eventOf(data));
    at += 16 + length;
  }
  return events;
}

const filesOf = async (run: string): Promise<string[]> =>
  (await readdir(join(folder, run))).sort().map((name) => join(folder, run, name));

describe("tensorBoard", () => {
  test("writes records with the fields of Event and Summary, training and validation apart under the same names", async () => {
    const before = Date.now() / 1000;
    const callback = await start(tensorBoard(folder, { everySteps: 2 }));
    for (let number = 1; number <= 5; number++)
      await callback.onStep?.(step(number, { loss: number / 4, binaryAccuracy: 0.5 }), control);
    await callback.onEpoch?.(
      epoch(1, { loss: 0.5, binaryAccuracy: 0.75, valLoss: Number.NaN, valBinaryAccuracy: 0.25 }),
      control,
    );
    const [path, ...others] = await filesOf("train");
    expect(others).toEqual([]);
    expect(path).toMatch(/events\.out\.tfevents\.\d{10}\.ostinato\.\d+\.0$/);
    const events = await eventsOf(path as string);
    expect(events.map(({ step: at, version, scalars }) => [at, version, scalars])).toEqual([
      [0, "brain.Event:2", {}],
      [2, undefined, { batch_loss: 0.5, batch_binaryAccuracy: 0.5 }],
      [4, undefined, { batch_loss: 1, batch_binaryAccuracy: 0.5 }],
      [0, undefined, { epoch_loss: 0.5, epoch_binaryAccuracy: 0.75 }],
    ]);
    for (const { wallTime } of events) {
      expect(wallTime).toBeGreaterThanOrEqual(before);
      expect(wallTime).toBeLessThanOrEqual(Date.now() / 1000);
    }
    const [validation] = await filesOf("validation");
    const held = await eventsOf(validation as string);
    expect(held.map(({ step: at, scalars }) => [at, scalars])).toEqual([
      [0, {}],
      [0, { epoch_loss: Number.NaN, epoch_binaryAccuracy: 0.25 }],
    ]);
  });

  test("a metric that only begins like one of validation belongs to training", async () => {
    const callback = await start(tensorBoard(folder));
    await callback.onEpoch?.(epoch(1, { loss: 0.5, value: 1, valid: 2, valLoss: 3 }), control);
    expect((await eventsOf((await filesOf("train"))[0] as string))[1]?.scalars).toEqual({
      epoch_loss: 0.5,
      epoch_value: 1,
      epoch_valid: 2,
    });
    expect((await eventsOf((await filesOf("validation"))[0] as string))[1]?.scalars).toEqual({ epoch_loss: 3 });
  });

  test("writes large steps, long names and letters of any language", async () => {
    const callback = tensorBoard(folder, { everySteps: 1 });
    await callback.restore?.({ data: { iteration: 2 ** 40 } });
    const name = "größe".repeat(60);
    await (await start(callback)).onStep?.(step(1, { [name]: -1.5 }), control);
    const events = await eventsOf((await filesOf("train"))[0] as string);
    expect(events[1]).toMatchObject({ step: 2 ** 40 + 1, scalars: { [`batch_${name}`]: -1.5 } });
  });

  test("going on begins a new file that comes after, even within the second, and counts on", async () => {
    const first = await start(tensorBoard(folder, { everySteps: 1 }));
    await first.onStep?.(step(1, { loss: 1 }), control);
    const second = tensorBoard(folder, { everySteps: 1 });
    await second.restore?.({ data: JSON.parse(JSON.stringify(first.state?.().data)) });
    await (await start(second)).onStep?.(step(2, { loss: 2 }), control);
    const files = await filesOf("train");
    const events = await Promise.all(files.map(eventsOf));
    expect(events.map((of) => of.map(({ version, step: at }) => version ?? at))).toEqual([
      ["brain.Event:2", 1],
      ["brain.Event:2", 2],
    ]);
  });

  test("0 leaves the steps out; other numbers of steps are whole", async () => {
    const callback = await start(tensorBoard(folder, { everySteps: 0 }));
    await callback.onStep?.(step(1, { loss: 1 }), control);
    expect(await readdir(folder)).toEqual([]);
    for (const everySteps of [-1, 0.5, Number.NaN])
      expect(() => tensorBoard(folder, { everySteps })).toThrow(ConfigError);
  });

  test("from data of the wrong form is a typed error", () => {
    for (const data of [null, {}, { iteration: "1" }, { iteration: -1 }])
      expect(() => tensorBoard(folder).restore?.({ data })).toThrow(ModelFileError);
  });
});

describe("csvLogger", () => {
  const path = (): string => join(folder, "deep", "log.csv");
  const text = (): Promise<string> => readFile(path(), "utf8");
  const log = async (callback: Callback, from: number, to: number, shift = 0): Promise<void> => {
    for (let number = from; number <= to; number++)
      await callback.onEpoch?.(epoch(number, { loss: number / 2 + shift, valLoss: Number.NaN }), control);
  };

  test("writes a heading once and a line an epoch, without times", async () => {
    await log(await start(csvLogger(path())), 1, 3);
    expect(await text()).toBe("epoch,loss,valLoss\n1,0.5,NaN\n2,1,NaN\n3,1.5,NaN\n");
  });

  test("a training that begins anew begins the file anew, in the same callback too", async () => {
    const callback = await start(csvLogger(path()));
    await log(callback, 1, 3);
    await log(await start(callback), 1, 1, 8);
    expect(await text()).toBe("epoch,loss,valLoss\n1,8.5,NaN\n");
    await log(await start(csvLogger(path())), 1, 1);
    expect(await text()).toBe("epoch,loss,valLoss\n1,0.5,NaN\n");
  });

  /** A training killed after five epochs, which goes on from a checkpoint of another. */
  const resumedAt = async (checkpoint: number, harm: () => Promise<void> = async () => {}): Promise<string> => {
    const first = await start(csvLogger(path()));
    await log(first, 1, checkpoint);
    const kept = JSON.parse(JSON.stringify(first.state?.().data));
    await log(first, checkpoint + 1, 5, 8);
    await harm();
    const second = csvLogger(path());
    await second.restore?.({ data: kept });
    await log(await start(second), checkpoint + 1, 4);
    return text();
  };

  test("going on takes away the lines made after the checkpoint", async () => {
    const whole = "epoch,loss,valLoss\n1,0.5,NaN\n2,1,NaN\n3,1.5,NaN\n4,2,NaN\n";
    for (const checkpoint of [0, 1, 2, 3, 4]) expect(await resumedAt(checkpoint), `${checkpoint}`).toBe(whole);
  });

  test("a line that was only half written goes too", async () => {
    const half = async () => writeFile(path(), "6,3", { flag: "a" });
    expect(await resumedAt(2, half)).toBe("epoch,loss,valLoss\n1,0.5,NaN\n2,1,NaN\n3,1.5,NaN\n4,2,NaN\n");
  });

  test("where the file is gone or emptied, a new one with a heading begins", async () => {
    expect(await resumedAt(2, () => rm(path()))).toBe("epoch,loss,valLoss\n3,1.5,NaN\n4,2,NaN\n");
    expect(await resumedAt(2, () => writeFile(path(), ""))).toBe("epoch,loss,valLoss\n3,1.5,NaN\n4,2,NaN\n");
  });

  test("from data of the wrong form is a typed error", () => {
    for (const data of [null, {}, { rows: "1" }, { rows: 0.5 }])
      expect(() => csvLogger(path()).restore?.({ data })).toThrow(ModelFileError);
  });
});
