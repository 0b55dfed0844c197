/** The commands of a fresh clone: `start`, `test` and the apps, for a machine that has only Node 20.19 or later and npm. */
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { delimiter, dirname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = join(root, "node_modules", ".bin");
const windows = process.platform === "win32";
const node24 = windows ? join(root, "node_modules", "node", "bin", "node.exe") : join(bin, "node");
/** The apps, each a command, with their folders. */
const apps = { imdb: "apps/imdb", tag: "apps/tag", translate: "apps/translate", trees: "examples/trees" };
const { packageManager } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/** The environment of every step: this workspace's tools first (Node 24 among them), and no chatter. */
const environment = {
  ...process.env,
  PATH: bin + delimiter + (process.env.PATH ?? ""),
  TURBO_TELEMETRY_DISABLED: "1",
  DO_NOT_TRACK: "1",
};

/**
 * Runs a command in the foreground; resolves to its exit code. Signals reach it, and this process outlives it. Ctrl-C in a terminal reaches the
 * command by itself as well; the app counts signals that come close together once. On Windows only a terminal sends SIGINT, and `kill` would end the
 * command at once.
 */
function run(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      env: environment,
      stdio: "inherit",
      shell: windows && !command.endsWith(".exe"),
      ...options,
    });
    const forward = (signal) => child.kill(signal);
    const interrupt = windows ? () => {} : forward;
    process.on("SIGTERM", forward).on("SIGINT", interrupt);
    const orphaned = onOrphaned(() => forward("SIGTERM"));
    child.on("error", (error) => {
      console.error(`${command}: ${error.message}`);
      resolve(127);
    });
    child.on("exit", (code, signal) => {
      process.off("SIGTERM", forward).off("SIGINT", interrupt);
      clearInterval(orphaned);
      resolve(code ?? (signal === "SIGINT" ? 130 : 143));
    });
  });
}

const starter = process.ppid;

/**
 * Calls `act` when the shell is gone in which npm has started this. On SIGTERM npm ends that shell alone, and a training would go on without anybody's
 * knowledge. Whoever starts this file without npm may leave it behind.
 */
function onOrphaned(act) {
  if (windows || !Object.hasOwn(commands, process.env.npm_lifecycle_event ?? "")) return undefined;
  const watch = setInterval(() => {
    if (process.ppid === starter) return;
    clearInterval(watch);
    act();
  }, 200);
  return watch.unref();
}

/** The Node that started npm: not the one in node_modules/.bin, which npm puts first on the path. */
function outerNode() {
  const inside = (path) => path.startsWith(root + sep);
  const started = process.env.npm_node_execpath;
  if (started && existsSync(started) && !inside(started)) return started;
  if (!inside(process.execPath)) return process.execPath;
  const found = (process.env.PATH ?? "")
    .split(delimiter)
    .map((folder) => join(folder, windows ? "node.exe" : "node"))
    .find((path) => !path.includes(`${sep}node_modules${sep}`) && existsSync(path));
  return found ?? process.execPath;
}

/** pnpm as installed here, or, before the first install, by way of npx. */
function pnpm() {
  const manifest = join(root, "node_modules", "pnpm", "package.json");
  const installed = existsSync(manifest) && `pnpm@${JSON.parse(readFileSync(manifest, "utf8")).version}`;
  return installed === packageManager ? [join(bin, "pnpm")] : ["npx", "-y", packageManager];
}

/** Installs exactly what the lockfile names. The output goes to standard error, which leaves standard output to the app. */
function install() {
  const [command, ...args] = pnpm();
  return run(command, [...args, "install", "--frozen-lockfile", "--reporter=append-only"], { stdio: ["ignore", 2, 2] });
}

/** Deletes what was built from sources that are gone: tsc leaves it, and it would be packed. */
function removeStale() {
  const packages = join(root, "packages");
  for (const name of readdirSync(packages)) {
    const dist = join(packages, name, "dist");
    if (!existsSync(dist)) continue;
    for (const file of readdirSync(dist, { recursive: true })) {
      const source = file.replace(/(\.d\.ts|\.js)(\.map)?$/, ".ts");
      if (source !== file && !existsSync(join(packages, name, "src", source))) rmSync(join(dist, file));
    }
  }
}

/** Builds what has changed; silent unless something fails. */
function build() {
  removeStale();
  return run("turbo", ["run", "build", "--output-logs=errors-only", "--log-prefix=none"], { stdio: ["ignore", 2, 2] });
}

/** Runs an app from its sources; relative paths in its arguments start at the caller's folder. */
function runApp(app, args) {
  const main = join(root, apps[app], "src", "main.ts");
  const cwd = process.env.INIT_CWD ?? root;
  return run(
    process.platform === "win32" ? "node" : join(bin, "node"),
    ["--conditions=@ostinato/source", main, ...args],
    { cwd },
  );
}

/**
 * The app's options that npm has taken for its own, as it does with all that stand before a "--": the app would go on without them, with its defaults.
 * npm hands them on as variables only, `--batch-size` as `npm_config_batch_size`.
 */
