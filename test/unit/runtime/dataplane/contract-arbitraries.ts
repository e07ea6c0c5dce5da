import fc from "fast-check";
import { toHex } from "../../../../src/core/base/bytes.ts";
import type {
  Direction,
  LocalIndex,
  PolicyId,
  PolicyRule,
  RefusalAction,
  Relay,
  RemoteIndex,
  SessionSnapshot,
} from "../../../../src/core/dataplane/contract.ts";
import { DropReason } from "../../../../src/core/drop-reason.ts";
import { addressFromBytes, familyOf, type IpAddress } from "../../../../src/core/netip/address.ts";
import type { AllowRule } from "../../../../src/core/netip/allow-list.ts";
import { type Endpoint, endpoint } from "../../../../src/core/netip/endpoint.ts";
import type { Prefix } from "../../../../src/core/netip/prefix.ts";
import { directPath, type Path } from "../../../../src/core/path/path.ts";
import type { Route } from "../../../../src/core/route/route.ts";
import type {
  DataPlaneReport,
  DataPlaneRequest,
  ResultValue,
} from "../../../../src/runtime/dataplane/contract/codec.ts";

// One arbitrary for each kind of request and report. The records below name every kind: a new one does not compile without an entry.

const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const port = fc.integer({ min: 0, max: 65_535 });
const bytes = fc.uint8Array({ maxLength: 40 });
const index = uint32 as fc.Arbitrary<LocalIndex>;
const remoteIndex = uint32 as fc.Arbitrary<number> as fc.Arbitrary<RemoteIndex>;
const policyId = uint32 as fc.Arbitrary<number> as fc.Arbitrary<PolicyId>;
const address: fc.Arbitrary<IpAddress> = fc
  .oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 }))
  .map((value) => addressFromBytes(value) as IpAddress);
const anyEndpoint: fc.Arbitrary<Endpoint> = fc.tuple(address, port).map(([host, number]) => endpoint(host, number));
const prefix: fc.Arbitrary<Prefix> = fc
  .tuple(address, fc.nat(128))
  .map(([host, bits]) => ({ address: host, bits: bits % (familyOf(host) === 4 ? 33 : 129) }));
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });
const some = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(value, { maxLength: 4 });

const rule: fc.Arbitrary<PolicyRule> = fc.record(
  {
    ruleId: uint32,
    protocol: fc.constantFrom("any", "tcp", "udp", "icmp"),
    portFirst: port,
    portLast: port,
    remote: some(prefix),
    local: some(prefix),
    icmpTypes: fc.array(fc.nat(511), { minLength: 1, maxLength: 4 }),
    fragment: fc.constant(true as const),
  },
  { requiredKeys: ["ruleId", "protocol", "portFirst", "portLast", "remote", "local"] },
);
const allowRule: fc.Arbitrary<AllowRule> = fc.record({ prefix, allowed: fc.boolean() });

const path: fc.Arbitrary<Path> = fc.oneof(
  anyEndpoint.map((at) => directPath(at)),
  fc.record({ kind: fc.constant("relayed" as const), session: index, relayIndex: uint32 }),
);
const route: fc.Arbitrary<Route> = fc.record({
  prefix,
  target: fc.oneof(
    fc.record({ kind: fc.constantFrom("own", "peer", "none") }),
    fc.record({
      kind: fc.constant("gateways" as const),
      gateways: some(fc.record({ address, weight: fc.integer({ min: 0, max: 65_535 }) })),
    }),
  ),
});
const relay: fc.Arbitrary<Relay> = fc.record({
  relayIndex: uint32,
  session: index,
  remoteIndex: uint32,
  role: fc.oneof(
    fc.record({ kind: fc.constant("terminal" as const), peer: address }),
    fc.record({ kind: fc.constant("forward" as const), session: index, relayIndex: uint32 }),
  ),
});
const action = fc.constantFrom<RefusalAction>("drop", "reject");
const direction = fc.constantFrom<Direction>("inbound", "outbound");
const age = fc.integer({ min: 0, max: 2 ** 40 });
const refuse = fc.record({ inbound: action, outbound: action });
const program = fc.record({ policyId, inbound: some(rule), outbound: some(rule), refuse });

