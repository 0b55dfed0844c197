/** Workers that are none, say the wrong thing or nothing; each host's way to tell that a worker has failed. */
import { ConfigError, ResourceError, StateError } from "@ostinato/core";
import { inWorker, type WorkerHandle } from "@ostinato/core/worker";
import { afterEach, expect, test, vi } from "vitest";
import { untyped } from "./expectMisuse.ts";

interface Asked {
  readonly id: number;
  readonly call: string;
}

/** A worker of a browser that answers as it is told. */
class FakeWorker extends EventTarget implements WorkerHandle {
  readonly #answer: (asked: Asked) => unknown;
  terminated = 0;

  constructor(answer: (asked: Asked) => unknown) {
    super();
    this.#answer = answer;
  }

  postMessage(message: unknown): void {
    const answer = this.#answer(message as Asked);
    if (answer !== undefined) queueMicrotask(() => this.say(answer));
  }

  say(data: unknown): void {
    this.dispatchEvent(Object.assign(new Event("message"), { data }));
  }

  fail(type: "error" | "messageerror" | "close", message?: string): Event {
    const event = Object.assign(new Event(type, { cancelable: true }), { message });
    this.dispatchEvent(event);
    return event;
  }

  terminate(): void {
    this.terminated += 1;
  }
}

/** Answers of a worker with a backend, which leaves sessions unanswered. */
const sound = ({ id, call }: Asked): unknown => {
  if (call === "hello") return { id, value: { protocol: 3 } };
  return call === "start" ? { id, value: { name: "fake" } } : undefined;
};

afterEach(() => {
  vi.useRealTimers();
});

test("what is no worker, and a worker that has a backend", async () => {
  await expect(inWorker(untyped("./backend.worker.ts"))).rejects.toThrow(ConfigError);
  await expect(inWorker(untyped(undefined))).rejects.toThrow(/new Worker/);
  const worker = new FakeWorker(sound);
  await inWorker(worker);
  await expect(inWorker(worker)).rejects.toThrow(StateError);
  expect(worker.terminated).toBe(0);
});

test("a worker that says nothing in a minute is given up", async () => {
  vi.useFakeTimers();
  const worker = new FakeWorker(() => undefined);
  const refused = expect(inWorker(worker)).rejects.toThrow(/said nothing for 60 s; its file must call serveBackend/);
  await vi.advanceTimersByTimeAsync(59_000);
  expect(worker.terminated).toBe(0);
  await vi.advanceTimersByTimeAsync(1_000);
  await refused;
  expect(worker.terminated).toBe(1);
});

test("a backend that takes longer to make is waited for", async () => {
  vi.useFakeTimers();
  const worker = new FakeWorker((asked) => (asked.call === "hello" ? sound(asked) : undefined));
  const made = inWorker(worker);
  await vi.advanceTimersByTimeAsync(600_000);
  worker.say({ id: 2, value: { name: "late" } });
  expect((await made).name).toBe("late in a worker");
});

test("a worker's file of another version is refused", async () => {
  const worker = new FakeWorker(({ id }) => ({ id, value: { protocol: 0 } }));
  await expect(inWorker(worker)).rejects.toThrow(/another version of @ostinato\/core/);
  expect(worker.terminated).toBe(1);
});

const failures: Readonly<Record<string, [(worker: FakeWorker) => unknown, RegExp]>> = {
  "an uncaught error": [(worker) => worker.fail("error", "Uncaught Error: boom"), /boom/],
  "a file that cannot be loaded": [(worker) => worker.fail("error"), /could not be loaded/],
  "a message that cannot be read": [(worker) => worker.fail("messageerror"), /could not be read/],
  "its end": [(worker) => worker.fail("close"), /it ended/],
  "a text": [(worker) => worker.say("hello"), /no answer/],
  nothing: [(worker) => worker.say(null), /no answer/],
  "an answer to nothing": [(worker) => worker.say({ id: 99, value: null }), /no answer/],
  "an answer without content": [(worker) => worker.say({ id: 3 }), /no answer/],
};
for (const [name, [fail, words]] of Object.entries(failures)) {
  test(`${name} of a worker rejects calls under way and later ones, and ends it`, async () => {
    const worker = new FakeWorker(sound);
    const backend = await inWorker(worker);
    const opening = backend.open({});
    await Promise.resolve();
    fail(worker);
    const error: unknown = await opening.catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ResourceError);
    expect((error as Error).message).toMatch(words);
    expect((error as Error).message).toMatch(/^the backend's worker was lost; start another and compile again: .+$/);
    await expect(backend.open({})).rejects.toThrow(words);
    expect(worker.terminated).toBe(1);
    await backend.dispose();
    expect(worker.terminated).toBe(1);
  });
}

test("an uncaught error of a worker is told by the calls alone", async () => {
  const worker = new FakeWorker(sound);
  await inWorker(worker);
  expect(worker.fail("error", "boom").defaultPrevented).toBe(true);
});
