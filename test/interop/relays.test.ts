import { afterAll, describe, expect, test } from "vitest";
import { keepApart } from "../netns/lab/apart.ts";
import { Authority, type CertificateVersion } from "../netns/lab/certificates.ts";
import { isInstalled } from "../netns/lab/command.ts";
import { findNebula, type Implementation, LACIS } from "../netns/lab/implementation.ts";
import { type HostPlan, Mesh, type MeshHost } from "../netns/lab/mesh.ts";
import { formatMatrix } from "./matrix-table.ts";

/**
 * Ours and released Nebulas in all three places of a relayed way: the relay, the host that calls and the host that is called, for both ciphers and
 * both certificate versions. One mesh for each column: every caller, every relay, and behind each relay one host of each kind, which no caller can
 * reach straight. In each cell they find each other; then all relays are killed, nothing gets through, and when they are back everything does.
 */
const COLUMNS: readonly { readonly version: CertificateVersion; readonly cipher: "aes" | "chachapoly" }[] = [
  { version: 1, cipher: "aes" },
  { version: 1, cipher: "chachapoly" },
  { version: 2, cipher: "aes" },
  { version: 2, cipher: "chachapoly" },
];
/** Nebula finds out that a relay is gone by its connection checks, and those take that long (protocol 8.2). */
const RETURN_SECONDS_MAX = 120;

const [old, newest] = await Promise.all([findNebula("1.6"), findNebula("1.11")]);
const isComplete = old !== undefined && newest !== undefined && (await isInstalled("ping"));
const results = new Map<string, Map<string, string>>();
const columns = COLUMNS.map(({ version, cipher }) => `v${version} ${cipher}`);

if (!isComplete) test.skip("needs Nebula 1.6 and 1.11 (scripts/fetch-peers) and ping", () => {});
else {
  // Two at once: most of the time they wait for a Nebula to find out.
  describe.each([1, 2] as const)("with certificates of version %d", (version) => {
    const kinds = version === 1 ? { ours: LACIS, "1.6.1": old, "1.11": newest } : { ours: LACIS, "1.11": newest };
    for (const [index, column] of COLUMNS.entries()) {
      if (column.version !== version) continue;
      test.concurrent(`scenario 9, scenario 11: every relay carries every two hosts, and again when it is back: ${columns[index]}`, {
        timeout: 180_000,
      }, async () => {
        await proveColumn(`r${index}`, column, kinds);
      });
    }
  });
}

afterAll(() => {
  if (results.size > 0) {
    const table = formatMatrix(columns, results, ["relay", "caller", "called"]);
    process.stdout.write(`\nfirst contact / after the return of the relay, in seconds\n${table}\n`);
  }
});

interface Cell {
  readonly row: string;
  readonly caller: MeshHost;
  readonly called: MeshHost;
}

async function proveColumn(
  label: string,
  { version, cipher }: (typeof COLUMNS)[number],
  kinds: Readonly<Record<string, Implementation>>,
): Promise<void> {
  const column = `v${version} ${cipher}`;
  const authority = await Authority.create(LACIS.certificates, `/run/lab/authority-${label}`, new Set([version]));
  const plans = plansFor(kinds);
  const mesh = await Mesh.create(label, { cipher, authority, versions: [version], hosts: plans.hosts });
  try {
    const cells: readonly Cell[] = plans.cells.map(({ row, caller, called }) => ({
      row,
      caller: mesh.host(caller),
      called: mesh.host(called),
    }));
    for (const { caller, called } of cells) await keepApart(caller, called);
    await mesh.startAll();
    const first = await contact(cells, 20);
    note(column, cells, (cell) => first.get(cell) ?? "never");
    expect(missing(cells, first), "never found each other").toEqual([]);

    const relays = plans.relays.map((name) => mesh.host(name));
    await Promise.all(relays.map((relay) => relay.machine.endAll()));
    const without = await contact(cells, 2);
    expect(
      [...without.keys()].map(({ row }) => row),
      "found each other without a relay",
    ).toEqual([]);

    await Promise.all(relays.map((relay) => relay.start()));
    const again = await contact(cells, RETURN_SECONDS_MAX);
    note(column, cells, (cell) => `${first.get(cell)} / ${again.get(cell) ?? "never"}`);
    expect(missing(cells, again), "did not find each other again").toEqual([]);
  } finally {
    await mesh.close();
  }
}

/** Callers of each kind, relays of each kind, and behind each relay a host of each kind. */
function plansFor(kinds: Readonly<Record<string, Implementation>>) {
  const names = Object.keys(kinds);
  const relays = names.map((_, r) => `relay${r}`);
  const overlayOf = (index: number): string => `10.77.0.${index + 2}`;
  const cells = names.flatMap((relay, r) =>
    names.flatMap((caller, c) =>
      names.map((called, e) => ({ row: `${relay} ${caller} ${called}`, caller: `caller${c}`, called: `end${r}x${e}` })),
    ),
  );
  const of = (name: string): Implementation => kinds[name]!;
  const hosts: readonly [HostPlan, ...HostPlan[]] = [
    { name: "lighthouse", implementation: LACIS },
    ...names.map((name, r) => ({
      name: relays[r]!,
      implementation: of(name),
      config: { more: { relay: { am_relay: true, use_relays: false } } },
    })),
    ...names.map((name, c) => ({
      name: `caller${c}`,
      implementation: of(name),
      config: { more: { relay: { use_relays: true } } },
    })),
    ...names.flatMap((_, r) =>
      names.map((name, e) => ({
        name: `end${r}x${e}`,
        implementation: of(name),
        config: { more: { relay: { relays: [overlayOf(r)], use_relays: true } } },
      })),
    ),
  ];
  return { hosts, relays, cells };
}

/** Pings in every cell at once, until the first answer; how many seconds that took, of those where one came. */
async function contact(cells: readonly Cell[], withinSeconds: number): Promise<ReadonlyMap<Cell, string>> {
  const answered = new Map<Cell, string>();
  const ping = async (cell: Cell): Promise<void> => {
    const began = performance.now();
    const { status } = await cell.caller.ping(cell.called.overlay4, withinSeconds);
    if (status === 0) answered.set(cell, ((performance.now() - began) / 1_000).toFixed(1));
  };
  await Promise.all(cells.map(ping));
  return answered;
}

function missing(cells: readonly Cell[], answered: ReadonlyMap<Cell, string>): readonly string[] {
  return cells.filter((cell) => !answered.has(cell)).map(({ row }) => row);
}

function note(column: string, cells: readonly Cell[], text: (cell: Cell) => string): void {
  for (const cell of cells) {
    const row = results.get(cell.row) ?? new Map<string, string>();
    results.set(cell.row, row.set(column, text(cell)));
  }
}
