import { createSocket } from "node:dgram";
import { rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import { type Daemon, openNode } from "../../../../src/index.ts";
import { freePort, MeshFiles } from "../mesh-files.ts";
import { dashboardQueries, readExposition } from "./nebula-names.ts";

let files: MeshFiles;
let port: number;
let page: number;
const running: Daemon[] = [];
const servers: Server[] = [];

beforeEach(async () => {
  files = new MeshFiles();
  port = await freePort();
  page = await freePort();
});
afterEach(async () => {
  for (const daemon of running.splice(0)) await daemon.stop();
  for (const server of servers.splice(0)) server.close();
  rmSync(files.folder, { recursive: true });
});

describe("a dashboard made for Nebula", () => {
  test("gets an answer to every query, and ones that are right", async () => {
    const daemon = await open(prometheus({ namespace: "ns", subsystem: "neb" }));
    await daemon.ping({ by: "address", address: "10.77.0.2" as IpAddress }, 100);
    const series = await scrape();
    const queries = dashboardQueries("ns_neb_");
    expect(queries.filter((query) => !Number.isFinite(series.get(query) ?? Number.NaN))).toEqual([]);
    expect(queries.length).toBeGreaterThan(150);
    expect(series.get("ns_neb_certificate_ttl_seconds")).toBeGreaterThan(80_000);
    expect(series.get("ns_neb_certificate_max_version")).toBe(2);
    expect(series.get("ns_neb_udp_0_rcvbuf")).toBeGreaterThan(4_096);
    expect(
      series.get(`ns_neb_info{version="0.1.0",goversion="node${process.versions.node}",boringcrypto="false"}`),
    ).toBe(1);
  });

  test("gets messages by type only where they are asked for, but for recv_error", async () => {
    await open(prometheus({ message_metrics: false, lighthouse_metrics: false }));
    const names = [...(await scrape()).keys()];
    expect(names.filter((name) => /^(messages|lighthouse)_/.test(name))).toEqual([
      "messages_rx_recv_error",
      "messages_tx_recv_error",
    ]);
  });

  test("sees handshakes, tunnels and what goes through them", async () => {
    const other = await freePort();
    const there = files.host("there", "10.77.0.9", other, "lighthouse: { am_lighthouse: true }");
    running.push(await openNode({ config: there, stateDirectory: join(files.folder, "there.state") }));
    const known = `static_host_map: { "10.77.0.9": ["127.0.0.1:${other}"] }\nlighthouse: { hosts: ["10.77.0.9"] }\n`;
    const daemon = await open(known + prometheus({ interval: "100ms" }));
    await daemon.ping({ by: "address", address: "10.77.0.9" as IpAddress }, 5_000);
    const peer = `{name="there",address="10.77.0.9"}`;
    await expect
      .poll(async () => (await scrape()).get(`lacis_peer_received_bytes_total${peer}`) ?? 0, { timeout: 5_000 })
      .toBeGreaterThan(0);
    const series = await scrape();
    expect(series.get("hostmap_main_hosts")).toBe(1);
    expect(series.get("handshake_manager_initiated")).toBe(1);
    expect(series.get(`handshakes{type="count"}`)).toBe(1);
    expect(series.get(`handshakes{type="max"}`)).toBeGreaterThan(10_000);
    expect(series.get("messages_tx_handshake_ixpsk0")).toBeGreaterThan(0);
    expect(series.get("messages_rx_handshake_ixpsk0")).toBeGreaterThan(0);
    expect(series.get("lighthouse_tx_HostUpdateNotification")).toBeGreaterThan(0);
    expect(series.get("messages_tx_test_request")).toBeGreaterThan(0);
    expect(series.get(`lacis_peer_up${peer}`)).toBe(1);
    expect(series.get(`lacis_peers_by_path{path="direct"}`)).toBe(1);
    expect([...series.keys()].some((name) => name.startsWith("lacis_ca_ttl_seconds{"))).toBe(true);
    expect(series.get("lacis_rules")).toBe(2);
    expect(series.get("lacis_relay_pairs")).toBe(0);
  });
});

describe("the Prometheus page", () => {
  test("stands where the configuration says, and nowhere else", async () => {
    await open(prometheus({ path: "/stats" }));
    expect((await fetch(`http://127.0.0.1:${page}/metrics`)).status).toBe(404);
    expect((await fetch(`http://127.0.0.1:${page}/stats?x=1`)).status).toBe(200);
    expect((await fetch(`http://127.0.0.1:${page}/stats`, { method: "POST", body: "x" })).status).toBe(405);
  });

  test("moves with a reload, and goes with another one", async () => {
    const daemon = await open(prometheus({}));
    await scrape();
    const [before, after] = [page, await freePort()];
    page = after;
    reconfigure(prometheus({}));
    expect(daemon.reload().applied).toEqual(["stats.listen"]);
    await expect.poll(scrape).toBeTruthy();
    await expect(fetch(`http://127.0.0.1:${before}/metrics`)).rejects.toThrow();
    reconfigure("stats: { type: none }");
    daemon.reload();
    await expect(scrape()).rejects.toThrow();
  });

  test("on a port that is taken is missing, and said so; the host goes on, and a reload tries again", async () => {
    const squatter = await listen(page);
    const daemon = await open(prometheus({}));
    expect(healthOf(daemon)).toEqual([
      `Prometheus cannot be served on 127.0.0.1:${page}: another program uses this port`,
    ]);
    squatter.close();
    daemon.reload();
    await expect.poll(scrape).toBeTruthy();
    expect(healthOf(daemon)).toEqual([]);
  });

  test("counts reloads, those that were refused, too", async () => {
    const daemon = await open(prometheus({ interval: "100ms" }));
    daemon.reload();
    reconfigure("firewal: {}");
    expect(() => daemon.reload()).toThrow();
    const series = await scrape();
    expect(series.get(`lacis_reloads_total{outcome="applied"}`)).toBe(1);
    expect(series.get(`lacis_reloads_total{outcome="refused"}`)).toBe(1);
    expect(series.get("lacis_reload_successful")).toBe(0);
  });

  test("within one interval is made once, however many ask", async () => {
    await open(prometheus({ interval: "1h" }));
    const texts = await Promise.all(
      [1, 2, 3].map(async () => (await fetch(`http://127.0.0.1:${page}/metrics`)).text()),
    );
    expect(new Set(texts).size).toBe(1);
  });
});

describe("Graphite", () => {
  test("gets lines over TCP, in Nebula's words, again and again", async () => {
    const received: string[] = [];
    const server = await listen(page, (text) => received.push(text));
    await open(graphite("tcp"));
    await expect.poll(() => received.length, { timeout: 5_000 }).toBeGreaterThan(1);
    const lines = received[1]!.split("\n");
    for (const line of lines.filter(Boolean)) expect(line).toMatch(/^nebula\.[\w.-]+ -?[\d.e+-]+ \d{10}$/);
    const names = lines.map((line) => line.split(" ")[0]);
    expect(names).toContain("nebula.hostmap.main.hosts.value");
    expect(names).toContain("nebula.messages.rx.recv_error.count_ps");
    expect(names).toContain("nebula.handshakes.999-percentile");
    expect(names).toContain("nebula.runtime.ReadMemStats.mean-rate");
    server.close();
  });

  test("gets the same over UDP, in datagrams of whole lines", async () => {
    const received: Buffer[] = [];
    const socket = createSocket("udp4").on("message", (datagram) => received.push(datagram));
    await new Promise<void>((resolve) => socket.bind(page, "127.0.0.1", resolve));
    await open(graphite("udp"));
    const has = (name: string): boolean => received.some((datagram) => datagram.includes(name));
    await expect
      .poll(() => has("nebula.hostmap.main.hosts.value") && has("lacis.uptime"), { timeout: 5_000 })
      .toBe(true);
    for (const datagram of received) {
      expect(datagram.length).toBeLessThanOrEqual(1_400);
      expect(datagram.at(-1)).toBe(10);
    }
    socket.close();
  });

  test("that is not there is named; the host goes on, and it is said when it comes back", async () => {
    const daemon = await open(graphite("tcp"));
    const told: string[] = [];
    daemon.events.listen(({ code }) => told.push(code));
    await expect
      .poll(() => healthOf(daemon), { timeout: 5_000 })
      .toEqual([`Graphite at 127.0.0.1:${page} does not get its metrics: nobody listens there`]);
    await listen(page);
    await expect.poll(() => healthOf(daemon), { timeout: 5_000 }).toEqual([]);
    expect(told.filter((code) => code.startsWith("metrics-"))).toContain("metrics-sent");
  });
});

function prometheus(change: Record<string, string | boolean>): string {
  const values = {
    type: "prometheus",
    listen: `127.0.0.1:${page}`,
    path: "/metrics",
    interval: "10s",
    message_metrics: true,
    lighthouse_metrics: true,
    ...change,
  };
  return `stats: ${JSON.stringify(values)}`;
}

function graphite(protocol: string): string {
  return `stats: { type: graphite, interval: 200ms, protocol: ${protocol}, host: "127.0.0.1:${page}" }`;
}

function reconfigure(more: string): void {
  writeFileSync(join(files.folder, "laptop.yml"), files.configuration("laptop", port, more));
}

async function open(more: string): Promise<Daemon> {
  const config = files.host("laptop", "10.77.0.2", port, more);
  const daemon = await openNode({ config, stateDirectory: join(files.folder, "state") });
  running.push(daemon);
  return daemon;
}

async function scrape(): Promise<ReadonlyMap<string, number>> {
  const response = await fetch(`http://127.0.0.1:${page}/metrics`);
  expect(response.headers.get("content-type")).toContain("text/plain");
  return readExposition(await response.text());
}

function healthOf(daemon: Daemon): readonly string[] {
  return daemon
    .services()
    .flatMap(({ name, health }) => (name === "metrics" ? health : []))
    .map(({ text }) => text);
}

async function listen(at: number, heard: (text: string) => void = () => {}): Promise<Server> {
  const server = createServer((socket) => {
    let text = "";
    socket.on("data", (bytes) => {
      text += bytes.toString();
    });
    socket.on("end", () => {
      heard(text);
      socket.end();
    });
    socket.on("error", () => {});
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(at, "127.0.0.1", resolve));
  return server;
}
