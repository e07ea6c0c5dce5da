import { describe, expect, test } from "vitest";
import type { Fingerprint } from "../../../../src/core/cert/certificate.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import type { Endpoint } from "../../../../src/core/netip/endpoint.ts";
import type { EventCode } from "../../../../src/core/operator/event.ts";
import { EVENT_CODES, render } from "../../../../src/core/operator/render.ts";
import { describeEvents } from "./events-page.ts";
import { EXAMPLES } from "./examples.ts";

describe("an operator event", () => {
  test.each(EVENT_CODES)("%s reads as it always has", (code) => {
    expect(render(EXAMPLES[code]).text).toBe(SENTENCES[code]);
  });

  test("has a code of its own, which is that of the line", () => {
    expect(EVENT_CODES.map((code) => render(EXAMPLES[code]).code)).toEqual(EVENT_CODES);
    expect(new Set(EVENT_CODES).size).toBe(EVENT_CODES.length);
    for (const code of EVENT_CODES) expect(code).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
  });

  test("has no field that would hide one of the line itself", () => {
    const own = ["time", "level", "msg", "code"];
    for (const code of EVENT_CODES)
      expect(Object.keys(render(EXAMPLES[code]).fields).filter((name) => own.includes(name))).toEqual([]);
  });

  test("has fields that are plain values", () => {
    const plain = (value: unknown): boolean =>
      ["string", "number", "boolean"].includes(typeof value) || (Array.isArray(value) && value.every(plain));
    for (const code of EVENT_CODES)
      expect(Object.values(render(EXAMPLES[code]).fields).filter((v) => !plain(v))).toEqual([]);
  });

  test.each(EVENT_CODES)("%s says no time more precisely than people do, however it was measured", (code) => {
    const measured = JSON.parse(
      JSON.stringify(EXAMPLES[code], (key, value: unknown) =>
        typeof value === "bigint" ? String(value) : key.endsWith("Ms") && value !== undefined ? 10_003.274_112 : value,
      ),
    ) as (typeof EXAMPLES)[typeof code];
    expect(render({ ...EXAMPLES[code], ...durationsOf(measured) }).text).not.toMatch(
      /(?<![\d.])\d+\.\d{2,}(?![\d.])|10003/,
    );
  });

  test("stands in docs/EVENTS.md", async () => {
    await expect(describeEvents()).toMatchFileSnapshot("../../../../docs/EVENTS.md");
  });
});

/** What was measured of an event; the rest of it stays as it was made. */
function durationsOf(event: object): object {
  return Object.fromEntries(Object.entries(event).filter(([key]) => key.endsWith("Ms") || key === "failure"));
}

describe("a line", () => {
  test("of a new tunnel has its session's facts as fields", () => {
    expect(render(EXAMPLES["tunnel-up"])).toEqual({
      level: "info",
      code: "tunnel-up",
      text: "The tunnel to server is up in 3.1 ms.",
      fields: {
        name: "server",
        address: "10.77.0.2",
        path: "192.0.2.2:4242",
        role: "initiator",
        version: 1,
        peerVersion: 2,
        handshakeMs: 3.0625,
      },
    });
  });

  test("leaves out what is not known, but for a path", () => {
    const { fields } = render({ ...EXAMPLES["session-renewed"], path: undefined });
    expect(fields).toMatchObject({ path: "" });
    expect(fields).not.toHaveProperty("handshakeMs");
  });

  test("of a denied packet names what it needs for a rule", () => {
    expect(render(EXAMPLES["packet-denied"]).fields).toEqual({
      reason: "no-matching-rule",
      direction: "inbound",
      local: "10.77.0.3",
      remote: "10.77.0.2",
      protocol: 6,
      localPort: 22,
      remotePort: 50_000,
      closestRule: "config.yml:18",
      misses: ["port", "peer"],
      groups: ["admins", "laptops"],
    });
  });

  test("of a denied packet without any rule says just that", () => {
    const { text, fields } = render({ ...EXAMPLES["packet-denied"], closest: undefined });
    expect(text).toBe("No inbound rule allows this packet.");
    expect(fields).not.toHaveProperty("closestRule");
  });

  test("is a warning when a host that we called is refused, and none where anybody could cause it", () => {
    const refusal = { code: "unreadable", message: 1, why: "message 1 is too short" } as const;
    const answered = {
      code: "handshake-refused",
      address: undefined,
      endpoint: "192.0.2.9:1" as Endpoint,
      refusal,
    } as const;
    expect(render(answered)).toEqual({
      level: "debug",
      code: "handshake-refused",
      text: "Message 1 is malformed: message 1 is too short.",
      fields: { endpoint: "192.0.2.9:1", reason: "unreadable", role: "responder" },
    });
    const fingerprint = "5af2" as Fingerprint;
    expect(
      render({ ...answered, address: "10.77.0.2" as IpAddress, refusal: { code: "too-old", fingerprint } }),
    ).toMatchObject({ level: "warn", fields: { address: "10.77.0.2", role: "initiator", fingerprint } });
  });
});

