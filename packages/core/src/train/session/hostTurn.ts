/** The host's clock and its event loop: in a turn of the loop timers, messages, signals and painting run. The types of Node and of browsers are not used. */

/** Milliseconds of work after which the host gets a turn: less than a frame of a page. A turn costs some microseconds. */
const WORK = 15;

type Resume = () => void;
type Schedule = (resume: Resume) => unknown;

interface Port {
  onmessage?: Resume | null;
  postMessage(message: unknown): void;
}

interface Host {
  readonly setImmediate?: Schedule;
  readonly setTimeout?: Schedule;
  readonly MessageChannel?: new () => { readonly port1: Port; readonly port2: Port };
  readonly performance?: { now(): number };
  readonly process?: { getBuiltinModule?(name: "node:timers"): { readonly setImmediate: Schedule } };
}

// Read when this file is loaded, so that the fake timers of a test neither stop a training nor take the host's turns.
const { setImmediate, setTimeout, MessageChannel, performance, process } = globalThis as Host;

/** Milliseconds on a clock that nobody sets back, where the host has one. */
export const now: () => number = performance ? performance.now.bind(performance) : Date.now;

/** Nested timers of pages wait 4 ms, and a second in a hidden page; messages do not. */
function byMessages(Channel: new () => { readonly port1: Port; readonly port2: Port }): Schedule {
  const { port1, port2 } = new Channel();
  const waiting: Resume[] = [];
  port1.onmessage = () => waiting.shift()?.();
  return (resume) => {
    waiting.push(resume);
    port2.postMessage(0);
  };
}

let schedule: Schedule | undefined;

function scheduleOfHost(): Schedule {
  // Deno has it in this module only; a message channel there would keep the process alive.
  const immediate = setImmediate ?? process?.getBuiltinModule?.("node:timers").setImmediate;
  if (immediate) return immediate;
  if (MessageChannel) return byMessages(MessageChannel);
  // A host with neither has no event loop that could starve.
  return setTimeout ?? ((resume) => resume());
}

/** Resolves after one turn of the event loop, in a new macrotask. */
export function hostTurn(): Promise<void> {
  schedule ??= scheduleOfHost();
  const next = schedule;
  return new Promise((resolve) => {
    next(resolve);
  });
}

/** What is called between two pieces of work: it lets the event loop run where that is due, and gives undefined where it is not. */
export function hostRests(): () => Promise<void> | undefined {
  let last = now();
  return () => {
    if (now() - last < WORK) return undefined;
    return hostTurn().then(() => {
      last = now();
    });
  };
}
