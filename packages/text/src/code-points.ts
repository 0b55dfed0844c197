/** Python's order of strings. */

/** Compares by code point; JavaScript's own order puts U+1F600 before U+FF5E. */
export function compareCodePoints(a: string, b: string): number {
  const shared = Math.min(a.length, b.length);
  let index = 0;
  while (index < shared && a.charCodeAt(index) === b.charCodeAt(index)) index++;
  if (index === shared) return a.length - b.length;
  // Behind a shared first half, the two may differ in being a pair at all.
  const start = index > 0 && isFirstHalf(a.charCodeAt(index - 1)) ? index - 1 : index;
  return a.codePointAt(start)! - b.codePointAt(start)! || a.codePointAt(index)! - b.codePointAt(index)!;
}

function isFirstHalf(code: number): boolean {
  return code >= 0xd800 && code < 0xdc00;
}
