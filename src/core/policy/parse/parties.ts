import { nearest } from "../../base/suggest.ts";
import { wildcard } from "../../base/wildcard.ts";
import type { ConfigNode } from "../../config/document/document.ts";
import { show } from "../../config/document/show.ts";
import { prefixComplaint } from "../../config/parse/complaints.ts";
import { parseAddress } from "../../netip/address.ts";
import { hostPrefix, parsePrefix } from "../../netip/prefix.ts";
import type { NamedService, Party } from "../policy.ts";
import { parseAllowed, parseParty } from "../words.ts";
import type { PlacedText, PolicyReader } from "./texts.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** Whom `from` or `to` means: words that the vocabulary knows, each standing for itself. */
export function readParties(node: ConfigNode, path: string, words: Vocabulary, reader: PolicyReader): readonly Party[] {
  const given = reader.texts(node, path);
  const parties = given.flatMap((word) => partiesOf(word, words, reader));
  const wide = given.find(({ text }) => text === "any");
  if (wide && given.length > 1)
    reader.warn(wide, wide.path, "any means everybody, whatever stands beside it", "remove the others");
  return parties;
}

function partiesOf(word: PlacedText, words: Vocabulary, reader: PolicyReader): readonly Party[] {
  const { text, path } = word;
  const { groups, hosts } = words;
  if (text.includes("*")) return hostsLike(word, words, reader);
  const address = parseAddress(text);
  if (address) return [{ kind: "network", prefix: hostPrefix(address) }];
  if (parsePrefix(text)) return [parseParty(text)].filter((party) => party !== undefined);
  if (text.includes("/")) {
    reader.error(word, path, `${show(text)} ${prefixComplaint(text)}`);
    return [];
  }
  const isBare = !text.startsWith("group:") && !text.startsWith("host:");
  if (isBare && groups.has(text) && hosts.has(text)) {
    reader.error(word, path, `${show(text)} is a group and a host`, `write group:${text} or host:${text}`);
    return [];
  }
  const party = parseParty(isBare && text !== "any" ? `${hosts.has(text) ? "host" : "group"}:${text}` : text);
  if (!party) {
    reader.error(word, path, `${show(text)} is neither a group, a host, a prefix nor any`, spelling(text));
    return [];
  }
  const unknown = unknownIn(party, words);
  for (const name of unknown) explainUnknown(name, word, words, reader);
  return unknown.length > 0 ? [] : [party];
}

function unknownIn(party: Party, { groups, hosts }: Vocabulary): readonly string[] {
  if (party.kind === "groups") return party.groups.filter((group) => !groups.has(group));
  return party.kind === "host" && !hosts.has(party.name) ? [party.name] : [];
}

function explainUnknown(name: string, word: PlacedText, { groups, hosts }: Vocabulary, reader: PolicyReader): void {
  const meant = nearest(name, [...groups, ...hosts.keys()]);
  const todo =
    meant === undefined
      ? "name it below groups: or hosts:; a group that no certificate has would let nobody through"
      : `did you mean ${meant}? otherwise name it below groups: or hosts:`;
  reader.error(word, word.path, `there is no group or host called ${show(name)}`, todo);
}

function spelling(text: string): string {
  if (text.startsWith("!")) return "there are no exceptions: write who is let through";
  if (text.includes(","))
    return `write [${text
      .split(",")
      .map((part) => part.trim())
      .join(", ")}]`;
  return "write a+b for who is in both groups, [a, b] for either";
}

/** Those of the named hosts that are called like it: rules of hosts know exact names only. */
function hostsLike(word: PlacedText, { hosts }: Vocabulary, reader: PolicyReader): readonly Party[] {
  const [, pattern] = /^(?:host:)?([^\s+:,/!]+)$/.exec(word.text) ?? [];
  if (pattern === undefined || pattern === "*") {
    const todo = pattern === "*" ? "write any for everybody" : "a * may stand in the name of a host only";
    reader.error(word, word.path, `${show(word.text)} is no pattern of host names`, todo);
    return [];
  }
  const isLike = wildcard(pattern) ?? (() => false);
  const names = [...hosts.keys()].filter(isLike);
  if (names.length > 0) return names.map((name) => ({ kind: "host", name }));
  const near = nearest(pattern.replaceAll("*", ""), hosts.keys());
  const todo = near === undefined ? "patterns mean hosts that stand below hosts:" : `there is ${near}`;
  reader.error(word, word.path, `no host is called like ${show(pattern)}`, todo);
  return [];
}

/** What `allow` or `deny` names: services of the vocabulary, or protocols and ports. */
export function readServiceList(
  node: ConfigNode,
  path: string,
  words: Vocabulary,
  reader: PolicyReader,
): readonly NamedService[] {
  return reader.texts(node, path).flatMap((word) => {
    const services = words.services.get(word.text);
    if (services) return { name: word.text, services };
    const parsed = parseAllowed(word.text);
    if (parsed.ok) return { name: word.text, services: [parsed.value] };
    const meant = nearest(word.text, words.services.keys());
    const complaint = meant === undefined ? parsed.reason : `is no service - did you mean ${meant}?`;
    reader.error(word, word.path, `${show(word.text)} ${complaint}`);
    return [];
  });
}
