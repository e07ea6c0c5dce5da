import { existsSync } from "node:fs";
import { dirname, isAbsolute, resolve } from "node:path";
import type { ConfigError } from "../../core/config/document/config-error.ts";
import type { ConfigMap } from "../../core/config/document/document.ts";
import { type PemKey, type PemReference, type PemTexts, pemReferences } from "../../core/config/parse/pem-reference.ts";
import { octal, readText, shellQuoted } from "./config-sources.ts";
import { modeOpenToOthers } from "./key-readers.ts";

/** The certificates and the key that a configuration names. */
export interface LoadedPems {
  readonly texts: PemTexts;
  readonly errors: readonly ConfigError[];
  /** The files that were read. */
  readonly files: readonly string[];
}

/**
 * Reads the files behind pki.ca, pki.cert, pki.key and, where there is a console, sshd.host_key. A relative path starts at the directory of the configuration file that names it,
 * so that it means the same for a service, a shell and `lacis check`. (Nebula starts at the working directory.)
 */
export function loadPems(root: ConfigMap): LoadedPems {
  const texts: Partial<Record<PemKey, string>> = {};
  const errors: ConfigError[] = [];
  const files: string[] = [];
  for (const reference of pemReferences(root)) {
    if (reference.kind === "inline") {
      texts[reference.key] = reference.text;
      const problem = tooOpen(reference, reference.place.file);
      if (problem) errors.push(problem);
      continue;
    }
    const path = absolute(reference);
    const text = readText(path);
    const problem = text.ok ? tooOpen(reference, path) : unreadable(reference, path, text.reason);
    if (problem) errors.push(problem);
    if (!text.ok) continue;
    texts[reference.key] = text.value;
    files.push(path);
  }
  return { texts, errors, files };
}

function absolute({ path, place }: PathReference): string {
  return isAbsolute(path) ? path : resolve(dirname(place.file), path);
}

function unreadable({ key, place, path }: PathReference, at: string, reason: ConfigError): ConfigError {
  if (looksLikeKey(path)) {
    const todo = "give the path of a file, or the PEM text with its BEGIN and END lines";
    return { code: "CONFIG_KEY_FILE", place, path: key, what: "neither a file nor PEM text", todo };
  }
  const error = { ...reason, place, path: key };
  if (isAbsolute(path) || at === resolve(path) || !existsSync(path)) return error;
  const todo = `there is one in the working directory, but paths start at the configuration file: write ${resolve(path)}`;
  return { ...error, todo };
}

/** Anybody's readable key is no key (reliability R61), wherever it is written. */
function tooOpen({ key, place, kind }: PemReference, path: string): ConfigError | undefined {
  if (key !== "pki.key" && key !== "sshd.host_key") return undefined;
  const mode = modeOpenToOthers(path);
  if (mode === undefined) return undefined;
  const holds = kind === "inline" ? `${path}, in which this key stands,` : path;
  const what = `${holds} can be read or written by other users (mode ${octal(mode)})`;
  return { code: "CONFIG_KEY_FILE", place, path: key, what, todo: `run: chmod 600 ${shellQuoted(path)}` };
}

type PathReference = Extract<PemReference, { kind: "path" }>;

/** A pasted key without its BEGIN and END lines, which must not be printed as a path that does not exist. */
function looksLikeKey(text: string): boolean {
  return /^[A-Za-z0-9+/\s]{40,}={0,2}\s*$/.test(text) || text.includes("\n");
}
