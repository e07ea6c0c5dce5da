import { beforeEach, describe, expect, test } from "vitest";
import type { LiveSettings } from "../../../../src/core/config/settings.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import { prefix } from "../../fixtures/authority.ts";
import { type Host, Mesh, udpPacket } from "../../fixtures/mesh.ts";
import type { HostPlan } from "../../fixtures/settings.ts";

const LAN = "192.168.7.0/24";
const PRINTER = "192.168.7.9" as IpAddress;

let mesh: Mesh;
let client: Host;
let east: Host;
let west: Host;
let dead: Set<Host>;

beforeEach(() => {
  mesh = new Mesh();
  dead = new Set();
  mesh.delivers = ({ from, to }) => ![...dead].some(({ endpoint }) => endpoint === from || endpoint === to);
  east = mesh.host("192.0.2.3:4242", gateway("east", "10.77.0.3/24"));
  west = mesh.host("192.0.2.4:4242", gateway("west", "10.77.0.4/24"));
});

describe("a network behind a gateway", () => {
  test("is reached, and reaches back", () => {
    client = clientVia({ "10.77.0.3": 1 });
    client.say(PRINTER, "print");
    mesh.run(100);
    expect(east.heard).toEqual(["print"]);
    lanSays(east, "printed");
    expect(client.heard).toEqual(["printed"]);
  });

  test("is not spoken for by a host whose certificate does not carry it", () => {
    client = clientVia({ "10.77.0.5": 1 });
    const liar = mesh.host("192.0.2.5:4242", {
      name: "liar",
      networks: ["10.77.0.5/24"],
      unsafeNetworks: ["192.168.8.0/24"],
    });
    client.say(PRINTER, "print");
    mesh.run(100);
    expect(liar.heard).toEqual([]);
    lanSays(liar, "printed");
    expect(client.heard).toEqual([]);
    expect(client.status().routes[0]?.gateways[0]?.state).toBe("not-in-certificate");
  });

  test("is reached again after the client's control plane has started anew", () => {
    client = clientVia({ "10.77.0.3": 1 });
    client.say(PRINTER, "one");
    mesh.run(100);
    client.restartControlPlane();
    client.say(PRINTER, "two");
    mesh.run(100);
    lanSays(east, "both");
    expect([east.heard, client.heard]).toEqual([["one", "two"], ["both"]]);
  });

  test("that a reload takes away is left at once, and one that it adds is reached", () => {
    client = clientVia({ "10.77.0.3": 1 });
    client.say(PRINTER, "one");
    mesh.run(100);
    client.reload(routed(client.settings.live, { "10.77.0.4": 1 }));
    client.say(PRINTER, "two");
    mesh.run(100);
    expect([east.heard, west.heard]).toEqual([["one"], ["two"]]);
    client.reload({ ...client.settings.live, tun: { ...client.settings.live.tun, unsafeRoutes: [] } });
    client.say(PRINTER, "three");
    mesh.run(100);
    expect([east.heard, west.heard]).toEqual([["one"], ["two"]]);
  });
});

