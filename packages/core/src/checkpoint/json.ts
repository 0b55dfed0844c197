/** JSON in files from anywhere. */

/** Deeper than descriptions, vocabularies and metadata nest in good faith; writing them goes down once for each. */
const DEEPEST = 1000;

function expectShallow(data: unknown, left: number): void {
  if (left < 0) throw new RangeError(`it nests more than ${DEEPEST} deep`);
  if (typeof data === "object" && data !== null) for (const part of Object.values(data)) expectShallow(part, left - 1);
}

/** What JSON stands for. @throws SyntaxError for what is none, RangeError for what nests too deep to be written again */
export function parseJson(text: string): unknown {
  const data: unknown = JSON.parse(text);
  expectShallow(data, DEEPEST);
  return data;
}
