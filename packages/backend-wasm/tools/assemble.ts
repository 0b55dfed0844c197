/** `pnpm assemble`: compiles `assembly/` to the two binaries, and writes them, deflated, as modules to `src/binaries`. The same sources give the same bytes. */
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
const variants = {
  relaxed: { flags: ["--enable", "relaxed-simd"], purpose: "with relaxed SIMD" },
  plain: { flags: [], purpose: "with 128-bit SIMD" },
};

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

writeFileSync(join(root, "assembly", "protocol.ts"), protocolSource());
mkdirSync(join(root, "src", "binaries"), { recursive: true });
for (const [name, variant] of Object.entries(variants)) {
  const binary = await assemble(variant.flags);
  const fields = [
    `hash: "${sourceHash(binary)}"`,
    `memoryFlags: ${memoryFlags(binary)}`,
    `deflated:\n    "${Buffer.from(await zopfli.deflateAsync(binary, {})).toString("base64")}"`,
  ];
  const text = `/** The module ${variant.purpose}; \`pnpm assemble\` makes this file from \`assembly/\`. */
export const ${name} = {
  ${fields.join(",\n  ")},
};
`;
  writeFileSync(join(root, "src", "binaries", `${name}.ts`), text);
  console.log(`${name}: ${binary.length} bytes`);
}
