import type {
  Flow,
  LocalIndex,
  PolicyId,
  PolicyRule,
  RemoteIndex,
  SessionSnapshot,
} from "../../src/core/dataplane/contract.ts";
import { DropReason } from "../../src/core/drop-reason.ts";
import type { IpAddress } from "../../src/core/netip/address.ts";
import type { Endpoint } from "../../src/core/netip/endpoint.ts";
import type { Prefix } from "../../src/core/netip/prefix.ts";
import { directPath } from "../../src/core/path/path.ts";
import type { DataPlaneReport, DataPlaneRequest, ResultReport } from "../../src/runtime/dataplane/contract/codec.ts";
import { prefix } from "../unit/fixtures/authority.ts";

// One of each thing that can be said, for the record: with a new kind these lists do not compile until it has an example.

type Requests = { readonly [Kind in DataPlaneRequest["kind"]]: Extract<DataPlaneRequest, { kind: Kind }> };
type Reports = { readonly [Kind in DataPlaneReport["kind"]]: Extract<DataPlaneReport, { kind: Kind }> };

const localIndex = 77 as LocalIndex;
const policyId = 5 as PolicyId;
const [own, other, other6] = ["10.77.0.1", "10.77.0.2", "fd00:77::2"] as [IpAddress, IpAddress, IpAddress];
const endpoint = "192.0.2.9:4242" as Endpoint;
const path = directPath(endpoint);
const elsewhere = directPath("[2001:db8::9]:4243" as Endpoint);
const networks: readonly Prefix[] = [prefix("10.77.0.1/16"), prefix("fd00:77::1/64")];
const key = (first: number): Uint8Array => Uint8Array.from({ length: 32 }, (_, at) => (at * 7 + first) & 255);
const bytes = (...values: readonly number[]): Uint8Array => Uint8Array.from(values);

const web: PolicyRule = {
  ruleId: 3,
  protocol: "tcp",
  portFirst: 443,
  portLast: 8443,
  remote: [prefix("10.77.2.0/24"), prefix("fd00:77::/64")],
  local: [prefix("192.168.7.0/24")],
};
const all: PolicyRule = { ruleId: 0, protocol: "any", portFirst: 0, portLast: 65_535, remote: [], local: [] };

