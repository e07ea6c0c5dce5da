import type { StatusReport } from "../../admin/status-report.ts";
import { equalBytes } from "../../core/base/bytes.ts";
import { formatBulletin, parseBulletins } from "../../core/bulletin/armour.ts";
import { type Bulletin, BulletinKind } from "../../core/bulletin/bulletin.ts";
import { decodePolicyBulletin, encodePolicyBulletin, STAGE_SECONDS_MAX } from "../../core/policy/body.ts";
import type { PolicyBody } from "../../core/policy/policy.ts";
import { nodeSuite } from "../../runtime/node-crypto.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import type { Settled } from "./network.ts";
import { type Stage, stageOf } from "./stages.ts";

/** The steps of a policy with what the authority has signed for each, and behind them the way back. */
export interface SignedSteps {
  /** Number of the first. */
  readonly first: number;
  readonly stages: readonly Stage[];
  /** One for each stage; one more when there is a way back. */
  readonly signed: readonly string[];
}

/** How the network is when steps that were signed elsewhere are to begin. */
interface Now {
  readonly status: StatusReport;
  readonly before: Settled;
}

/**
 * Steps that were signed elsewhere, when they are those of this policy and of the network as it is now: otherwise the way back would lead to another policy than the one that
 * hosts go by.
 */
export function signedAhead(
  text: string,
  { policy, now }: { readonly policy: PolicyBody | undefined; readonly now?: () => number },
  { status, before }: Now,
): SignedSteps {
  const parsed = parseBulletins(nodeSuite, text);
  if (!parsed.ok) throw unfit(`it cannot be read: ${parsed.reason}`);
  const bulletins = parsed.value;
  const first = bulletins[0]?.head.number ?? 0;
  const read = bulletins.map((bulletin, i) => stageIn(bulletin, first + i));
  const stages = read.length > 1 ? read.slice(0, -1) : read;
  const isWhole = read.length === 1 || (read.length > 1 && stages.slice(0, -1).every(({ isTrial }) => isTrial));
  const end = stages.at(-1);
  if (!isWhole || !end || end.isTrial) throw unfit("it does not hold all steps of a policy and the way back");
  if (stages.some(({ bulletin }) => !isPolicy(bulletin.policy, policy)))
    throw unfit("it is for another policy than this file");
  if (first !== before.number + 1) {
    throw unfit(`it begins with policy ${first}, and the authority's last word here is ${before.number}`);
  }
  const back = read.length > 1 ? read.at(-1) : undefined;
  const returns = [
    ...(back ? [back.bulletin.policy] : []),
    ...stages.flatMap(({ bulletin: { stage } }) => (stage ? [stage.before] : [])),
  ];
  if (returns.some((policyBefore) => !isPolicy(policyBefore, before.policy))) {
    throw unfit("its way back leads to another policy than the one that hosts go by now");
  }
  refuseLate(bulletins, stages, now?.() ?? Date.now() / 1_000);
  refuseAbsent(stages, status);
  return { first, stages, signed: bulletins.map(formatBulletin) };
}

function stageIn({ head, body }: Bulletin, number: number): Stage {
  if (head.kind !== BulletinKind.policy) throw unfit(`it holds a bulletin about ${head.kind}`);
  if (head.number !== number)
    throw unfit(`its numbers do not follow each other: ${head.number} in the place of ${number}`);
  const decoded = decodePolicyBulletin(body);
  if (!decoded.ok) throw unfit(`of policy ${number} ${decoded.reason}`);
  return stageOf(decoded.value);
}

/** As hosts are told: where a file lies is no difference. */
function isPolicy(one: PolicyBody | undefined, other: PolicyBody | undefined): boolean {
  const bytes = (policy: PolicyBody | undefined) => encodePolicyBulletin({ policy, stage: undefined });
  return equalBytes(bytes(one), bytes(other));
}

/** A step that is over before it begins is refused by every host. */
function refuseLate(bulletins: readonly Bulletin[], stages: readonly Stage[], nowSeconds: number): void {
  for (const [i, { bulletin }] of stages.entries()) {
    const ahead = bulletin.stage && (bulletin.stage.ahead ?? 0);
    const issuedAt = bulletins[i]?.head.issuedAt ?? 0;
    if (ahead === undefined || nowSeconds <= issuedAt + ahead) continue;
    const hours = Math.floor((nowSeconds - issuedAt) / 3_600);
    throw unfit(`it was signed ${hours} h ago, and is good for ${Math.floor(STAGE_SECONDS_MAX / 3_600)} h`);
  }
}

/** Whoever is to go first must be there. */
function refuseAbsent(stages: readonly Stage[], { peers }: StatusReport): void {
  const up = new Set(peers.flatMap(({ name, state }) => (state === "up" && name !== null ? [name] : [])));
  const absent = stages.flatMap(({ hosts }) => hosts ?? []).find((name) => !up.has(name));
  if (absent === undefined) return;
  throw unfit(`${absent} is among those that go first, and this host has no tunnel with it now`);
}

function unfit(why: string): OperatorError {
  return new OperatorError("policy-signed", {
    what: "cannot apply what was signed",
    why,
    todo: "ask for it again: lacis policy apply FILE --request request.json, and sign that",
  });
}
