/**
 * TensorBoard's event files: records of a length, its checksum, an `Event` message and its checksum (tensorflow/core/lib/io/record_writer.h,
 * tensorflow/core/util/event.proto). Checksums are CRC-32C, masked.
 */
import { appendFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { crc32c } from "../checkpoint/checksum.ts";
import { type Callback, ConfigError, type Logs } from "../index.ts";
import { KeptReader } from "../train/callbacks/kept.ts";
import { makeFolder } from "./atomic.ts";
import { systemCode, writing } from "./reasons.ts";

/** CRC-32C, rotated and shifted as TensorFlow masks it. */
function maskedChecksum(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** One record: uint64 length, checksum of the length, the data, checksum of the data; little-endian. */
function eventRecord(data: Uint8Array): Uint8Array {
  const out = new Uint8Array(16 + data.length);
  const view = new DataView(out.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedChecksum(out.subarray(0, 8)), true);
  out.set(data, 12);
  view.setUint32(12 + data.length, maskedChecksum(data), true);
  return out;
}

function varint(value: number): number[] {
  const out: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...out, rest];
    out.push((rest % 128) + 128);
  }
}

/** A field of bytes: key, length, bytes. */
function field(number: number, bytes: readonly number[]): number[] {
  return [number * 8 + 2, ...varint(bytes.length), ...bytes];
}

const utf8 = (text: string): number[] => [...new TextEncoder().encode(text)];
const double = (value: number): number[] => [...new Uint8Array(new Float64Array([value]).buffer)];
const float = (value: number): number[] => [...new Uint8Array(new Float32Array([value]).buffer)];

/** Event { wall_time: double = 1, step: int64 = 2, file_version: string = 3 | summary: Summary = 5 }. */
function event(wallTime: number, step: number, payload: readonly number[]): Uint8Array {
  return Uint8Array.from([9, ...double(wallTime), 16, ...varint(step), ...payload]);
}

/** Summary { repeated Value { tag: string = 1, simple_value: float = 2 } = 1 } in an event. */
function scalarEvent(wallTime: number, step: number, scalars: Readonly<Record<string, number>>): Uint8Array {
  const values = Object.entries(scalars).flatMap(([tag, value]) =>
    field(1, [...field(1, utf8(tag)), 21, ...float(value)]),
  );
  return event(wallTime, step, field(5, values));
}

/** The first event of a file. */
function versionEvent(wallTime: number): Uint8Array {
  return event(wallTime, 0, field(3, utf8("brain.Event:2")));
}

/** TensorBoard shows training and validation as two runs, with the same names. */
function runsOf(event: Logs): { train: Record<string, number>; validation: Record<string, number> } {
  const figures = Object.entries(event).filter(([name]) => !["epoch", "epochs", "seconds"].includes(name));
  const ofTraining = new Map(figures.map(([name]) => [`val${name[0]?.toUpperCase()}${name.slice(1)}`, name]));
  const train: Record<string, number> = {};
  const validation: Record<string, number> = {};
  for (const [name, value] of figures) {
    const trained = ofTraining.get(name);
    if (trained === undefined) train[`epoch_${name}`] = value;
    else validation[`epoch_${trained}`] = value;
  }
  return { train, validation };
}

/** Counts the event files of this process, so that no name comes twice. */
let files = 0;

/** A file of events in a run's folder, always a new one. TensorBoard reads those of one run in the order of their names. */
class EventFile {
  readonly #folder: string;
  #path: string | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async append(data: Uint8Array, wallTime: number): Promise<void> {
    this.#path ??= await writing(this.#folder, () => this.#create(wallTime));
    const path = this.#path;
    await writing(path, () => appendFile(path, eventRecord(data)));
  }

  async #create(wallTime: number): Promise<string> {
    await makeFolder(this.#folder);
    const seconds = String(Math.floor(wallTime)).padStart(10, "0");
    for (let tries = 0; ; tries++) {
      const path = join(this.#folder, `events.out.tfevents.${seconds}.ostinato.${process.pid}.${files++}`);
      try {
        await writeFile(path, eventRecord(versionEvent(wallTime)), { flag: "wx" });
        return path;
      } catch (error) {
        // A process that had this id before began in the same second.
        if (systemCode(error) !== "EEXIST" || tries === 999) throw error;
      }
    }
  }
}

/** Options of `tensorBoard`. */
export interface TensorBoardOptions {
  /** Steps between two points of the running figures; 0: only whole epochs. Default 50. */
  readonly everySteps?: number;
}

/**
 * Writes event files for TensorBoard under `folder`, in the runs `train` and `validation`: `tensorboard --logdir <folder>`. Epochs are
 * counted from 0, as Keras does. Training ends with a `FileError`, which names the file, where it cannot be written.
 */
export function tensorBoard(folder: string, { everySteps = 50 }: TensorBoardOptions = {}): Callback {
  if (!Number.isSafeInteger(everySteps) || everySteps < 0)
    throw new ConfigError(`tensorBoard: everySteps must be a whole number from 0 on, got ${everySteps}`);
  const train = new EventFile(join(folder, "train"));
  const validation = new EventFile(join(folder, "validation"));
  let iteration = 0;
  return {
    name: "tensorBoard",
    async onStep({ logs }) {
      iteration += 1;
      if (everySteps === 0 || iteration % everySteps !== 0) return;
      const now = Date.now() / 1000;
      const batch = Object.fromEntries(Object.entries(logs).map(([name, value]) => [`batch_${name}`, value]));
      await train.append(scalarEvent(now, iteration, batch), now);
    },
    async onEpoch(epoch) {
      const now = Date.now() / 1000;
      const runs = runsOf(epoch);
      await train.append(scalarEvent(now, epoch.epoch - 1, runs.train), now);
      if (Object.keys(runs.validation).length > 0)
        await validation.append(scalarEvent(now, epoch.epoch - 1, runs.validation), now);
    },
    state: () => ({ data: { iteration } }),
    restore({ data }) {
      iteration = new KeptReader("tensorBoard", data).count("iteration");
    },
  };
}
