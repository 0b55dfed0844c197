/** Several processes and one folder: locks, the names of temporary files, and what killed processes leave. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { FileError } from "@ostinato/core";
import { lockFolder, writeFileAtomic } from "@ostinato/core/node";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { placeKey } from "../src/node/processes.ts";

let folder: string;
const children: ChildProcess[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "ostinato-processes-"));
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  await rm(folder, { recursive: true });
});

const node = join(import.meta.dirname, "..", "src", "node", "index.ts");

/** Another process, which runs `code` as a module; resolves with its first line of output. */
async function other(code: string): Promise<{ readonly child: ChildProcess; readonly line: string }> {
  const source = `import { lockFolder, writeFileAtomic } from ${JSON.stringify(node)};\n${code}`;
  const child = spawn(
    process.execPath,
    ["--conditions=@ostinato/source", "--input-type=module-typescript", "-e", source],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  children.push(child);
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return { child, line: String(line).trim() };
}

const holding = (end: string) => `await lockFolder(${JSON.stringify(folder)}); console.log("held"); ${end}`;
const forever = "setInterval(() => {}, 1000);";

async function failure(action: Promise<unknown>): Promise<FileError> {
  const error: unknown = await action.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(FileError);
  return error as FileError;
}

describe("lockFolder", () => {
  test("names the process that holds the folder, and goes with it however it ends", async () => {
    const { child } = await other(holding(forever));
    const error = await failure(lockFolder(folder));
    expect(error).toMatchObject({ code: "ELOCKED", path: folder });
    expect(error.message).toContain(`process ${child.pid} on ${hostname()}, which began at 20`);
    expect(error.message).toContain(`if that process is gone, delete ${join(folder, ".lock")}`);

    child.kill("SIGKILL");
    await once(child, "exit");
    expect(await readdir(folder)).toEqual([".lock"]); // nobody could take it away
    using lock = await lockFolder(folder);
    expect(JSON.parse(await readFile(join(folder, ".lock"), "utf8"))).toMatchObject({ pid: process.pid });
    lock.release();
    lock.release();
    expect(await readdir(folder)).toEqual([]);
  });

  test.each(["process.exit(3);", "", "setTimeout(() => { throw new Error('made to fail') }, 1);"])(
    "a process that ends by %j leaves nothing",
    async (end) => {
      const { child } = await other(`process.on("uncaughtException", () => process.exit(1)); ${holding(end)}`);
      if (child.exitCode === null) await once(child, "exit");
      expect(await readdir(folder)).toEqual([]);
    },
  );

  test("the process itself is no exception: who holds a folder does not get it twice", async () => {
    using _lock = await lockFolder(folder);
    expect((await failure(lockFolder(folder))).message).toContain(`process ${process.pid} `);
  });

  const written = (holder: object) => writeFile(join(folder, ".lock"), JSON.stringify(holder));
  const gone = { host: hostname(), place: placeKey(), started: "then", birth: "another boot 17" };

  test.skipIf(process.platform !== "linux")(
    "a process of the same id that began at another time is not that one (Linux only)",
    async () => {
      await written({ ...gone, pid: process.pid });
      using _lock = await lockFolder(folder);
      expect(await readFile(join(folder, ".lock"), "utf8")).not.toContain("another boot");
    },
  );

  test("nothing is known of the processes of another machine, or of a lock that cannot be read: both hold", async () => {
    await written({ ...gone, pid: 1, host: "elsewhere", place: "00000000" });
    expect((await failure(lockFolder(folder))).message).toContain("process 1 on elsewhere, which began at then");
    await writeFile(join(folder, ".lock"), "");
    expect((await failure(lockFolder(folder))).message).toContain("another process holds it");
    await rm(join(folder, ".lock"));
    await mkdir(join(folder, ".lock"));
    expect((await failure(lockFolder(folder))).message).toContain("another process holds it");
  });

  test("of many that find a stale lock at once one gets the folder", async () => {
    const { child } = await other(holding(forever));
    child.kill("SIGKILL");
    await once(child, "exit");
    const asked = await Promise.allSettled(Array.from({ length: 20 }, () => lockFolder(folder)));
    const got = asked.filter((result) => result.status === "fulfilled");
    expect(got).toHaveLength(1);
    for (const { value } of got) value.release();
    expect(await readdir(folder)).toEqual([]);
  });
});

describe("temporary files", () => {
  const temporary = (pid: number) => join(folder, `.text.${placeKey()}.${pid}.0123456789ab.tmp`);

  test("of a process that is gone are taken away by the next writer of the file; those of others stay", async () => {
    const { child } = await other(`console.log("here"); ${forever}`);
    const { child: dead } = await other(`console.log("here"); ${forever}`);
    dead.kill("SIGKILL");
    await once(dead, "exit");
    const kept = [
      temporary(child.pid as number),
      temporary(process.pid), // another thread of this process may be writing it
      join(folder, `.text.00000000.${dead.pid}.0123456789ab.tmp`), // another machine's
      join(folder, `.other.${placeKey()}.${dead.pid}.0123456789ab.tmp`), // another file's
      join(folder, ".text.tmp"), // not ours at all
    ];
    for (const file of [temporary(dead.pid as number), ...kept]) await writeFile(file, "half");
    await writeFileAtomic(join(folder, "text"), "whole");
    expect((await readdir(folder)).sort()).toEqual(
      [...kept.map((file) => file.slice(folder.length + 1)), "text"].sort(),
    );
  });

  test("of an earlier process with the id of this one are taken away: in a container all have the same", async () => {
    await writeFile(temporary(process.pid), "half");
    await utimes(temporary(process.pid), 1e9, 1e9);
    await writeFileAtomic(join(folder, "text"), "whole");
    expect(await readdir(folder)).toEqual(["text"]);
  });

  test("two processes that write one file at once: each file is whole, and nothing is left", async () => {
    const path = join(folder, "text");
    const write = (letter: string) => `
      console.log("go");
      for (let i = 0; i < 40; i++) await writeFileAtomic(${JSON.stringify(path)}, ${JSON.stringify(letter)}.repeat(100_000));`;
    const writers = await Promise.all([other(write("a")), other(write("b"))]);
    const ended = Promise.all(
      writers.map(async ({ child }) => child.exitCode ?? ((await once(child, "exit"))[0] as number)),
    );
    let done = false;
    void ended.then(() => {
      done = true;
    });
    while (!done) {
      const text = await readFile(path, "utf8").catch(() => "");
      if (text !== "") expect(["a", "b"].map((letter) => letter.repeat(100_000))).toContain(text);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await ended).toEqual([0, 0]);
    expect(await readdir(folder)).toEqual(["text"]);
  });
});