describe("of several gateways", () => {
  test("all have a tunnel as soon as one is needed", () => {
    client = clientVia({ "10.77.0.3": 1, "10.77.0.4": 0 });
    client.say(PRINTER, "print");
    mesh.run(200);
    expect(statesOf(client)).toEqual({ east: "up", west: "up" });
    expect(west.heard).toEqual([]);
  });

  test("nobody is called while nobody needs them", () => {
    client = clientVia({ "10.77.0.3": 1, "10.77.0.4": 1 });
    mesh.run(60_000);
    expect(client.status().peers).toEqual([]);
  });

  test.each([true, false])(
    "one that dies is left within 3 s, also when nothing ever comes back (answers: %s)",
    (answers) => {
      client = clientVia({ "10.77.0.3": 1, "10.77.0.4": 0 });
      const talk = (seconds: number): void => {
        for (let step = 0; step < seconds * 10; step++) {
          client.say(PRINTER, `${mesh.now}`);
          mesh.run(100);
          if (answers && !dead.has(east)) lanSays(east, "yes");
        }
      };
      talk(5);
      expect(west.heard).toEqual([]);
      const diedAt = mesh.now;
      dead.add(east);
      talk(5);
      const first = Number(west.heard[0]);
      expect(first - diedAt).toBeLessThan(3_000);
      expect(statesOf(client)).toMatchObject({ west: "up" });
      expect(client.noticed("gateway-left")).toHaveLength(1);
      dead.clear();
      talk(15);
      expect(statesOf(client)).toEqual({ east: "up", west: "up" });
    },
  );

  test("one that loses a packet now and then, or is asked nothing, is not left", () => {
    client = clientVia({ "10.77.0.3": 1, "10.77.0.4": 0 });
    client.say(PRINTER, "first");
    mesh.run(1_000);
    let count = 0;
    mesh.delivers = () => ++count % 4 !== 0;
    for (let step = 0; step < 300; step++) {
      client.say(PRINTER, "more");
      mesh.run(100);
    }
    mesh.run(60_000);
    expect(client.noticed("gateway-left")).toEqual([]);
    expect(west.heard).toEqual([]);
  });

  test("one that never was there costs a call now and then, and no flow", () => {
    dead.add(east);
    client = clientVia({ "10.77.0.3": 1, "10.77.0.4": 1 });
    for (let step = 0; step < 100; step++) {
      client.say(PRINTER, "print");
      mesh.run(100);
    }
    expect(west.heard.length).toBeGreaterThan(90);
  });

  test("one whose certificate does not carry the network is passed over", () => {
    mesh.host("192.0.2.5:4242", { name: "liar", networks: ["10.77.0.5/24"] });
    client = clientVia({ "10.77.0.5": 1, "10.77.0.3": 0 });
    for (let step = 0; step < 10; step++) {
      client.say(PRINTER, `${step}`);
      mesh.run(100);
    }
    expect(east.heard.slice(-5)).toEqual(["5", "6", "7", "8", "9"]);
    expect(statesOf(client)).toEqual({ liar: "not-in-certificate", east: "up" });
  });
});

function gateway(name: string, network: string): HostPlan {
  return { name, networks: [network], unsafeNetworks: [LAN] };
}

function clientVia(weights: Readonly<Record<string, number>>): Host {
  const statics = {
    "10.77.0.3": ["192.0.2.3:4242"],
    "10.77.0.4": ["192.0.2.4:4242"],
    "10.77.0.5": ["192.0.2.5:4242"],
  };
  const plan: HostPlan = { name: "client", networks: ["10.77.0.2/24"], statics };
  const host = mesh.host("192.0.2.2:4242", plan);
  host.reload(routed(host.settings.live, weights));
  return host;
}

function routed(live: LiveSettings, weights: Readonly<Record<string, number>>): LiveSettings {
  const gateways = Object.entries(weights).map(([address, weight]) => ({ address: address as IpAddress, weight }));
  const route = { prefix: prefix(LAN), gateways, mtu: undefined, metric: 0, install: true };
  return { ...live, tun: { ...live.tun, unsafeRoutes: [route] } };
}

/** The printer answers through this gateway. */
function lanSays(through: Host, text: string): void {
  const answer = udpPacket(PRINTER, client.address, text);
  // From its port to ours.
  answer.set([7777 >> 8, 7777 & 0xff, 40_000 >> 8, 40_000 & 0xff], 20);
  through.dataPlane.fromTun(answer, mesh.now);
  through.drain();
  mesh.run(20);
}

function statesOf(host: Host): Readonly<Record<string, string>> {
  const [route] = host.status().routes;
  return Object.fromEntries((route?.gateways ?? []).map(({ name, address, state }) => [name ?? address, state]));
}
