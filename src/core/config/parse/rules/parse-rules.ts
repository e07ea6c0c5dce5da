import { nearest } from "../../../base/suggest.ts";
import type { RuleProtocol } from "../../../dataplane/contract.ts";
import type { Rule } from "../../../firewall/rule.ts";
import { formatPrefix, hostPrefix, masked, type Prefix, parsePrefix } from "../../../netip/prefix.ts";
import { type ConfigEntry, type ConfigMap, type ConfigNode, formatPlace } from "../../document/document.ts";
import type { Findings } from "../../document/findings.ts";
import { show, showKind } from "../../document/show.ts";
import { RULE_FIELDS } from "../../schema/schema.ts";
import { explainUnknownField, isMisspelt } from "../../schema/unknown-key.ts";
import { prefixComplaint } from "../complaints.ts";
import { ambiguityOf, ICMP_TYPE_COMPLAINT, parseIcmpType } from "./icmp-types.ts";
import { ANY_PORT, isEndless, parsePorts, type RulePorts } from "./ports.ts";

/** Fields of which a rule needs at least one: without any it would let everybody in by omission. */
const SELECTORS = ["host", "group", "groups", "cidr", "local_cidr", "ca_name", "ca_sha"];

/** A rule with the lines that it was read from. */
export interface ParsedRule {
  readonly rule: Rule;
  readonly node: ConfigMap;
  /** "firewall.inbound[3]" */
  readonly path: string;
}

/** Reads `firewall.inbound` or `firewall.outbound` (compatibility 1.9, protocol 9.4). Wrong rules are reported and left out. */
export function parseRules(node: ConfigNode | undefined, path: string, findings: Findings): readonly ParsedRule[] {
  if (!node) return [];
  if (node.kind !== "list") {
    const what = `${showKind(node)} where a list of rules belongs`;
    findings.error({ code: "CONFIG_TYPE", place: node.place, path, what, todo: 'begin each rule with "- "' });
    return [];
  }
  return node.items.flatMap((item, ruleId) => {
    const rulePath = `${path}[${ruleId}]`;
    if (item.kind === "map") return new RuleReader(item, rulePath, findings).read(ruleId);
    const what = `${showKind(item)} where a rule belongs`;
    const todo = "a rule is a map such as {port: 22, proto: tcp, group: admins}";
    findings.error({ code: "CONFIG_RULE", place: item.place, path: rulePath, what, todo });
    return [];
  });
}

class RuleReader {
  readonly #rule: ConfigMap;
  readonly #path: string;
  readonly #findings: Findings;
  #wrong = false;

  constructor(rule: ConfigMap, path: string, findings: Findings) {
    this.#rule = rule;
    this.#path = path;
    this.#findings = findings;
  }

  /** One rule, or none. */
  read(ruleId: number): readonly ParsedRule[] {
    this.#checkFields();
    const given = this.#protocol();
    const protocol = given ?? "any";
    const { first: portFirst, last: portLast, fragment } = this.#ports(given);
    const rule: Rule = {
      ruleId,
      protocol,
      portFirst,
      portLast,
      fragment,
      icmpTypes: this.#icmpTypes(given),
      host: this.#text("host"),
      groups: this.#groups(),
      cidr: this.#cidr("cidr"),
      localCidr: this.#cidr("local_cidr"),
      caName: this.#text("ca_name"),
      caSha: this.#caSha(),
      place: formatPlace(this.#rule.place),
    };
    if (this.#isMissing(...SELECTORS)) {
      this.#error(this.#rule, "", "the rule does not say whom it lets through", `add one of ${SELECTORS.join(", ")}`);
    }
    return this.#wrong ? [] : [{ rule, node: this.#rule, path: this.#path }];
  }

  #checkFields(): void {
    for (const entry of this.#rule.entries.values()) {
      const spec = RULE_FIELDS.get(entry.key);
      if (!spec) {
        this.#wrong = true;
        const isGiven = (field: string): boolean => this.#rule.entries.has(field);
        this.#findings.error(explainUnknownField(entry, this.#path, RULE_FIELDS, isGiven));
      } else if (entry.value.kind === "null") {
        this.#error(entry.value, entry.key, "has no value", "give it one or remove the line");
      }
    }
  }

