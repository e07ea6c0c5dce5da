import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { NetcheckReport } from "../../../src/admin/netcheck/report.ts";
import { isInstalled } from "../lab/command.ts";
import { LACIS } from "../lab/implementation.ts";
import { buildNatMesh, type NatMesh } from "../lab/nat/nat-mesh.ts";
import { waitFor } from "../lab/wait.ts";
import { meet } from "./contact.ts";

const hasTools = (await isInstalled("nft")) && (await isInstalled("ping"));
if (!hasTools) test.skip("needs nft and ping", () => {});

/** What each translator is to the hosts behind it, and a word of what netcheck says about it. */
const CLAIMS = {
  none: ["none", /^No address translator/],
  full: ["endpoint-independent", /peers can be reached directly/],
  addr: ["endpoint-independent", /peers can be reached directly/],
  port: ["endpoint-independent", /peers can be reached directly/],
  shift: ["endpoint-independent", /peers can be reached directly/],
  hairpin: ["endpoint-independent", /peers can be reached directly/],
  sym: ["random", /draws a new port for each peer/],
  symseq: ["sequential", /gives each peer another port, 1 further on/],
} as const;
type Kind = keyof typeof CLAIMS;
const KINDS = Object.keys(CLAIMS) as Kind[];

describe.runIf(hasTools)("a host that has one lighthouse with two addresses", () => {
  let nat: NatMesh<Kind>;

  beforeAll(async () => {
    nat = await buildNatMesh("second-address", {
      lighthouses: 1,
      secondAddress: true,
      relays: 0,
      sites: {
        none: { nat: "none" },
        full: { nat: "full" },
        addr: { nat: "addr" },
        port: { nat: "port" },
        shift: { nat: "shift" },
        hairpin: { nat: "hairpin" },
        sym: { nat: "sym" },
        symseq: { nat: "symseq" },
      },
    });
    await nat.mesh.startAll();
  });
  afterAll(() => nat.mesh.close());

  test.each(KINDS)("knows its translator: %s", async (kind) => {
    const [mapping, sentence] = CLAIMS[kind];
    const known = async (): Promise<NetcheckReport | undefined> => {
      const report = await netcheck(kind);
      return report?.nat.mapping === "unknown" ? undefined : report;
    };
    const report = await waitFor(`what netcheck says of ${kind}`, known, { withinMs: 20_000, everyMs: 200 });
    expect(report.nat.mapping).toBe(mapping);
    expect(report.verdict).toMatch(sentence);
    expect(report.lighthouses).toMatchObject([{ over: "udp" }]);
  });

  test("is reached directly behind one that counts its ports, too", async () => {
    const { directMs } = await meet(nat.host("port"), nat.host("symseq"), 6_000);
    expect(directMs).toBeLessThanOrEqual(3_000);
  });

  /** Undefined while the daemon does not answer. */
  async function netcheck(kind: Kind): Promise<NetcheckReport | undefined> {
    const { machine, configPath } = nat.host(kind);
    const [command, ...args] = LACIS.cli("netcheck", "--json", "--config", configPath);
    const { stdout } = await machine.run(command, args);
    return stdout === "" ? undefined : JSON.parse(stdout);
  }
});
