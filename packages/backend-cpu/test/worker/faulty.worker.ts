/** A worker whose backend does in a run what `workerData` says. */

import { parentPort, workerData } from "node:worker_threads";
import { type Backend, ConfigError, FileError, float32, type Session } from "@ostinato/core";
import { serveBackend } from "@ostinato/core/worker";
import { cpu } from "../../src/index.ts";

const never = new Promise<never>(() => {});

const inRun: Readonly<Record<string, () => Promise<never>>> = {
  exit: () => process.exit(7),
  "uncaught error": () => {
    setTimeout(() => {
      throw new RangeError("out of nowhere");
    });
    return never;
  },
  garbage: () => {
    parentPort?.postMessage({ progress: 0.5 });
    return never;
  },
  silence: () => never,
  "typed error": async () => {
    throw new ConfigError("so not", { cause: new TypeError("because", { cause: "of this" }) });
  },
  "error with fields": async () => {
    throw new FileError("the disk is full", "weights.safetensors", "ENOSPC");
  },
  "foreign error": async () => {
    class KernelPanic extends Error {
      override readonly name = "KernelPanic";
    }
    throw new KernelPanic("foreign");
  },
  "no error": async () => {
    throw "a text";
  },
  "no text": async () => {
    throw Object.create(null);
  },
  "odd error": async () => {
    throw Object.assign(new Error("odd"), { name: Symbol("odd"), message: { of: () => {} }, stack: () => {} });
  },
};

async function faulty(): Promise<Backend> {
  if (workerData === "create") throw new ConfigError("no backend today");
  const backend = await cpu();
  let disposed = 0;
  const open = async (): Promise<Session> => ({
    compile: async () => ({ run: () => (inRun[workerData] as () => Promise<never>)() }),
    // How many sessions were disposed of, and views of one buffer, of which only parts are results.
    readState: async () => {
      const both = Float32Array.of(1, 2, 3, 4);
      return {
        disposed: float32([], [disposed]),
        a: float32([2], both.subarray(0, 2)),
        b: float32([2], both.subarray(2)),
        whole: float32([4], both),
      };
    },
    writeState: async () => {},
    [Symbol.asyncDispose]: async () => {
      if (workerData === "end in dispose") process.exit(0);
      disposed += 1;
    },
  });
  return { ...backend, open };
}

serveBackend(faulty);