function takenByNpm(app) {
  const files = [join(root, "packages", "app", "src", "options.ts"), join(root, apps[app], "src", "options.ts")];
  const source = files.map((file) => readFileSync(file, "utf8")).join("");
  const names = new Set(Array.from(source.matchAll(/new Option\(\s*"--([a-z-]+)/g), ([, name]) => name));
  // --json is an option of npm as well, and may be meant for it.
  return [...names].filter(
    (name) => name !== "json" && `npm_config_${name.replace(/^no-/, "").replaceAll("-", "_")}` in process.env,
  );
}

/** True when node_modules holds what the lockfile names. */
function upToDate() {
  const installed = join(root, "node_modules", ".pnpm", "lock.yaml");
  const lockfile = join(root, "pnpm-lock.yaml");
  return (
    existsSync(installed) && existsSync(node24) && readFileSync(installed, "utf8") === readFileSync(lockfile, "utf8")
  );
}

/** Runs named steps one after another; stops at the first failure of a `needed` one, and ends with one line for each. */
async function steps(title, list) {
  const lines = [];
  let failed = 0;
  for (const { name, needed, action } of list) {
    console.error(`\n── ${name}`);
    const begin = performance.now();
    const code = await action();
    const seconds = ((performance.now() - begin) / 1000).toFixed(1);
    lines.push(code === 0 ? `  passed  ${name} (${seconds} s)` : `  FAILED  ${name} (${seconds} s, exit code ${code})`);
    if (code !== 0) failed += 1;
    if (code !== 0 && (needed || code === 130 || code === 143)) break;
  }
  console.error(`\n${title}\n${lines.join("\n")}`);
  if (failed > 0) console.error(`\nFAILED: ${title} (${failed} of ${list.length} steps)`);
  return failed === 0 ? 0 : 1;
}

const commands = {
  build,
  async start(args) {
    const code = (await install()) || (await build());
    if (code !== 0) {
      console.error("FAILED: npm start could not install or build; the reason is above.");
      return code;
    }
    return runApp("imdb", ["start", ...args]);
  },
  test() {
    const node = outerNode();
    return steps("npm test", [
      { name: "install", needed: true, action: install },
      { name: "build", needed: true, action: build },
      { name: "static checks", action: () => run(node24, ["tools/check.ts"]) },
      { name: "tests", action: () => run("vitest", ["run"], { stdio: ["ignore", "inherit", "inherit"] }) },
      { name: "patches of the docs, applied to a copy", action: () => run(node24, ["tools/patches.ts"]) },
      {
        name: "packages, packed and installed alone",
        action: () => run(node24, ["tools/pack-check.ts", "--node", node]),
      },
      { name: "packages in Node 20 to 26, Bun and Deno", action: () => run(node24, ["tools/runtimes.ts"]) },
      { name: `smoke test of the built packages under ${node}`, action: () => run(node, ["tools/smoke.mjs"]) },
    ]);
  },
  /** The packages as files that npm installs, in `packed`. */
  async pack() {
    const code = (await install()) || (await build());
    if (code !== 0) return code;
    const packed = join(root, "packed");
    rmSync(packed, { recursive: true, force: true });
    const args = ["--filter", "./packages/*", "exec", "pnpm", "pack", "--silent", "--pack-destination", packed];
    const packing = await run("pnpm", args, { stdio: ["ignore", 2, 2] });
    if (packing === 0)
      console.log(
        readdirSync(packed)
          .map((name) => join("packed", name))
          .join("\n"),
      );
    return packing;
  },
  ...Object.fromEntries(Object.keys(apps).map((app) => [app, (args) => installAndRun(app, args)])),
};

/** Runs an app; before the first time, and after a change of the lockfile, installs what it takes. */
async function installAndRun(app, args) {
  if (!upToDate()) {
    console.error("Installing the workspace first (once):");
    const code = await install();
    if (code !== 0) {
      console.error("FAILED: could not install the workspace; the reason is above.");
      return code;
    }
  }
  return runApp(app, args);
}

const [name, ...rest] = process.argv.slice(2);
const args = rest[0] === "--" ? rest.slice(1) : rest; // pnpm hands the separator on, npm does not
if (!Object.hasOwn(commands, name ?? "")) {
  console.error(`usage: node tools/run.mjs <${Object.keys(commands).join(" | ")}> [arguments]`);
  process.exitCode = 2;
} else {
  const app = name === "start" ? "imdb" : Object.keys(apps).find((each) => each === name);
  const taken = app === undefined ? [] : takenByNpm(app);
  if (taken.length > 0) {
    const options = taken.map((option) => `--${option}`);
    const right = ["npm", ...(name === "start" ? [name] : ["run", name]), "--", ...args.slice(0, 1), "…"].join(" ");
    console.error(`${app}: npm has taken ${options.join(", ")} for itself; options go behind "--": ${right}`);
    process.exitCode = 2;
  } else {
    process.exitCode = await commands[name](args);
  }
}
