import type { Refusal } from "../refusal.ts";
import type { SignedEntry } from "./entry.ts";

/** What stands against a certificate that is to be signed. */
export type Conflict =
  | { readonly kind: "key-revoked"; readonly owner: SignedEntry }
  | { readonly kind: "name-taken"; readonly owner: SignedEntry }
  | { readonly kind: "address-taken"; readonly owner: SignedEntry; readonly address: string }
  | { readonly kind: "group-unknown"; readonly group: string; readonly meant: string | undefined };

/** In words for whoever signs by hand. */
export function refusalOfConflict(conflict: Conflict): Refusal {
  switch (conflict.kind) {
    case "key-revoked":
      return {
        what: `the key of ${JSON.stringify(conflict.owner.name)}`,
        why: "it was revoked, and hosts refuse every certificate with it",
        todo: "make a new key with keygen",
      };
    case "name-taken":
      return {
        what: `the name ${JSON.stringify(conflict.owner.name)}`,
        why: `a host with another key has it until ${dayOf(conflict.owner.notAfter)}`,
        todo: "sign that host's own key (resign, or sign -in-pub), revoke the name first, or give another",
      };
    case "address-taken": {
      const name = JSON.stringify(conflict.owner.name);
      return {
        what: `the address ${conflict.address}`,
        why: `${name} has it until ${dayOf(conflict.owner.notAfter)}`,
        todo: `take a free one (next-address), or revoke ${name} first`,
      };
    }
    case "group-unknown": {
      const { group, meant } = conflict;
      return {
        what: `the group ${JSON.stringify(group)}`,
        why: "no certificate in the ledger has it",
        todo: `${meant === undefined ? "" : `did you mean ${JSON.stringify(meant)}? else `}add it with -new-group ${group}`,
      };
    }
  }
}

/** The day of a moment, in UTC. */
export function dayOf(unixSeconds: number): string {
  const date = new Date(unixSeconds * 1000);
  return Number.isNaN(date.getTime()) ? `second ${unixSeconds}` : date.toISOString().slice(0, 10);
}
