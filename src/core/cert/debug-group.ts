import { momentText } from "../base/moment.ts";
import type { Certificate } from "./certificate.ts";

/**
 * A host that was let in to debug something has one group of this form in its certificate. Rules mean it only where they name that very group: what everybody
 * may do, and what may be done to everybody, is not for it.
 */
const FORM = /^debug:[0-9a-f]{16}$/;

/** `id`: 16 hexadecimal digits, of one invitation. */
export function debugGroup(id: string): string {
  return `debug:${id}`;
}

/** The group that makes whoever has it a guest; undefined of every other host. */
export function debugGroupOf(groups: Iterable<string>): string | undefined {
  for (const group of groups) if (FORM.test(group)) return group;
  return undefined;
}

/** What the end of a guest's certificate means to whoever sits before it; undefined of every other host. */
export function debugEndText({ groups, notAfter }: Pick<Certificate, "groups" | "notAfter">): string | undefined {
  return debugGroupOf(groups) === undefined ? undefined : `debug access ended ${momentText(Number(notAfter))}`;
}
