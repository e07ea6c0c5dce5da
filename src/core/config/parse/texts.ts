import type { Result } from "../../base/result.ts";
import type { Findings } from "../document/findings.ts";
import { show } from "../document/show.ts";
import type { ConfigReader } from "./reader.ts";

// Texts that mean something, and that other keys make necessary.

/** A text with a meaning; undefined when there is none, or when it has none, which is reported. */
export function parsedText<Value>(
  path: string,
  read: (text: string) => Result<Value, string>,
  reader: ConfigReader,
  findings: Findings,
): Value | undefined {
  const text = reader.text(path);
  if (text === "") return undefined;
  const value = read(text);
  if (value.ok) return value.value;
  const place = reader.given(path)?.node.place;
  findings.error({ code: "CONFIG_VALUE", place, path, what: `${show(text)} ${value.reason}` });
  return undefined;
}

/** Reports a key that is missing or empty and that another one, with the value that it has, cannot do without. */
export function refuseMissing(
  path: string,
  because: { readonly example: string; readonly key: string; readonly value: string },
  reader: ConfigReader,
  findings: Findings,
): void {
  const node = reader.given(path)?.node;
  if ((node && !(node.kind === "scalar" && node.text === "")) || findings.blame(path)) return;
  const place = node?.place ?? reader.given(because.key)?.keyPlace;
  const what = `is needed with ${because.key}: ${because.value}`;
  findings.error({ code: "CONFIG_MISSING_KEY", place, path, what, todo: `write for instance ${because.example}` });
}
