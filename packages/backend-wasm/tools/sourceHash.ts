/** What a binary was made from: a hash of the sources, their compiler's version among them, and of the binary itself. */
import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");

export function sourceHash(binary: Uint8Array): string {
  const hash = createHash("sha256");
  const { version } = createRequire(import.meta.url)("assemblyscript/package.json") as { version: string };
  hash.update(version);
  for (const path of globSync(["assembly/**/*.ts", "src/protocol.ts", "tools/assemble.ts", "tools/protocolSource.ts"], {
    cwd: root,
  }).toSorted()) {
    hash.update(`\n${path.replaceAll("\\", "/")}\n`);
    hash.update(readFileSync(join(root, path), "utf8").replaceAll("\r\n", "\n"));
  }
  return hash.update(binary).digest("hex");
}
