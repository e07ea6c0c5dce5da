import { ok, type Result } from "../../src/core/base/result.ts";
import { parseBulletins as parse } from "../../src/core/bulletin/armour.ts";
import type { Bulletin } from "../../src/core/bulletin/bulletin.ts";
import { portableSuite } from "../../src/core/crypto/portable.ts";
import { integer, list, object, readJson, type Shape, text } from "../../src/core/enrolment/shape.ts";
import { type Refusal, refuse } from "../refusal.ts";
import type { Applied } from "./laggards.ts";

interface Counted extends Applied {
  readonly id: string;
}

/** More than a mesh has; a count beyond it is none. */
const HOSTS_MAX = 1_000_000;

const names = list(text("a host's name", { max: 512 }), { max: 10_000 });
const count = (description: string): Shape<number> => integer(description, { min: 0, max: HOSTS_MAX });

const report: Shape<{ readonly bulletins: readonly Counted[] }> = object({
  bulletins: list(
    object<Counted>({
      id: text("names it", { max: 64 }),
      number: integer("its number", { min: 1, max: Number.MAX_SAFE_INTEGER }),
      hosts: count("hosts that are known"),
      applied: count("of these, who have applied it"),
      pending: names,
      refused: names,
      silent: names,
    }),
    { max: 64 },
  ),
});

export function parseBulletins(pem: string): Result<readonly Bulletin[], string> {
  return parse(portableSuite, pem);
}

/** What `lacis bulletins --json` says of the bulletin in this file. */
export function appliedOf(counted: string, bulletin: string): Result<Applied, Refusal> {
  const parsed = parseBulletins(bulletin);
  if (!parsed.ok) return refuse("the bulletin of this stage", parsed.reason, "sign it once more: rotate -again");
  const read = readJson(report, counted);
  if (!read.ok) return refuse("what -applied names", read.reason, "give what lacis bulletins --json printed");
  const id = parsed.value.at(-1)?.head.id;
  const found = read.value.bulletins.find((one) => one.id === id);
  if (found) return ok(found);
  return refuse("the bulletin of this stage", "no host has it yet", "publish it first: lacis publish");
}
