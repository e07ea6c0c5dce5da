import { type ConfigMap, nodeAt, type Place } from "../document/document.ts";

import { parseBoolean } from "./scalar.ts";

/** The keys whose value is a path to a PEM file or the PEM text itself. */
export const PEM_KEYS = ["pki.ca", "pki.cert", "pki.key", "sshd.host_key"] as const;

export type PemKey = (typeof PEM_KEYS)[number];

/** The text behind each of them, as far as it could be had. */
export type PemTexts = Readonly<Partial<Record<PemKey, string>>>;

/** Where the text of a key is to be found. */
export type PemReference =
  | { readonly key: PemKey; readonly place: Place; readonly kind: "inline"; readonly text: string }
  | { readonly key: PemKey; readonly place: Place; readonly kind: "path"; readonly path: string };

/** What the runtime has to load before `parseSettings`. Keys that are absent or no text are reported there. */
export function pemReferences(root: ConfigMap): readonly PemReference[] {
  const console = nodeAt(root, "sshd.enabled");
  const hasConsole = console?.kind === "scalar" && parseBoolean(console.text) === true;
  return PEM_KEYS.flatMap((key): readonly PemReference[] => {
    if (key === "sshd.host_key" && !hasConsole) return [];
    const node = nodeAt(root, key);
    if (node?.kind !== "scalar" || node.text === "" || isPkcs11(node.text)) return [];
    const { place, text } = node;
    return [isPem(text) ? { key, place, kind: "inline", text } : { key, place, kind: "path", path: text }];
  });
}

/** Whether a value is PEM text and not a path. */
export function isPem(text: string): boolean {
  return text.includes("-----BEGIN");
}

/** Whether a value names a key in a security module (RFC 7512). */
export function isPkcs11(text: string): boolean {
  return text.startsWith("pkcs11:");
}
