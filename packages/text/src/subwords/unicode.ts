/** Normalisation and lower case that give the same in every runtime, whatever version of Unicode it has. */
import type { UnicodeForm } from "./format.ts";

/**
 * Characters that came to Unicode after version 9, of which Python's `tokenizers` has the tables, and that normalisation would change or move; ranges hold others that it leaves
 * alone. Tables of later versions do not change earlier characters, by Unicode's policy of stability.
 */
const later =
  "\\u07fd\\u0897-\\u08d3\\u09fe\\u0c3c\\u0d3b\\u0d3c\\u0eba\\u1715\\u1abf-\\u1aeb\\u1df6-\\u1dfa\\u32ff\\ua7f1-\\ua7f4\\ua82c\\uab69" +
  "\\u{105c9}-\\u{107ba}\\u{10d24}-\\u{10f85}\\u{11070}\\u{1133b}\\u{11382}-\\u{113d0}\\u{1145e}\\u{11839}-\\u{11a99}\\u{11d42}-\\u{1612f}" +
  "\\u{16d63}-\\u{16ff1}\\u{1ccd6}-\\u{1ccf9}\\u{1e030}-\\u{1e6f5}\\u{1f16c}\\u{1fbf0}-\\u{1fbf9}";
const hasLater = new RegExp(`[${later}]`, "u");
const laterOnes = new RegExp(`([${later}]+)`, "u");

/** The text in a form of Unicode 9's normalisation; later characters stay as they are, and nothing moves past them. */
export function normalized(text: string, form: UnicodeForm): string {
  if (!hasLater.test(text)) return text.normalize(form);
  return text
    .split(laterOnes)
    .map((part, index) => (index % 2 === 1 ? part : part.normalize(form)))
    .join("");
}

/** Each character by itself in lower case: a sigma at the end of a word is no other letter. */
export function lowercased(text: string): string {
  return text.replaceAll("\u03a3", "\u03c3").toLowerCase();
}
