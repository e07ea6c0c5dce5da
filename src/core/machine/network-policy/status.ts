/** The policy of the network, as this host knows it. */
export interface NetworkPolicyStatus {
  /** Of the authority's last word about it. */
  readonly number: number;
  /**
   * "waiting": other hosts try it first; "reverted": it was tried and not confirmed; "off": the configuration does not go by it; "refused": it makes no sense to
   * this version.
   */
  readonly state: "preparing" | "applied" | "waiting" | "reverted" | "off" | "refused";
  /** Of the policy that this host goes by; undefined when it goes by its own rules. */
  readonly mode: "enforce" | "audit" | undefined;
  /** Where that one begins: "policy.yaml:1". */
  readonly place: string | undefined;
  /** When it ends unless it is confirmed. */
  readonly endsInMs: number | undefined;
}
