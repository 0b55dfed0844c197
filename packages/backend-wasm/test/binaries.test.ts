/** The binaries in `src/binaries` are those that were made from the sources that stand in `assembly`. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { embedded, hash } from "../src/binaries/module.ts";
import { bytesOf, multiplyAdds } from "../src/binary.ts";
import { inflate } from "../src/host/inflate.ts";
import { compile, createHostMemory, instantiate, validate } from "../src/host/modules.ts";
import { jobNames } from "../src/protocol.ts";
import { protocolSource } from "../tools/protocolSource.ts";
import { sourceHash } from "../tools/sourceHash.ts";

const names = ["relaxed", "plain"] as const;

test("the module is in step with its sources (else run `pnpm assemble`)", async () => {
  expect(hash).toBe(sourceHash(await inflate(embedded.deflated)));
});

test("what stands for multiply-adds stands for nothing else: as many products as sums, and both kinds are valid", async () => {
  const text = Buffer.from(await inflate(embedded.deflated)).toString("hex");
  const counted = multiplyAdds.marked.map((marked) => text.match(new RegExp(`(?<=^(..)*)${marked}`, "g"))?.length);
  // As many as the compiler leaves of the multiply-adds in `assembly/`: see what a module with `f32x4.relaxed_madd` in their place has.
  expect(counted[0]).toBeGreaterThan(300);
  expect(counted[1]).toBe(counted[0]);
  for (const name of names) expect(validate(await bytesOf(name, true))).toBe(true);
});

/** The numbers of the sections, each a byte before its length in LEB128. */
function sectionsOf(binary: Uint8Array): number[] {
  const sections: number[] = [];
  for (let at = 8; at < binary.length; ) {
    sections.push(binary[at++]);
    let length = 0;
    for (let shift = 0, more = true; more; shift += 7) {
      length |= (binary[at] & 127) << shift;
      more = binary[at++] > 127;
    }
    at += length;
  }
  return sections;
}

test("there is no table: V8 of Node 25 and 26 ends the process over an indirect call in 256-bit SIMD", async () => {
  const [code, table] = [10, 4];
  for (const name of names) {
    const sections = sectionsOf(await bytesOf(name, true));
    expect(sections).toContain(code);
    expect(sections).not.toContain(table);
  }
});

test("the module is compiled with what TypeScript has of the protocol", () => {
  const written = readFileSync(join(import.meta.dirname, "..", "assembly", "protocol.ts"), "utf8");
  expect(written.replaceAll("\r\n", "\n")).toBe(protocolSource());
});

test("a job that the module does not know ends the run, and computes nothing else", async () => {
  for (const name of names) {
    const memory = createHostMemory({ initial: 1, maximum: 65_536, shared: false });
    const { run } = (await instantiate(await compile(await bytesOf(name, false)), { env: { memory } })) as {
      readonly run: (job: number, together: boolean) => unknown;
    };
    for (const job of [-1, jobNames.length, 99]) expect(() => run(job, false)).toThrow("unreachable");
  }
});