export const requests: Requests = {
  hello: { kind: "hello", oldest: 2, newest: 2 },
  "open-tun": {
    kind: "open-tun",
    name: "lacis1",
    mtu: 1300,
    addresses: networks,
    txQueue: 500,
    queues: 4,
    offloads: false,
    threads: { pinned: true, seed: 7, cpus: [2, 3] },
  },
  "open-udp": {
    kind: "open-udp",
    bind: "0.0.0.0:4242" as Endpoint,
    readBufferBytes: 1 << 20,
    writeBufferBytes: 1 << 19,
    batch: 64,
    mark: 7,
    queues: 4,
    offloads: false,
  },
  configure: {
    kind: "configure",
    networks,
    sendRecvError: "private",
    dropLocalBroadcast: true,
    dropMulticast: true,
    answerEcho: true,
    flowTimeouts: { tcpMs: 720_000, udpMs: 180_000, otherMs: 600_000 },
    flowLimit: 100_000,
    recordFlows: true,
    relayPeerKilobytes: 12_500,
    remoteAllowList: {
      everybody: networks.map((prefix, i) => ({ prefix, allowed: i === 0 })),
      ranges: networks.map((overlay) => ({ overlay, rules: [{ prefix: overlay, allowed: true }] })),
    },
    refuseNoRoute: "reject",
  },
  "install-session": {
    kind: "install-session",
    localIndex,
    remoteIndex: 0xffff_ffff as RemoteIndex,
    cipher: "aes",
    sendKey: key(1),
    receiveKey: key(2),
    sendCounter: 2n,
    receiveFloor: 2n,
    path,
    peerAddresses: [other, other6],
    allowedPrefixes: [prefix("192.168.8.0/24")],
    policyId,
    confirmed: true,
    primary: true,
    memo: bytes(1, 2, 3),
  },
  "set-path-mtu": { kind: "set-path-mtu", localIndex, mtu: 1220, largeAbove: 1000 },
  "set-path": { kind: "set-path", localIndex, path: { kind: "relayed", session: 78 as LocalIndex, relayIndex: 9 } },
  "set-primary": { kind: "set-primary", localIndex },
  "remove-session": { kind: "remove-session", localIndex, sendClose: true },
  "apply-policies": {
    kind: "apply-policies",
    programs: [{ policyId, inbound: [web], outbound: [all], refuse: { inbound: "drop", outbound: "reject" } }],
    bindings: [{ localIndex, policyId }],
    raiseEpoch: true,
  },
  "apply-routes": {
    kind: "apply-routes",
    routes: [
      { prefix: prefix("10.77.0.1/32"), target: { kind: "own" } },
      { prefix: prefix("10.77.0.0/16"), target: { kind: "peer" } },
      { prefix: prefix("10.77.9.0/24"), target: { kind: "none" } },
      { prefix: prefix("192.168.8.0/24"), target: { kind: "gateways", gateways: [{ address: other, weight: 3 }] } },
    ],
  },
  "seal-and-send": { kind: "seal-and-send", localIndex, type: 3, subtype: 1, body: bytes(7, 8), to: path },
  "send-datagram": { kind: "send-datagram", to: path, datagram: bytes(0x10, 0, 0, 0) },
  "drop-parked": { kind: "drop-parked", destination: other6 },
  "set-relay": {
    kind: "set-relay",
    relayIndex: 0xfffe_fdfc,
    session: localIndex,
    remoteIndex: 11,
    role: { kind: "forward", session: 78 as LocalIndex, relayIndex: 12 },
  },
  "remove-relay": { kind: "remove-relay", relayIndex: 0xfffe_fdfc },
  sample: { kind: "sample" },
  "list-flows": { kind: "list-flows" },
  "start-capture": {
    kind: "start-capture",
    filter: [
      { op: "source", prefix: networks[0]! },
      { op: "protocol", protocol: 6 },
      { op: "destination-port", first: 22, last: 80 },
      { op: "and" },
      { op: "or" },
    ],
    snapBytes: 96,
  },
  "stop-capture": { kind: "stop-capture" },
  shutdown: { kind: "shutdown", sendClose: true },
  confine: { kind: "confine" },
  "inject-tun": { kind: "inject-tun", packet: bytes(0x45, 0) },
  "inject-udp": { kind: "inject-udp", source: endpoint, datagram: bytes(0x10) },
  advance: { kind: "advance", nowMs: 1n << 40n },
  "look-up-routes": { kind: "look-up-routes", addresses: [other, other6] },
  "await-session": { kind: "await-session", localIndex, forMs: 5_500 },
  "keep-answer": { kind: "keep-answer", localIndex, asked: bytes(6), answer: bytes(5), forMs: 60_000, heard: 3 },
  "watch-silence": { kind: "watch-silence", localIndex, afterMs: 250 },
};

const session = (index: number, isUp: boolean): SessionSnapshot => ({
  localIndex: index as LocalIndex,
  remoteIndex: (1_000 + index) as RemoteIndex,
  path: isUp ? path : undefined,
  peerAddresses: [`10.77.0.${index}` as IpAddress],
  allowedPrefixes: isUp ? [prefix("192.168.8.0/24")] : [],
  confirmed: isUp,
  primary: isUp,
  sendCounter: (1n << 34n) + BigInt(index),
  memo: bytes(index, index),
});

const flow: Flow = {
  localAddress: own,
  remoteAddress: other,
  localPort: 443,
  remotePort: 50_000,
  protocol: 6,
  direction: "inbound",
  policyId,
  ruleId: 3,
  ageMs: 4_000,
  idleMs: 20,
  sentPackets: 1n,
  sentBytes: 1n << 40n,
  receivedPackets: 2n,
  receivedBytes: 3n,
};

