import { expect, test } from "vitest";
import { numbered } from "./numbered.ts";

/**
 * The scenarios that an implementation of the protocol has to show, 1 to 70: connections, relays, renewals, discovery, rules, routes, operation. A test
 * that shows one says so at the beginning of its title, "scenario 16: ...".
 */
const SCENARIOS = 70;

/** Those that no test shows, and why. */
const NOT_SHOWN: Readonly<Record<number, string>> = {};

test("every scenario has a test with its number, or a reason why not", () => {
  const shown = new Set(numbered("scenario").map(({ number }) => number));
  const all = Array.from({ length: SCENARIOS }, (_, i) => i + 1);
  expect(all.filter((number) => !shown.has(number) && NOT_SHOWN[number] === undefined)).toEqual([]);
  expect(all.filter((number) => shown.has(number) && NOT_SHOWN[number] !== undefined)).toEqual([]);
  expect(Object.keys(NOT_SHOWN).length).toBeLessThanOrEqual(3);
});

test("docs/SCENARIOS.md says where each is", async () => {
  const rows = numbered("scenario").map(({ number, title, path }) => `| ${number} | ${title} | \`${path}\` |`);
  const missing = Object.entries(NOT_SHOWN).map(([number, why]) => `| ${number} | **Not shown:** ${why} | |`);
  const page = [INTRODUCTION, "", "| | shown by | in |", "|---|---|---|", ...rows, ...missing, ""].join("\n");
  await expect(page).toMatchFileSnapshot("../../docs/SCENARIOS.md");
});

const INTRODUCTION = `# Scenarios

What a host in Nebula's place has to show, and the test that shows it. Those in \`test/interop\` run real daemons in network namespaces, ours with ours and
ours with a released Nebula in both places (\`npm run test:interop\`). This page is made from the titles of the tests
(\`npx vitest run test/architecture/scenarios -u\`).`;
