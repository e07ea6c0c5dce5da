import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, connect as connectTcp, createServer, type Socket as TcpSocket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { afterEach, expect, test } from "vitest";
import type { Settings } from "../../../../src/core/config/settings.ts";
import type { Input } from "../../../../src/core/io.ts";
import type { CarrierConnection, CarrierNews } from "../../../../src/core/machine/carriers/orders.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import { type Endpoint, endpointAddress, endpointPort } from "../../../../src/core/netip/endpoint.ts";
import type { OperatorEvent } from "../../../../src/core/operator/event.ts";
import { CarrierService } from "../../../../src/runtime/carrier/carrier-service.ts";
import { frameOf } from "../../../../src/runtime/carrier/framing.ts";
import { nodeSuite } from "../../../../src/runtime/node-crypto.ts";
import { TestAuthority } from "../../fixtures/authority.ts";
import { identityOf, settingsOf } from "../../fixtures/settings.ts";
import { freePort } from "../mesh-files.ts";

const HOST = "10.77.0.1" as IpAddress;
const sides: Side[] = [];
const sockets: (TcpSocket | TLSSocket)[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const side of sides.splice(0)) await side.stop();
});

test("what one data plane sends to its connection comes to the other one from its connection, and back", async () => {
  const [server, client] = await pair();
  const there = (await server.up()).at;
  const here = (await client.up()).at;
  client.say("ping", here);
  expect(await server.hears()).toEqual(["ping", there]);
  server.say("pong", there);
  expect(await client.hears()).toEqual(["pong", here]);
  expect(server.service.describe()).toMatchObject({ accepted: 1, dialled: 0, sent: 1, received: 1 });
  expect(client.service.describe()).toMatchObject({ accepted: 0, dialled: 1, sent: 1, received: 1 });
});

test("both ends export the same binding, and two connections another one each", async () => {
  const [server, client] = await pair();
  const first = await client.up();
  expect((await server.up()).binding).toEqual(first.binding);
  client.service.order({ what: "open", host: "10.77.0.9" as IpAddress, places: [server.place] });
  await client.is(() => client.connections().length === 2);
  expect(client.connections()[1]?.binding).not.toEqual(first.binding);
});

test("a client that connects from elsewhere is another address to the data plane, and never 127.0.0.1", async () => {
  const [server, client] = await pair();
  const { at } = await server.up();
  const other = await tlsTo(server, "127.0.0.9");
  other.write(frameOf(Buffer.from("hello there")));
  const [, from] = await server.hears();
  expect(endpointAddress(from)).not.toBe(endpointAddress(at));
  expect(endpointAddress(from)).toMatch(/^127\.76\./);
  expect(client.connections()).toHaveLength(1);
});

test("datagrams of somebody else on this machine do not get into a connection", async () => {
  const [server, client] = await pair();
  const { at } = await client.up();
  const stranger = createSocket("udp4");
  stranger.send("let me in", endpointPort(at), endpointAddress(at));
  client.say("after it", at);
  expect((await server.hears())[0]).toBe("after it");
  stranger.close();
});

test("a connection ends at both ends when one closes it, and says why", async () => {
  const [server, client] = await pair();
  const { at } = await client.up();
  client.service.order({ what: "close", at, why: "udp-works" });
  await server.is(() => server.ends().length === 1);
  expect([client.ends(), server.ends()]).toEqual([["udp-works"], ["closed-by-peer"]]);
  expect(server.service.describe()).toMatchObject({ accepted: 0 });
});

test("nobody listens, somebody without TLS listens: both have their name", async () => {
  const client = await Side.start(0);
  const deaf = createServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
  deaf.listen(0, "127.0.0.1");
  await once(deaf, "listening");
  const { port } = deaf.address() as AddressInfo;
  client.service.order({ what: "open", host: HOST, places: ["127.0.0.1:1" as Endpoint] });
  await client.is(() => client.failures().length === 1);
  client.service.order({ what: "open", host: HOST, places: [`127.0.0.1:${port}` as Endpoint] });
  await client.is(() => client.failures().length === 2);
  expect(client.failures()).toEqual(["unreachable", "no-tls"]);
  deaf.close();
});

test("who takes a connection and then says nothing, or half of what TLS wants, is no TLS, and is not waited for", {
  timeout: 20_000,
}, async () => {
  const client = await Side.start(0);
  for (const greeting of [Buffer.alloc(0), Buffer.from([0x16, 0x03, 0x03, 0x40, 0x00, 0x02])]) {
    const stalling = createServer((socket) => {
      socket.on("error", () => {});
      socket.write(greeting);
    });
    stalling.listen(0, "127.0.0.1");
    await once(stalling, "listening");
    const { port } = stalling.address() as AddressInfo;
    client.service.order({ what: "open", host: HOST, places: [`127.0.0.1:${port}` as Endpoint] });
    const before = client.failures().length;
    await client.is(() => client.failures().length > before);
    stalling.close();
  }
  expect(client.failures()).toEqual(["no-tls", "no-tls"]);
});