  /** Undefined when what stands there is none. */
  #protocol(): RuleProtocol | undefined {
    const node = this.#scalarOf("proto");
    if (this.#isMissing("proto")) this.#error(this.#rule, "proto", "is missing", "add proto: any, tcp, udp or icmp");
    if (!node) return "any";
    if (isProtocol(node.text)) return node.text;
    this.#error(node, "proto", `${show(node.text)} ${protocolComplaint(node.text)}`);
    return undefined;
  }

  /** Whether none of these fields is there, nor anything that was probably meant to be one of them. */
  #isMissing(...fields: readonly string[]): boolean {
    return !fields.some((field) => this.#rule.entries.has(field) || isMisspelt(field, this.#rule, RULE_FIELDS));
  }

  /** An ICMP rule means every port, whatever stands there. */
  #ports(protocol: RuleProtocol | undefined): RulePorts {
    const field = this.#portField(protocol);
    const text = field?.text;
    if (field === undefined || text === undefined) return ANY_PORT;
    const ports = parsePorts(text);
    if (typeof ports === "string") {
      this.#error(field.entry.value, field.entry.key, `${show(text)} ${ports}`);
      return ANY_PORT;
    }
    if (protocol === "icmp") {
      if (ports !== ANY_PORT)
        this.#warn(field.entry, "has no effect: ICMP has no ports", "remove it, or name messages with icmp_type");
      return ANY_PORT;
    }
    if (isEndless(text)) {
      const what = `${show(text)} is every port, as in Nebula: a range that begins with 0 has no end`;
      this.#warn(
        field.entry,
        what,
        `write 1${text.slice(text.indexOf("-")).replaceAll(" ", "")} for these ports, or any`,
      );
    }
    return ports;
  }

  /** Messages of both families by name or number; none given, or any among them: all. */
  #icmpTypes(protocol: RuleProtocol | undefined): readonly number[] {
    const entry = this.#rule.entries.get("icmp_type");
    if (!entry || entry.value.kind === "null") return [];
    if (protocol === undefined) return [];
    if (protocol !== "icmp") {
      this.#error(
        entry.value,
        "icmp_type",
        "given in a rule that is not about ICMP",
        "write proto: icmp, or remove it",
      );
      return [];
    }
    const texts = this.#listOf(entry);
    const types = texts.flatMap(({ text, place, field }) => {
      if (text === "any") return [];
      const messages = parseIcmpType(text);
      if (!messages) this.#error({ place }, field, `${show(text)} ${ICMP_TYPE_COMPLAINT}`);
      const ambiguity = ambiguityOf(text);
      if (ambiguity) this.#warn(entry, `${text} is ${ambiguity}`, "write the name of the one that is meant");
      return messages ?? [];
    });
    return texts.some(({ text }) => text === "any") ? [] : [...new Set(types)].sort((a, b) => a - b);
  }

  /** The field that says the port: `port`, or its older name `code`. ICMP needs none. */
  #portField(protocol: RuleProtocol | undefined): { entry: ConfigEntry; text: string | undefined } | undefined {
    const port = this.#rule.entries.get("port");
    const code = this.#rule.entries.get("code");
    if (port && code) this.#error(code.value, "code", "given together with port", "keep port");
    else if (code && protocol !== "icmp" && protocol !== undefined)
      this.#warn(code, "is read as port; ICMP codes are never matched", "write port");
    const entry = port ?? code;
    if (entry) return { entry, text: this.#scalarOf(entry.key)?.text };
    if (protocol !== "icmp" && protocol !== undefined && this.#isMissing("port", "code"))
      this.#error(this.#rule, "port", "is missing", "add port: any, a port or a range");
    return undefined;
  }

  #groups(): readonly string[] {
    const group = this.#rule.entries.get("group");
    const groups = this.#rule.entries.get("groups");
    if (group && groups) {
      this.#error(group.value, "group", "given together with groups", "put all of them into groups");
      return [];
    }
    if (groups) return this.#groupList(groups, "groups");
    if (!group) return [];
    if (group.value.kind !== "list") return this.#groupList(group, "group");
    if (group.value.items.length > 1) {
      this.#error(
        group.value,
        "group",
        "holds several groups",
        "write groups: and the list, all of which a peer must hold",
      );
      return [];
    }
    this.#warn(group, "is a list", "write the one group without brackets or dash");
    return this.#groupList(group, "group");
  }

  #groupList(entry: ConfigEntry, field: string): readonly string[] {
    return this.#listOf(entry, field).map(({ text }) => text);
  }

  /** The texts of a list, or the one that stands there without a list. */
  #listOf(entry: ConfigEntry, field: string = entry.key): readonly PlacedText[] {
    const { value } = entry;
    const items = value.kind === "list" ? value.items : [value];
    if (value.kind === "list" && items.length === 0) {
      const what = `is an empty list, which would ask for ${EMPTY_LISTS[field] ?? "nothing"} at all`;
      this.#error(value, field, what, "name one or remove it");
    }
    return items.flatMap((item, i) => {
      const itemField = value.kind === "list" ? `${field}[${i}]` : field;
      const text = this.#nonEmpty(item, itemField);
      return text ? [{ ...text, field: itemField }] : [];
    });
  }

  #cidr(field: "cidr" | "local_cidr"): Prefix | "any" | undefined {
    const node = this.#scalarOf(field);
    if (!node) return undefined;
    if (node.text === "any") return "any";
    const prefix = parsePrefix(node.text);
    if (!prefix) {
      this.#error(node, field, `${show(node.text)} ${prefixComplaint(node.text)}`);
      return undefined;
    }
    const whole = masked(prefix);
    const entry = this.#rule.entries.get(field);
    if (entry && whole.address !== prefix.address) {
      const { address } = prefix;
      const one = formatPrefix(hostPrefix(address));
      this.#warn(
        entry,
        `is all of ${formatPrefix(whole)}`,
        `write ${one} for this one address, or ${formatPrefix(whole)}`,
      );
    }
    return whole;
  }

  #caSha(): string | undefined {
    const node = this.#scalarOf("ca_sha");
    if (!node) return undefined;
    if (!/^[0-9A-Fa-f]{64}$/.test(node.text)) {
      this.#error(node, "ca_sha", `${show(node.text)} is not a fingerprint`, "write its 64 hexadecimal digits");
    }
    return node.text.toLowerCase();
  }

  #text(field: string): string | undefined {
    return this.#scalarOf(field)?.text;
  }

  /** The field's one value, not empty; anything else that stands there is reported, except null, which checkFields reports. */
  #scalarOf(field: string): { text: string; place: ConfigNode["place"] } | undefined {
    const node = this.#rule.entries.get(field)?.value;
    return node === undefined || node.kind === "null" ? undefined : this.#nonEmpty(node, field);
  }

  #nonEmpty(node: ConfigNode, field: string): { text: string; place: ConfigNode["place"] } | undefined {
    if (node.kind === "scalar" && node.text !== "") return node;
    const listItem = field.includes("[");
    if (node.kind === "null" && !listItem) return undefined;
    this.#error(node, field, node.kind === "scalar" ? "is empty" : `${showKind(node)} where one value belongs`);
    return undefined;
  }

  #warn(entry: ConfigEntry, what: string, todo: string): void {
    const path = `${this.#path}.${entry.key}`;
    this.#findings.warn({ code: "CONFIG_RULE", place: entry.value.place, path, what, todo });
  }

  #error(node: { place: ConfigNode["place"] }, field: string, what: string, todo?: string): void {
    this.#wrong = true;
    const path = field === "" ? this.#path : `${this.#path}.${field}`;
    const error = { code: "CONFIG_RULE", place: node.place, path, what } as const;
    this.#findings.error(todo === undefined ? error : { ...error, todo });
  }
}

