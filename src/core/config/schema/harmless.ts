import type { ConfigNode } from "../document/document.ts";
import { parseBoolean, parseChoice, parseDurationMs, parseInteger } from "../parse/scalar.ts";
import type { KeySpec, ValueType } from "./key-spec.ts";

/** Whether a value of a key that has no effect here changes nothing anyway: it is the default, or empty. */
export function isHarmless(spec: KeySpec, node: ConfigNode): boolean {
  if (isEmpty(node)) return spec.default === undefined || ["", "[]", "{}"].includes(spec.default);
  return node.kind === "scalar" && spec.default !== undefined && sameValue(spec.type, node.text, spec.default);
}

function isEmpty(node: ConfigNode): boolean {
  switch (node.kind) {
    case "null":
      return true;
    case "scalar":
      return node.text === "";
    case "list":
      return node.items.length === 0;
    case "map":
      return node.entries.size === 0;
  }
}

/** Whether two texts mean the same value: "12m" and "720s", "no" and "false". */
function sameValue(type: ValueType, a: string, b: string): boolean {
  const value = typed(type, a);
  return value === undefined ? a === b : value === typed(type, b);
}

function typed(type: ValueType, text: string): boolean | number | string | undefined {
  switch (type.kind) {
    case "boolean":
      return parseBoolean(text);
    case "integer":
      return parseInteger(text);
    case "duration":
      return parseDurationMs(text);
    case "choice":
      return parseChoice(type, text);
    default:
      return undefined;
  }
}
