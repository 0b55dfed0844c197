/** Ranges of memory as a sorted list, in which ranges that touch are one. */
export class Ranges {
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  /** The last answer of `lowestFit`: ranges are only ever added, so the next one for this size is not below it. */
  #size = 0;
  #fit = 0;

  get count(): number {
    return this.#starts.length;
  }

  /** Returns whether that was anything new. */
  add(start: number, end: number): boolean {
    const from = this.#firstEndingAt(start);
    if (from < this.#starts.length && (this.#starts[from] as number) <= start && end <= (this.#ends[from] as number))
      return false;
    let to = from;
    let low = start;
    let high = end;
    for (; to < this.#starts.length && (this.#starts[to] as number) <= end; to++) {
      low = Math.min(low, this.#starts[to] as number);
      high = Math.max(high, this.#ends[to] as number);
    }
    this.#starts.splice(from, to - from, low);
    this.#ends.splice(from, to - from, high);
    return true;
  }

  /** The ranges of both. */
  static union(a: Ranges, b: Ranges): Ranges {
    const both = new Ranges();
    for (let i = 0, j = 0; i < a.count || j < b.count; ) {
      const takeA = j === b.count || (i < a.count && (a.#starts[i] as number) <= (b.#starts[j] as number));
      const [from, at] = takeA ? [a, i++] : [b, j++];
      both.#append(from.#starts[at] as number, from.#ends[at] as number);
    }
    return both;
  }

  /** Adds a range that does not begin before the last one does. */
  #append(start: number, end: number): void {
    const last = this.count - 1;
    if (last >= 0 && start <= (this.#ends[last] as number)) {
      this.#ends[last] = Math.max(this.#ends[last] as number, end);
      return;
    }
    this.#starts.push(start);
    this.#ends.push(end);
  }

  /** The end of the first range that [start, end) overlaps; `start` where it overlaps none. */
  pastOverlap(start: number, end: number): number {
    const i = this.#firstEndingAt(start + 1);
    return i < this.#starts.length && (this.#starts[i] as number) < end ? (this.#ends[i] as number) : start;
  }

  /** The lowest position where `size` bytes are free. */
  lowestFit(size: number): number {
    let position = this.#size === size ? this.#fit : 0;
    for (let next = position; ; position = next) {
      next = this.pastOverlap(position, position + size);
      if (next === position) break;
    }
    this.#size = size;
    this.#fit = position;
    return position;
  }

  /** The index of the first range that ends at `position` or after it. */
  #firstEndingAt(position: number): number {
    let low = 0;
    let high = this.#ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#ends[middle] as number) < position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