test("a place that the system cannot connect to at all is one where nobody answers", async () => {
  const client = await Side.start(0);
  const places = ["[fe80::1]:443", "255.255.255.255:443"] as Endpoint[];
  client.service.order({ what: "open", host: HOST, places });
  await client.is(() => client.failures().length === 1);
  expect(client.failures()).toEqual(["unreachable"]);
});

test("datagrams that come in halves, many in one piece and with signs of life between arrive whole, once and in order", async () => {
  const server = await Side.start("any");
  const tls = await tlsTo(server, "127.0.0.9");
  const texts = ["first", "", "second", "third"];
  const bytes = Buffer.concat(texts.map((text) => frameOf(Buffer.from(text))));
  for (const piece of [bytes.subarray(0, 1), bytes.subarray(1, 4), bytes.subarray(4, 12), bytes.subarray(12)]) {
    tls.write(piece);
    await pause(20);
  }
  for (const text of ["first", "second", "third"]) expect((await server.hears())[0]).toBe(text);
  expect(server.service.describe().received).toBe(3);
});

test("the second place is tried when the first does not answer", async () => {
  const server = await Side.start("any");
  const client = await Side.start(0);
  client.service.order({ what: "open", host: HOST, places: ["127.0.0.1:1" as Endpoint, server.place] });
  expect((await client.up()).remote).toBe(server.place);
});

test("one that is cancelled meanwhile is told to nobody", async () => {
  const server = await Side.start("any");
  const client = await Side.start(0);
  client.service.order({ what: "open", host: HOST, places: [server.place] });
  client.service.order({ what: "cancel", host: HOST });
  await pause(300);
  expect(client.news).toEqual([]);
  expect(server.service.describe().accepted).toBe(0);
});

test("who never shows who he is has five seconds, whether he speaks TLS or not", { timeout: 15_000 }, async () => {
  const server = await Side.start("any");
  const silent = tcpTo(server);
  await tlsTo(server, "127.0.0.9");
  const closed = once(silent, "close");
  const before = performance.now();
  await closed;
  await server.is(() => server.ends().length === 1);
  expect(performance.now() - before).toBeGreaterThan(4_000);
  expect(server.ends()).toEqual(["unproven"]);
});

test("whoever has shown it is left alone", { timeout: 15_000 }, async () => {
  const [server, client] = await pair();
  for (const side of [server, client]) side.service.order({ what: "proven", at: (await side.up()).at });
  await pause(6_000);
  expect([...server.ends(), ...client.ends()]).toEqual([]);
});

test("bytes that are no TLS, and datagrams that are too long, cost only that connection", async () => {
  const server = await Side.start("any");
  const hostile = tcpTo(server);
  hostile.write("GET / HTTP/1.1\r\n\r\n");
  await once(hostile, "close");
  const tls = await tlsTo(server, "127.0.0.9");
  tls.write(Uint8Array.of(0xff, 0xff, 1, 2, 3));
  await once(tls, "close");
  await server.is(() => server.ends().length === 1);
  expect(server.ends()).toEqual(["bad-frame"]);
  const good = await tlsTo(server, "127.0.0.9");
  good.write(frameOf(Buffer.from("good")));
  expect((await server.hears())[0]).toBe("good");
});

test("TLS 1.2 is refused", async () => {
  const server = await Side.start("any");
  const old = connectTls({
    port: endpointPort(server.place),
    host: "127.0.0.1",
    maxVersion: "TLSv1.2",
    rejectUnauthorized: false,
  });
  sockets.push(old);
  const [error] = await once(old, "error");
  expect(String(error)).toMatch(/protocol version|EPROTO|alert/i);
});

test("an address that connects too often is turned away, and counted by name", async () => {
  const server = await Side.start("any");
  const many = Array.from({ length: 40 }, () => tcpTo(server));
  await server.is(() => (server.service.describe().drops["connect-limited"] ?? 0) >= 15);
  expect(many.filter(({ destroyed }) => !destroyed).length).toBeLessThanOrEqual(25);
});

test("an address that lighthouse.remote_allow_list does not allow is turned away", async () => {
  const prefix = { address: "127.0.0.9" as IpAddress, bits: 32 };
  const server = await Side.start("any", { everybody: [{ prefix, allowed: false }], ranges: [] });
  const refused = tcpTo(server, "127.0.0.9");
  await once(refused, "close");
  expect(server.service.describe().drops).toEqual({ "place-not-allowed": 1 });
  await tlsTo(server, "127.0.0.8");
});

test("a reader that is too slow loses datagrams by name, and what waits for it stays small", {
  timeout: 20_000,
}, async () => {
  const server = await Side.start("any");
  const slow = await tlsTo(server, "127.0.0.9");
  slow.pause();
  const { at } = await server.up();
  const datagram = Buffer.alloc(1_400, 7);
  const before = process.memoryUsage().arrayBuffers;
  await server.is(() => {
    for (let i = 0; i < 100; i++) server.sendTo(datagram, at);
    return (server.service.describe().drops["carrier-full"] ?? 0) > 5_000;
  }, 15_000);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(24_000_000);
});

