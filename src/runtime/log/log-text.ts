import { printable } from "../../core/base/printable.ts";
import type { Notice } from "../../core/notice.ts";

/** Longest value of one field. Names and addresses are far shorter; whatever is longer was written by somebody else. */
const FIELD_BYTES_MAX = 256;
/** Longest sentence of one line. Ours may hold a path and a line of a configuration file. */
export const SENTENCE_BYTES_MAX = 1024;

/** Printable, and cut where it goes past the limit in bytes of UTF-8 (reliability R70). */
export function harmless(text: string, limitBytes: number = FIELD_BYTES_MAX): string {
  const escaped = printable(text);
  if (Buffer.byteLength(escaped) <= limitBytes) return escaped;
  let bytes = 0;
  let end = 0;
  for (const character of escaped) {
    bytes += Buffer.byteLength(character);
    if (bytes > limitBytes - ellipsisBytes) break;
    end += character.length;
  }
  return `${escaped.slice(0, end)}…`;
}

/** A notice with every text in it harmless, and of a number three digits after the point. */
export function harmlessNotice({ level, code, text, fields }: Notice): Notice {
  const values = Object.entries(fields).map(([key, value]) => [key, harmlessValue(value)] as const);
  return { level, code, text: harmless(text, SENTENCE_BYTES_MAX), fields: Object.fromEntries(values) };
}

/** One logfmt line, `time=… level=info msg="…" key=value`, of a JSON log line. */
export function logfmt(line: string): string {
  const record: unknown = JSON.parse(line);
  const fields = Object.entries(typeof record === "object" && record !== null ? record : { msg: line });
  const order = (key: string): number => (["time", "level", "msg"].indexOf(key) + 4) % 4;
  fields.sort(([a], [b]) => order(a) - order(b));
  return `${fields.map(([key, value]) => `${key}=${quoted(value)}`).join(" ")}\n`;
}

const ellipsisBytes = 3;

function harmlessValue(value: Notice["fields"][string]): Notice["fields"][string] {
  if (typeof value === "string") return harmless(value);
  if (typeof value === "number") return Math.round(value * 1000) / 1000;
  return typeof value === "object" ? value.map((item) => harmless(item)) : value;
}

function quoted(value: unknown): string {
  const text = Array.isArray(value) ? value.join(",") : String(value);
  return /^[^\s"=\\]+$/.test(text) ? text : JSON.stringify(text);
}
