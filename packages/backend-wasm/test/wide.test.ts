/** 256-bit SIMD: where it runs, and that asking for it leaves the engine as it was. */
import { readFileSync } from "node:fs";
import v8 from "node:v8";
import { afterEach, describe, expect, test, vi } from "vitest";
import { relaxed } from "../src/binaries/relaxed.ts";
import { compileWide, inflate } from "../src/host.ts";
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
const needsAvx2 = '"is what runs on x64" and "flags that the process was started with are left alone"';
if (!here) console.info(`skips ${needsAvx2}: this processor has no AVX2, or does not tell`);

const bytes = await inflate(relaxed.deflated);
afterEach(() => vi.restoreAllMocks());

describe("256-bit SIMD", () => {
  test.skipIf(!here)("is what runs on x64, whatever was compiled before", async () => {
    expect((await wasm({ simd: "relaxed", threads: 1 })).name).toBe("wasm (relaxed SIMD, 1 thread)");
    expect((await wasm({ threads: 1 })).name).toBe("wasm (256-bit relaxed SIMD, 1 thread)");
    expect((await wasm({ threads: 2 })).name).toBe("wasm (256-bit relaxed SIMD, 2 threads)");
  });

  test("is asked for with flags that are taken back", () => {
    const set = vi.spyOn(v8, "setFlagsFromString").mockImplementation(() => {});
    if (!compileWide(bytes)) return expect(set).not.toHaveBeenCalled();
    const opposite = (flag: string): string =>
      flag.startsWith("--no-") ? `--${flag.slice(5)}` : `--no-${flag.slice(2)}`;
    const flags = set.mock.calls.map(([flag]) => flag);
    const asked = flags.slice(0, flags.length / 2);
    expect(flags.slice(flags.length / 2)).toEqual(asked.map(opposite));
  });

  test.skipIf(!here)("flags that the process was started with are left alone", () => {
    const set = vi.spyOn(v8, "setFlagsFromString").mockImplementation(() => {});
    const { execArgv } = process;
    process.execArgv = ["--no_liftoff", "--no-experimental-wasm-revectorize"];
    try {
      compileWide(bytes);
    } finally {
      process.execArgv = execArgv;
    }
    expect(set.mock.calls.flat()).toEqual(["--no-wasm-lazy-compilation", "--wasm-lazy-compilation"]);
  });

  test("flags are taken back where the module does not compile", () => {
    const set = vi.spyOn(v8, "setFlagsFromString").mockImplementation(() => {});
    if (here) expect(() => compileWide(Uint8Array.of(1, 2, 3))).toThrow("WebAssembly");
    expect(set.mock.calls.length % 2).toBe(0);
    if (here) expect(set.mock.calls.at(-1)?.[0]).toBe("--wasm-lazy-compilation");
  });

  test.each([
    ["another processor", { arch: "arm64" }],
    ["an older Node", { versions: { node: "22.1.0" } }],
    ["a Node that nobody has tried", { versions: { node: "99.0.0" } }],
    ["Electron", { versions: { node: "24.1.0", electron: "40.0.0" } }],
    ["Bun", { versions: { node: "24.1.0", bun: "1.3.0" } }],
    ["a host that is not Node", { getBuiltinModule: undefined }],
  ])("is not asked for in %s", (_name, differences) => {
    const set = vi.spyOn(v8, "setFlagsFromString").mockImplementation(() => {});
    const original = process;
    const { arch, versions } = original;
    vi.stubGlobal("process", { arch, versions, getBuiltinModule: original.getBuiltinModule, ...differences });
    try {
      expect(compileWide(bytes)).toBeUndefined();
    } finally {
      vi.unstubAllGlobals();
    }
    expect(set).not.toHaveBeenCalled();
  });
});
