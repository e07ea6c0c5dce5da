import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { DropReason } from "../../../../src/core/drop-reason.ts";
import type { NodeStatus } from "../../../../src/core/io.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import { render } from "../../../../src/core/operator/render.ts";
import { expose } from "../../../../src/runtime/metrics/exposition.ts";
import { Happenings } from "../../../../src/runtime/metrics/happenings.ts";
import { MessageCounts } from "../../../../src/runtime/metrics/message-counts.ts";
import { ownMetrics } from "../../../../src/runtime/metrics/own-metrics.ts";
import { PEERS_TOLD_MAX, PeerLedger } from "../../../../src/runtime/metrics/peer-ledger.ts";
import type { Picture } from "../../../../src/runtime/metrics/picture.ts";
import { ProcessMetrics } from "../../../../src/runtime/metrics/process-metrics.ts";
import { daemonFacts, NOW_MS, nodeStatus, peerStatus } from "../../admin/fixture.ts";
import { noCounters } from "../../fixtures/counters.ts";
import { Mesh } from "../../fixtures/mesh.ts";
import { readExposition } from "./nebula-names.ts";

describe("what Nebula does not measure", () => {
  test("names so many peers and no more, of 5,000", async () => {
    const peers = Array.from({ length: 5_000 }, (_, i) => peerStatus({ name: `host${i}`, addresses: [addressOf(i)] }));
    const text = await textOf({ peers });
    const ups = text.split("\n").filter((line) => line.startsWith("lacis_peer_up{"));
    expect(ups).toHaveLength(PEERS_TOLD_MAX);
    const series = readExposition(text);
    expect(series.get("lacis_peers_untold")).toBe(5_000 - PEERS_TOLD_MAX);
    expect(series.get(`lacis_peer_sent_bytes_total{name="other",address=""}`)).toBe(5_000 * 1_000);
    expect(series.size).toBeLessThan(PEERS_TOLD_MAX * 20);
  });

  test("counts handshakes by how they ended, in all and with each peer", async () => {
    const happenings = new Happenings(NOW_MS);
    const address = "10.77.0.2" as IpAddress;
    for (let i = 0; i < 3; i++)
      happenings.heard(
        render({
          code: "handshake-failed",
          address,
          failure: { reason: "handshake-timeout", why: "too-many-calls" },
        }),
        NOW_MS,
      );
    happenings.heard(
      render({ code: "path-changed", name: "server", address, path: "192.0.2.2:4242" as never }),
      NOW_MS,
    );
    happenings.heard(
      render({
        code: "handshake-refused",
        address: undefined,
        endpoint: "192.0.2.2:4242" as never,
        refusal: { code: "too-old" },
      } as never),
      NOW_MS,
    );
    const series = readExposition(await textOf({ peers: [peerStatus({ loss: 0.25, mtu: 1_220 })] }, happenings));
    const peer = `{name="server",address="10.77.0.2"}`;
    expect(series.get(`lacis_handshakes_failed_total{reason="handshake-timeout"}`)).toBe(3);
    expect(series.get(`lacis_handshakes_refused_total{reason="too-old"}`)).toBe(1);
    expect(series.get(`lacis_peer_handshakes_failed_total${peer}`)).toBe(3);
    expect(series.get(`lacis_peer_path_changes_total${peer}`)).toBe(1);
    expect(series.get(`lacis_peer_loss_ratio${peer}`)).toBe(0.25);
    expect(series.get(`lacis_peer_mtu_bytes${peer}`)).toBe(1_220);
  });

  test("tells denied packets apart by direction, and drops by reason", async () => {
    const drops = new Map([
      [DropReason.noMatchingRule, 12n],
      [DropReason.fragment, 3n],
    ]);
    const series = readExposition(await textOf({ counters: noCounters({ drops, outboundNoMatchingRule: 5n }) }));
    expect(series.get(`lacis_denied_total{direction="outbound"}`)).toBe(5);
    expect(series.get(`lacis_denied_total{direction="inbound"}`)).toBe(7);
    expect(series.get(`lacis_drops_total{reason="fragment"}`)).toBe(3);
  });

  test("escapes what somebody else has written", async () => {
    const text = await textOf({ peers: [peerStatus({ name: 'a"b\\c\nd' })] });
    expect(text).toContain(`lacis_peer_up{name="a\\"b\\\\c\\nd",address="10.77.0.2"} 1`);
  });

  test("has for each family a help and a type, a counter exactly where its name ends in _total", async () => {
    const text = await textOf(everything());
    const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = "", type]) => ({ name, type }));
    const helped = new Set([...text.matchAll(/^# HELP (\S+) \S/gm)].map(([, name]) => name));
    expect(types.length).toBeGreaterThan(50);
    for (const { name, type } of types) {
      expect(helped).toContain(name);
      expect(`${name} ${type === "counter"}`).toBe(`${name} ${name.endsWith("_total")}`);
      expect(name).toMatch(/^lacis_[a-z_]+$/);
      expect(name).not.toMatch(/_(count|sum|bucket|ms|msec|milliseconds|kb|mb)(_total)?$/);
    }
  });

  test("stands in docs/METRICS.md", async () => {
    const page = describeMetrics(await textOf(everything()));
    await expect(page).toMatchFileSnapshot("../../../../docs/METRICS.md");
  });

  // `promtool` comes with Debian's package prometheus.
  test.skipIf(spawnSync("promtool", ["--version"]).error)("is clean to promtool", async () => {
    const { status, stderr, stdout } = spawnSync("promtool", ["check", "metrics"], {
      input: await textOf(everything()),
      encoding: "utf8",
    });
    expect(`${stdout}${stderr}`).toBe("");
    expect(status).toBe(0);
  });
});

