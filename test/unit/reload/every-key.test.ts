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

/** Keys are at most two levels deep. */
function yamlOf(values: Values): string {
  const sections = new Map<string, string[]>();
  const lines: string[] = [];
  for (const [path, value] of Object.entries(values)) {
    const [section = "", key] = path.split(".");
    if (key === undefined) lines.push(`${section}: ${value}`);
    else sections.set(section, [...(sections.get(section) ?? []), `${key}: ${value}`]);
  }
  return [...[...sections].map(([section, keys]) => `${section}: {${keys.join(", ")}}`), ...lines].join("\n");
}
