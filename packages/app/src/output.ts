/** What the user sees: events as JSON lines, or text for people; progress as a bar on a terminal, as plain lines elsewhere. */
import { type Later, type Progress, progressBar, progressLines, silentProgress } from "./progress.ts";

/** The part of a stream that is used here. */
export interface Stream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): boolean;
  on(event: "error", listener: (error: Error) => void): unknown;
  once(event: "drain", listener: () => void): unknown;
}

export interface Streams {
  readonly stdout: Stream;
  readonly stderr: Stream;
}

/** Names and figures of one event. */
export type Event = Readonly<Record<string, unknown>>;

export interface Output {
  /** Whoever read standard output has gone. */
  readonly closed: boolean;
  /** With `--json` one line on standard output. */
  event(event: Event): void;
  /** Lines on standard output for people; nothing with `--json`. */
  say(text: string): void;
  /** A line on standard error. */
  note(text: string): void;
  /** The same with the app's name in front. */
  warn(text: string): void;
  /** Progress of what `title` names, and of what comes after it. Stop it before anything else is said. */
  progress(title: string, later?: Later): Progress;
  /** Resolves once standard output takes more; keeps memory flat when the reader is slow. */
  drained(): Promise<void>;
  /** Whether all could be written: false where the disk is full, say, which was told then. A reader that has gone away wanted no more. */
  written(): Promise<boolean>;
  /** Takes a bar that is still drawn off the terminal. */
  close(): void;
}

/** Whose output it is, and for whom: `json` is for scripts. */
export interface OutputOptions {
  readonly name: string;
  readonly json: boolean;
}

/** An output to the given streams. A reader that goes away (`| head`) ends the writing, not the work. */
export function createOutput({ stdout, stderr }: Streams, { name, json }: OutputOptions): Output {
  let closed = false;
  let failed = false;
  let full = false;
  let current: Progress | undefined;
  let release = (): void => {};
  stdout.on("error", (error) => {
    closed = true;
    release();
    if (isBrokenPipe(error) || failed) return;
    failed = true;
    stderr.write(`${name}: cannot write to standard output: ${error.message}\n`);
  });
  stderr.on("error", () => {}); // nobody is left to be told

  const write = (text: string): void => {
    if (!closed) full = !stdout.write(text);
  };
  return {
    get closed() {
      return closed;
    },
    event(event) {
      if (json) write(`${JSON.stringify(event)}\n`);
    },
    say(text) {
      if (!json) write(`${text}\n`);
    },
    note(text) {
      stderr.write(`${text}\n`);
    },
    warn(text) {
      stderr.write(`${name}: ${text}\n`);
    },
    progress(title, later) {
      current = stderr.isTTY
        ? progressBar(title, stderr, later)
        : json
          ? silentProgress
          : progressLines(title, (line) => write(`${line}\n`), later);
      return current;
    },
    async drained() {
      if (!full || closed) return;
      await new Promise<void>((resolve) => {
        release = resolve;
        stdout.once("drain", resolve);
      });
      full = false;
    },
    async written() {
      // Streams tell of an error a moment after the write.
      await new Promise((resolve) => setImmediate(resolve));
      return !failed;
    },
    close() {
      current?.stop();
    },
  };
}

function isBrokenPipe(error: Error): boolean {
  return "code" in error && (error.code === "EPIPE" || error.code === "ERR_STREAM_DESTROYED");
}
