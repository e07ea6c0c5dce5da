import type { IpAddress } from "../../../../src/core/netip/address.ts";
import type { Surroundings } from "../../../../src/runtime/underlay/interfaces.ts";
import { lanOverlaps } from "../../../../src/runtime/underlay/lan-overlap.ts";
import { familyHealth, overlapHealth } from "../../../../src/runtime/underlay/underlay-health.ts";
import { prefix, WORLD_BEGINS } from "../../fixtures/authority.ts";
import { DEFAULT_BOOT } from "../../fixtures/default-settings.ts";
import { NatMesh } from "../../fixtures/nat-mesh.ts";
import { type Broken, trio } from "./broken.ts";
import { cutOff, LAPTOP_AT, LIGHTHOUSE, LIGHTHOUSE_AT, SERVER, SERVER_AT, stranger, Trio } from "./trio.ts";

const DAY = 86_400n;
const YEAR_MS = 366 * 86_400_000;

/** What is wrong with the host itself, or around it. */
export const BROKEN_HERE: readonly Broken[] = [
  {
    is: "the file that would be read at the next start has an error",
    make: trio({}, () => ({ around: { refusedAtStart: "config.yml:3:1: firewal: unknown key" } })),
    stage: "configuration",
    outcome: "doubtful",
    says: /would be refused now: config\.yml:3:1: firewal/,
  },
  {
    is: "our authority is not in our own pki.ca",
    make: trio({ laptop: { authority: stranger() } }),
    stage: "certificate",
    says: /CA is not trusted here/,
  },
  {
    is: "our certificate has expired",
    make: trio({ laptop: { notAfter: WORLD_BEGINS - 3n * DAY } }),
    stage: "certificate",
    says: /expired 3 days ago/,
  },
  {
    is: "our certificate is not valid yet",
    make: trio({ laptop: { notBefore: WORLD_BEGINS + 2n * DAY } }),
    stage: "certificate",
    says: /is not valid for another 47 h/,
  },
  {
    is: "our clock is years ahead",
    make: trio({ laptop: { clockAheadMs: 3 * YEAR_MS } }),
    stage: "certificate",
    says: /expired/,
  },
  {
    is: "our own certificate is in our blocklist",
    make: () => {
      const { laptop } = new Trio();
      const fingerprint = laptop.settings.live.identity.credential.certificates[1]?.fingerprint ?? "";
      return { host: new Trio({ laptop: { blocklist: [fingerprint] } }).laptop, asked: SERVER };
    },
    stage: "certificate",
    says: /is blocked/,
  },
  {
    is: "the data plane does not run",
    make: trio({}, ({ laptop }) => laptop.stopDataPlane()),
    stage: "data-plane",
    says: /data plane is not running/,
  },
  {
    is: "the LAN has the network of the overlay",
    make: trio({}, () => ({
      around: { health: overlapHealth(lanOverlaps(onEth0("10.77.0.200/16"), [prefix("10.77.0.3/16")], true)) },
    })),
    stage: "overlay",
    says: /eth0 is in 10\.77\.0\.0\/16, which is the overlay network, too/,
  },
  {
    is: "another VPN's route leads the server's address elsewhere",
    make: trio({}, () => ({
      around: {
        health: [
          { code: "overlay-shadowed", severity: "warning", text: "to wg0 in clear", todo: "remove it", about: SERVER },
        ],
      },
    })),
    stage: "overlay",
    says: /wg0 in clear/,
  },
  {
    is: "this machine has only IPv6, and listen.host is the default",
    make: trio({}, () => ({
      around: { health: familyHealth(["2001:db8::7" as IpAddress], DEFAULT_BOOT.listen.host) },
    })),
    stage: "underlay",
    says: /listen\.host is 0\.0\.0\.0, which is IPv4 only/,
  },
  {
    is: "nothing comes through from or to this host",
    make: trio({ mesh: cutOff(LAPTOP_AT) }),
    stage: "lighthouse",
    says: /no lighthouse is reached\. 10\.77\.0\.1: no answer from 192\.0\.2\.1:4242/,
  },
  {
    is: "the lighthouse is silent",
    make: trio({ mesh: cutOff(LIGHTHOUSE_AT) }),
    stage: "lighthouse",
    says: /no lighthouse is reached/,
  },
  {
    is: "the lighthouse is of another network",
    make: trio({ lighthouse: { authority: stranger(), trusts: stranger() } }),
    stage: "lighthouse",
    says: /no lighthouse is reached\. 10\.77\.0\.1: no answer/,
  },
  {
    is: "the lighthouse's certificate has expired",
    make: trio({ lighthouse: { notAfter: WORLD_BEGINS - DAY } }),
    stage: "lighthouse",
    says: /answered as lh \(10\.77\.0\.1\), and was refused.*expired/,
  },
  {
    is: "another host is where the lighthouse is said to be",
    make: trio({ laptop: { statics: { [LIGHTHOUSE]: [SERVER_AT] } } }),
    stage: "lighthouse",
    says: /server answers there, which is not 10\.77\.0\.1/,
  },
  {
    is: "the lighthouse's name does not resolve",
    make: trio({ laptop: { statics: { [LIGHTHOUSE]: ["lighthouse.example:4242"] } } }),
    stage: "lighthouse",
    says: /names in static_host_map for 10\.77\.0\.1 do not resolve/,
  },
  {
    is: "nobody says where the lighthouse is",
    make: trio({ laptop: { statics: {} } }),
    stage: "lighthouse",
    says: /no underlay address is known for the lighthouse/i,
  },
  {
    is: "what is called a lighthouse is none",
    make: trio({ lighthouse: { amLighthouse: false } }, ({ mesh }) => mesh.run(20_000)),
    stage: "lighthouse",
    says: /lh is in lighthouse\.hosts, and answers no question/,
  },
  {
    is: "our clock is ten minutes slow",
    make: trio({ laptop: { clockAheadMs: -600_000 } }),
    stage: "clock",
    outcome: "doubtful",
    says: /(9|10) min behind/,
  },
  {
    is: "this host is behind a translator and keeps nothing open in it",
    make: () => {
      const nats = new NatMesh();
      const host = nats.host("laptop", "port");
      nats.mesh.run(5_000);
      return { host };
    },
    stage: "translator",
    outcome: "doubtful",
    says: /behind an address translator, and punchy\.punch is off/,
  },
  {
    is: "two hosts use one certificate, as the lighthouse sees it",
    make: trio({}, ({ mesh, lighthouse }) => {
      const known = { lighthouses: [LIGHTHOUSE], statics: { [LIGHTHOUSE]: [LIGHTHOUSE_AT] } };
      mesh.host("192.0.2.77:4242", { name: "server", networks: [`${SERVER}/16`], groups: ["db"], ...known });
      mesh.run(40_000);
      return { host: lighthouse, asked: undefined };
    }),
    stage: "others",
    outcome: "doubtful",
    says: /two hosts use the certificate of server \(10\.77\.0\.2\), from 192\.0\.2\.(2|77):4242 and/,
  },
  {
    is: "two certificates have one address, as the lighthouse sees it",
    make: trio({}, ({ mesh, lighthouse }) => {
      const known = { lighthouses: [LIGHTHOUSE], statics: { [LIGHTHOUSE]: [LIGHTHOUSE_AT] } };
      mesh.host("192.0.2.77:4242", { name: "printer", networks: [`${SERVER}/16`], ...known });
      mesh.run(40_000);
      return { host: lighthouse, asked: undefined };
    }),
    stage: "others",
    outcome: "doubtful",
    says: /two certificates have the address 10\.77\.0\.2: server at .* and printer|printer at .* and server/,
  },
  {
    is: "somebody with an expired certificate calls the lighthouse again and again",
    make: trio({ server: { notAfter: WORLD_BEGINS - DAY } }, ({ lighthouse }) => ({
      host: lighthouse,
      asked: undefined,
    })),
    stage: "others",
    outcome: "doubtful",
    says: /server \(10\.77\.0\.2\) at 192\.0\.2\.2:4242 was refused .*: the certificate expired/,
  },
];

function onEth0(address: string): Surroundings {
  const device = { name: "eth0", kind: "", ethernet: true, ports: [], carrierChanges: 0 };
  return { interfaces: [{ ...device, addresses: [prefix(address)] }], ways: [] };
}