test("a port that is taken is said, and had as soon as it is free", async () => {
  const taken = createServer();
  taken.listen(0, "127.0.0.1");
  await once(taken, "listening");
  const { port } = taken.address() as AddressInfo;
  const side = await Side.start(port);
  expect(side.service.health()[0]?.text).toContain("another program uses this port");
  expect(side.told.map(({ code }) => code)).toEqual(["carrier-not-listening"]);
  taken.close();
  await side.is(() => side.service.health().length === 0);
  expect(side.told.map(({ code }) => code)).toEqual(["carrier-not-listening", "carrier-listening"]);
});

/** A service with a socket in place of its data plane. */
class Side {
  readonly service: CarrierService;
  readonly plane: Socket;
  readonly news: CarrierNews[] = [];
  readonly told: OperatorEvent[] = [];
  readonly #heard: [string, Endpoint][] = [];
  readonly #port: number;

  private constructor(settings: Settings, plane: Socket) {
    this.plane = plane;
    this.#port = settings.live.carrier.listenPort;
    plane.on("message", (datagram, { address, port }) =>
      this.#heard.push([datagram.toString(), `${address}:${port}` as Endpoint]),
    );
    // Somebody may still arrive when the socket is closed.
    const { port } = plane.address();
    this.service = new CarrierService(settings, {
      feed: (input: Input) => input.kind === "carrier" && this.news.push(input.news),
      tell: (event) => this.told.push(event),
      dataPlanePort: () => port,
      retryMs: 100,
    });
  }

  /** Listens at a free port ("any"), at this one, or not (0). */
  static async start(
    port: number | "any",
    remoteAllowList: Settings["live"]["lighthouse"]["remoteAllowList"] = { everybody: [], ranges: [] },
  ): Promise<Side> {
    const plane = createSocket("udp4");
    plane.bind(0, "127.0.0.1");
    await once(plane, "listening");
    const plan = { name: "side", networks: ["10.77.0.3/24"] };
    const settings = settingsOf(identityOf(nodeSuite, plan, new TestAuthority(nodeSuite, 7), 1), plan);
    const listenPort = port === "any" ? await freePort() : port;
    const { boot, live } = settings;
    const side = new Side(
      {
        boot: { ...boot, listen: { ...boot.listen, host: "127.0.0.1" as IpAddress } },
        live: { ...live, carrier: { listenPort, port: 443 }, lighthouse: { ...live.lighthouse, remoteAllowList } },
      },
      plane,
    );
    sides.push(side);
    await side.service.start();
    return side;
  }

  get place(): Endpoint {
    return `127.0.0.1:${this.#port}` as Endpoint;
  }

  connections(): readonly CarrierConnection[] {
    return this.news.flatMap((news) => (news.is === "up" ? news.connection : []));
  }

  ends(): readonly string[] {
    return this.news.flatMap((news) => (news.is === "down" ? news.why : []));
  }

  failures(): readonly string[] {
    return this.news.flatMap((news) => (news.is === "failed" ? news.why : []));
  }

  async up(): Promise<CarrierConnection> {
    await this.is(() => this.connections().length > 0);
    return this.connections()[0]!;
  }

  say(text: string, at: Endpoint): void {
    this.sendTo(Buffer.from(text), at);
  }

  sendTo(datagram: Uint8Array, at: Endpoint): void {
    this.plane.send(datagram, endpointPort(at), endpointAddress(at), () => {});
  }

  async hears(): Promise<[string, Endpoint]> {
    await this.is(() => this.#heard.length > 0);
    return this.#heard.shift()!;
  }

  async is(holds: () => boolean, withinMs = 8_000): Promise<void> {
    for (const start = performance.now(); !holds(); await pause(5))
      if (performance.now() - start > withinMs) throw new Error(`it does not come to pass: ${holds}`);
  }

  async stop(): Promise<void> {
    this.service.stop();
    await new Promise<void>((done) => this.plane.close(() => done()));
  }
}

async function pair(): Promise<[Side, Side]> {
  const server = await Side.start("any");
  const client = await Side.start(0);
  client.service.order({ what: "open", host: HOST, places: [server.place] });
  return [server, client];
}

function tcpTo(side: Side, from = "127.0.0.1"): TcpSocket {
  const socket = connectTcp({ port: endpointPort(side.place), host: "127.0.0.1", localAddress: from });
  sockets.push(socket);
  return socket.on("error", () => {});
}

async function tlsTo(side: Side, localAddress: string): Promise<TLSSocket> {
  const to = { port: endpointPort(side.place), host: "127.0.0.1", localAddress };
  const tls = connectTls({ ...to, rejectUnauthorized: false });
  sockets.push(tls);
  tls.on("error", () => {});
  await once(tls, "secureConnect");
  tls.resume();
  return tls;
}

function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}
