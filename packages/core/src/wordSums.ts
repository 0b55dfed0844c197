/** Digests of 64 bits, by which checkpoints tell data and lists of numbers from others. */

/** Two sums of 32 bits over words. Each step is a bijection, so one changed word always changes the sums. */
export class WordSums {
  #a = 0x6a09e667;
  #b = 0xbb67ae85 | 0;

  add(words: Int32Array, from: number, to: number): void {
    let a = this.#a;
    let b = this.#b;
    for (let i = from; i < to; i++) {
      const word = words[i] as number;
      a = Math.imul(a ^ word, 0x85ebca6b);
      a ^= a >>> 15;
      b = Math.imul((b + word) | 0, 0xc2b2ae35);
      b ^= b >>> 13;
    }
    this.#a = a;
    this.#b = b;
  }

  toString(): string {
    return [this.#a, this.#b].map((sum) => (sum >>> 0).toString(16).padStart(8, "0")).join("");
  }
}

/** Of the numbers of a list, in their order. */
export function digestOfNumbers(numbers: readonly number[]): string {
  const words = new Int32Array(Float64Array.from(numbers).buffer);
  const sums = new WordSums();
  sums.add(words, 0, words.length);
  return sums.toString();
}
