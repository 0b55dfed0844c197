/** Which processes are alive: whose lock or temporary file this is, and whether anybody still needs it. */
import { createHash } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { systemCode } from "./reasons.ts";

const quietly = (read: () => string): string => {
  try {
    return read();
  } catch {
    return "";
  }
};

let place: string | undefined;

/**
 * Tells apart the places whose process ids mean different processes: machines, and containers of one. Asked for on first use: Deno asks its user about
 * each part.
 */
export function placeKey(): string {
  place ??= createHash("sha256")
    .update(`${hostName()} ${quietly(() => readlinkSync("/proc/self/ns/pid"))}`)
    .digest("hex")
    .slice(0, 8);
  return place;
}

/** The machine's name; empty where the runtime keeps it to itself. */
export function hostName(): string {
  return quietly(hostname);
}

/** When this process began, in milliseconds since 1970. */
export const startOfThis: number = Date.now() - process.uptime() * 1000;

/** Whether there is a process of this id, here. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process is one, too.
    return systemCode(error) === "EPERM";
  }
}

/**
 * What no later process of the same id has: the boot and the clock tick in which it began. Empty where the system does not tell (only Linux
 * does).
 */
export function birthOf(pid: number): string {
  // Field 22; the second, a name in parentheses, may hold anything.
  const stat = quietly(() => readFileSync(`/proc/${pid}/stat`, "utf8"));
  const ticks = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  if (ticks === undefined) return "";
  return `${quietly(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8")).trim()} ${ticks}`;
}
