import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { instant, wallTime } from "../../src/core/base/time.ts";
import type {
  DataPlaneCommand,
  DataPlaneEvent,
  LocalIndex,
  PolicyId,
  RemoteIndex,
} from "../../src/core/dataplane/contract.ts";
import type { Rule } from "../../src/core/firewall/rule.ts";
import type { Input } from "../../src/core/io.ts";
import type { Endpoint } from "../../src/core/netip/endpoint.ts";
import { Node } from "../../src/core/node.ts";
import { directPath } from "../../src/core/path/path.ts";
import { encodeMemo } from "../../src/core/peer/memo.ts";
import { NativeConnection } from "../../src/runtime/dataplane/native/native-connection.ts";
import { nodeSuite } from "../../src/runtime/node-crypto.ts";
import { nativeBinary } from "../conformance/native-probe.ts";
import { prefix, TestAuthority, WORLD_BEGINS } from "../unit/fixtures/authority.ts";
import { CountingEntropy } from "../unit/fixtures/counting-entropy.ts";
import { rulesetOf } from "../unit/fixtures/rules.ts";
import { ALLOW_ALL, identityOf, settingsOf } from "../unit/fixtures/settings.ts";

// `npx vitest run test/contract/rules-at-work` prints the figure: the longest time in which nothing else could happen in the control plane
// while it applied a configuration of ten thousand rules, with a real data plane beside it. The engine's own test shows that no packet meets
// half of a change.

const SESSIONS = 1_000;
/** Half of them each way. */
const RULES = 10_000;
const BLOCKED_MS_MAX = 50;
/** All are printed, and the median is judged: a machine that is busy with other things shows in some of them. */
const RELOADS = 5;

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0).reverse()) end();
});

test.skipIf(nativeBinary() === undefined)(
  "ten thousand rules are applied while a thousand sessions stand",
  async () => {
    const host = await standing();
    const blocked: Gap[] = [];
    for (let reload = 1; reload <= RELOADS; reload++) {
      const firewall = rulesetOf({ inbound: manyRules(reload), outbound: manyRules(reload + RELOADS) });
      blocked.push(
        await longestGap(
          () => host.reload(firewall),
          () => host.settled(),
        ),
      );
    }
    // What others took of the processor meanwhile is no fault of ours.
    const median = blocked.map(({ cpuMs }) => cpuMs).toSorted((a, b) => a - b)[RELOADS >> 1];
    const sent = host.sent.filter(({ kind }) => kind === "apply-policies").at(-1);
    const programs = sent?.kind === "apply-policies" ? sent.programs : [];
    const rules = programs.reduce((sum, { inbound, outbound }) => sum + inbound.length + outbound.length, 0);
    process.stderr.write(
      `${RULES} rules to ${SESSIONS} sessions in ${programs.length} programs of ${rules} rules in all: ` +
        `blocked for at most ${blocked.map(({ ms }) => ms.toFixed(1)).join(", ")} ms, ` +
        `of which it computed ${blocked.map(({ cpuMs }) => cpuMs.toFixed(1)).join(", ")} ms\n`,
    );
    expect(host.failures).toEqual([]);
    expect(sent?.kind === "apply-policies" && sent.bindings.length).toBe(SESSIONS);
    expect(await host.sessionsThere()).toBe(SESSIONS);
    expect(host.node.status(host.clock).peers.filter(({ state }) => state === "up")).toHaveLength(SESSIONS);
    expect(median).toBeLessThan(BLOCKED_MS_MAX);
  },
);

/** A host whose control plane has found a thousand sessions in a data plane that runs. */
async function standing() {
  const path = await aDataPlane();
  const authority = new TestAuthority(nodeSuite, 7);
  const plan = { name: "host", networks: ["10.77.0.1/16"] };
  const wall = wallTime(WORLD_BEGINS * 1_000_000_000n);
  const identity = identityOf(nodeSuite, plan, authority, 9, wall);
  const settings = settingsOf(identity, plan);
  const before = await NativeConnection.open(path);
  await before.hello();
  for (const command of installations(authority)) before.command(command);
  await before.ask({ kind: "sample" });
  before.close();
  const connection = await NativeConnection.open(path);
  ends.push(() => connection.close());
  const { snapshot } = await connection.hello();
  expect(snapshot.sessions).toHaveLength(SESSIONS);

  const clock = { now: instant(1_000_000), wall };
  const node = new Node(settings, { crypto: nodeSuite, entropy: new CountingEntropy(3), clock });
  const sent: DataPlaneCommand[] = [];
  const failures: DataPlaneEvent[] = [];
  const lost: string[] = [];
  const event = (heard: DataPlaneEvent): void => {
    if (heard.kind === "command-failed") failures.push(heard);
  };
  connection.listen({ event, tell: () => {}, lost: (why) => lost.push(why) });
  const input = (fact: Input): void => {
    node.handle(fact, clock);
    for (let output = node.poll(); output; output = node.poll()) {
      if (output.to !== "data-plane") continue;
      sent.push(output.command);
      connection.command(output.command);
    }
  };
  input({ kind: "data-plane-up", udpPort: 4242, sessions: snapshot.sessions });
  const settled = async (): Promise<void> => {
    while (node.pollTimeout()?.why === "new rules") {
      await new Promise((resolve) => setTimeout(resolve, 1));
      input({ kind: "tick" });
    }
    await connection.ask({ kind: "sample" });
    expect(lost).toEqual([]);
  };
  await settled();
  return {
    node,
    clock,
    sent,
    failures,
    settled,
    reload: (firewall: typeof settings.live.firewall) =>
      input({ kind: "reload", settings: { ...settings.live, firewall } }),
    sessionsThere: async () => {
      const another = await NativeConnection.open(path);
      const { snapshot } = await another.hello();
      another.close();
      return snapshot.sessions.length;
    },
  };
}

