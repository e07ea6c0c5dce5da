import { utf8Decode } from "../../core/base/bytes.ts";
import type { NodeStatus } from "../../core/io.ts";
import type { NetworkPolicyStatus } from "../../core/machine/network-policy/status.ts";
import { decodePolicyBulletin, encodePolicyBulletin, settledPolicy } from "../../core/policy/body.ts";
import type { BulletinDesk } from "../../runtime/bulletins/bulletin-desk.ts";
import { ADMIN_SCHEMA } from "../protocol.ts";
import { answers, nothing, type Verb } from "../verb.ts";

/** What a daemon is asked about the policy of its network. */
export interface PolicyHost {
  readonly bulletins: Pick<BulletinDesk, "newest">;
  status(): NodeStatus;
}

/** `lacis policy status --json`. */
export interface PolicyReport {
  readonly schema: typeof ADMIN_SCHEMA;
  /** Of the authority's last word about the policy; null when there was none. */
  readonly number: number | null;
  readonly state: NetworkPolicyStatus["state"] | null;
  /** Of what this host goes by; null: its own rules. */
  readonly mode: NetworkPolicyStatus["mode"] | null;
  readonly place: string | null;
  readonly endsInMs: number | null;
  /** What everybody goes by as far as it is confirmed, as in a bulletin; null when there is none. */
  readonly settled: string | null;
}

export function policyVerb(host: PolicyHost): Verb {
  return answers("reader", nothing, (): PolicyReport => {
    const newest = host.bulletins.newest("policy");
    const decoded = newest && decodePolicyBulletin(newest.body);
    const settled = decoded?.ok ? settledPolicy(decoded.value) : undefined;
    const { policy } = host.status();
    return {
      schema: ADMIN_SCHEMA,
      number: newest?.head.number ?? null,
      state: policy?.state ?? null,
      mode: policy?.mode ?? null,
      place: policy?.place ?? null,
      endsInMs: policy?.endsInMs ?? null,
      settled: settled ? (utf8Decode(encodePolicyBulletin({ policy: settled, stage: undefined })) ?? null) : null,
    };
  });
}
