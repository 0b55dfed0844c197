/** Pages under a Content-Security-Policy: threads and WebAssembly that it forbids. */
import { join } from "node:path";
import { bundle, describeInChromium, isolated } from "@ostinato/conformance/pages";
import { beforeAll, expect, test } from "vitest";
import type { Outcome } from "./browser/policy.ts";

/** Scripts of the page's own origin, and what a case adds. */
const policy = (rest: string) => ({ ...isolated, "Content-Security-Policy": `default-src 'self'; ${rest}` });

describeInChromium("a page under a Content-Security-Policy", (open) => {
  let script: string;
  beforeAll(async () => {
    script = await bundle(join(import.meta.dirname, "browser", "policy.ts"));
  });

  async function attempt(rest: string, options = ""): Promise<Outcome> {
    await using site = await open({ files: { "policy.js": script }, headers: policy(rest) });
    return await site.page.evaluate(`attempt(${options})`);
  }

  const wasmOnly = "script-src 'self' 'wasm-unsafe-eval'";
  const both = `${wasmOnly}; worker-src blob:`;

  test("that allows both has threads", async () => {
    const { backend, losses } = await attempt(both, "{ threads: 2 }");
    expect(backend).toBe("wasm (relaxed SIMD, 2 threads)");
    expect(losses).toHaveLength(3);
  });

  test("without worker-src blob: has one thread", async () => {
    const outcome = await attempt(wasmOnly);
    expect(outcome.backend).toBe("wasm (relaxed SIMD, 1 thread)");
    expect(outcome.losses).toEqual((await attempt(both, "{ threads: 1 }")).losses);
  });

  test("without worker-src blob: refuses threads that were asked for, and names the directive", async () => {
    const { name, message } = await attempt(wasmOnly, "{ threads: 2 }");
    expect(name).toBe("ResourceError");
    expect(message).toMatch(
      /^wasm: this page lets no threads start \(.+\); add blob: to the worker-src of its Content-Security-Policy, or take wasm\(\{ threads: 1 \}\)$/,
    );
    expect((await attempt(wasmOnly, "{ threads: 1 }")).backend).toBe("wasm (relaxed SIMD, 1 thread)");
  });

  test.each(["", "{ simd: 'plain' }", "{ threads: 1 }"])(
    "without wasm-unsafe-eval is told the directive, and cpu() as the way out: wasm(%s)",
    async (options) => {
      const { name, message } = await attempt("script-src 'self'; worker-src blob:", options);
      expect(name).toBe("ResourceError");
      expect(message).toBe(
        "wasm: the Content-Security-Policy of this page does not allow WebAssembly; add 'wasm-unsafe-eval' to its script-src, or take cpu() of @ostinato/backend-cpu, which needs none",
      );
    },
  );

  test("that allows neither is told of WebAssembly first", async () => {
    expect((await attempt("script-src 'self'")).message).toContain("'wasm-unsafe-eval'");
  });

  test("that wants trusted types has one thread, and a typed error for more", async () => {
    const strict = `${both}; require-trusted-types-for 'script'`;
    expect((await attempt(strict)).backend).toBe("wasm (relaxed SIMD, 1 thread)");
    expect((await attempt(strict, "{ threads: 2 }")).name).toBe("ResourceError");
  });

  test("that allows scripts alone, in an engine without SIMD: is told of that first", async () => {
    await using site = await open({ files: { "page.js": script }, headers: policy("") });
    const outcome = await site.page.evaluate("WebAssembly.validate = () => false, attempt()");
    expect((outcome as Outcome).message).toContain("this engine has no WebAssembly SIMD");
  });
});
