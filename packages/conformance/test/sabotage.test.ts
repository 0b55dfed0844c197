/** The suite finds wrong backends: whatever is a little off, slow to let go, or too trusting fails the tests that are about it. */
import { reference, suiteTestNames, suiteTests } from "@ostinato/conformance";
import {
  type Backend,
  type Executable,
  opNames,
  recurrenceNames,
  type Session,
  type Tensor,
  type Tensors,
} from "@ostinato/core";
import { describe, expect, test } from "vitest";

/** A session that passes everything on. */
function forwarding(session: Session): Session {
  return {
    compile: (program) => session.compile(program),
    readState: (names) => session.readState(names),
    writeState: (state) => session.writeState(state),
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  };
}

/** The reference with something changed in its sessions. */
function altered(change: (session: Session) => Partial<Session>): Backend {
  const inner = reference();
  return {
    ...inner,
    open: async (state) => {
      const session = await inner.open(state);
      return { ...forwarding(session), ...change(session) };
    },
  };
}

/** The reference with something changed in its runs. */
function alteredRuns(change: (run: Executable["run"]) => Executable["run"]): Backend {
  return altered((session) => ({
    compile: async (program) => {
      const executable = await session.compile(program);
      return { run: change((feeds, into) => executable.run(feeds, into)) };
    },
  }));
}

/** The tests that a backend fails, of those in the groups that could notice. */
async function failures(backend: Backend, groups = /^contract >/): Promise<string[]> {
  const failed: string[] = [];
  for (const { name, run } of suiteTests().filter((suiteTest) => groups.test(suiteTest.name))) {
    await run(backend).catch(() => failed.push(name));
  }
  return failed;
}

/** One element of each result is wrong by a thousandth, or by one where it is a whole number. */
function offByALittle(results: Tensors): Tensors {
  return Object.fromEntries(
    Object.entries(results).map(([name, tensor]): [string, Tensor] => {
      const last = tensor.data.length - 1;
      tensor.data[last] = tensor.dtype === "bool" ? 1 - tensor.data[last] : tensor.data[last] * 1.002 + 0.002;
      if (tensor.dtype === "int32") tensor.data[last] += 1;
      return [name, tensor];
    }),
  );
}

test("every op has a test, and no name stands twice", () => {
  const names = suiteTestNames();
  for (const op of opNames) expect(names).toContain(`ops > ${op}`);
  expect(new Set(names).size).toBe(names.length);
});

describe("the suite finds", () => {
  test("numbers that are a little off", async () => {
    // Infinities and NaN stay what they are; sharing, folding and fusing compare runs of one backend, which is off in all.
    const groups = /^(?!contract|sharing|folding|fusing|special numbers|signed zeros)/;
    const wrong = alteredRuns((run) => async (feeds, into) => offByALittle(await run(feeds, into)));
    const failed = await failures(wrong, groups);
    const numeric = suiteTestNames().filter((name) => groups.test(name));
    // These compare runs of one backend, which is off in all; `blind` look at no number, or at NaN, which stays what it is.
    const relative = recurrenceNames.flatMap((name) => [
      `${name} > native equals decomposed`,
      `training > the same steps through ${name} twice give the same bits`,
    ]);
    const blind = [
      "training > live buffers stay flat over 100 steps",
      "holding > it is not the state that was given to open, nor read as such",
      "decoding > where the model gives no numbers there are none, whichever tokens may come",
      "decoding > what the encoder gave, and the states, stay with the backend",
    ];
    const found = (name: string): boolean => failed.includes(name) || [...relative, ...blind].includes(name);
    expect(numeric.filter((name) => !found(name))).toEqual([]);
  });

  test("a native recurrence that differs from its decomposition", async () => {
    const wrong = altered((session) => ({
      compile: async (program) => {
        const executable = await session.compile(program);
        const native = program.steps.some((step) => step.op === "lstm");
        return native ? { run: async (feeds) => offByALittle(await executable.run(feeds)) } : executable;
      },
    }));
    expect(await failures(wrong, /^lstm >/)).toContain("lstm > native equals decomposed");
  });

  test("results that a later run overwrites", async () => {
    const kept: Record<string, Tensor> = {};
    const wrong = alteredRuns((run) => async (feeds, into) => {
      const results = await run(feeds, into);
      if (into) return results;
      for (const [name, tensor] of Object.entries(results)) {
        if (kept[name]?.data.length === tensor.data.length) kept[name].data.set(tensor.data);
        else kept[name] = tensor;
      }
      return Object.fromEntries(Object.keys(results).map((name) => [name, kept[name]]));
    });
    expect(await failures(wrong)).toContain("contract > what comes back is the caller's");
  });

  test("updates that see each other", async () => {
    const wrong = altered((session) => ({
      compile: async (program) => {
        const parts = await Promise.all(
          program.updates.map((update) => session.compile({ ...program, updates: [update] })),
        );
        if (parts.length === 0) return session.compile(program);
        return {
          run: async (feeds, into) => {
            let results: Tensors = {};
            for (const part of parts) results = await part.run(feeds, into);
            return results;
          },
        };
      },
    }));
    expect(await failures(wrong)).toContain("contract > updates all see the state from before the run");
  });

  test("a disposed session that still answers", async () => {
    const wrong = altered(() => ({ [Symbol.asyncDispose]: async () => {} }));
    expect(await failures(wrong)).toEqual(["contract > after dispose every call is a StateError"]);
  });

  test("a guard that is not looked at", async () => {
    const wrong = altered((session) => ({ compile: ({ guard: _, ...program }) => session.compile(program) }));
    expect(await failures(wrong)).toEqual(["contract > a false guard keeps the state"]);
  });
});
