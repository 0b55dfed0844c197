/** What was thrown, in words. */

/** The message of an error of any realm; of anything else its text. It never throws. */
export function messageOf(thrown: unknown): string {
  try {
    const message = typeof thrown === "object" && thrown !== null && "message" in thrown ? thrown.message : undefined;
    return typeof message === "string" ? message : String(thrown);
  } catch {
    // It has no prototype, or a getter or a toString of its own fails.
    return "something that cannot be read was thrown";
  }
}
