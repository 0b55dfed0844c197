/** `--resume`: the settings that a checkpoint remembers, and the comparison with those it is to go on with. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { Callback, Checkpoint, Json } from "@ostinato/core";
import { loadCheckpoint, previousOf } from "@ostinato/core/node";
import type { KnownClassWeights } from "./class-weights.ts";
import { UsageError } from "./failures.ts";
import { fileNames } from "./model.ts";
import { recurrentDefaults } from "./network.ts";
import type { TrainOptions } from "./options.ts";

/** Options that change nothing in the course of a training but its length and its place. */
const free: readonly string[] = [
  "epochs",
  "backend",
  "threads",
  "out",
  "resume",
  "overwrite",
] satisfies (keyof TrainOptions)[];

/** Options that are kept only where they are not as here. */
const defaults: Readonly<Record<string, unknown>> = { ...recurrentDefaults, header: true };

/** What must be the same when a training goes on: every other option, by its name, and the data themselves. */
export type Settings = Readonly<Record<string, Json>>;

export function settingsOf(options: TrainOptions, digest: string, weighed: KnownClassWeights | undefined): Settings {
  const given: Record<string, unknown> = { ...options, classWeight: weighed?.setting };
  const kept = Object.entries(given).filter(
    ([name, value]) => value !== undefined && !free.includes(name) && value !== defaults[name],
  );
  // What is left are texts, numbers and truth values.
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
 * The checkpoint of a folder; where the newest is damaged, the one before, and `note` is told.
 *
 * Throws `UsageError` where there is none, or one of other settings, and `ModelFileError` where none can be read.
 */
export async function openCheckpoint(
  { out, epochs }: TrainOptions,
  settings: Settings,
  note: (line: string) => void,
): Promise<Checkpoint> {
  const file = join(out, fileNames.checkpoint);
  const found = await Promise.all([file, previousOf(file)].map((path) => stat(path).catch(() => undefined)));
  if (found.every((path) => path === undefined)) {
    throw new UsageError(
      `--resume: there is no checkpoint at ${file}; leave --resume out to begin, or name the folder with --out`,
    );
  }
  const checkpoint = await loadCheckpoint(file, (message) => note(`imdb: ${message}`));
  const differences = differencesBetween(checkpoint.callbacks[name], settings);
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
  return checkpoint;
}

/** Each difference, as `--units was 8, is 16`. */
function differencesBetween(kept: Json | undefined, settings: Settings): string[] {
  const was: Record<string, unknown> = { ...defaults, ...(typeof kept === "object" ? kept : {}) };
  const is: Record<string, unknown> = { ...defaults, ...settings };
  const names = [...new Set([...Object.keys(was), ...Object.keys(is)])].filter((key) => was[key] !== is[key]);
  // Other options bring other rows: only where they are the same have the data changed.
  const named = names.filter((key) => key !== "digest");
  if (named.length === 0) return names.map(() => "the texts and labels have changed");
  return named.map((key) =>
    key === "header"
      ? `--no-header was ${was[key] ? "not given" : "given"}, is ${is[key] ? "not given" : "given"}`
      : `--${kebabCase(key)} was ${shown(was[key])}, is ${shown(is[key])}`,
  );
}

const kebabCase = (key: string): string => key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
const shown = (value: unknown): string => (value === undefined ? "not given" : String(value));