const SENTENCES: Readonly<Record<EventCode, string>> = {
  "tunnel-up": "The tunnel to server is up in 3.1 ms.",
  "session-renewed": "A new session with server stands.",
  "tunnel-down": "The tunnel to server is down: the peer does not answer any more.",
  "session-ended": "A session with server has ended: replaced.",
  "recv-error": "Where server is, somebody says that there is no such session; calling it anew.",
  renewal: "Calling server for a new session: old-age.",
  "renewal-failed": "A new handshake with server failed: No answer from 192.0.2.2:4242 in 6.5 s (10 attempts).",
  "gateway-left": "The gateway server does not answer: what went to 2 networks behind it goes through others.",
  "gateway-back": "The gateway server answers again.",
  "peer-distrusted": "server is cut off: the certificate expired 3 h ago.",
  "bulletin-held": 'The revocation list 7 of "home" has come from server.',
  "bulletin-refused":
    "server offers a policy 3 that is not taken: its signature is not that of the authority it names.",
  "lighthouse-message-malformed": "A lighthouse message was malformed.",
  "lighthouse-message-refused":
    "server is not heard by this lighthouse: it reports for an address that its certificate does not have.",
  "relay-message-malformed": "A message about a relayed way was malformed.",
  "path-changed": "The tunnel to server goes via 10.77.0.9 now.",
  relaying: "server and printer find each other through this host now.",
  "relaying-ended": "server does not find printer through this host any more: there is no tunnel to it.",
  "relay-refused": "server is not led to 10.77.0.2 through this host: relay.am_relay is not set here.",
  "session-not-adopted": "A running session was not taken over and is closed.",
  "handshake-refused": "The certificate's CA is not trusted here: it names none.",
  "handshake-failed": "No lighthouse (10.77.0.1) said where 10.77.0.2 is.",
  "handshake-deferred": "A message 1 is shorter than its answer would be: it is answered when it is repeated.",
  "handshake-repeated": "A repeated message 1 got its stored answer again.",
  "message-2-unreadable":
    "An answer to our handshake does not decrypt: forged, damaged, or the peer uses another cipher.",
  "message-2-not-read": "So many answers to our handshake came from there at once that this one was not read.",
  "carrier-up": "UDP does not come through: it is reached over TCP (192.0.2.2:443).",
  "carrier-down": "It is not reached over TCP any more: somebody stands between us and it.",
  "carrier-failed": "UDP to this host fails, and TCP does, too: nobody answers at its TCP port.",
  "wrong-responder": "printer answers there, which is not 10.77.0.2.",
  "data-plane-down": "The data plane is gone; tunnels return when it does.",
  "data-plane-refused": "The data plane refused install-session: the table is full",
  "data-plane-lost": "The data plane ended by itself.",
  "data-plane-failed": "The data plane could not be started.",
  "data-plane-up": "The data plane runs again.",
  "data-plane-replaced": "The running data plane is not the one that is wanted; another is started.",
  "data-plane-upgraded":
    "The data plane lacis-dataplane 0.1.1 (0a1b2c3d4e5f) has taken over from lacis-dataplane 0.1.0 (1f2e3d4c5b6a); tunnels go on.",
  "data-plane-kept":
    "The data plane that runs goes on, because the one of this installation could not take over: it ended with exit code 1: nobody listens there.",
  "guard-failed": "Packets of the overlay are not kept off other ways: the filter rules could not be changed.",
  "route-missing":
    "The route 192.168.7.0/24 into the overlay could not be given to the system: the route 192.168.7.0/24: one with metric 0 leads to eth1.",
  "underlay-changed":
    "This machine is at other addresses or leaves by another way (3 changes in a minute): 192.0.2.77.",
  "port-mapped": "The router 192.168.1.1 leads 203.0.113.8:4242 to this host for 120 minutes.",
  "port-not-mapped":
    "The router 192.168.1.1 leads no port to this host (nat-pmp: address-not-public); it is asked again by itself, ever more seldom.",
  woke: "This machine stood still for 61 s; every tunnel is tried.",
  "listen-address-missing": "No interface has 192.0.2.77 (listen.host): nobody reaches this host until one has.",
  "listen-address-there": "An interface has 192.0.2.77 (listen.host) now.",
  "underlay-watch-ended":
    "Changes of this machine's addresses are noticed within seconds only, not at once: it ended with SIGKILL.",
  "bulletins-unreadable":
    "What the authority has revoked before is not known until a peer tells it again: /var/cache/lacis/config-1f0c93ab.bulletins.pem holds something else than bulletins.",
  "bulletins-unwritable":
    "What the authority has revoked cannot be kept for the next start: /var/cache/lacis/config-1f0c93ab.bulletins.pem: the disk is full.",
  "places-unreadable":
    "Where peers were before is not known: /var/cache/lacis/config-1f0c93ab.places is no list of places. It is written anew.",
  "places-unwritable":
    "Where peers are cannot be kept for the next start: /var/cache/lacis/config-1f0c93ab.places: the disk is full.",
  "route-watch-ended": "Routes of the system are not learned for now: it ended with SIGKILL.",
  "routes-restored": "2 routes into the overlay had gone and stand again.",
  "device-watch-ended":
    "What others change about the device is noticed within half a minute only, not at once: it ended with SIGKILL.",
  "device-restored":
    "Somebody had changed mesh0 (fd77::2/64 was missing, it was down, its MTU was another); it is again as it should be.",
  "device-gone": "Somebody has removed mesh0; it is made anew.",
  "overlay-address-missing":
    "mesh0 could not be given one of its addresses: the address fd77::2/64: Permission denied (os error 13).",
  "guard-restored":
    "Somebody had removed the unreachable routes that keep packets of the overlay off other ways; they stand again.",
  "overlay-over-lan":
    "The overlay shares addresses with a network of this machine: eth0 is in 10.77.0.0/24, which overlaps the overlay network 10.77.0.0/16: packets for hosts of the overlay with such addresses can leave there in clear.",
  "overlay-shadowed":
    "Packets to 10.77.0.2/32 go to eth0 in clear and not into the overlay: a route or a rule of somebody else's comes before ours.",
  "socket-error": "The UDP socket reports an error.",
  "device-error": "The TUN device reports an error.",
  "send-refused":
    "Datagrams to 192.0.2.2:4242 do not leave this machine: not permitted: a packet filter of this machine refuses them (EPERM).",
  "send-refusals-ended": "No datagram was refused any more (EPERM) for some time; it had gone on for 12 s.",
  "data-plane-lacks":
    'The data plane is an older one without "queues": routines takes effect when the installed one is started.',
  "names-wired": "Programs on this host find names below mesh (by /etc/resolv.conf).",
  "names-not-wired":
    "The system's resolver could not be told of the overlay's names, or that they are gone: EROFS: read-only file system.",
  "dns-listening": "DNS queries are answered at 10.77.0.1:53, 127.0.0.1:53.",
  "dns-not-listening": "DNS queries at 127.0.0.1:53 are not answered: another program listens there.",
  "so-mark-ignored": "listen.so_mark needs the native data plane; packets are not marked.",
  "packet-dropped": "An outbound packet was dropped: no-route.",
  "refused-there": "10.77.0.2 refuses this host: the certificate expired 3 h ago.",
  "refused-by-peer":
    "server refuses tcp/22 from here: no inbound rule allows it there. The one at config.yml:18 (tcp 22 groups=admin) comes closest, but for its host, groups or cidr. laptop is in the group admins.",
  "packet-denied":
    "No inbound rule allows this packet. The one at config.yml:18 (tcp 2222 groups=admin) comes closest, but for its port, its host, groups or cidr. laptop is in the groups admins, laptops.",
  ready: "Ready, with the data plane that was running.",
  stopped: "The tunnels are closed and the device is removed.",
  left: "This process ends; tunnels go on, and the next one takes them over.",
  reloaded: "The new configuration applies.",
  "policy-applied":
    "Policy 7 applies with 12 rules of this host, for 60 s unless it is confirmed; it is an audit, which refuses nothing.",
  "out-of-network": 'This host is out of the network: the certificate was revoked: list 7 of "home", says db1.',
  "debug-access-begun": "laptop may reach tcp/5432, icmp here for debugging until 2027-01-01 00:00 UTC.",
  "debug-access-ended": "The debug access of laptop has ended: it may reach nothing here any more.",
  "debug-access-refused": "Debug access 7 cannot be used: its guests make no sense; nobody has any here.",
  "policy-reverted": "Policy 7 was not confirmed in time; the rules of before apply again.",
  "policy-refused": "Policy 7 cannot be used: its rule 3 makes no sense; the rules of before go on.",
  "policy-would-refuse":
    "laptop reaches tcp/5432 here, and only policy.yaml:18 lets that through, which is merely audited.",
  "certificate-expires":
    "This host's certificate expires in 6 days: renew it with lacis-cert resign, then: lacis reload.",
  "certificate-renewed": "This host has a new certificate, valid for another 90 days.",
  "certificate-not-renewed":
    "The certificate is not renewed yet: 10.77.0.1:4242: nobody answers. It is tried again in 1 h; see that its TCP port is open there, and on the way: lacis-cert serve.",
  "certificate-pending":
    "The new certificate waits for somebody to agree: the authority's key is not here. Whoever holds the authority's key: lacis-cert approve 5b1c.",
  "config-warning": "config.yml:3:1: tun.network_category: has no effect here - it is for Windows",
  "carrier-listening": "Hosts whose UDP is blocked may come over TCP.",
  "carrier-not-listening": "Hosts whose UDP is blocked cannot come over TCP; everything else goes on.",
  "console-served": "The console is served over SSH.",
  "console-unavailable": "There is no console; everything else goes on.",
  "console-login": "Somebody has logged in to the console.",
  "console-refused": "Somebody with none of the right keys was refused by the console.",
  "metrics-served": "Metrics are served to Prometheus.",
  "metrics-sent": "Graphite gets metrics again.",
  "collector-reached": "The OpenTelemetry collector takes again what it is sent.",
  "collector-unreachable": "The OpenTelemetry collector does not take what it is sent; everything else goes on.",
  "metrics-unavailable": "There are no metrics; everything else goes on.",
  "reload-applied": "The configuration was read again.",
  "reload-refused": "cannot use the configuration - it has an error - correct it",
  repeated: "It does not come any more, after 57 more times: The data plane ended by itself.",
  suppressed: "Suppressed 12 more lines like this.",
};
