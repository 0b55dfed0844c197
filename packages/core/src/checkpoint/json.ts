/** Parses JSON from untrusted files. */

/** The maximum nesting depth; writing is recursive. */
const DEEPEST = 1000;

function expectShallow(data: unknown, left: number): void {
  if (left < 0) throw new RangeError(`nested more than ${DEEPEST} deep`);
  if (typeof data === "object" && data !== null) for (const part of Object.values(data)) expectShallow(part, left - 1);
}

/** Parses JSON. @throws SyntaxError for invalid JSON, RangeError if it is nested too deeply to be written again */
export function parseJson(text: string): unknown {
  const data: unknown = JSON.parse(text);
  expectShallow(data, DEEPEST);
  return data;
}