async function aDataPlane(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "lacis-rules-"));
  const path = join(folder, "socket");
  const child: ChildProcess = spawn(nativeBinary()!, ["--socket", path], { stdio: "ignore" });
  ends.push(() => {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true });
  });
  for (let tries = 0; tries < 200; tries++) {
    const connection = await NativeConnection.open(path).catch(() => undefined);
    connection?.close();
    if (connection) return path;
    await once(AbortSignal.timeout(20), "abort");
  }
  throw new Error("no data plane listens");
}

function installations(authority: TestAuthority): readonly DataPlaneCommand[] {
  const policyId = 1 as PolicyId;
  const program = { policyId, inbound: [], outbound: [], refuse: { inbound: "drop", outbound: "drop" } } as const;
  const apply = { kind: "apply-policies", programs: [program], bindings: [], raiseEpoch: true } as const;
  const sessions = Array.from({ length: SESSIONS }, (_, at): DataPlaneCommand => {
    const network = prefix(`10.77.${1 + (at >> 8)}.${at & 255}/16`);
    const publicKey = nodeSuite.sha256(new TextEncoder().encode(`peer ${at}`));
    const groups = [`role-${at % 8}`, ...(at % 3 === 0 ? ["web"] : []), "staff"];
    const peer = authority.issue(1, { name: `peer-${at}`, networks: [`${network.address}/16`], groups, publicKey });
    const memo = encodeMemo({
      peer,
      message1Hash: undefined,
      peerTime: 1n,
      ownVersion: 1,
      ownFingerprint: authority.certificate.fingerprint,
      cipher: "aes",
      establishedAt: wallTime(WORLD_BEGINS * 1_000_000_000n),
      endpoints: [],
    });
    return {
      kind: "install-session",
      localIndex: (at + 1) as LocalIndex,
      remoteIndex: (at + 5_000) as RemoteIndex,
      cipher: "aes",
      sendKey: publicKey,
      receiveKey: publicKey,
      sendCounter: 2n,
      receiveFloor: 2n,
      path: directPath(`192.0.2.9:${10_000 + at}` as Endpoint),
      peerAddresses: [network.address],
      allowedPrefixes: [],
      policyId,
      confirmed: true,
      primary: true,
      memo,
    };
  });
  return [apply, ...sessions];
}

/** Of every kind: roles, two groups at once, hosts (few of them connected), prefixes, a CA, everybody. */
function manyRules(seed: number): readonly Rule[] {
  const nobody = { ...ALLOW_ALL, host: undefined };
  return Array.from({ length: RULES / 2 }, (_, ruleId): Rule => {
    const at = ruleId * 31 + seed;
    const ports = { ruleId, protocol: "tcp", portFirst: at % 60_000, portLast: (at % 60_000) + (at % 7) } as const;
    const kind = ruleId % 20;
    if (kind < 8) return { ...nobody, ...ports, groups: [`role-${at % 8}`] };
    if (kind < 12) return { ...nobody, ...ports, groups: ["staff", "web", `role-${at % 11}`] };
    if (kind < 17) return { ...nobody, ...ports, host: ruleId < 100 ? `peer-${ruleId}` : `absent-${at}` };
    if (kind < 18) return { ...nobody, ...ports, cidr: prefix(`10.77.${at % 250}.0/24`) };
    if (kind < 19) return { ...nobody, ...ports, caName: "another ca" };
    return { ...nobody, ...ports, host: "any" };
  });
}

/** The longest time without a turn of the event loop: as it passed, and what of it this process computed. */
interface Gap {
  readonly ms: number;
  readonly cpuMs: number;
}

/** From `begin` until `done`. Others on the machine lengthen the time that passes, and not what is computed. */
async function longestGap(begin: () => void, done: () => Promise<void>): Promise<Gap> {
  const gap = { ms: 0, cpuMs: 0 };
  let runs = true;
  const moment = (): Gap => {
    const { user, system } = process.cpuUsage();
    return { ms: performance.now(), cpuMs: (user + system) / 1_000 };
  };
  await new Promise((resolve) => setImmediate(resolve));
  let last = moment();
  const turn = (): void => {
    const now = moment();
    gap.ms = Math.max(gap.ms, now.ms - last.ms);
    gap.cpuMs = Math.max(gap.cpuMs, now.cpuMs - last.cpuMs);
    last = now;
    if (runs) setImmediate(turn);
  };
  setImmediate(turn);
  begin();
  await done();
  runs = false;
  turn();
  return gap;
}
