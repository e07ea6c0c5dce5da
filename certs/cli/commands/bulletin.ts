import { Command } from "commander";
import type { BulletinsRequest } from "../../bulletin.ts";
import { type CaFileFlags, openCa } from "../ca-files.ts";
import { Failure } from "../failure.ts";
import { readText, refuseExisting, writeFiles } from "../files.ts";
import { sayMade } from "../made.ts";
import { now } from "../now.ts";
import { orFail } from "../values.ts";

interface BulletinFlags extends CaFileFlags {
  readonly in: string;
  readonly out: string;
}

/** Of one request. */
const BODIES_MAX = 16;

export function bulletinCommand(): Command {
  return new Command("bulletin")
    .description(
      "Sign what the whole network is to hear: a request that lacis policy apply --request has written, say.",
    )
    .requiredOption("--in <path>", "the request; - for standard input")
    .option("--out <path>", "where to write what is signed, for lacis publish", "-")
    .option("--ca-crt <path>", "certificate of the authority", "ca.crt")
    .option("--ca-key <path>", "private key of the authority", "ca.key")
    .option("--passphrase-file <path>", "file whose first line is the passphrase of an encrypted authority's key")
    .action(signRequest);
}

async function signRequest(flags: BulletinFlags): Promise<void> {
  refuseExisting(flags.out);
  const request = requestIn(readText(flags.in), flags.in);
  const { signBulletins } = await import("../../bulletin.ts");
  const { formatBulletin } = await import("../../../src/core/bulletin/armour.ts");
  const { wall, seconds } = now();
  const signed = orFail(signBulletins(await openCa(flags, wall), request, Number(seconds))).map(formatBulletin);
  writeFiles({ file: flags.out, content: signed.join("") });
  const { bulletinText } = await import("../../../src/core/bulletin/text.ts");
  const { kind, number, bodies } = request;
  for (const [i, body] of bodies.entries())
    sayMade(`the ${bulletinText(kind, number + i)}${kind === "policy" ? await policyText(body) : ""}`, [flags.out]);
}

/** What whoever signs should know of it: how much it says, and for whom it is. */
async function policyText(body: string): Promise<string> {
  const { decodePolicyBulletin } = await import("../../../src/core/policy/body.ts");
  const { utf8Encode } = await import("../../../src/core/base/bytes.ts");
  const decoded = decodePolicyBulletin(utf8Encode(body));
  if (!decoded.ok) throw new Failure({ what: "the policy", why: decoded.reason, todo: "ask for it again: --request" });
  const { policy, stage } = decoded.value;
  const what = policy ? `${policy.place}, ${policy.rules.length} rules` : "none: every host by its own rules";
  if (!stage) return ` (${what}; for all hosts, for good)`;
  const [first, ...others] = stage.hosts ?? [];
  const who = stage.hosts
    ? `${first ?? "nobody"}${others.length > 0 ? ` and ${others.length} more` : ""}`
    : "all hosts";
  return ` (${what}; tried by ${who} for ${stage.seconds} s)`;
}

function requestIn(text: string, file: string): BulletinsRequest {
  let request: unknown;
  try {
    request = JSON.parse(text);
  } catch {
    throw notOne(file, "it is not JSON");
  }
  if (typeof request !== "object" || request === null) throw notOne(file, "it is not a JSON object");
  const { format, kind, number, bodies } = request as Readonly<Record<string, unknown>>;
  if (format !== 1) throw notOne(file, "its format is not 1");
  if (typeof kind !== "string") throw notOne(file, "it names no kind");
  if (typeof number !== "number" || !Number.isSafeInteger(number) || number < 1) throw notOne(file, "it has no number");
  if (!isTexts(bodies)) throw notOne(file, `it has not 1 to ${BODIES_MAX} texts to sign`);
  return { format, kind, number, bodies };
}

function isTexts(bodies: unknown): bodies is readonly string[] {
  if (!Array.isArray(bodies) || bodies.length < 1 || bodies.length > BODIES_MAX) return false;
  return bodies.every((body) => typeof body === "string");
}

function notOne(file: string, why: string): Failure {
  return new Failure({
    what: file,
    why: `this is no request: ${why}`,
    todo: "make one with lacis policy apply --request",
  });
}
