import { parseAddress } from "../../netip/address.ts";
import { parsePrefix } from "../../netip/prefix.ts";
import type { ConfigNode } from "../document/document.ts";
import { parseHost, parseHostPort } from "../parse/host-port.ts";
import { parseBoolean, parseChoice, parseDurationMs, parseInteger } from "../parse/scalar.ts";
import type { ValueType } from "./key-spec.ts";

/** Whether what stands there has the form of a value of this type: one value, a list or a map. What it says may still be wrong. */
export function hasForm(type: ValueType, node: ConfigNode): boolean {
  if (node.kind === "null") return true;
  switch (type.kind) {
    case "list":
      return node.kind === "list" || (type.single && node.kind === "scalar");
    case "rules":
      return node.kind === "list";
    case "map":
      return node.kind === "map";
    case "structure":
      return true;
    default:
      return node.kind === "scalar";
  }
}

/** Whether it is a value of this type, as far as a value can be judged alone. */
export function fits(type: ValueType, node: ConfigNode): boolean {
  if (!hasForm(type, node)) return false;
  switch (node.kind) {
    case "null":
      return true;
    case "scalar":
      return isValue(type.kind === "list" ? type.of : type, node.text);
    case "list":
      if (type.kind === "rules") return node.items.every(({ kind }) => kind === "map");
      return type.kind !== "list" || node.items.every((item) => fits(type.of, item));
    case "map":
      return type.kind !== "map" || [...node.entries.values()].every(({ value }) => fits(type.of, value));
  }
}

/** Whether a text is a value of this type. */
export function isValue(type: ValueType, text: string): boolean {
  switch (type.kind) {
    case "boolean":
      return parseBoolean(text) !== undefined;
    case "integer":
      return isWithin(parseInteger(text), type.min, type.max);
    case "duration":
      return isWithin(parseDurationMs(text), type.minMs, type.maxMs);
    case "choice":
      return parseChoice(type, text) !== undefined;
    case "text":
      return type.pattern.test(text);
    case "address":
      return parseAddress(text) !== undefined;
    case "host":
      return parseHost(text) !== undefined;
    case "host-port":
      return parseHostPort(text).ok;
    case "prefix":
      return parsePrefix(text) !== undefined;
    default:
      return true;
  }
}

function isWithin(value: number | undefined, min: number, max: number): boolean {
  return value !== undefined && value >= min && value <= max;
}
