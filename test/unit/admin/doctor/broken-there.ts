import type { IpAddress } from "../../../../src/core/netip/address.ts";
import { certificateOf } from "../../core/machine/bulletins/network.ts";
import { prefix, WORLD_BEGINS } from "../../fixtures/authority.ts";
import { DEFAULT_BOOT, DEFAULT_LIVE } from "../../fixtures/default-settings.ts";
import { ruleOf, rulesetOf } from "../../fixtures/rules.ts";
import { ALLOW_ALL } from "../../fixtures/settings.ts";
import { type Broken, trio } from "./broken.ts";
import {
  blocked,
  LAPTOP,
  LAPTOP_AT,
  LIGHTHOUSE,
  LIGHTHOUSE_AT,
  SERVER,
  SERVER_AT,
  STATICS,
  stranger,
  Trio,
} from "./trio.ts";

const DAY = 86_400n;
const servers = ruleOf({ groups: ["db"] });

/** What is wrong between it and another one. */
export const BROKEN_THERE: readonly Broken[] = [
  {
    is: "this host itself is asked about",
    make: trio({}, () => ({ asked: LAPTOP })),
    stage: "name",
    says: /is this host itself/,
  },
  {
    is: "an address outside the network is asked about",
    make: trio({}, () => ({ asked: "8.8.8.8" })),
    stage: "name",
    says: /8\.8\.8\.8 is not in any network of this host/,
  },
  {
    is: "a name is mistyped",
    make: trio({}, ({ laptop }) => {
      laptop.ping(SERVER);
      return { asked: "sevrer" };
    }),
    stage: "name",
    says: /did you mean "server"/,
  },
  {
    is: "the server does not report to a lighthouse",
    make: trio({ server: { lighthouses: [] } }),
    stage: "place",
    says: /no lighthouse \(10\.77\.0\.1\) said where 10\.77\.0\.2 is/i,
  },
  {
    is: "there is no lighthouse, and the server is not written down",
    make: trio({ laptop: { lighthouses: [], statics: {} } }),
    stage: "place",
    says: /not in static_host_map, and there is no lighthouse to ask/,
  },
  {
    is: "another host is where the server is said to be",
    make: trio({ server: { lighthouses: [] }, laptop: { statics: { ...STATICS, [SERVER]: [LIGHTHOUSE_AT] } } }),
    stage: "place",
    says: /lh answers there, which is not 10\.77\.0\.2/,
  },
  {
    is: "nobody may be where the server is",
    make: trio({
      laptop: {
        live: {
          lighthouse: {
            ...DEFAULT_LIVE.lighthouse,
            hosts: [LIGHTHOUSE as IpAddress],
            remoteAllowList: {
              everybody: [
                { prefix: prefix("192.0.2.2/32"), allowed: false },
                { prefix: prefix("0.0.0.0/0"), allowed: true },
              ],
              ranges: [],
            },
          },
        },
      },
    }),
    stage: "place",
    says: /remote_allow_list or remote_allow_ranges do not allow it/,
  },
  {
    is: "the server has IPv6 only, and we listen on IPv4",
    make: trio({ server: { lighthouses: [] }, laptop: { statics: { ...STATICS, [SERVER]: ["[2001:db8::2]:4242"] } } }),
    stage: "place",
    says: /this host cannot send: it has no address of that family/,
  },
  {
    is: "this host was revoked, and nobody tells it",
    make: () => {
      const quiet = { live: { tellsPeers: false } };
      const { mesh, lighthouse, laptop } = new Trio({ lighthouse: quiet, server: quiet });
      // Nothing that is said reaches it: it is asleep meanwhile.
      const before = mesh.delivers;
      mesh.delivers = (flight) => before(flight) && flight.to !== LAPTOP_AT;
      lighthouse.publish(mesh.authority.revocations(1, certificateOf(laptop)));
      mesh.run(1_000);
      mesh.delivers = before;
      laptop.restart();
      return { host: laptop, asked: SERVER };
    },
    stage: "lighthouse",
    says: /no lighthouse is reached/,
    todo: /[^.]; or it refuses this host: lacis status there says whom, and why/,
  },
  {
    is: "the server is down",
    make: trio({ laptop: { statics: STATICS } }, ({ mesh, server }) => mesh.remove(server)),
    stage: "handshake",
    says: /no answer from 192\.0\.2\.2:4242/i,
  },
  {
    is: "UDP is blocked between the two",
    make: trio({ mesh: blocked(LAPTOP_AT, SERVER_AT) }),
    stage: "handshake",
    says: /no answer from 192\.0\.2\.2:4242/i,
  },
  {
    is: "only what the server sends is blocked",
    make: trio({ mesh: blocked(SERVER_AT, LAPTOP_AT, { oneWay: true }) }),
    stage: "handshake",
    says: /no answer from 192\.0\.2\.2:4242/i,
  },
  {
    is: "the server uses another cipher",
    make: trio({ server: { boot: { ...DEFAULT_BOOT, cipher: "chachapoly" } }, laptop: { statics: STATICS } }),
    stage: "handshake",
    says: /do not decrypt\. Does it use another cipher than aes/,
  },
  {
    is: "the server refuses us, and has told nobody",
    make: trio({ server: { trusts: stranger(), lighthouses: [] }, laptop: { statics: STATICS } }),
    stage: "handshake",
    says: /no answer from 192\.0\.2\.2:4242/i,
  },
  {
    is: "our certificate is in the server's blocklist, which says so by way of the lighthouse",
    make: () => {
      const fingerprint = new Trio().laptop.settings.live.identity.credential.certificates[1]?.fingerprint ?? "";
      return { host: new Trio({ server: { blocklist: [fingerprint] } }).laptop, asked: SERVER };
    },
    stage: "trust",
    says: /10\.77\.0\.2 refuses this host: .*is blocked/,
  },
  {
    is: "the server's certificate is from another authority",
    make: trio({ server: { authority: stranger() }, laptop: { statics: STATICS } }),
    stage: "trust",
    says: /answered as somebody who says to be "server" \(10\.77\.0\.2\), and was refused.*CA is not trusted here/,
  },
  {
    is: "the server is of another network altogether, and calls",
    make: trio(
      {
        server: { authority: stranger(), trusts: stranger(), statics: { [LAPTOP]: [LAPTOP_AT] } },
        laptop: { statics: STATICS },
      },
      ({ server }) => server.say(LAPTOP, "hello"),
    ),
    stage: "trust",
    says: /this host refuses somebody who says to be "server" \(10\.77\.0\.2\): the certificate's CA is not trusted/,
  },
  {
    is: "the server's certificate has expired",
    make: trio({ server: { notAfter: WORLD_BEGINS - DAY }, laptop: { statics: STATICS } }),
    stage: "trust",
    says: /answered as server \(10\.77\.0\.2\), and was refused.*expired/,
  },
  {
    is: "the server's certificate is not valid yet",
    make: trio({ server: { notBefore: WORLD_BEGINS + DAY }, laptop: { statics: STATICS } }),
    stage: "trust",
    says: /answered as server \(10\.77\.0\.2\), and was refused/,
  },
  {
    is: "the server's certificate is in our blocklist",
    make: () => {
      const fingerprint = new Trio().server.settings.live.identity.credential.certificates[1]?.fingerprint ?? "";
      return { host: new Trio({ laptop: { blocklist: [fingerprint], statics: STATICS } }).laptop, asked: SERVER };
    },
    stage: "trust",
    says: /answered as server .*is blocked/,
  },
  {
    is: "the server was revoked, is asked for by its name, and still calls",
    make: () => {
      const { mesh, lighthouse, server, laptop } = new Trio();
      laptop.ping(SERVER);
      lighthouse.publish(mesh.authority.revocations(1, certificateOf(server)));
      mesh.run(1_000);
      server.ping(LAPTOP, 1_000);
      return { host: laptop, asked: "server" };
    },
    stage: "trust",
    says: /was revoked: list 1/,
  },
  {
    is: "the server falls silent inside the tunnel",
    make: trio({}, ({ laptop, mesh }) => {
      laptop.ping(SERVER);
      blocked(SERVER_AT, LAPTOP_AT, { oneWay: true })(mesh);
    }),
    stage: "path",
    says: /tunnel to server stands, but no reply/,
  },
  {
    is: "UDP is blocked between the two, and a relay helps",
    make: trio({
      mesh: blocked(LAPTOP_AT, SERVER_AT),
      lighthouse: { relay: { ...DEFAULT_LIVE.relay, amRelay: true, useRelays: false } },
      server: { relay: { ...DEFAULT_LIVE.relay, relays: [LIGHTHOUSE as IpAddress] } },
    }),
    stage: "path",
    outcome: "doubtful",
    says: /through the relay lh/,
  },
  {
    is: "the way swallows long packets",
    make: trio({ mesh: blocked(LAPTOP_AT, SERVER_AT, { above: 1_100 }) }),
    stage: "mtu",
    outcome: "doubtful",
    says: /packets of more than \d+ bytes do not pass/,
  },
  {
    is: "every outbound rule has another group than the server",
    make: trio({
      laptop: { live: { firewall: rulesetOf({ inbound: [ALLOW_ALL], outbound: [ruleOf({ groups: ["dbs"] })] }) } },
    }),
    stage: "policy",
    says: /no outbound rule of this host means server/,
  },
  {
    is: "the rule that was meant for going out stands under inbound",
    make: trio({ laptop: { live: { firewall: rulesetOf({ inbound: [servers], outbound: [] }) } } }),
    stage: "policy",
    says: /no outbound rule of this host means server/,
  },
  {
    is: "nothing may come in from the server",
    make: trio({
      laptop: { live: { firewall: rulesetOf({ inbound: [ruleOf({ groups: ["dbs"] })], outbound: [ALLOW_ALL] }) } },
    }),
    stage: "policy",
    outcome: "doubtful",
    says: /no inbound rule of this host means server/,
  },
  {
    is: "a group in the server's rule is mistyped",
    make: trio(
      {
        server: {
          live: {
            firewall: rulesetOf({
              inbound: [ruleOf({ groups: ["develpers"], protocol: "udp", place: "server.yml:7" })],
              outbound: [ALLOW_ALL],
            }),
          },
        },
        laptop: { groups: ["developers"] },
      },
      ({ laptop, mesh }) => {
        laptop.say(SERVER as IpAddress, "hello");
        mesh.run(1_000);
      },
    ),
    stage: "policy",
    says: /^server refuses udp\/7777 to server: no inbound rule allows it\. The one at server\.yml:7 .* comes closest, but for its host, groups or cidr\. laptop is in the group developers/,
  },
  {
    is: "the server's rule is for another port",
    make: trio(
      {
        server: {
          live: {
            firewall: rulesetOf({
              inbound: [ruleOf({ portFirst: 7778, portLast: 7778, protocol: "udp", place: "server.yml:9" })],
              outbound: [ALLOW_ALL],
            }),
          },
        },
      },
      ({ laptop, mesh }) => {
        laptop.say(SERVER as IpAddress, "hello");
        mesh.run(1_000);
      },
    ),
    stage: "policy",
    outcome: "doubtful",
    says: /server refuses udp\/7777 .*server\.yml:9 .* but for its port/,
  },
  {
    is: "our own rules refuse what the server sends",
    make: trio(
      {
        laptop: {
          live: {
            firewall: rulesetOf({
              inbound: [ruleOf({ groups: ["dbs"], place: "laptop.yml:3" })],
              outbound: [ALLOW_ALL],
            }),
          },
        },
      },
      ({ server, mesh }) => {
        server.say(LAPTOP, "hello");
        mesh.run(1_000);
      },
    ),
    stage: "policy",
    says: /^this host refuses udp\/7777 from server: no inbound rule allows it\. The one at laptop\.yml:3/,
  },
];
