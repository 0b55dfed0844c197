/** Why a file could not be read or written, in words. */

/** @param absent what to say where there is no file */
export function reasonOf(error: unknown, absent: string): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOENT") return absent;
  if (code === "EISDIR") return "this is a folder; name the file in it";
  if (code === "ENOTDIR" || code === "EEXIST") return "part of the path is a file, not a folder";
  if (code === "EACCES" || code === "EPERM") return "permission denied";
  if (code === "ENOSPC" || code === "EDQUOT") return "there is no space left";
  return error instanceof Error ? error.message : String(error);
}
