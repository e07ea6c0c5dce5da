import { appendFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Authority } from "../netns/lab/certificates.ts";
import { findNebula, LACIS } from "../netns/lab/implementation.ts";
import { Mesh, type MeshHost } from "../netns/lab/mesh.ts";
import { waitFor } from "../netns/lab/wait.ts";
import { dashboardQueries, readExposition } from "../unit/runtime/metrics/nebula-names.ts";

const nebula = await findNebula("1.11");

describe.skipIf(!nebula)("a host that was Nebula and is Lacis now", () => {
  let mesh: Mesh;
  beforeAll(async () => {
    const authority = await Authority.create(LACIS.certificates, "/run/lab/metrics-ca", new Set([2]));
    mesh = await Mesh.create("metrics", {
      authority,
      versions: [2],
      hosts: [
        { name: "lighthouse", implementation: LACIS },
        { name: "theirs", implementation: nebula! },
        { name: "ours", implementation: LACIS },
      ],
    });
    for (const name of ["theirs", "ours"]) await appendFile(mesh.host(name).configPath, STATS);
    await mesh.startAll();
  });
  afterAll(() => mesh.close());

  test("serves every series that Nebula serves, under the same name, labels and type, and counts the same handshake", async () => {
    const { overlay4 } = mesh.host("ours");
    expect((await mesh.host("theirs").ping(overlay4)).status).toBe(0);
    const theirs = await scrape(mesh.host("theirs"));
    const ours = await scrape(mesh.host("ours"));
    const served = [...readExposition(theirs).keys()].filter((name) => !name.includes("_info{"));
    expect(served.length).toBeGreaterThan(150);
    const mine = readExposition(ours);
    expect(served.filter((name) => !Number.isFinite(mine.get(name) ?? Number.NaN))).toEqual([]);
    // The list that is used where there is no Nebula.
    expect(dashboardQueries("ns_neb_").toSorted()).toEqual(served.toSorted());
    const types = (text: string): readonly string[] => text.split("\n").filter((line) => line.startsWith("# TYPE "));
    expect(types(theirs).filter((line) => !types(ours).includes(line))).toEqual([]);
    // In the words of the kernel, through a program that asks it.
    const shown = await mesh.host("ours").machine.must("ss", ["-uamn"]);
    const [, received, sent] = /:4242 .*?skmem:\(r\d+,rb(\d+),t\d+,tb(\d+),/s.exec(shown) ?? [];
    expect([mine.get("ns_neb_udp_0_rcvbuf"), mine.get("ns_neb_udp_0_sndbuf")]).toEqual([
      Number(received),
      Number(sent),
    ]);
    for (const name of ["ns_neb_hostmap_main_hosts", "ns_neb_hostmap_main_indexes", "ns_neb_certificate_max_version"])
      expect([name, mine.get(name)]).toEqual([name, readExposition(theirs).get(name)]);
  });
});

const STATS = `
stats:
  type: prometheus
  listen: 127.0.0.1:8080
  path: /metrics
  interval: 1s
  namespace: ns
  subsystem: neb
  message_metrics: true
  lighthouse_metrics: true
`;

/** Once the numbers of the last second are there. */
async function scrape({ machine }: MeshHost): Promise<string> {
  const program = `fetch("http://127.0.0.1:8080/metrics").then((r) => r.text()).then((t) => process.stdout.write(t))`;
  return waitFor(
    "metrics with a handshake in them",
    async () => {
      const { stdout } = await machine.run(process.execPath, ["-e", program]);
      return /^ns_neb_hostmap_main_hosts [4-9]/m.test(stdout) && stdout;
    },
    { withinMs: 10_000, everyMs: 500 },
  );
}
