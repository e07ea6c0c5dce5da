import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { replaceFile } from "../../runtime/files/atomic-file.ts";

/** A policy that was applied from here, as it was written. */
export interface AppliedPolicy {
  readonly number: number;
  readonly file: string;
}

/** What was applied from an authority's machine, in its folder, the first one first. */
export function appliedPolicies(authority: string): readonly AppliedPolicy[] {
  const folder = folderOf(authority);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .flatMap((name) => {
      const [, digits] = /^(\d{1,15})\.yaml$/.exec(name) ?? [];
      return digits === undefined ? [] : { number: Number(digits), file: join(folder, name) };
    })
    .sort((a, b) => a.number - b.number);
}

/** Keeps the text of one, so that it can be gone back to. */
export function keepApplied(authority: string, number: number, text: string): void {
  const folder = folderOf(authority);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  replaceFile({ file: join(folder, `${number}.yaml`), content: text });
}

function folderOf(authority: string): string {
  return join(authority, "policies");
}
