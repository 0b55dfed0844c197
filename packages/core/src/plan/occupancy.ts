/**
 * Which memory is taken at which time, in a form that finds free memory without looking at all that is taken: a segment tree over time, whose
 * nodes hold ranges of memory. Memory that is taken is mostly contiguous, so the ranges are few, however many values lie in them.
 */
import { Ranges } from "./ranges.ts";

/** Nodes of so many moments or fewer do without `covered`: little is taken within so short a time, and they are most of all nodes. */
const WIDE = 64;

/** What is taken in the time of one node. */
class TimeNode {
  /** At some moment of it, as far as no node above says so already. */
  readonly sometime = new Ranges();
  /** For all of it, as far as no node above says so already. */
  readonly throughout = new Ranges();
  /** For all of it, with what the nodes above say, as far as that is followed. */
  covered = new Ranges();
  /** The starts and ends that `covered` was given, one after the other, for the nodes below to follow. */
  readonly #changes: number[] = [];
  /** Counts how often `covered` was made anew. */
  #version = 0;
  /** How far the node above is followed, and in which version. */
  #followed = 0;
  #versionFollowed = -1;

  cover(start: number, end: number): void {
    if (!this.covered.add(start, end)) return;
    this.#changes.push(start, end);
    // From here on it is less to take all of it over than to follow.
    if (this.#changes.length > 8 * this.covered.count + 64) this.#renew(this.covered);
  }

  /** Takes over what the node above covers. */
  follow(above: TimeNode): void {
    const changes = above.#changes;
    if (this.#versionFollowed !== above.#version) {
      this.#renew(Ranges.union(above.covered, this.throughout));
      this.#versionFollowed = above.#version;
    } else {
      for (let i = this.#followed; i < changes.length; i += 2) {
        this.cover(changes[i] as number, changes[i + 1] as number);
      }
    }
    this.#followed = changes.length;
  }

  #renew(covered: Ranges): void {
    this.covered = covered;
    this.#changes.length = 0;
    this.#version += 1;
  }
}

export class Occupancy {
  readonly #moments: number;
  readonly #nodes: (TimeNode | undefined)[] = [];
  /** During a search: all that it has to avoid. */
  readonly #taken: Ranges[] = [];

  /** `moments`: times run from 0 to one less. */
  constructor(moments: number) {
    this.#moments = moments;
  }

  /** Takes the lowest `size` bytes that are free from moment `from` to moment `to`, both included; returns where they begin. */
  take(from: number, to: number, size: number): number {
    if (size === 0) return 0;
    const taken = this.#taken;
    taken.length = 0;
    this.#collect(0, 0, this.#moments - 1, from, to, undefined);
    let offset = 0;
    for (const ranges of taken) offset = Math.max(offset, ranges.lowestFit(size));
    for (let clear = 0, i = 0; clear < taken.length; i = (i + 1) % taken.length) {
      const next = (taken[i] as Ranges).pastOverlap(offset, offset + size);
      clear = next === offset ? clear + 1 : 0;
      offset = next;
    }
    this.#mark(0, 0, this.#moments - 1, from, to, offset, offset + size);
    return offset;
  }

  /**
   * Collects what is taken at some moment from `from` to `to`. Node `index` stands for the moments `first` to `last`. Returns whether what the
   * node above covers is among it.
   */
  #collect(index: number, first: number, last: number, from: number, to: number, above: TimeNode | undefined): boolean {
    const node = this.#nodes[index];
    if (node === undefined) return false;
    if (from <= first && last <= to) {
      this.#taken.push(node.sometime);
      return false;
    }
    const wide = last - first >= WIDE;
    if (!wide) this.#taken.push(node.throughout);
    else if (above) node.follow(above);
    const middle = (first + last) >> 1;
    const left = from <= middle && this.#collect(2 * index + 1, first, middle, from, to, node);
    const right = to > middle && this.#collect(2 * index + 2, middle + 1, last, from, to, node);
    if (wide && !left && !right) this.#taken.push(node.covered);
    return wide;
  }

  #mark(index: number, first: number, last: number, from: number, to: number, start: number, end: number): void {
    const node = this.#nodes[index] ?? new TimeNode();
    this.#nodes[index] = node;
    node.sometime.add(start, end);
    if (from <= first && last <= to) {
      node.throughout.add(start, end);
      if (last - first >= WIDE) node.cover(start, end);
      return;
    }
    const middle = (first + last) >> 1;
    if (from <= middle) this.#mark(2 * index + 1, first, middle, from, to, start, end);
    if (to > middle) this.#mark(2 * index + 2, middle + 1, last, from, to, start, end);
  }
}
