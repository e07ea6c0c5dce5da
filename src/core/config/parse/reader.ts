import { Fault } from "../../base/fault.ts";
import { type IpAddress, parseAddress } from "../../netip/address.ts";
import { masked, type Prefix, parsePrefix } from "../../netip/prefix.ts";
import type { ConfigErrorCode } from "../document/config-error.ts";
import type { ConfigNode, Placed } from "../document/document.ts";
import type { Findings } from "../document/findings.ts";
import { show, showKind } from "../document/show.ts";
import type { KeySpec, ValueType } from "../schema/key-spec.ts";
import type { FoundValue } from "../schema/keys.ts";
import { specOf } from "../schema/schema.ts";
import type { Host } from "../settings.ts";
import {
  addressComplaint,
  booleanComplaint,
  choiceComplaint,
  durationComplaint,
  hostComplaint,
  integerComplaint,
  prefixComplaint,
} from "./complaints.ts";
import { parseHost } from "./host-port.ts";
import { formatDurationMs, parseBoolean, parseChoice, parseDurationMs, parseInteger } from "./scalar.ts";

/**
 * Reads values by key, with type, range and default from the schema. A wrong value is reported and replaced by the default, so that the
 * rest can be read and everything wrong is said at once. `boot` and `live` read only the keys that the schema puts there: what a half of
 * the settings is made from cannot belong to the other.
 */
export class ConfigReader {
  readonly #found: ReadonlyMap<string, FoundValue>;
  readonly #findings: Findings;
  readonly #only: KeySpec["reload"] | undefined;

  constructor(found: ReadonlyMap<string, FoundValue>, findings: Findings, only?: KeySpec["reload"]) {
    this.#found = found;
    this.#findings = findings;
    this.#only = only;
  }

  get boot(): ConfigReader {
    return new ConfigReader(this.#found, this.#findings, "restart");
  }

  get live(): ConfigReader {
    return new ConfigReader(this.#found, this.#findings, "live");
  }

  /** What was written under a key, or undefined. */
  given(path: string): FoundValue | undefined {
    if (this.#only !== undefined && specOf(path).reload !== this.#only)
      throw new Fault("config-half", `the schema puts ${path} into the other half of the settings`, {
        wanted: this.#only,
      });
    return this.#found.get(path);
  }

  /** Whether something was written under a key or in a section, in whichever half of the settings. */
  isGiven(path: string): boolean {
    return [...this.#found.keys()].some((key) => key === path || key.startsWith(`${path}.`));
  }

  boolean(path: string): boolean {
    return this.#scalar(path, parseBoolean, booleanComplaint) ?? parseBoolean(defaultOf(path)) ?? false;
  }

  integer(path: string): number {
    const type = typeOf(path, "integer");
    const { min, max } = type;
    const value = this.#scalar(path, parseInteger, integerComplaint(type), {
      test: (number) => number >= min && number <= max,
      range: `${min} to ${max}`,
    });
    return value ?? Number(defaultOf(path));
  }

  integers(path: string): readonly number[] {
    const { min, max } = itemTypeOf(path, "integer");
    const read = (text: string): number | undefined => {
      const number = parseInteger(text);
      return number !== undefined && number >= min && number <= max ? number : undefined;
    };
    return this.#list(path, read, () => `is not a whole number from ${min} to ${max}`).map(({ value }) => value);
  }

  /** Seconds in the file, milliseconds here. */
  secondsAsMs(path: string): number {
    return 1_000 * this.integer(path);
  }

  durationMs(path: string): number {
    const type = typeOf(path, "duration");
    const { minMs, maxMs } = type;
    const value = this.#scalar(path, parseDurationMs, durationComplaint(type), {
      test: (ms) => ms >= minMs && ms <= maxMs,
      range: `${formatDurationMs(minMs)} to ${formatDurationMs(maxMs)}`,
    });
    return value ?? parseDurationMs(defaultOf(path)) ?? 0;
  }

  /** The canonical value; "" where neither the file nor the schema has one. */
  choice<Value extends string>(path: string): Value {
    const type = typeOf(path, "choice");
    const value = this.#scalar(path, (text) => parseChoice(type, text), choiceComplaint(type));
    return (value ?? defaultOf(path)) as Value;
  }

