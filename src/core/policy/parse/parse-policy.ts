import { nearest } from "../../base/suggest.ts";
import { type ConfigMap, type ConfigNode, formatPlace } from "../../config/document/document.ts";
import type { Findings } from "../../config/document/findings.ts";
import { show, showKind } from "../../config/document/show.ts";
import { itemsOf } from "../../config/parse/nodes.ts";
import type { AccessRule, Policy, PolicyTest } from "../policy.ts";
import { readParties, readServiceList } from "./parties.ts";
import { PolicyReader } from "./texts.ts";
import { readVocabulary, type Vocabulary } from "./vocabulary.ts";

const RULE_KEYS = ["from", "to", "allow", "mode"];
const TEST_KEYS = ["from", "to", "allow", "deny"];
const KEEP_KEYS = ["from", "allow"];

/** Rules of a document; the same for its tests. */
const ITEMS_MAX = 10_000;
/** Of one rule, whom it lets reach what: parties times parties times services, each of which may become a rule of a host. */
const COMBINATIONS_MAX = 4_096;

/** Reads a policy. What is wrong is collected; what is returned is whole only when nothing is. */
export function parsePolicy(root: ConfigMap, findings: Findings): Policy {
  const reader = new PolicyReader(findings);
  reader.checkKeys(root, "", ["mode", "outbound", "groups", "hosts", "services", "rules", "keep", "tests"]);
  const words = readVocabulary(root, reader);
  const rules = list(root, "rules", reader).flatMap(({ node, path }) => readRule(node, path, words, reader) ?? []);
  if (!root.entries.has("rules"))
    reader.error(
      root,
      "rules",
      "is missing: nobody would reach anything",
      "write rules: with from, to and allow",
      "CONFIG_MISSING_KEY",
    );
  return {
    place: formatPlace(root.entries.get("mode")?.keyPlace ?? root.place),
    mode: reader.choice(root, "", "mode", ["enforce", "audit"]),
    outbound: reader.choice(root, "", "outbound", ["any", "rules"]),
    groups: [...words.groups],
    hosts: [...words.hosts.values()],
    rules,
    keep: readKeep(root, words, reader),
    tests: list(root, "tests", reader).flatMap(({ node, path }) => readTest(node, path, words, reader) ?? []),
  };
}

function list(root: ConfigMap, key: string, reader: PolicyReader): readonly { node: ConfigMap; path: string }[] {
  const node = root.entries.get(key)?.value;
  if (!node || node.kind === "null") return [];
  const items = itemsOf(node, key, 'begin each with "- "', reader.findings);
  if (items.length > ITEMS_MAX) {
    reader.error(node, key, `has ${items.length} of them`, `${ITEMS_MAX} are possible`, "CONFIG_LIMIT");
    return [];
  }
  return items.flatMap((item, i) => {
    const path = `${key}[${i}]`;
    if (item.kind === "map") return { node: item, path };
    reader.error(item, path, `${showKind(item)} where a map with from, to and allow belongs`, undefined, "CONFIG_TYPE");
    return [];
  });
}

function readRule(map: ConfigMap, path: string, words: Vocabulary, reader: PolicyReader): AccessRule | undefined {
  reader.checkKeys(map, path, RULE_KEYS);
  const [from, to, allow] = ["from", "to", "allow"].map((key) => required(map, path, key, RULE_KEYS, reader));
  const mode = reader.choice(map, path, "mode", ["enforce", "audit"]);
  if (!from || !to || !allow) return undefined;
  const rule: AccessRule = {
    place: formatPlace(map.place),
    from: readParties(from, `${path}.from`, words, reader),
    to: readParties(to, `${path}.to`, words, reader),
    allow: readServiceList(allow, `${path}.allow`, words, reader).flatMap(({ services }) => services),
    mode,
  };
  const combinations = rule.from.length * rule.to.length * rule.allow.length;
  if (combinations > COMBINATIONS_MAX) {
    const what = `stands for ${combinations} rules: every from with every to and every service`;
    reader.error(map, path, what, `${COMBINATIONS_MAX} are possible; use groups`, "CONFIG_LIMIT");
  }
  return rule;
}

function readTest(map: ConfigMap, path: string, words: Vocabulary, reader: PolicyReader): PolicyTest | undefined {
  reader.checkKeys(map, path, TEST_KEYS);
  const [from, to] = ["from", "to"].map((key) => required(map, path, key, TEST_KEYS, reader));
  const services = (key: "allow" | "deny") => {
    const node = map.entries.get(key)?.value;
    return node && node.kind !== "null" ? readServiceList(node, `${path}.${key}`, words, reader) : [];
  };
  const [allow, deny] = [services("allow"), services("deny")];
  if (!map.entries.has("allow") && !map.entries.has("deny"))
    reader.error(map, path, "asks for nothing", "add allow: or deny: with services", "CONFIG_MISSING_KEY");
  if (!from || !to) return undefined;
  return {
    place: formatPlace(map.place),
    from: readHosts(from, `${path}.from`, words, reader),
    to: readHosts(to, `${path}.to`, words, reader),
    allow,
    deny,
  };
}

function readKeep(root: ConfigMap, words: Vocabulary, reader: PolicyReader): Policy["keep"] {
  const map = root.entries.get("keep")?.value;
  if (!map || map.kind === "null") return undefined;
  if (map.kind !== "map") {
    reader.error(map, "keep", `${showKind(map)} where a map with from and allow belongs`, undefined, "CONFIG_TYPE");
    return undefined;
  }
  reader.checkKeys(map, "keep", KEEP_KEYS);
  const [from, allow] = ["from", "allow"].map((key) => required(map, "keep", key, KEEP_KEYS, reader));
  if (!from || !allow) return undefined;
  return {
    place: formatPlace(map.place),
    from: readHosts(from, "keep.from", words, reader),
    allow: readServiceList(allow, "keep.allow", words, reader),
  };
}

/** Hosts by name, or all that are named in a group. */
function readHosts(
  node: ConfigNode,
  path: string,
  { hosts, groups }: Vocabulary,
  reader: PolicyReader,
): readonly string[] {
  const found = reader.texts(node, path).flatMap((word) => {
    if (hosts.has(word.text)) return word.text;
    const members = [...hosts.values()].filter((host) => word.text === "any" || host.groups.includes(word.text));
    if (members.length > 0) return members.map(({ name }) => name);
    const meant = nearest(word.text, [...hosts.keys(), ...groups]);
    const todo =
      meant === undefined || meant === word.text
        ? "name hosts below hosts:, with their groups"
        : `did you mean ${meant}?`;
    reader.error(word, word.path, `${show(word.text)} is no host below hosts:, nor a group with one`, todo);
    return [];
  });
  return [...new Set(found)];
}

function required(
  map: ConfigMap,
  path: string,
  key: string,
  known: readonly string[],
  reader: PolicyReader,
): ConfigNode | undefined {
  const node = map.entries.get(key)?.value;
  if (node) return node.kind === "null" ? undefined : node;
  const isMisspelt = [...map.entries.keys()].some((given) => !known.includes(given) && nearest(given, known) === key);
  if (!isMisspelt) reader.error(map, `${path}.${key}`, "is missing", `add ${key}:`, "CONFIG_MISSING_KEY");
  return undefined;
}