interface PlacedText {
  readonly text: string;
  readonly place: ConfigNode["place"];
  readonly field: string;
}

const EMPTY_LISTS: Readonly<Record<string, string>> = {
  groups: "no group",
  group: "no group",
  icmp_type: "no message",
};

/** Numbers and names of the system's list, and what other firewalls write. */
function protocolComplaint(text: string): string {
  const word = text.trim().toLowerCase();
  const meant = isProtocol(word) ? word : (PROTOCOL_SPELLINGS[word] ?? nearest(word, PROTOCOLS, 1));
  const list = `is not one of ${PROTOCOLS.join(", ")}`;
  return meant === undefined ? list : `${list} - write ${meant}`;
}

const PROTOCOLS: readonly RuleProtocol[] = ["any", "tcp", "udp", "icmp"];

const PROTOCOL_SPELLINGS: Readonly<Record<string, string>> = {
  all: "any",
  "*": "any",
  "0": "any",
  ip: "any",
  "1": "icmp",
  icmpv6: "icmp",
  "ipv6-icmp": "icmp",
  icmp6: "icmp",
  "58": "icmp",
  ping: "icmp",
  "6": "tcp",
  "17": "udp",
};

function isProtocol(text: string): text is RuleProtocol {
  return PROTOCOLS.some((protocol) => protocol === text);
}
