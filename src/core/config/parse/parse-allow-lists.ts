import { Pattern } from "../../base/pattern.ts";
import { familyOf } from "../../netip/address.ts";
import { ALLOW_RULES_MAX, type AllowRule, countRules, type RemoteAllowList } from "../../netip/allow-list.ts";
import type { OwnAllowList } from "../../netip/own-allow-list.ts";
import { formatPrefix, masked, parsePrefix } from "../../netip/prefix.ts";
import type { ConfigError } from "../document/config-error.ts";
import type { ConfigEntry, ConfigNode } from "../document/document.ts";
import type { Findings } from "../document/findings.ts";
import { show, showKey } from "../document/show.ts";
import { misplacedKey } from "../schema/unknown-key.ts";
import { prefixComplaint } from "./complaints.ts";
import { booleanOf, entriesOf, keyError } from "./nodes.ts";
import type { ConfigReader } from "./reader.ts";

const REMOTE = "lighthouse.remote_allow_list";
const RANGES = "lighthouse.remote_allow_ranges";
const OWN = "lighthouse.local_allow_list";

/** `lighthouse.remote_allow_list` and `remote_allow_ranges`. */
export function parseRemoteAllowList(reader: ConfigReader, findings: Findings): RemoteAllowList {
  const everybody = parseRules(reader.given(REMOTE)?.node, REMOTE, reader, findings);
  const ranges = parseRanges(reader, findings);
  const count = countRules({ everybody, ranges });
  if (count > ALLOW_RULES_MAX) {
    const place = (reader.given(REMOTE) ?? reader.given(RANGES))?.keyPlace;
    const what = `${count} rules and ranges, together with ${RANGES}, where ${ALLOW_RULES_MAX} are the most`;
    findings.error({ code: "CONFIG_LIMIT", place, path: REMOTE, what, todo: "join prefixes that lie side by side" });
  }
  return { everybody, ranges };
}

/** `lighthouse.local_allow_list`. */
export function parseOwnAllowList(reader: ConfigReader, findings: Findings): OwnAllowList {
  const node = reader.given(OWN)?.node;
  const named = node?.kind === "map" ? node.entries.get("interfaces") : undefined;
  return { rules: parseRules(node, OWN, reader, findings, "interfaces"), interfaces: parseInterfaces(named, findings) };
}

function parseRanges(reader: ConfigReader, findings: Findings): RemoteAllowList["ranges"] {
  const node = reader.given(RANGES)?.node;
  return entriesOf(node, RANGES, 'write "10.77.1.0/24": {"192.0.2.0/24": true}', findings).flatMap((entry) => {
    const path = `${RANGES}.${showKey(entry.key)}`;
    const overlay = parsePrefix(entry.key);
    if (overlay) return [{ overlay: masked(overlay), rules: parseRules(entry.value, path, reader, findings) }];
    findings.error(notAPrefix(entry, path, reader));
    return [];
  });
}

/** Prefixes with true or false. A family that has rules gets one for everything else, too: the opposite where all say the same. */
function parseRules(
  node: ConfigNode | undefined,
  path: string,
  reader: ConfigReader,
  findings: Findings,
  except?: string,
): readonly AllowRule[] {
  const rules = new Map<string, AllowRule>();
  for (const entry of entriesOf(node, path, `write "192.0.2.0/24": true`, findings)) {
    const rule = entry.key === except ? undefined : parseRule(entry, `${path}.${showKey(entry.key)}`, reader, findings);
    if (!rule) continue;
    const key = formatPrefix(rule.prefix);
    if (rules.has(key) && rules.get(key)?.allowed !== rule.allowed) {
      const what = `${key} is given twice, once true and once false`;
      findings.error({ code: "CONFIG_CONFLICT", place: entry.keyPlace, path, what, todo: "keep one of them" });
    }
    rules.set(key, rule);
  }
  const all = [...rules.values()];
  return [...all, ...withDefault(all, 4, node, path, findings), ...withDefault(all, 6, node, path, findings)];
}

function parseRule(entry: ConfigEntry, path: string, reader: ConfigReader, findings: Findings): AllowRule | undefined {
  const prefix = parsePrefix(entry.key);
  if (!prefix) {
    findings.error(notAPrefix(entry, path, reader));
    return undefined;
  }
  const allowed = booleanOf(entry.value, path, findings);
  return allowed !== undefined ? { prefix: masked(prefix), allowed } : undefined;
}

/** What stands under such a key is not looked at: it may belong to something else. */
function notAPrefix(entry: ConfigEntry, path: string, reader: ConfigReader): ConfigError {
  if (entry.key === "interfaces")
    return keyError(entry, path, "is not a prefix: names of interfaces belong under lighthouse.local_allow_list:");
  const what = `${show(entry.key)} is not a prefix`;
  return (
    misplacedKey(entry, path, REMOTE, (key) => reader.isGiven(key), what) ??
    keyError(entry, path, prefixComplaint(entry.key))
  );
}

function withDefault(
  all: readonly AllowRule[],
  family: 4 | 6,
  node: ConfigNode | undefined,
  path: string,
  findings: Findings,
): readonly AllowRule[] {
  const rules = all.filter(({ prefix }) => familyOf(prefix.address) === family);
  const [first] = rules;
  if (!first || rules.some(({ prefix }) => prefix.bits === 0)) return [];
  const everything = family === 4 ? "0.0.0.0/0" : "::/0";
  if (rules.some(({ allowed }) => allowed !== first.allowed)) {
    const what = `says true of some IPv${family} prefixes and false of others, and nothing of all the rest`;
    const todo = `add "${everything}": false, or true`;
    findings.error({ code: "CONFIG_CONFLICT", place: node?.place, path, what, todo });
    return [];
  }
  const prefix = parsePrefix(everything);
  return prefix ? [{ prefix, allowed: !first.allowed }] : [];
}

function parseInterfaces(entry: ConfigEntry | undefined, findings: Findings): OwnAllowList["interfaces"] {
  const path = `${OWN}.interfaces`;
  const patterns: { readonly text: string; readonly allowed: boolean }[] = [];
  for (const { key, keyPlace, value } of entriesOf(entry?.value, path, `write "docker.*": false`, findings)) {
    const pattern = Pattern.anchored(key);
    if (!pattern.ok) {
      const todo = "write for instance eth0 or docker.*";
      findings.error({ code: "CONFIG_VALUE", place: keyPlace, path, what: `${show(key)} ${pattern.reason}`, todo });
    }
    const allowed = booleanOf(value, `${path}.${showKey(key)}`, findings);
    if (pattern.ok && allowed !== undefined) patterns.push({ text: key, allowed });
  }
  const [first] = patterns;
  if (!first) return undefined;
  if (patterns.some(({ allowed }) => allowed !== first.allowed)) {
    const what = "says true of some interfaces and false of others";
    const todo = "name only those to report (true), or only those to leave out (false); the others get the opposite";
    findings.error({ code: "CONFIG_CONFLICT", place: entry?.keyPlace, path, what, todo });
  }
  return { patterns: patterns.map(({ text }) => text), allowed: first.allowed };
}