type ByKind<Union extends { kind: string }> = {
  [Kind in Union["kind"]]: fc.Arbitrary<Omit<Extract<Union, { kind: Kind }>, "kind">>;
};

const requestsByKind: ByKind<DataPlaneRequest> = {
  hello: fc.record({ oldest: uint32, newest: uint32 }),
  "open-tun": fc.record({
    name: fc.string(),
    mtu: uint32,
    addresses: some(prefix),
    txQueue: uint32,
    queues: uint32,
    offloads: fc.boolean(),
    threads: fc.record({ pinned: fc.boolean(), seed: uint32, cpus: some(uint32) }),
  }),
  "open-udp": fc.record({
    bind: anyEndpoint,
    readBufferBytes: uint32,
    writeBufferBytes: uint32,
    batch: uint32,
    mark: uint32,
    queues: uint32,
    offloads: fc.boolean(),
  }),
  configure: fc.record({
    networks: some(prefix),
    sendRecvError: fc.constantFrom("always", "never", "private"),
    dropLocalBroadcast: fc.boolean(),
    dropMulticast: fc.boolean(),
    answerEcho: fc.boolean(),
    flowTimeouts: fc.record({ tcpMs: uint32, udpMs: uint32, otherMs: uint32 }),
    flowLimit: uint32,
    recordFlows: fc.boolean(),
    relayPeerKilobytes: uint32,
    remoteAllowList: fc.record({
      everybody: some(allowRule),
      ranges: some(fc.record({ overlay: prefix, rules: some(allowRule) })),
    }),
    refuseNoRoute: fc.constantFrom("drop", "reject"),
  }),
  "install-session": fc.record({
    localIndex: index,
    remoteIndex,
    cipher: fc.constantFrom("aes", "chachapoly"),
    sendKey: bytes,
    receiveKey: bytes,
    sendCounter: uint64,
    receiveFloor: uint64,
    path: maybe(path),
    peerAddresses: some(address),
    allowedPrefixes: some(prefix),
    policyId,
    confirmed: fc.boolean(),
    primary: fc.boolean(),
    memo: bytes,
  }),
  "set-path-mtu": fc.record({ localIndex: index, mtu: fc.nat(65_535), largeAbove: fc.nat(65_535) }),
  "set-path": fc.record(
    { localIndex: index, path, shunLeft: fc.constant(true as const) },
    { requiredKeys: ["localIndex", "path"] },
  ),
  "set-primary": fc.record({ localIndex: index }),
  "remove-session": fc.record({ localIndex: index, sendClose: fc.boolean() }),
  "apply-policies": fc.record({
    programs: some(program),
    bindings: some(fc.record({ localIndex: index, policyId })),
    raiseEpoch: fc.boolean(),
  }),
  "seal-and-send": fc.record({ localIndex: index, type: uint32, subtype: uint32, body: bytes, to: maybe(path) }),
  "apply-routes": fc.record({ routes: some(route) }),
  "list-flows": fc.record({}),
  "start-capture": fc.record({
    filter: some(
      fc.oneof(
        fc.record({
          op: fc.constantFrom("and" as const, "or" as const, "not" as const, "inbound" as const, "refused" as const),
        }),
        fc.record({ op: fc.constant("protocol" as const), protocol: uint32 }),
        fc.record({ op: fc.constantFrom("source" as const, "destination" as const), prefix }),
        fc.record({
          op: fc.constantFrom("source-port" as const, "destination-port" as const),
          first: port,
          last: port,
        }),
      ),
    ),
    snapBytes: uint32,
  }),
  "stop-capture": fc.record({}),
  "look-up-routes": fc.record({ addresses: some(address) }),
  "send-datagram": fc.record({ to: path, datagram: bytes }),
  "drop-parked": fc.record({ destination: address }),
  "set-relay": relay,
  "remove-relay": fc.record({ relayIndex: uint32 }),
  "await-session": fc.record({ localIndex: index, forMs: uint32 }),
  "keep-answer": fc.record({ localIndex: index, asked: bytes, answer: bytes, forMs: uint32, heard: uint32 }),
  "watch-silence": fc.record({ localIndex: index, afterMs: uint32 }),
  sample: fc.record({}),
  shutdown: fc.record({ sendClose: fc.boolean() }),
  confine: fc.record({}),
  "inject-tun": fc.record({ packet: bytes }),
  "inject-udp": fc.record({ source: anyEndpoint, datagram: bytes }),
  advance: fc.record({ nowMs: uint64 }),
};

