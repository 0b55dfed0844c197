/** Whichever write the system refuses, for whatever reason: the error is typed, and names the file and the reason. */
import { mkdtemp, readdir, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Callback, type EpochEvent, FileError, ModelFileError, type TrainingControl } from "@ostinato/core";
import { csvLogger, lockFolder, saveCheckpoint, saveModel, tensorBoard, writeFileAtomic } from "@ostinato/core/node";
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { smallCheckpoint } from "./checkpoints.ts";
import { smallModel } from "./models.ts";

/** The call that fails, and with what. As with the system's own errors of open files, the message names no file. */
const fault = vi.hoisted(() => ({ call: "", code: "" }));

// Modules that other files have loaded hold the real one, and later files are to have it again.
vi.hoisted(() => vi.resetModules());
afterAll(() => void vi.resetModules());

vi.mock("node:fs/promises", async (original) => {
  const real = await original<typeof import("node:fs/promises")>();
  const refuse = (call: string): void => {
    if (fault.call === call)
      throw Object.assign(new Error(`${fault.code}: ${call}`), { code: fault.code, syscall: call });
  };
  return {
    ...real,
    rename: async (...args: Parameters<typeof real.rename>) => {
      refuse("rename");
      return real.rename(...args);
    },
    writeFile: async (...args: Parameters<typeof real.writeFile>) => {
      refuse("write");
      return real.writeFile(...args);
    },
    appendFile: async (...args: Parameters<typeof real.appendFile>) => {
      refuse("append");
      return real.appendFile(...args);
    },
    open: async (...args: Parameters<typeof real.open>) => {
      if (args[1] !== "r") refuse("open");
      const handle = await real.open(...args);
      const { writeFile, sync, close } = handle;
      handle.writeFile = (async (...data: Parameters<typeof writeFile>) => {
        refuse("write");
        return writeFile.apply(handle, data);
      }) as typeof writeFile;
      handle.sync = async () => {
        if (args[1] !== "r") refuse("sync");
        return sync.apply(handle);
      };
      handle.close = async () => {
        await close.apply(handle);
        if (args[1] !== "r") refuse("close");
      };
      return handle;
    },
  };
});

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "ostinato-full-"));
});
afterEach(async () => {
  fault.call = "";
  await rm(folder, { recursive: true });
});

const reasons: Readonly<Record<string, string>> = {
  ENOSPC: "there is no space left",
  EDQUOT: "the disk quota is used up",
  EROFS: "the file system is read-only",
  EACCES: "permission denied",
  EISDIR: "this is a folder",
  EIO: "the disk reports an error",
};
const codes = Object.entries(reasons);

async function failure(action: () => Promise<unknown>): Promise<Error> {
  const error: unknown = await action().then(
    () => undefined,
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(Error);
  expect((error as Error).message).not.toContain("\n");
  return error as Error;
}

describe.each(codes)("%s", (code, reason) => {
  test.each(["open", "write", "sync", "close", "rename"])("in %s, while a file is replaced", async (call) => {
    const path = join(folder, "file");
    await writeFileAtomic(path, "old");
    Object.assign(fault, { call, code });
    const error = await failure(() => writeFileAtomic(path, "new"));
    expect(error).toBeInstanceOf(FileError);
    expect(error).toMatchObject({ path, code });
    expect(error.message).toContain(`cannot write ${path}: ${reason}`);
    const model = await failure(() => saveModel(join(folder, "model"), smallModel()));
    expect(model).toBeInstanceOf(ModelFileError);
    expect(model.message).toContain(`cannot write the model ${join(folder, "model")}: ${reason}`);
    expect(model.cause).toMatchObject({ name: "FileError", code });
    const checkpoint = await failure(() => saveCheckpoint(join(folder, "checkpoint"), smallCheckpoint()));
    expect(checkpoint.message).toContain(`cannot write the checkpoint ${join(folder, "checkpoint")}: ${reason}`);
    fault.call = "";
    expect(await readFile(path, "utf8")).toBe("old");
    expect(await readdir(folder)).toEqual(["file"]);
  });

  const epoch: EpochEvent = { epoch: 1, epochs: 2, seconds: 1, loss: 0.5, valLoss: 0.6 };
  const tell = async (callback: Callback): Promise<void> => {
    await callback.onEpoch?.(epoch, {} as TrainingControl);
  };

  test("in a CSV log", async () => {
    const path = join(folder, "epochs.csv");
    Object.assign(fault, { call: "write", code });
    const error = await failure(() => tell(csvLogger(path)));
    expect(error).toMatchObject({ name: "FileError", path, code });
    expect(error.message).toContain(`cannot write ${path}: ${reason}`);
  });

  test("in an event file, when it is made and when it grows", async () => {
    const callback = tensorBoard(folder);
    Object.assign(fault, { call: "write", code });
    expect(await failure(() => tell(callback))).toMatchObject({ name: "FileError", path: join(folder, "train"), code });
    fault.call = "";
    await tell(callback);
    fault.call = "append";
    const error = await failure(() => tell(callback));
    expect(error.message).toMatch(new RegExp(`^cannot write .*train.events\\.out\\.tfevents\\..*: ${reason}`));
  });

  test("in a lock", async () => {
    Object.assign(fault, { call: "write", code });
    expect(await failure(() => lockFolder(folder))).toMatchObject({
      name: "FileError",
      path: join(folder, ".lock"),
      code,
    });
    expect(await readdir(folder)).toEqual([]);
  });
});

test.skipIf(process.platform !== "linux")("a disk that is really full: /dev/full (Linux only)", async () => {
  const path = join(folder, "epochs.csv");
  await symlink("/dev/full", path);
  const error = await failure(async () => {
    await csvLogger(path).onEpoch?.({ epoch: 1, epochs: 1, seconds: 1, loss: 1 }, {} as TrainingControl);
  });
  expect(error.message).toBe(`cannot write ${path}: there is no space left`);
});