export const reports: Reports = {
  ready: {
    kind: "ready",
    contractVersion: 2,
    oldestVersion: 2,
    build: "0.9.0",
    capabilities: ["gso"],
    ciphers: [
      { cipher: "aes", library: "ring" },
      { cipher: "chachapoly", library: "aws-lc-rs" },
    ],
    program: "5e".repeat(32),
    ageMs: 86_400_000,
    snapshot: {
      tun: { name: "lacis1", mtu: 1300, addresses: networks },
      udp: "0.0.0.0:4242" as Endpoint,
      sessions: [session(3, true), session(4, false)],
      relays: [{ relayIndex: 21, session: localIndex, remoteIndex: 22, role: { kind: "terminal", peer: other } }],
    },
    more: false,
  },
  result: { kind: "result", requestId: 9n, code: "", error: "", value: undefined },
  datagram: { kind: "datagram", origin: path, standing: "first", datagram: bytes(0x10, 1) },
  message: { kind: "message", localIndex, type: 3, subtype: 0, body: bytes(9), heard: 3 },
  "need-session": { kind: "need-session", destination: other },
  confirmed: { kind: "confirmed", localIndex },
  "large-sent": { kind: "large-sent", localIndex },
  roamed: { kind: "roamed", localIndex, path: elsewhere },
  "counter-high": { kind: "counter-high", localIndex, sendCounter: 1n << 34n, exhausted: true },
  "drop-sample": {
    kind: "drop-sample",
    reason: DropReason.noMatchingRule,
    inbound: true,
    localAddress: own,
    remoteAddress: other,
    protocol: 6,
    localPort: 22,
    remotePort: 50_000,
    localIndex,
    origin: path,
    action: "drop",
  },
  captured: {
    kind: "captured",
    packets: [
      { packet: bytes(0x45, 0), length: 1300, inbound: true, refused: "no-matching-rule", localIndex, agoMs: 40 },
      { packet: bytes(0x60), length: 40, inbound: false, refused: undefined, localIndex: undefined, agoMs: 0 },
    ],
    lost: 7,
  },
  "flow-records": {
    kind: "flow-records",
    records: [
      { happening: "begun", flow: { ...flow, sentPackets: 0n }, peer: other },
      { happening: "ended", end: "closed", flow, peer: other },
      { happening: "refused", reason: "no-matching-rule", action: "reject", flow, peer: undefined },
    ],
    untold: 3,
  },
  flows: {
    kind: "flows",
    flows: [flow],
  },
  "path-replied": { kind: "path-replied", localIndex, origin: elsewhere, token: key(4).subarray(0, 16) },
  silent: { kind: "silent", localIndex, sinceMs: 251 },
  "send-error": { kind: "send-error", endpoint, error: "ENETUNREACH" },
  "socket-error": { kind: "socket-error", error: "the network is down" },
  "device-error": { kind: "device-error", error: "the device is gone" },
  "tun-out": { kind: "tun-out", packet: bytes(0x45, 0) },
  "udp-out": { kind: "udp-out", to: endpoint, datagram: bytes(0x10) },
  quiet: { kind: "quiet", requestId: 9n },
};

const result = (name: string, given: Partial<ResultReport>): readonly [string, ResultReport] => [
  `result-${name}`,
  { kind: "result", requestId: 1n << 63n, code: "", error: "", value: undefined, ...given },
];

/** What comes of requests. */
/** The same kinds said in another way. */
export const otherRequests: readonly (readonly [string, DataPlaneRequest])[] = [
  ["open-tun-in-user-space", { ...requests["open-tun"], name: "", streamsSocket: "/run/lacis/streams.sock" }],
];

export const results: readonly (readonly [string, ResultReport])[] = [
  result("refused", { code: "unknown-session", error: "no session has this index" }),
  result("tun-opened", { value: { kind: "tun-opened", name: "lacis1" } }),
  result("udp-opened", { value: { kind: "udp-opened", bound: "0.0.0.0:4242" as Endpoint } }),
  result("confinement", {
    value: {
      kind: "confinement",
      holds: ["no-privileges", "no-files"],
      lacking: [{ measure: "memory-locked", why: "only 65536 bytes may be locked" }],
      systemCalls: 38,
    },
  }),
  result("routes-looked-up", {
    value: { kind: "routes-looked-up", routes: [{ prefix: prefix("10.77.0.0/16"), target: { kind: "peer" } }] },
  }),
  result("sampled", {
    value: {
      kind: "sampled",
      more: true,
      activity: [
        {
          localIndex,
          received: true,
          sent: true,
          receivedPackets: 1n,
          receivedBytes: 1n << 50n,
          sentPackets: 2n,
          sentBytes: 3n,
          keptAnswers: 7,
          keptAnswerBytes: 1 << 20,
        },
      ],
      rules: [{ policyId, direction: "outbound", ruleId: 3, flows: 4n, packets: 40n, bytes: 4000n }],
      relays: [{ relayIndex: 21, packets: 5n, bytes: 1n << 41n }],
      counters: {
        drops: new Map([
          [DropReason.noMatchingRule, 4n],
          [DropReason.other, 1n << 60n],
        ]),
        tunReadPackets: 1n,
        tunWrittenPackets: 2n,
        udpReceivedDatagrams: 3n,
        udpSentDatagrams: 4n,
        flows: 5n,
        parked: 6n,
        testRequestsAnswered: 7n,
        keptAnswersGiven: 15n,
        recvErrorsSent: 8n,
        parkedReleased: 9n,
        packetsLost: 10n,
        packetsDuplicate: 11n,
        outboundNoMatchingRule: 12n,
        outboundLocalAddress: 13n,
      },
    },
  }),
];