const session: fc.Arbitrary<SessionSnapshot> = fc.record({
  localIndex: index,
  remoteIndex,
  path: maybe(path),
  peerAddresses: some(address),
  allowedPrefixes: some(prefix),
  confirmed: fc.boolean(),
  primary: fc.boolean(),
  sendCounter: uint64,
  memo: bytes,
});

const reason = fc.constantFrom(...Object.values(DropReason));
const sampled: fc.Arbitrary<ResultValue> = fc.record({
  kind: fc.constant("sampled" as const),
  more: fc.boolean(),
  activity: some(
    fc.record({
      localIndex: index,
      received: fc.boolean(),
      sent: fc.boolean(),
      receivedPackets: uint64,
      receivedBytes: uint64,
      sentPackets: uint64,
      sentBytes: uint64,
      keptAnswers: uint32,
      keptAnswerBytes: uint32,
    }),
  ),
  rules: some(fc.record({ policyId, direction, ruleId: uint32, flows: uint64, packets: uint64, bytes: uint64 })),
  relays: some(fc.record({ relayIndex: uint32, packets: uint64, bytes: uint64 })),
  counters: fc.record({
    drops: some(fc.tuple(reason, uint64)).map((entries) => new Map(entries)),
    tunReadPackets: uint64,
    tunWrittenPackets: uint64,
    udpReceivedDatagrams: uint64,
    udpSentDatagrams: uint64,
    flows: uint64,
    parked: uint64,
    testRequestsAnswered: uint64,
    keptAnswersGiven: uint64,
    recvErrorsSent: uint64,
    parkedReleased: uint64,
    packetsLost: uint64,
    packetsDuplicate: uint64,
    outboundNoMatchingRule: uint64,
    outboundLocalAddress: uint64,
  }),
});
const resultValue: fc.Arbitrary<ResultValue> = fc.oneof(
  sampled,
  fc.record({ kind: fc.constant("routes-looked-up" as const), routes: some(maybe(route)) }),
  fc.record({ kind: fc.constant("tun-opened" as const), name: fc.string() }),
  fc.record({ kind: fc.constant("udp-opened" as const), bound: anyEndpoint }),
  fc.record({
    kind: fc.constant("confinement" as const),
    holds: fc.array(fc.string()),
    lacking: fc.array(fc.record({ measure: fc.string(), why: fc.string() })),
    systemCalls: fc.option(fc.integer({ min: 1, max: 0xffff_ffff }), { nil: undefined }),
  }),
);

const flow = fc.record({
  localAddress: address,
  remoteAddress: address,
  localPort: port,
  remotePort: port,
  protocol: uint32,
  direction,
  policyId,
  ruleId: uint32,
  ageMs: age,
  idleMs: age,
  sentPackets: uint64,
  sentBytes: uint64,
  receivedPackets: uint64,
  receivedBytes: uint64,
});

