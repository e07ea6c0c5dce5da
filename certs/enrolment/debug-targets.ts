import { formatDuration } from "../../src/core/base/duration.ts";
import { ok, type Result } from "../../src/core/base/result.ts";
import { editDistance } from "../../src/core/base/suggest.ts";
import { wildcard } from "../../src/core/base/wildcard.ts";
import { debugGroupOf } from "../../src/core/cert/debug-group.ts";
import { type EnrolmentRefusal, enrolmentRefusal } from "../../src/core/enrolment/refusal.ts";
import { type DebugTarget, SERVICES_MAX, TARGETS_MAX } from "../../src/core/policy/debug-access.ts";
import type { AllowedService } from "../../src/core/policy/policy.ts";
import { parseAllowed, serviceText } from "../../src/core/policy/words.ts";
import type { SignedEntry } from "../ledger/entry.ts";

/** How long a host may be let in to debug something, where nothing else was said: a day. */
export const DEBUG_SECONDS_MAX: number = 86_400;

/** Names that are listed where none is meant. */
const NAMES_SHOWN_MAX = 8;
const NEAR_NAMES_MAX = 3;

type Refused = { readonly ok: false; readonly reason: EnrolmentRefusal };

/** Hosts that are not to stay are nobody's targets. */
export function possibleTargets(inUse: readonly SignedEntry[]): readonly string[] {
  return [...new Set(inUse.filter(({ groups }) => debugGroupOf(groups) === undefined).map(({ name }) => name))];
}

/**
 * Reads "db1:5432", "web*:22", "dns:udp/53": which hosts of these are meant, by name, and what on them. A host that comes later is not among them, whatever it
 * is called.
 */
export function readTargets(
  words: readonly string[],
  names: readonly string[],
): Result<readonly DebugTarget[], EnrolmentRefusal> {
  const found = new Map<string, AllowedService[]>();
  for (const word of words) {
    const [, pattern = "", what = ""] = /^([^:]+):(.+)$/.exec(word) ?? [];
    if (pattern === "") return odd(word, "it does not say which host and which port");
    const service = parseAllowed(/^[0-9]/.test(what) ? `tcp/${what}` : what);
    if (!service.ok) return odd(word, `${JSON.stringify(what)} ${service.reason}`);
    const meant = names.filter(wildcard(pattern) ?? ((name) => name === pattern));
    if (meant.length === 0) return nobody(pattern, names);
    for (const name of meant) {
      const services = found.get(name) ?? [];
      found.set(name, services);
      if (services.every((each) => serviceText(each) !== serviceText(service.value))) services.push(service.value);
    }
  }
  if (found.size === 0) return odd("nothing", "a host that is let in to debug must have something to reach");
  if (found.size > TARGETS_MAX) return odd(`${found.size} hosts`, `${TARGETS_MAX} at most can be named`);
  const crowded = [...found].find(([, services]) => services.length > SERVICES_MAX);
  if (crowded) return odd(`${crowded[0]} with ${crowded[1].length} services`, `${SERVICES_MAX} at most can be named`);
  return ok([...found].map(([host, allow]) => ({ host, allow })));
}

/** More than may be had. */
export function tooLong(seconds: number, most: number): Refused {
  const longest = `${Math.floor(most / 60)}m`;
  return enrolmentRefusal(
    "debug-too-long",
    `debug access for ${formatDuration(BigInt(seconds))}`,
    `this network gives it for ${formatDuration(BigInt(most))} at most`,
    `ask for less (-for ${most % 3_600 === 0 ? `${most / 3_600}h` : longest}), or raise it: lacis-cert network -debug-max`,
  );
}

function nobody(pattern: string, names: readonly string[]): Refused {
  const near = nearNames(pattern.replaceAll("*", ""), names);
  const shown = names.slice(0, NAMES_SHOWN_MAX).join(", ");
  const more = names.length > NAMES_SHOWN_MAX ? ` and ${names.length - NAMES_SHOWN_MAX} more` : "";
  const todo =
    near.length > 0
      ? `did you mean ${near.join(", ")}?`
      : names.length > 0
        ? `there are ${shown}${more}`
        : "invite it first";
  return enrolmentRefusal("target-unknown", `the target ${pattern}`, "no host of this network is called so", todo);
}

/** Nearest first; the beginning of a name counts as the name. */
function nearNames(word: string, names: readonly string[]): readonly string[] {
  const limit = Math.max(1, Math.floor(word.length / 2));
  const distance = (name: string): number =>
    Math.min(editDistance(word, name, limit), editDistance(word, name.slice(0, word.length), limit));
  return names
    .map((name) => ({ name, far: distance(name) }))
    .filter(({ far }) => far <= limit)
    .sort((a, b) => a.far - b.far || (a.name < b.name ? -1 : 1))
    .slice(0, NEAR_NAMES_MAX)
    .map(({ name }) => name);
}

function odd(word: string, why: string): Refused {
  return enrolmentRefusal("target-bad", word, why, "write HOST:PORT, such as db1:5432 or web*:22 or dns:udp/53");
}
