/** A lock on a folder: a file in it that names the process. It keeps two trainings from writing the same files. */
import { readFileSync, rmSync } from "node:fs";
import { link, open, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { FileError } from "../index.ts";
import { makeFolder } from "./atomic.ts";
import { birthOf, hostName, isAlive, placeKey, startOfThis } from "./processes.ts";
import { systemCode, writing } from "./reasons.ts";
import { discard, removeLeftovers, temporaryName } from "./temporary.ts";

/** The file of the lock. */
const NAME = ".lock";

/** How often another process may be quicker to lock a free folder, before the folder counts as held. */
const ATTEMPTS = 100;

/** What stands in it, as JSON. */
interface Holder {
  readonly pid: number;
  readonly host: string;
  /** Of `host` and its process ids. */
  readonly place: string;
  /** When the process began, in words. */
  readonly started: string;
  /** Distinguishes the process from later ones with the same id; may be empty. */
  readonly birth: string;
}

/** The lock on a folder, until it is released. */
export interface FolderLock extends Disposable {
  /** Releases the folder. A second call does nothing. */
  release(): void;
}

function parseHolder(text: string): Holder | undefined {
  try {
    const holder: unknown = JSON.parse(text);
    if (typeof holder !== "object" || holder === null || !("pid" in holder) || !("host" in holder)) return undefined;
    const { pid, host, place, started, birth } = holder as Record<string, unknown>;
    if (!Number.isSafeInteger(pid)) return undefined;
    return {
      pid: Number(pid),
      host: String(host),
      place: String(place),
      started: String(started),
      birth: String(birth),
    };
  } catch {
    return undefined;
  }
}

/** Whether the process that holds a lock is gone: it has ended, or its id is another's now. Of other machines nothing is known. */
function isStale({ pid, place, birth }: Holder): boolean {
  if (place !== placeKey()) return false;
  if (!isAlive(pid)) return true;
  const now = birthOf(pid);
  return birth !== "" && now !== "" && birth !== now;
}

/**
 * Takes away a lock whose text is `text`. Where another process has meanwhile taken the folder, its lock is put back.
 */
async function takeAway(file: string, text: string): Promise<void> {
  const temporary = temporaryName(file);
  try {
    await rename(file, temporary);
    if ((await readFile(temporary, "utf8")) !== text) await link(temporary, file);
  } catch (error) {
    // Another process was quicker.
    if (!["ENOENT", "EEXIST"].includes(systemCode(error) ?? "")) throw error;
  } finally {
    await discard(temporary);
  }
}

/** Writes the lock, whole, unless there is one. */
async function create(file: string, text: string): Promise<boolean> {
  const temporary = temporaryName(file);
  try {
    await writeFile(temporary, text, { flag: "wx" });
    // A file system without links: the file is there before its text is.
    await link(temporary, file).catch(async (error: unknown) => {
      if (systemCode(error) === "EEXIST") throw error;
      const handle = await open(file, "wx");
      await handle.writeFile(text).finally(() => handle.close());
    });
    return true;
  } catch (error) {
    if (systemCode(error) === "EEXIST") return false;
    throw error;
  } finally {
    await discard(temporary);
  }
}

function lockedError(folder: string, file: string, holder: Holder | undefined): FileError {
  const who = holder
    ? `process ${holder.pid} on ${holder.host}, which began at ${holder.started}, holds it`
    : "another process holds it";
  return new FileError(
    `${folder} is in use: ${who}. Wait for its end, or take another folder; if that process is gone, delete ${file}`,
    folder,
    "ELOCKED",
  );
}

/**
 * Locks a folder for this process, by a file `.lock` in it. The folder is made where it is missing. The lock ends with `release`, or with the
 * process. After a signal or a crash the file stays, and the next process that asks for the folder takes it over.
 *
 * @throws FileError with the code `"ELOCKED"`, which names the process that holds the folder; with the system's code where the folder cannot be written
 *
 * @example
 * using lock = await lockFolder("runs/tickets");
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const file = join(folder, NAME);
  const text = `${JSON.stringify({
    pid: process.pid,
    host: hostName(),
    place: placeKey(),
    started: new Date(startOfThis).toISOString(),
    birth: birthOf(process.pid),
  } satisfies Holder)}\n`;
  await writing(file, async () => {
    await makeFolder(folder);
    await removeLeftovers(file);
    for (let attempt = 0; !(await create(file, text)); attempt++) {
      // A lock that cannot be read holds.
      const found = await readFile(file, "utf8").catch((error) => (systemCode(error) === "ENOENT" ? undefined : ""));
      const holder = parseHolder(found ?? "");
      const held = found !== undefined && !(holder && isStale(holder));
      if (held || attempt >= ATTEMPTS) throw lockedError(folder, file, holder);
      if (found !== undefined) await takeAway(file, found);
    }
  });
  let held = true;
  const release = (): void => {
    if (!held) return;
    held = false;
    process.off("exit", release);
    try {
      // Whoever deleted the lock by hand may have taken the folder since.
      if (readFileSync(file, "utf8") === text) rmSync(file);
    } catch {
      // It is gone, or its folder is; the next process sees that this one has ended.
    }
  };
  process.on("exit", release);
  return { release, [Symbol.dispose]: release };
}