const reportsByKind: ByKind<DataPlaneReport> = {
  ready: fc.record({
    contractVersion: uint32,
    oldestVersion: fc.integer({ min: 1, max: 0xffff_ffff }),
    build: fc.string(),
    capabilities: some(fc.string()),
    ciphers: some(fc.record({ cipher: fc.constantFrom("aes" as const, "chachapoly" as const), library: fc.string() })),
    program: fc.uint8Array({ maxLength: 32 }).map(toHex),
    ageMs: fc.maxSafeNat(),
    snapshot: fc.record({
      tun: maybe(fc.record({ name: fc.string({ minLength: 1 }), mtu: uint32, addresses: some(prefix) })),
      udp: maybe(anyEndpoint),
      sessions: some(session),
      relays: some(relay),
    }),
    more: fc.boolean(),
  }),
  result: fc.record({ requestId: uint64, code: fc.string(), error: fc.string(), value: maybe(resultValue) }),
  datagram: fc.record({ origin: path, standing: fc.constantFrom("known", "repeated", "first"), datagram: bytes }),
  message: fc.record({ localIndex: index, type: uint32, subtype: uint32, body: bytes, heard: uint32 }),
  "need-session": fc.record({ destination: address }),
  confirmed: fc.record({ localIndex: index }),
  "large-sent": fc.record({ localIndex: index }),
  roamed: fc.record({ localIndex: index, path }),
  "counter-high": fc.record({ localIndex: index, sendCounter: uint64, exhausted: fc.boolean() }),
  "drop-sample": fc.record({
    reason,
    inbound: fc.boolean(),
    localAddress: maybe(address),
    remoteAddress: maybe(address),
    protocol: uint32,
    localPort: port,
    remotePort: port,
    localIndex: maybe(fc.integer({ min: 1, max: 0xffff_ffff }) as fc.Arbitrary<number> as fc.Arbitrary<LocalIndex>),
    origin: maybe(path),
    action,
  }),
  flows: fc.record({ flows: some(flow) }),
  captured: fc.record({
    packets: some(
      fc.record({
        packet: bytes,
        length: uint32,
        inbound: fc.boolean(),
        refused: maybe(reason),
        localIndex: maybe(fc.integer({ min: 1, max: 0xffff_ffff }) as fc.Arbitrary<number> as fc.Arbitrary<LocalIndex>),
        agoMs: age,
      }),
    ),
    lost: age,
  }),
  "flow-records": fc.record({
    records: some(
      fc.oneof(
        fc.record({ happening: fc.constant("begun" as const), flow, peer: maybe(address) }),
        fc.record({
          happening: fc.constant("ended" as const),
          end: fc.constantFrom("closed" as const, "expired" as const, "evicted" as const),
          flow,
          peer: maybe(address),
        }),
        fc.record({ happening: fc.constant("refused" as const), reason, action, flow, peer: maybe(address) }),
      ),
    ),
    untold: age,
  }),
  "path-replied": fc.record({ localIndex: index, origin: path, token: bytes }),
  silent: fc.record({ localIndex: index, sinceMs: uint32 }),
  "send-error": fc.record({ endpoint: anyEndpoint, error: fc.string() }),
  "socket-error": fc.record({ error: fc.string() }),
  "device-error": fc.record({ error: fc.string() }),
  "tun-out": fc.record({ packet: bytes }),
  "udp-out": fc.record({ to: anyEndpoint, datagram: bytes }),
  quiet: fc.record({ requestId: uint64 }),
};

export const requestKinds = kindsOf<DataPlaneRequest>(requestsByKind);
export const reportKinds = kindsOf<DataPlaneReport>(reportsByKind);

function kindsOf<Union extends { kind: string }>(byKind: ByKind<Union>): [Union["kind"], fc.Arbitrary<Union>][] {
  return Object.entries<fc.Arbitrary<object>>(byKind).map(([kind, fields]) => [
    kind as Union["kind"],
    fields.map((value) => ({ ...value, kind }) as unknown as Union),
  ]);
}
