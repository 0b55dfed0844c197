/** The k-th file operation of a save failing, for every k: the file is wholly the old one or wholly the new, and nothing else stays. */
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Checkpoint, checkpointFromBytes, fromBytes, ModelFileError } from "@ostinato/core";
import { loadCheckpoint, previousOf, saveCheckpoint, saveModel } from "@ostinato/core/node";
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { smallCheckpoint } from "./checkpoints.ts";
import { smallModel } from "./models.ts";

/** What goes wrong, and when: the operation of that number, or that and all after it. */
const fault = vi.hoisted(() => ({
  count: 0,
  at: Number.POSITIVE_INFINITY,
  lasting: false,
  code: "EIO",
  trace: [] as string[],
}));

// Modules that other files have loaded hold the real one, and later files are to have it again.
vi.hoisted(() => vi.resetModules());
afterAll(() => void vi.resetModules());

vi.mock("node:fs/promises", async (original) => {
  const real = await original<typeof import("node:fs/promises")>();
  /** The same function, unless it is its turn to fail. */
  function failing<A extends unknown[], R>(name: string, act: (...args: A) => Promise<R>) {
    return async (...args: A): Promise<R> => {
      fault.count += 1;
      fault.trace.push(name);
      if (fault.count === fault.at || (fault.lasting && fault.count > fault.at))
        throw Object.assign(new Error(`${fault.code}: made to fail, ${name}`), { code: fault.code });
      return act(...args);
    };
  }
  return {
    ...real,
    link: failing("link", real.link),
    mkdir: failing("mkdir", real.mkdir),
    readFile: failing("readFile", real.readFile),
    rename: failing("rename", real.rename),
    rm: failing("rm", real.rm),
    stat: failing("stat", real.stat),
    open: failing("open", async (...args: Parameters<typeof real.open>) => {
      const handle = await real.open(...args);
      const close = handle.close.bind(handle);
      // A file that fails to close is closed all the same.
      const failToClose = failing("close", async () => {});
      handle.close = async () => {
        await close();
        await failToClose();
      };
      const writeFileOf = handle.writeFile.bind(handle);
      handle.writeFile = failing("write", async (data: Uint8Array) => {
        await writeFileOf(data);
      }) as typeof handle.writeFile;
      handle.sync = failing("sync", handle.sync.bind(handle));
      return handle;
    }),
  };
});

const calm = (): void =>
  void Object.assign(fault, { count: 0, at: Number.POSITIVE_INFINITY, lasting: false, code: "EIO", trace: [] });

let folder: string;
beforeEach(async () => {
  calm();
  folder = await mkdtemp(join(tmpdir(), "ostinato-faults-"));
});
afterEach(async () => {
  calm();
  await rm(folder, { recursive: true, force: true });
});

const numbered = (iteration: number): Checkpoint => {
  const { position } = smallCheckpoint();
  return smallCheckpoint({ position: { ...position, iteration } });
};
const iterationOf = async (path: string): Promise<number> =>
  checkpointFromBytes(await readFile(path)).position.iteration;
const namesIn = async (place: string): Promise<string[]> => (await readdir(place)).sort();

/** Runs with the fault set, and then without: the error, if any, and the operations made. */
async function under(at: number, more: { lasting?: boolean; code?: string }, act: () => Promise<unknown>) {
  calm();
  Object.assign(fault, { at, ...more });
  const thrown: unknown = await act().then(
    () => undefined,
    (error: unknown) => error,
  );
  const { count } = fault;
  calm();
  return { thrown, count };
}

function expectOneLine(thrown: unknown, path: string): void {
  expect(thrown).toBeInstanceOf(ModelFileError);
  expect((thrown as Error).message).toContain(path);
  expect((thrown as Error).message).not.toContain("\n");
}

for (const [what, lasting] of [
  ["alone", false],
  ["and all after it", true],
] as const) {
  test(`saveModel: the k-th operation failing, ${what}`, async () => {
    const path = join(folder, "deep", "model");
    for (let k = 1; ; k++) {
      await rm(join(folder, "deep"), { recursive: true, force: true });
      if (k % 2 === 0) await saveModel(path, smallModel({ metadata: { is: "old" } }));
      const { thrown, count } = await under(k, { lasting }, () =>
        saveModel(path, smallModel({ metadata: { is: "new" } })),
      );
      if (count < k) return expect(k).toBeGreaterThan(7);
      if (thrown !== undefined) expectOneLine(thrown, path);
      const names: readonly string[] = await readdir(join(folder, "deep")).catch(() => []);
      const is = names.includes("model") ? fromBytes(await readFile(path)).metadata?.is : "none";
      expect([k % 2 === 0 ? "old" : "none", "new"], `operation ${k}`).toContain(is);
      if (thrown === undefined) expect(is, `operation ${k}`).toBe("new");
      // Where nothing works any more, the temporary file cannot be taken away either.
      if (!lasting)
        expect(
          names.filter((name) => name !== "model"),
          `operation ${k}`,
        ).toEqual([]);
    }
  });

  test(`saveCheckpoint: the k-th operation failing, ${what}`, async () => {
    const path = join(folder, "checkpoint");
    let failures = 0;
    for (let k = 1; ; k++) {
      await rm(folder, { recursive: true, force: true });
      await saveCheckpoint(path, numbered(1));
      await saveCheckpoint(path, numbered(2));
      const { thrown, count } = await under(k, { lasting }, () => saveCheckpoint(path, numbered(3)));
      if (count < k) break;
      if (thrown !== undefined) {
        failures += 1;
        expectOneLine(thrown, path);
      }
      const [newest, previous] = [await iterationOf(path), await iterationOf(previousOf(path))];
      expect([2, 3], `operation ${k}`).toContain(newest);
      expect([1, 2], `operation ${k}`).toContain(previous);
      if (thrown === undefined) expect(newest, `operation ${k}`).toBe(3);
      const others = (await namesIn(folder)).filter((name) => !["checkpoint", "checkpoint.previous"].includes(name));
      if (!lasting) expect(others, `operation ${k}`).toEqual([]);
      // What was left behind does not hinder the next save, and goes with it.
      await saveCheckpoint(path, numbered(4));
      expect(await iterationOf(path)).toBe(4);
      expect(await namesIn(folder)).toEqual(["checkpoint", "checkpoint.previous"]);
    }
    expect(failures).toBeGreaterThan(6);
  });
}

