/** A copy of the packages' sources and tests that can be changed, checked and tested by itself, with nothing installed again. */
import { cpSync, globSync, lstatSync, mkdirSync, readdirSync, realpathSync, symlinkSync } from "node:fs";
import { basename, join, relative } from "node:path";

/** What is built, or written while working: it is not copied. */
const left = new Set(["node_modules", "dist", ".turbo", ".tsbuildinfo", ".node.tsbuildinfo"]);

/** Copies the packages of `root` and the settings beside them to `target`. */
export function copyPackages(root: string, target: string): void {
  const settings = readdirSync(root).filter((name) => lstatSync(join(root, name)).isFile());
  for (const name of ["packages", ...settings])
    cpSync(join(root, name), join(target, name), { recursive: true, filter: (path) => !left.has(basename(path)) });
  for (const folder of ["", ...globSync("packages/*", { cwd: root })])
    linkModules(root, target, join(folder, "node_modules"));
}

/** Links what is installed in `folder`; packages of the workspace are those of the copy. */
function linkModules(root: string, target: string, folder: string): void {
  mkdirSync(join(target, folder), { recursive: true });
  for (const name of readdirSync(join(root, folder))) {
    const at = join(folder, name);
    if (name.startsWith("@")) linkModules(root, target, at);
    else if (!name.startsWith(".")) {
      const installed = realpathSync(join(root, at));
      const own = relative(realpathSync(root), installed);
      const isOwn = /^packages[\\/][^\\/]+$/.test(own);
      symlinkSync(isOwn ? join(target, own) : installed, join(target, at), "junction");
    }
  }
}
