/** `pnpm assemble`: compiles `assembly/` to the two binaries, and writes them, deflated together, to `src/binaries`. The same sources give the same bytes. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import zopfli from "@gfx/zopfli";
import asc from "assemblyscript/asc";
import { protocolSource } from "./protocolSource.ts";
import { sourceHash } from "./sourceHash.ts";

const root = join(import.meta.dirname, "..");
const flags = [
  ..."--runtime stub --noAssert --optimizeLevel 3 --shrinkLevel 0 --converge --disableWarning 112".split(" "),
  ..."--importMemory --sharedMemory --initialMemory 1 --maximumMemory 65536 --enable simd --enable threads".split(" "),
];
/** Flags by variant, in the order in which their parts alternate. */
const variants = { relaxed: ["--enable", "relaxed-simd"], plain: [] };

async function assemble(extra: readonly string[]): Promise<Uint8Array> {
  let binary: Uint8Array | undefined;
  const { error, stderr } = await asc.main(
    ["assembly/index.ts", "--baseDir", root, "--outFile", "module.wasm", ...flags, ...extra],
    {
      writeFile: (_name, contents) => {
        if (typeof contents !== "string") binary = contents;
      },
    },
  );
  if (error || !binary) throw new Error(`assemblyscript: ${stderr.toString()}`);
  return binary;
}

/** Where the flags of the imported memory stand: behind its names and its kind. */
function memoryFlags(binary: Uint8Array): number {
  const names = "\x03env\x06memory\x02";
  const start = Buffer.from(binary).indexOf(names, 0, "latin1");
  if (start < 0) throw new Error("the module imports no memory");
  return start + names.length;
}

/** Halves: what is alike in two binaries then lies within the 32 kB over which deflate finds repetitions. */
function halves(binary: Uint8Array): Uint8Array[] {
  const middle = Math.ceil(binary.length / 2);
  return [binary.subarray(0, middle), binary.subarray(middle)];
}

writeFileSync(join(root, "assembly", "protocol.ts"), protocolSource());
const binaries: { readonly name: string; readonly binary: Uint8Array }[] = [];
for (const [name, extra] of Object.entries(variants)) {
  const binary = await assemble(extra);
  binaries.push({ name, binary });
  console.log(`${name}: ${binary.length} bytes`);
}
const [first, second] = [0, 1].map((half) => binaries.map(({ binary }) => halves(binary)[half] as Uint8Array));
const parts = [...(first as Uint8Array[]), ...(second as Uint8Array[])];
const deflated = await zopfli.deflateAsync(Buffer.concat(parts), {});
const facts = binaries.map(
  ({ name, binary }) => `  ${name}: { hash: "${sourceHash(binary)}", memoryFlags: ${memoryFlags(binary)} },`,
);
const text = `/** Both modules, deflated together; \`pnpm assemble\` makes this file from \`assembly/\`. */
export const modules = {
${facts.join("\n")}
  /** Bytes of the parts: the first half of each module, then the second. */
  parts: [${parts.map(({ length }) => length).join(", ")}],
  deflated:
    "${Buffer.from(deflated).toString("base64")}",
};
`;
mkdirSync(join(root, "src", "binaries"), { recursive: true });
writeFileSync(join(root, "src", "binaries", "modules.ts"), text);
console.log(`deflated: ${deflated.length} bytes`);
