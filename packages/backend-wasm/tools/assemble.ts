/** `pnpm assemble`: compiles `assembly/` to the module, and writes it, deflated, to `src/binaries`. The same sources give the same bytes. */
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

async function assemble(): Promise<Uint8Array> {
  let binary: Uint8Array | undefined;
  const { error, stderr } = await asc.main(
    ["assembly/index.ts", "--baseDir", root, "--outFile", "module.wasm", ...flags],
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
function memoryFlagsOf(binary: Uint8Array): number {
  const names = "\x03env\x06memory\x02";
  const start = Buffer.from(binary).indexOf(names, 0, "latin1");
  if (start < 0) throw new Error("the module imports no memory");
  return start + names.length;
}

writeFileSync(join(root, "assembly", "protocol.ts"), protocolSource());
const binary = await assemble();
const deflated = await zopfli.deflateAsync(Buffer.from(binary), {});
const text = `/** The module, deflated; \`pnpm assemble\` makes this file from \`assembly/\`. */
export const embedded = {
  memoryFlags: ${memoryFlagsOf(binary)},
  deflated:
    "${Buffer.from(deflated).toString("base64")}",
};

/** Of \`assembly/\` and of the module: a test tells by it whether they belong together. No bundle has it. */
export const hash = "${sourceHash(binary)}";
`;
mkdirSync(join(root, "src", "binaries"), { recursive: true });
writeFileSync(join(root, "src", "binaries", "module.ts"), text);
console.log(`module: ${binary.length} bytes, deflated ${deflated.length}`);
