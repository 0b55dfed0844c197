/** 256-bit SIMD: where it runs, and that V8's flags are touched only in versions that were tried, and are back afterwards. */
import { readFileSync } from "node:fs";
import v8 from "node:v8";
import { Worker } from "node:worker_threads";
import { afterEach, describe, expect, test, vi } from "vitest";
import { bytesOf } from "../src/binary.ts";
import { compileWide } from "../src/host/flags.ts";
import { wasm } from "../src/index.ts";

/** Whether the processor has 256-bit multiply-adds; undefined where that cannot be read. */
function hasAvx2(): boolean | undefined {
  try {
    return /^flags\s*:.*\bavx2\b/m.test(readFileSync("/proc/cpuinfo", "utf8"));
  } catch {
    return undefined;
  }
}

const here = process.arch === "x64" && hasAvx2() === true;
if (!here) console.info('skips "is what runs on x64" and "in threads": this processor has no AVX2, or does not tell');

const bytes = await bytesOf("relaxed", true);
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

/** The flags that a process sets for one module and takes back, in that order; its `process` differs from this one as given. */
async function flagsSet(differences: object, module = bytes): Promise<string[]> {
  const set = vi.spyOn(v8, "setFlagsFromString").mockImplementation(() => {});
  const { getBuiltinModule } = process;
  vi.stubGlobal("process", { arch: "x64", env: {}, execArgv: [], getBuiltinModule, ...differences });
  await compileWide(module).catch(() => {});
  return set.mock.calls.map(([flag]) => flag);
}

/** The exact strings of these versions of Node. */
const node24 = { node: "24.21.0", v8: "13.6.233.17-node.53" };
const node25 = { node: "25.9.0", v8: "14.1.146.11-node.25" };
const node26 = { node: "26.10.0", v8: "14.6.202.34-node.34" };

const [inlining, wide, baseline, lazy] = [
  "wasm-inlining",
  "experimental-wasm-revectorize",
  "liftoff",
  "wasm-lazy-compilation",
];
/** Inlining is off before the optimizing compiler meets code without feedback, and on again after that. */
const setAndBack = [
  ...[`--no-${inlining}`, `--${wide}`, `--no-${baseline}`, `--no-${lazy}`],
  ...[`--${lazy}`, `--${baseline}`, `--no-${wide}`, `--${inlining}`],
];

describe("256-bit SIMD", () => {
  test.skipIf(!here)("is what runs on x64, whatever was compiled before", async () => {
    expect((await wasm({ simd: "relaxed", threads: 1 })).name).toBe("wasm (relaxed SIMD, 1 thread)");
    expect((await wasm({ threads: 1 })).name).toBe("wasm (256-bit relaxed SIMD, 1 thread)");
    expect((await wasm({ threads: 2 })).name).toBe("wasm (256-bit relaxed SIMD, 2 threads)");
  });

  test.skipIf(!here)("is what runs in threads that ask for it at once", async () => {
    const script = `
      const { parentPort } = require("node:worker_threads");
      import(${JSON.stringify(new URL("../src/index.ts", import.meta.url).href)}).then(async ({ wasm }) => parentPort.postMessage((await wasm({ threads: 1 })).name));`;
    const execArgv = ["--conditions=@ostinato/source"];
    const names = await Promise.all(
      [1, 2, 3].map(() => {
        const worker = new Worker(script, { eval: true, execArgv });
        return new Promise((resolve, reject) => worker.on("message", resolve).on("error", reject));
      }),
    );
    expect(names).toEqual(Array(3).fill("wasm (256-bit relaxed SIMD, 1 thread)"));
  });

  test.each([node24, node25, node26])(
    "is asked for in Node $node, with flags that are taken back",
    async (versions) => {
      expect(await flagsSet({ versions })).toEqual(setAndBack);
    },
  );

  test("flags are taken back where the module does not compile", async () => {
    expect(await flagsSet({ versions: node26 }, Uint8Array.of(1, 2, 3))).toEqual(setAndBack);
  });

  test("a process that was started for 256 bits keeps that", async () => {
    const flags = setAndBack.filter((flag) => !flag.endsWith(wide));
    expect(await flagsSet({ versions: node26, execArgv: ["--require", "/wasm.cjs", `--${wide}`] })).toEqual(flags);
  });

  test.each([
    ["another processor", { arch: "arm64", versions: node24 }],
    ["an older Node", { versions: { node: "22.23.3", v8: "12.4.254.21-node.57" } }],
    ["a later V8 of a Node that was tried", { versions: { node: "26.11.0", v8: "14.7.1.1-node.1" } }],
    ["a V8 whose number only begins like a tried one", { versions: { node: "27.0.0", v8: "14.10.1.1-node.1" } }],
    ["a Node that nobody has tried", { versions: { node: "27.0.0", v8: "15.0.1.1-node.1" } }],
    ["a Node that does not tell its V8", { versions: { node: "24.1.0" } }],
    ["Electron", { versions: { node: "24.1.0", electron: "40.0.0", v8: "13.6.233.17-electron.0" } }],
    ["Bun", { versions: { ...node24, bun: "1.4.5" } }],
    ["Deno", { versions: { ...node24, deno: "2.9.6" } }],
    ["a host that is not Node", { versions: node24, getBuiltinModule: undefined }],
    ["a process that was started against it", { versions: node24, execArgv: ["--no_experimental_wasm_revectorize"] }],
    [
      "a process with flags of its own",
      { versions: node24, env: { NODE_OPTIONS: "--max-old-space-size=99 --wasm-deopt" } },
    ],
    ["a process that inlines by its own flag", { versions: node26, execArgv: ["--wasm-inlining"] }],
    [
      "a Node 26 without locks between threads",
      { versions: node26, getBuiltinModule: (name: string) => (name === "node:v8" ? v8 : {}) },
    ],
  ])("is not asked for in %s", async (_name, differences) => {
    expect(await flagsSet(differences)).toEqual([]);
  });
});
