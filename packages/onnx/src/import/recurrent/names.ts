/** Names for the parameters that an initializer of a recurrence is split into. */

/**
 * Splits a joint name, `layer/forward+backward/W` → `layer/forward/W` and `layer/backward/W`. Other names get the direction
 * appended.
 */
export function separateNames(joint: string, count: number): string[] {
  if (count === 1) return [joint];
  const whole = joint.split("+");
  const half = whole.length / 2;
  const repeated = whole.slice(0, half).join("+");
  if (count === 2 && Number.isInteger(half) && repeated === whole.slice(half).join("+")) return [repeated, repeated];
  const parts = joint.split("/").map((part) => part.split("+"));
  if (!parts.some(({ length }) => length === count)) return [`${joint}/forward`, `${joint}/backward`];
  return Array.from({ length: count }, (_, i) =>
    parts
      .map((part) => (part.length === count ? part[i] : part.join("+")))
      .join("/")
      .replace(/\/+$/, ""),
  );
}

/** The name of the recurrent bias next to a bias: `layer/B` → `layer/recurrentBias`. */
export const recurrentBiasName = (bias: string): string =>
  /(^|\/)B$/.test(bias) ? bias.replace(/B$/, "recurrentBias") : `${bias}/recurrentBias`;