const INTRODUCTION = `# Metrics of Lacis

With \`stats.type: prometheus\` a host serves them, with \`graphite\` it sends them. Under Nebula's names there is what Nebula measures, all of it as gauges, so that dashboards made for it go on;
these are ours beside it. \`stats.namespace\` and \`stats.subsystem\` come before each name. The 500 peers and the 200 rules that carry most have series of their own; what went to and from
peers while they had none is in \`name="other"\`, and the sums of it never fall. Names of peers are those of their certificates.

A collector of \`opentelemetry.endpoint\` is sent the same metrics (OTLP over HTTP, protobuf): what is a counter here is a monotonic sum whose name has dots and no \`_total\`, which collectors put back
for Prometheus. With \`opentelemetry.send_flows\` it gets a log record for each line of \`lacis flows --json\`: \`source.*\`, \`destination.*\` and \`network.*\` as OpenTelemetry names them, the rest below \`lacis.\`.
The standard variables for certificates and compression (\`OTEL_EXPORTER_OTLP_CERTIFICATE\`, \`OTEL_EXPORTER_OTLP_COMPRESSION\` ...) hold where the configuration says nothing.

[examples/monitoring](../examples/monitoring) has a dashboard for Grafana, ten alert rules and what Prometheus needs to ask hosts; a real Prometheus is asked for each panel and alert in the tests.

This page is made from the source: \`npx vitest run test/unit/runtime/metrics -u\`.

| metric | type | labels | what it is |
| --- | --- | --- | --- |
`;

function describeMetrics(text: string): string {
  const types = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = "", type = ""]) => [name, type]));
  const rows = [...text.matchAll(/^# HELP (\S+) (.+)$/gm)].map(([, name = "", about]) => {
    const [, labels = ""] = new RegExp(`^${name}\\{(.*)\\} `, "m").exec(text) ?? [];
    const keys = [...labels.matchAll(/(\w+)="/g)].map(([, key]) => `\`${key}\``).join(", ");
    return `| \`${name}\` | ${types.get(name)} | ${keys} | ${about} |\n`;
  });
  return INTRODUCTION + rows.join("");
}

/** A picture in which everything that is measured is there. */
function everything(): Partial<NodeStatus> {
  return {
    peers: [peerStatus({ loss: 0, mtu: 1_220 })],
    sendTroubles: [],
    counters: noCounters({ drops: new Map([[DropReason.fragment, 3n]]) }),
  };
}

async function textOf(node: Partial<NodeStatus>, happenings = happened()): Promise<string> {
  const mesh = new Mesh();
  const { settings } = mesh.host("192.0.2.1:4242", { name: "laptop", networks: ["10.77.0.3/24"] });
  const status = nodeStatus(node);
  const ledger = new PeerLedger();
  const named = ledger.look(status.peers);
  const picture: Picture = {
    node: status,
    settings,
    dataPlane: daemonFacts().dataPlane,
    named,
    others: ledger.others,
    messages: new MessageCounts(),
    happenings,
    rules: { version: 0, hash: 0 },
    usedRules: [
      { direction: "inbound", place: "config.yml:18", text: "tcp 22", flows: 1n, packets: 2n, bytes: 3n } as never,
    ],
    sockets: [],
    tell: { messages: true, lighthouse: true },
    version: "0.1.0",
    startedAt: NOW_MS - 1_000,
    now: NOW_MS,
  };
  const ofProcess = new ProcessMetrics().read().filter(({ name }) => name.startsWith("lacis."));
  return expose([...ownMetrics(picture), ...ofProcess], []);
}

function happened(): Happenings {
  const happenings = new Happenings(NOW_MS);
  happenings.failures.set("handshake-timeout", 1);
  happenings.refusals.set("too-old", 1);
  return happenings;
}

function addressOf(n: number): IpAddress {
  return `10.77.${n >> 8}.${n & 255}` as IpAddress;
}
