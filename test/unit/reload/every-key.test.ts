import { describe, expect, test } from "vitest";
import type { PemTexts } from "../../../src/core/config/parse/pem-reference.ts";
import { SCHEMA, specOf } from "../../../src/core/config/schema/schema.ts";
import type { Row, Values } from "./row.ts";
import { BASE, ROWS } from "./rows.ts";
import { type Files, load, pems, Subject } from "./subject.ts";

/** Long enough for three worlds on a busy machine. */
const PATIENCE_MS = 30_000;

describe("every implemented key", () => {
  test("has its row here", () => {
    const implemented = SCHEMA.filter(({ state }) => state.kind === "implemented").map(({ path }) => path);
    expect(Object.keys(ROWS).sort()).toEqual([...implemented].sort());
  });

  describe.each(Object.entries(ROWS))("%s", (path, row) => {
    const { reload } = specOf(path);
    const { before, after } = filesOf(path, row);

    test(`changes only the ${reload === "live" ? "live" : "boot"} half of the settings`, () => {
      const [one, other] = [load(before).settings, load(after).settings];
      if (reload === "live") expect(other.boot).toEqual(one.boot);
      else expect(other.live).toEqual(one.live);
    });

    test(
      reload === "live" ? "takes effect with a reload" : "takes effect with a restart and not with a reload",
      async () => {
        const unchanged = await seen(row, new Subject(before));
        const restarted = await seen(row, new Subject(after));
        expect(restarted, "nothing is seen of this key").not.toEqual(unchanged);
        const reloaded = new Subject(before);
        await row.given?.(reloaded);
        const plan = reloaded.reload(after);
        const changed = row.changes ?? [path];
        expect(plan.applied.map((change) => change.path)).toEqual(reload === "live" ? changed : []);
        expect(plan.needsRestart.map((change) => change.path)).toEqual(reload === "live" ? [] : changed);
        expect(await row.sees(reloaded)).toEqual(reload === "live" ? restarted : unchanged);
      },
      PATIENCE_MS,
    );
  });
});

async function seen(row: Row, subject: Subject): Promise<unknown> {
  await row.given?.(subject);
  return row.sees(subject);
}

function filesOf(
  path: string,
  { base = {}, other, changes: [changed = path] = [], pems: given = pems() }: Row,
): { before: Files; after: Files } {
  const values = { ...BASE, ...base };
  const before = { text: yamlOf(values), pems: given };
  if (typeof other !== "string") return { before, after: { text: before.text, pems: other satisfies PemTexts } };
  return { before, after: { text: yamlOf({ ...values, [changed]: other }), pems: given } };
}

/** A map in one line for each section, however deep; the top level is the outermost one. */
function yamlOf(values: Values): string {
  return linesOf(Object.entries(values)).join("\n");
}

function linesOf(entries: readonly (readonly [path: string, value: string | undefined])[]): readonly string[] {
  const sections = new Map<string, (readonly [string, string | undefined])[]>();
  const lines: string[] = [];
  for (const [path, value] of entries) {
    const dot = path.indexOf(".");
    if (dot < 0) lines.push(`${path}: ${value}`);
    else sections.set(path.slice(0, dot), [...(sections.get(path.slice(0, dot)) ?? []), [path.slice(dot + 1), value]]);
  }
  return [...[...sections].map(([section, inner]) => `${section}: {${linesOf(inner).join(", ")}}`), ...lines];
}
