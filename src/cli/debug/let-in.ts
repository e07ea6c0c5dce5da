import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { askDaemon } from "../../admin/client.ts";
import type { StatusReport } from "../../admin/status-report.ts";
import { momentText } from "../../core/base/moment.ts";
import type { BulletinStatus } from "../../core/machine/bulletins/status.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { spread, spreadText } from "../spread.ts";
import { adminSocket, type TargetOptions } from "../target.ts";
import { waiting } from "../waiting.ts";

/** What `lacis-cert invite -debug -json` says beside the token. */
export interface DebugMade {
  readonly group: string;
  readonly name: string;
  /** Unix seconds. */
  readonly until: number;
  readonly targets: readonly { readonly host: string; readonly allow: readonly string[] }[];
  /** What lets it in, to be signed where the key is. */
  readonly request: object;
  /** The same, signed; not there where the key is not. */
  readonly file?: string;
}

/** How far the network has heard of it. */
export interface LetIn {
  /** Undefined: nobody was told. */
  readonly bulletin: BulletinStatus | undefined;
  /** Targets that do not let it in yet. */
  readonly missing: readonly string[];
  /** Why nobody was told, and what to do: a line each. */
  readonly notTold: string | undefined;
}

const TIMEOUT_MS = 10_000;

/** Tells the network who is let in, by way of the daemon here. That it could not be told is said, and changes nothing about the invitation. */
export async function letIn(made: DebugMade, target: TargetOptions, authority: string): Promise<LetIn> {
  const missing = made.targets.map(({ host }) => host);
  if (made.file === undefined) {
    const request = join(authority, "debug-access.json");
    writeFileSync(request, `${JSON.stringify(made.request)}\n`, { mode: 0o600 });
    const todo = `lacis-cert pending -export, sign-batch where the key is, and upload; or alone: lacis-cert bulletin -in ${request} -out signed there, then: lacis publish signed`;
    return {
      bulletin: undefined,
      missing,
      notTold: `the authority's key is not here, so nobody lets it in yet - ${todo}`,
    };
  }
  try {
    const socket = adminSocket(target, true);
    const bulletin = await waiting("telling the network", spread(socket, readFileSync(made.file, "utf8")));
    const status = (await askDaemon(socket, { verb: "status" }, TIMEOUT_MS)) as StatusReport;
    return { bulletin, missing: notYet(missing, bulletin, status), notTold: undefined };
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    const { what, why } = error.complaint;
    const todo = `lacis publish ${made.file}, here or on any other host of the network`;
    return { bulletin: undefined, missing, notTold: `nobody lets it in yet: ${what}: ${why} - ${todo}` };
  }
}

/** What an invitation to debug means, line by line. */
export function letInText(made: DebugMade, { bulletin, missing, notTold }: LetIn): readonly string[] {
  const reached = made.targets.map(({ host, allow }) => `${host} ${allow.join(" ")}`).join(", ");
  const told = bulletin ? [`the hosts know: ${spreadText(bulletin)}`] : [];
  const hints = missing.map(
    (host) => `${host} does not let it in yet: it is away, or goes by its own rules - there: ${rulesFor(made, host)}`,
  );
  return [
    `until ${momentText(made.until)} it may reach ${reached}, and nothing else; nobody calls it`,
    ...told,
    ...(notTold === undefined ? hints : [notTold]),
  ];
}

/** For a configuration. */
function rulesFor({ group, targets }: DebugMade, host: string): string {
  const services = targets.flatMap((target) => (target.host === host ? target.allow : []));
  return services
    .map((service) => {
      const [proto, port = "any"] = service.split("/");
      return `{ port: ${proto === "icmp" ? "any" : port}, proto: ${proto}, group: ${JSON.stringify(group)} }`;
    })
    .join(", ");
}

/** Targets that are not known to have taken it: who has no tunnel here cannot be asked. */
function notYet(
  targets: readonly string[],
  { pending, refused, silent }: BulletinStatus,
  { host, peers }: StatusReport,
): readonly string[] {
  const up = new Set([
    host.name,
    ...peers.flatMap(({ name, state }) => (state === "up" && name !== null ? [name] : [])),
  ]);
  const behind = new Set([...pending, ...refused, ...silent]);
  return targets.filter((name) => !up.has(name) || behind.has(name));
}
