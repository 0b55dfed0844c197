/** `--resume`: the settings that a checkpoint remembers, and the comparison with those it is to go on with. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { Callback, Checkpoint, Json } from "@ostinato/core";
import { loadCheckpoint, previousOf } from "@ostinato/core/node";
import { UsageError } from "./failures.ts";
import { kebabCase } from "./format.ts";
import { fileNames } from "./model-folder.ts";
import type { TrainingOptions } from "./options.ts";

/** Options that change nothing in the course of a training but its length and its place. */
const free: readonly string[] = [
  "epochs",
  "backend",
  "threads",
  "out",
  "resume",
  "overwrite",
] satisfies (keyof TrainingOptions)[];

/** Options that checkpoints keep only where they are not as here. One that is true is turned off by `--no-` and its name. */
export type SettingDefaults = Readonly<Record<string, Json>>;

/** What must be the same when a training goes on: every other option, by its name, and `digest`, which tells the data from any others. */
export type Settings = Readonly<Record<string, Json>>;

/** The settings among the options, which are texts, numbers and truth values; those that are undefined or as in `defaults` are left out. */
export function settingsOf(options: object, digest: string, defaults: SettingDefaults = {}): Settings {
  const kept = Object.entries(options).filter(
    ([name, value]) => value !== undefined && !free.includes(name) && value !== defaults[name],
  );
  return { ...(Object.fromEntries(kept) as Settings), digest };
}

/** The name under which checkpoints keep the settings. */
const name = "settings";

/** Puts the settings into every checkpoint, and calls `begin` before the first step of a training that starts anew. */
export function keepSettings(settings: Settings, begin: (checkpoint: Checkpoint) => Promise<void>): Callback {
  let resumed = false;
  return {
    name,
    async onStart(control) {
      if (!resumed) await begin(await control.checkpoint());
    },
    state: () => ({ data: { ...settings } }),
    restore() {
      resumed = true;
    },
  };
}

/**
 * The checkpoint of a folder; where the newest is damaged, the one before, and `warn` is told.
 *
 * Throws `UsageError` where there is none, and `ModelFileError` where none can be read.
 */
export async function readCheckpoint(
  { out }: Pick<TrainingOptions, "out">,
  warn: (line: string) => void,
): Promise<Checkpoint> {
  const file = join(out, fileNames.checkpoint);
  const found = await Promise.all([file, previousOf(file)].map((path) => stat(path).catch(() => undefined)));
  if (found.every((path) => path === undefined)) {
    throw new UsageError(
      `--resume: there is no checkpoint at ${file}; leave --resume out to begin, or name the folder with --out`,
    );
  }
  return loadCheckpoint(file, warn);
}

/** A number among the settings of a checkpoint: an option whose default follows from others, such as `--epochs`, keeps it. */
export function keptNumber(checkpoint: Checkpoint | undefined, setting: string): number | undefined {
  const kept = (checkpoint?.callbacks[name] as Settings | undefined)?.[setting];
  return typeof kept === "number" ? kept : undefined;
}

/** Throws `UsageError` for a checkpoint of other settings, or of more epochs than are asked for. */
export function requireSame(
  checkpoint: Checkpoint,
  { out, epochs }: Pick<TrainingOptions, "out" | "epochs">,
  settings: Settings,
  defaults: SettingDefaults,
): void {
  const file = join(out, fileNames.checkpoint);
  const differences = differencesBetween(checkpoint.callbacks[name], settings, defaults);
  if (differences.length > 0) {
    throw new UsageError(
      `--resume: ${file} is of a training with other settings: ${differences.join("; ")}. Only --epochs, --backend and --threads may differ; --overwrite in place of --resume begins anew`,
    );
  }
  if (checkpoint.position.epoch > epochs) {
    throw new UsageError(
      `--resume: ${file} has finished ${checkpoint.position.epoch} epochs already, and --epochs is ${epochs}`,
    );
  }
}

/** The checkpoint of a folder, of the same settings. Throws what `readCheckpoint` and `requireSame` throw. */
export async function openCheckpoint(
  options: Pick<TrainingOptions, "out" | "epochs">,
  settings: Settings,
  defaults: SettingDefaults,
  warn: (line: string) => void,
): Promise<Checkpoint> {
  const checkpoint = await readCheckpoint(options, warn);
  requireSame(checkpoint, options, settings, defaults);
  return checkpoint;
}

/** Each difference, as `--units was 8, is 16`. */
function differencesBetween(kept: Json | undefined, settings: Settings, defaults: SettingDefaults): string[] {
  const was: Record<string, unknown> = { ...defaults, ...(typeof kept === "object" ? kept : {}) };
  const is: Record<string, unknown> = { ...defaults, ...settings };
  const names = [...new Set([...Object.keys(was), ...Object.keys(is)])].filter((key) => was[key] !== is[key]);
  // Other options bring other rows: only where they are the same have the data changed.
  const named = names.filter((key) => key !== "digest");
  if (named.length === 0) return names.map(() => "the texts and labels have changed");
  return named.map((key) =>
    defaults[key] === true
      ? `--no-${kebabCase(key)} was ${was[key] ? "not given" : "given"}, is ${is[key] ? "not given" : "given"}`
      : `--${kebabCase(key)} was ${shown(was[key])}, is ${shown(is[key])}`,
  );
}

const shown = (value: unknown): string => (value === undefined ? "not given" : String(value));
