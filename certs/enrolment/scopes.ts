/** What a program or a person may do at the service by its API. */
export const SCOPES = ["read", "invite", "approve", "revoke", "publish", "access"] as const;
export type Scope = (typeof SCOPES)[number];

/** In words, for whoever gives access. */
export const SCOPE_MEANINGS: Readonly<Record<Scope, string>> = {
  read: "see hosts, tokens, requests and the audit log",
  invite: "make tokens and take them back",
  approve: "decide about hosts that wait",
  revoke: "take hosts out",
  publish: "bring what the authority has signed elsewhere, for all hosts",
  access: "give others access, at most what it has itself",
};
