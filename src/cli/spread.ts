import { setTimeout as pause } from "node:timers/promises";
import type { BulletinsReport, PublishReport } from "../admin/bulletins/bulletin-verbs.ts";
import { askDaemon } from "../admin/client.ts";
import type { BulletinStatus } from "../core/machine/bulletins/status.ts";
import { OperatorError } from "../runtime/operator-error.ts";

const TIMEOUT_MS = 10_000;
/** How long it is waited for others to apply it, and how often it is looked. */
const SPREAD_MS = 3_000;
const LOOK_MS = 200;

/** Gives a bulletin to the network by way of a daemon here, and waits a moment for everybody to apply it; says how far it has come. */
export async function spread(socket: string, bulletin: string): Promise<BulletinStatus> {
  const published = (await askDaemon(socket, { verb: "publish", bulletin }, TIMEOUT_MS)) as PublishReport;
  if (!published.bulletin) throw overtaken();
  const { id } = published.bulletin;
  let last = published.bulletin;
  for (const until = performance.now() + SPREAD_MS; !isEverywhere(last) && performance.now() < until; ) {
    await pause(LOOK_MS);
    const { bulletins } = (await askDaemon(socket, { verb: "bulletins" }, TIMEOUT_MS)) as BulletinsReport;
    const found = bulletins.find((each) => each.id === id);
    if (!found) throw overtaken();
    last = found;
  }
  return last;
}

/** "applied on 41 of 42; pending: nas". */
export function spreadText({ hosts, applied, pending, refused, silent }: BulletinStatus): string {
  const rest = hosts - applied - refused.length - silent.length;
  return [
    `applied on ${applied} of ${hosts}`,
    ...namedText("pending", pending, rest),
    ...namedText("refused by", refused, refused.length),
    ...namedText("said nothing (another program or an older version)", silent, silent.length),
  ].join("; ");
}

/** The host that asks is one of them: with nobody else there is nobody to wait for. */
function isEverywhere({ hosts, applied }: BulletinStatus): boolean {
  return hosts > 1 && applied >= hosts;
}

function namedText(what: string, names: readonly string[], count: number): readonly string[] {
  if (names.length === 0) return [];
  const shown = names.slice(0, NAMED_MAX);
  const more = count > shown.length ? ` and ${count - shown.length} more` : "";
  return [`${what}: ${shown.join(", ")}${more}`];
}

/** The line stays readable. */
const NAMED_MAX = 8;

function overtaken(): OperatorError {
  return new OperatorError("bulletin-overtaken", {
    what: "the bulletin",
    why: "a newer one has come meanwhile, and takes its place",
    todo: "see lacis bulletins",
  });
}
