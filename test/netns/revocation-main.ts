import { askDaemon } from "../../src/admin/client.ts";
import type { PingReport } from "../../src/admin/ping-report.ts";
import { daemonOf } from "../../src/runtime/state/find-daemons.ts";
import { stateEnvironment } from "../../src/runtime/state/state-directory.ts";
import { Authority } from "./lab/certificates.ts";
import { LACIS } from "./lab/implementation.ts";
import { type HostPlan, Mesh, type MeshHost } from "./lab/mesh.ts";
import { waitFor } from "./lab/wait.ts";
import { authorityOf, revoke } from "./revocation.ts";

/**
 * `npm run revocation [-- HOSTS]`: so many hosts (50 if not said), a laptop, a lighthouse, and one host that is asleep, each with real daemons in a namespace of its own. The
 * laptop is revoked on the lighthouse; each host is asked to ping it until that fails, and the laptop to ping each. Exit status 1 when one is later than three seconds, or
 * the one that is asleep is not counted.
 */
const NAME = "revocation";
const LIMIT_MS = 3_000;
const STARTED_AT_ONCE = 4;
const ASKED_AT_ONCE = 16;
const count = Number(process.argv[2] ?? 50);

const authority = await Authority.create(LACIS.certificates, `/run/lab/${NAME}/authority`, new Set([2]));
const plan = (name: string): HostPlan => ({ name, implementation: LACIS });
const names = Array.from({ length: count }, (_, i) => `host${i + 1}`);
const hosts = [plan("lighthouse"), plan("laptop"), plan("asleep"), ...names.map(plan)] as const;
const mesh = await Mesh.create(NAME, {
  authority,
  versions: [2],
  hosts: hosts as unknown as [HostPlan, ...HostPlan[]],
});
try {
  const [lighthouse, laptop, asleep] = ["lighthouse", "laptop", "asleep"].map((name) => mesh.host(name));
  const online = names.map((name) => mesh.host(name));
  await lighthouse!.start();
  const others = [laptop!, asleep!, ...online];
  for (let i = 0; i < others.length; i += STARTED_AT_ONCE)
    await Promise.all(others.slice(i, i + STARTED_AT_ONCE).map((host) => host.start()));
  for (const host of online)
    await waitFor(`${host.name} reaches the laptop`, () => pings(host, laptop!), { withinMs: 30_000 });
  const folder = await authorityOf(NAME, others);
  const all = await revoke(lighthouse!, folder);
  console.log(`${count} hosts, a laptop and one more: a list that takes nobody back is applied on ${told(all)}`);
  await asleep!.crashDaemon();

  const typedAt = Date.now();
  const revoked = await revoke(lighthouse!, folder, "laptop");
  // By the clock of the hosts themselves, which is this machine's: to ask them meanwhile would take the processors from them.
  const cutAt = await Promise.all(
    online.map((host) => waitFor(`${host.name} has cut it off`, () => cutOff(host), { withinMs: 20_000 })),
  );
  const cutAfterMs = cutAt.map((at) => at - typedAt).sort((a, b) => a - b);
  const [median, last] = [cutAfterMs[count >> 1], cutAfterMs.at(-1)];
  const inTime = cutAfterMs.filter((ms) => ms <= LIMIT_MS).length;
  console.log(
    `cut on ${inTime} of ${count} within 3 s: median ${median} ms, last ${last} ms after the command was typed`,
  );
  const failed = await Promise.all(online.map(async (host) => !(await pings(host, laptop!))));
  const back: boolean[] = [];
  // A daemon answers so many at once.
  for (let i = 0; i < count; i += ASKED_AT_ONCE)
    back.push(
      ...(await Promise.all(
        online.slice(i, i + ASKED_AT_ONCE).map((host) => pings(laptop!, host).then((pong) => !pong)),
      )),
    );
  console.log(
    `pings that fail: ${failed.filter(Boolean).length} to the laptop, ${back.filter(Boolean).length} from it`,
  );
  console.log(`lacis revoke says: applied on ${told(revoked)}; pending: ${revoked.bulletin.pending.join(", ")}`);
  const isCounted = revoked.bulletin.pending.join() === "asleep" && revoked.bulletin.applied === count + 1;
  const isRight = inTime === count && failed.every(Boolean) && back.every(Boolean) && isCounted;
  if (!isRight) process.exitCode = 1;
} finally {
  await mesh.close();
}

function told({ bulletin }: { readonly bulletin: { readonly applied: number; readonly hosts: number } }): string {
  return `${bulletin.applied} of ${bulletin.hosts}`;
}

/** When the laptop was cut off, in Unix milliseconds, if it has been. */
function cutOff(host: MeshHost): number | undefined {
  const [, time] = /^time=(\S+) .*laptop is cut off: .* was revoked/m.exec(host.daemon.log()) ?? [];
  return time === undefined ? undefined : Date.parse(time);
}

async function pings(from: MeshHost, to: MeshHost): Promise<boolean> {
  const request = { verb: "ping", target: to.overlay4, timeoutMs: 1_000 } as const;
  return ((await askDaemon(socketOf(from), request, 5_000)) as PingReport).outcome === "pong";
}

function socketOf(host: MeshHost): string {
  const { state } = daemonOf(host.configPath, stateEnvironment());
  if (state === undefined) throw new Error(`${host.name} does not run`);
  return state.ownerSocket;
}