  text(path: string): string {
    const { pattern, means } = typeOf(path, "text");
    return (
      this.#scalar(
        path,
        (text) => (pattern.test(text) ? text : undefined),
        () => `is not ${means}`,
      ) ?? defaultOf(path)
    );
  }

  /** An address, IPv6 also in brackets, or a name; undefined where neither the file nor the schema has one. */
  host(path: string): Host | undefined {
    typeOf(path, "host");
    const node = this.given(path)?.node;
    const isEmpty = node?.kind === "scalar" && node.text === "" && defaultOf(path) === "";
    const value = isEmpty ? undefined : this.#scalar(path, parseHost, hostComplaint);
    return value ?? parseHost(defaultOf(path));
  }

  texts(path: string): readonly string[] {
    const { pattern, means } = itemTypeOf(path, "text");
    return this.#list(
      path,
      (text) => (pattern.test(text) ? text : undefined),
      () => `is not ${means}`,
    ).map(({ value }) => value);
  }

  addresses(path: string): readonly Placed<IpAddress>[] {
    return this.#list(path, parseAddress, addressComplaint);
  }

  /** Host bits cleared. */
  prefixes(path: string): readonly Prefix[] {
    return this.#list(path, parsePrefix, prefixComplaint).map(({ value }) => masked(value));
  }

  #scalar<Value extends {}>(
    path: string,
    read: (text: string) => Value | undefined,
    complaint: (text: string) => string,
    limit?: { test: (value: Value) => boolean; range: string },
  ): Value | undefined {
    const node = this.given(path)?.node;
    if (!node) return undefined;
    if (node.kind !== "scalar") {
      this.#error("CONFIG_TYPE", node, path, `${showKind(node)} where one value belongs`, onlyItem(node, read));
      return undefined;
    }
    const value = read(node.text);
    if (value === undefined) this.#error("CONFIG_TYPE", node, path, `${show(node.text)} ${complaint(node.text)}`);
    else if (limit && !limit.test(value)) {
      this.#error("CONFIG_RANGE", node, path, `${show(node.text)} is out of range`, `it may be ${limit.range}`);
      return undefined;
    }
    return value;
  }

  #list<Value extends {}>(
    path: string,
    read: (text: string) => Value | undefined,
    complaint: (text: string) => string,
  ): readonly Placed<Value>[] {
    const node = this.given(path)?.node;
    if (!node) return [];
    if (node.kind !== "list") {
      this.#error("CONFIG_TYPE", node, path, `${showKind(node)} where a list belongs`, asList(node, read));
      return [];
    }
    return node.items.flatMap((item, i) => {
      const itemPath = `${path}[${i}]`;
      if (item.kind !== "scalar") {
        this.#error("CONFIG_TYPE", item, itemPath, `${showKind(item)} where one value belongs`);
        return [];
      }
      const value = read(item.text);
      if (value !== undefined) return [{ value, place: item.place, path: itemPath }];
      this.#error("CONFIG_TYPE", item, itemPath, `${show(item.text)} ${complaint(item.text)}`);
      return [];
    });
  }

  #error(code: ConfigErrorCode, node: ConfigNode, path: string, what: string, todo?: string): void {
    this.#findings.error({ code, place: node.place, path, what, ...(todo === undefined ? {} : { todo }) });
  }
}

/** A list of one is taken for the one. */
function onlyItem(node: ConfigNode, read: (text: string) => unknown): string | undefined {
  const [item, another] = node.kind === "list" ? node.items : [];
  return item?.kind === "scalar" && !another && read(item.text) !== undefined ? `write ${item.text}` : undefined;
}

/** One value, or several with commas, as the list that it would be. */
function asList(node: ConfigNode, read: (text: string) => unknown): string {
  const items = node.kind === "scalar" ? node.text.split(/[\s,]+/).filter((item) => item !== "") : [];
  const isGood = items.length > 0 && items.every((item) => read(item) !== undefined);
  return isGood
    ? `write [${items.map((item) => JSON.stringify(item)).join(", ")}]`
    : `write it as "- value", one a line`;
}

function defaultOf(path: string): string {
  return specOf(path).default ?? "";
}

function typeOf<Kind extends ValueType["kind"]>(path: string, kind: Kind): Extract<ValueType, { kind: Kind }> {
  return ofKind(specOf(path).type, kind, path);
}

function itemTypeOf<Kind extends ValueType["kind"]>(path: string, kind: Kind): Extract<ValueType, { kind: Kind }> {
  return ofKind(typeOf(path, "list").of, kind, path);
}

function ofKind<Kind extends ValueType["kind"]>(
  type: ValueType,
  kind: Kind,
  path: string,
): Extract<ValueType, { kind: Kind }> {
  if (type.kind !== kind)
    throw new Fault("config-type", `the schema says that ${path} is a ${type.kind}, not a ${kind}`);
  return type as Extract<ValueType, { kind: Kind }>;
}
