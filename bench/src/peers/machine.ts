/** The machine that measures, and the state of the sources. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { arch, cpus, loadavg, platform, totalmem } from "node:os";
import { promisify } from "node:util";

/** Results of the same kind of processor stand in one file. */
export interface Processor {
  /** With family and model where the system tells them: vendors give unlike processors the same name. */
  readonly name: string;
  readonly cores: number;
  readonly memoryGigabytes: number;
  readonly system: string;
}

/** How things stood when a part was measured. */
export interface Circumstances {
  readonly date: string;
  /** Of the sources; with a plus where they had been changed since. */
  readonly commit: string;
  readonly node: string;
  /** The load average of the minute before. */
  readonly load: number;
  readonly busy: boolean;
}

/** Above this load the machine has other things to do. */
const QUIET = 0.5;

/** The processor's name, from the system's name for it and Linux's /proc/cpuinfo. */
export function processorName(model: string, cpuinfo: string): string {
  const field = (name: string): string | undefined => new RegExp(`^${name}\\s*:\\s*(.+)$`, "m").exec(cpuinfo)?.[1];
  const [family, number] = [field("cpu family"), field("model")];
  const flags = (field("flags") ?? "").split(" ");
  const vectors = flags.includes("avx512f") ? "AVX-512" : flags.includes("avx2") ? "AVX2" : undefined;
  const kind = [family && number ? `family ${family} model ${number}` : undefined, vectors].filter(Boolean);
  const plain = model
    .replaceAll(/\((R|TM)\)/g, "")
    .replaceAll(/\s+/g, " ")
    .trim();
  return kind.length === 0 ? plain : `${plain} (${kind.join(", ")})`;
}

/** A file's name for it. */
export function slugOf(processor: string): string {
  return processor
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-|-$/g, "");
}

export async function thisProcessor(): Promise<Processor> {
  const cpuinfo = await readFile("/proc/cpuinfo", "utf8").catch(() => "");
  return {
    name: processorName(cpus()[0]?.model ?? "unknown", cpuinfo),
    cores: cpus().length,
    memoryGigabytes: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${arch()}`,
  };
}

async function commit(): Promise<string> {
  const git = async (...args: string[]): Promise<string> =>
    (await promisify(execFile)("git", args, { cwd: import.meta.dirname })).stdout.trim();
  try {
    const changed = await git(
      "status",
      "--porcelain",
      "--untracked-files=no",
      ":/",
      ":!/README.md",
      ":!/bench/results",
    );
    return (await git("rev-parse", "--short", "HEAD")) + (changed === "" ? "" : "+");
  } catch {
    return "unknown";
  }
}

export async function circumstances(): Promise<Circumstances> {
  const [load = 0] = loadavg();
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: await commit(),
    node: process.version,
    load: Number(load.toFixed(2)),
    busy: load > QUIET,
  };
}