test("a file system without links: the one before is a copy", async () => {
  const path = join(folder, "checkpoint");
  await saveCheckpoint(path, numbered(1));
  calm();
  await saveCheckpoint(path, numbered(2));
  const at = fault.trace.indexOf("link") + 1;
  const { thrown } = await under(at, { code: "EPERM" }, () => saveCheckpoint(path, numbered(3)));
  expect(thrown).toBeUndefined();
  expect([await iterationOf(path), await iterationOf(previousOf(path))]).toEqual([3, 2]);
});

test("a full disk is said, and both checkpoints stay", async () => {
  const path = join(folder, "checkpoint");
  await saveCheckpoint(path, numbered(1));
  calm();
  await saveCheckpoint(path, numbered(2));
  const at = fault.trace.indexOf("write") + 1;
  const { thrown } = await under(at, { code: "ENOSPC" }, () => saveCheckpoint(path, numbered(3)));
  expect((thrown as Error).message).toBe(`cannot write the checkpoint ${path}: there is no space left`);
  expect([await iterationOf(path), await iterationOf(previousOf(path))]).toEqual([2, 2]);
});

describe("loadCheckpoint", () => {
  const path = (): string => join(folder, "checkpoint");
  const load = async () => {
    const warnings: string[] = [];
    const { position } = await loadCheckpoint(path(), (message) => warnings.push(message));
    return { iteration: position.iteration, warnings };
  };

  test("reads the newest, without a word", async () => {
    await saveCheckpoint(path(), numbered(1));
    expect(await load()).toEqual({ iteration: 1, warnings: [] });
    await saveCheckpoint(path(), numbered(2));
    expect(await load()).toEqual({ iteration: 2, warnings: [] });
  });

  const damage: Readonly<Record<string, () => Promise<void>>> = {
    "cut short": () => truncate(path(), 300),
    empty: () => writeFile(path(), ""),
    missing: () => rm(path()),
    "one bit off in its last number": async () => {
      const bytes = await readFile(path());
      bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1;
      await writeFile(path(), bytes);
    },
    "a folder": async () => {
      await rm(path());
      await mkdir(path());
    },
    "a link that leads to itself": async () => {
      await rm(path());
      await symlink("checkpoint", path());
    },
  };
  test.each(Object.entries(damage))(
    "where the newest is %s, reads the one before, and says so",
    async (_what, harm) => {
      await saveCheckpoint(path(), numbered(1));
      await saveCheckpoint(path(), numbered(2));
      await harm();
      const { iteration, warnings } = await load();
      expect(iteration).toBe(1);
      expect(warnings).toHaveLength(1);
      expect(warnings[0]).toContain(`cannot read the checkpoint ${path()}: `);
      expect(warnings[0]).toContain(`going on from the one before, ${previousOf(path())}`);
    },
  );

  test("a damaged newest never takes the place of the one before", async () => {
    await saveCheckpoint(path(), numbered(1));
    await saveCheckpoint(path(), numbered(2));
    await truncate(path(), 300);
    await saveCheckpoint(path(), numbered(3));
    expect([await iterationOf(path()), await iterationOf(previousOf(path()))]).toEqual([3, 1]);
  });

  test("where both are damaged, names the newest and what is wrong with it", async () => {
    await saveCheckpoint(path(), numbered(1));
    await saveCheckpoint(path(), numbered(2));
    await truncate(path(), 300);
    await truncate(previousOf(path()), 20);
    await expect(load()).rejects.toThrow(ModelFileError);
    await expect(load()).rejects.toThrow(`cannot read the checkpoint ${path()}: the file is cut short`);
  });

  test("where there is none, says so", async () => {
    await expect(load()).rejects.toThrow(`cannot read the checkpoint ${path()}: there is no such file`);
  });
});

test("a folder that the system denies is an error, not an endless wait", { timeout: 5000 }, async () => {
  await expect(saveCheckpoint("/proc/x/checkpoint", numbered(1))).rejects.toThrow(
    /cannot write the checkpoint \/proc\/x/,
  );
  await expect(saveModel("/proc/x/y/model", smallModel())).rejects.toThrow(/cannot write the model \/proc\/x/);
});
