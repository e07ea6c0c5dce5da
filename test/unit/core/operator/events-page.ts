import type { EventCode } from "../../../../src/core/operator/event.ts";
import { EVENT_CODES, render } from "../../../../src/core/operator/render.ts";
import { EXAMPLES } from "./examples.ts";

/** docs/EVENTS.md. */
export function describeEvents(): string {
  return `${introduction}\n${EVENT_CODES.map(rowOf).join("\n")}\n`;
}

const introduction = `# Events

What a host tells its operator: each is one line of the log and of \`lacis events\`. A code stays what it is, and so do the names of its
fields; sentences may change. What is not known is left out.

This page is made from the source: \`npx vitest run test/unit/core/operator -u\`.

| code | level | an example | its fields |
| --- | --- | --- | --- |`;

function rowOf(code: EventCode): string {
  const { level, text, fields } = render(EXAMPLES[code]);
  const names = Object.keys(fields).map((name) => `\`${name}\``);
  return `| \`${code}\` | ${level} | ${text} | ${names.join(", ")} |`;
}
