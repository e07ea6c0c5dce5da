import { concatBytes } from "../src/core/base/bytes.ts";
import { type Clock, instant, wallTime } from "../src/core/base/time.ts";
import { toHandshakeForm } from "../src/core/cert/handshake-form.ts";
import type { LocalIndex } from "../src/core/dataplane/contract.ts";
import { HandshakeTime } from "../src/core/handshake/handshake-time.ts";
import { Initiation } from "../src/core/handshake/initiation.ts";
import type { Endpoint } from "../src/core/netip/endpoint.ts";
import { Node } from "../src/core/node.ts";
import { directPath } from "../src/core/path/path.ts";
import { encodeHandshakePayload } from "../src/core/wire/handshake-payload.ts";
import { encodeHeader, PacketType } from "../src/core/wire/header.ts";
import { daemonSuite } from "../src/runtime/crypto/daemon-suite.ts";
import { osEntropy } from "../src/runtime/node-crypto.ts";
import { TestAuthority } from "../test/unit/fixtures/authority.ts";
import { rulesetOf } from "../test/unit/fixtures/rules.ts";
import { ALLOW_ALL, identityOf, settingsOf } from "../test/unit/fixtures/settings.ts";
import { ownCpuUs } from "./own-cpu.ts";
import { option } from "./pairing.ts";

/**
 * What the control plane spends on one message 1, in microseconds of processor time: on one that is genuine, and on a forged one with a copied
 * certificate, at a host with 1,000 rules and 1,000 tunnels that stand:
 *
 *     npm run bench:answers [-- --count N]
 */
const RULES = 1_000;
const TUNNELS = 1_000;
const suite = daemonSuite();
const count = Number(option("--count") ?? "4000");

const authority = new TestAuthority(suite, 7);
const rules = Array.from({ length: RULES }, (_, ruleId) => ({
  ...ALLOW_ALL,
  ruleId,
  host: undefined,
  groups: [`group-${ruleId % 50}`],
  portFirst: ruleId,
  portLast: ruleId,
}));
const plan = {
  name: "responder",
  networks: ["10.77.0.1/16"],
  live: { firewall: rulesetOf({ inbound: rules, outbound: rules }) },
};
const settings = settingsOf(identityOf(suite, plan, authority, 1, wallNow()), plan);
const node = new Node(settings, { crypto: suite, entropy: osEntropy, clock: clockNow() });
node.handle({ kind: "data-plane-up", udpPort: 4242, sessions: [] }, clockNow());
const groups = Array.from({ length: 20 }, (_, i) => `group-${i}`);
const hosts = Array.from({ length: TUNNELS }, (_, i) => {
  const host = { name: `host-${i}`, networks: [`10.77.${1 + (i >> 8)}.${i & 255}/16`], groups };
  const identity = identityOf(suite, host, authority, 2 + (i % 250), wallNow());
  return { crypto: suite, entropy: osEntropy, identity, cipher: "aes" as const };
});
const time = new HandshakeTime();
let lastIndex = 0;
const genuine = hosts.map(genuineBy);
for (const message of genuine) confirm(send(message));
report("genuine", (i) => genuineBy(hosts[i % TUNNELS]!));
report("forged, with one copied certificate", () => forgedOf(0));
report("forged, with copied certificates in turn", (i) => forgedOf(i % TUNNELS));
const commands = send(forgedOf(1));
console.log(`  it caused: ${commands.map(({ kind }) => kind).join(", ")}`);

function report(what: string, message: (i: number) => Uint8Array): void {
  const costs = Array.from({ length: count }, (_, i) => {
    const datagram = message(i);
    const begun = ownCpuUs();
    send(datagram);
    return ownCpuUs() - begun;
  }).sort((a, b) => a - b);
  const at = (share: number): number => costs[Math.floor(share * (count - 1))]!;
  console.log(`${what}: ${at(0.5)} us (median), ${at(0.99)} us (99 of 100)`);
}

function genuineBy(context: (typeof hosts)[number]): Uint8Array {
  const options = { version: 1, localIndex: ++lastIndex as LocalIndex, time: time.next(wallNow()) } as const;
  return Initiation.begin(context, options)!.message1;
}

function forgedOf(i: number): Uint8Array {
  const { certificates } = hosts[i]!.identity.credential;
  const payload = encodeHandshakePayload({
    certificate: toHandshakeForm(certificates[1]!),
    certificateVersion: 1,
    initiatorIndex: ++lastIndex,
    responderIndex: 0,
    time: time.next(wallNow()),
    ...{ padding: 400 },
  });
  const header = encodeHeader({ type: PacketType.handshake, subtype: 0, remoteIndex: 0, counter: 1n });
  return concatBytes(header, osEntropy.bytes(32), certificates[1]!.publicKey, payload);
}

function send(datagram: Uint8Array) {
  const at = `192.0.${(lastIndex >> 8) & 255}.${lastIndex & 255}:4242` as Endpoint;
  node.handle(
    { kind: "data-plane", event: { kind: "datagram", standing: "first", origin: directPath(at), datagram } },
    clockNow(),
  );
  const commands = [];
  for (let output = node.poll(); output; output = node.poll())
    if (output.to === "data-plane") commands.push(output.command);
  return commands;
}

function confirm(commands: ReturnType<typeof send>): void {
  for (const command of commands)
    if (command.kind === "install-session")
      node.handle({ kind: "data-plane", event: { kind: "confirmed", localIndex: command.localIndex } }, clockNow());
  while (node.poll());
}

function clockNow(): Clock {
  return { now: instant(performance.now()), wall: wallNow() };
}

function wallNow(): Clock["wall"] {
  return wallTime(BigInt(Date.now()) * 1_000_000n);
}
