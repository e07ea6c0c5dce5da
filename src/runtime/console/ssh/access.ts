import type { ConsoleSettings } from "../../../core/config/settings.ts";
import { keyOf, parsePublicKey, type SshKey } from "./ssh-key.ts";
import { isCertificate, type Visit, vouchedKey } from "./user-certificate.ts";

/** A key that somebody shows. */
export interface ShownKey {
  readonly algorithm: string;
  readonly blob: Buffer;
}

/** Who may use the console: keys by user, and whoever a trusted authority vouches for. */
export class Access {
  readonly #users: ReadonlyMap<string, readonly SshKey[]>;
  readonly #authorities: readonly SshKey[];

  /** What does not parse is left out: `lacis check` has named it. */
  constructor({ users, authorities }: Pick<ConsoleSettings, "users" | "authorities">) {
    const keys = (lines: readonly { readonly value: string }[]): readonly SshKey[] =>
      lines.flatMap(({ value }) => {
        const key = parsePublicKey(value);
        return key.ok ? [key.value] : [];
      });
    const byUser = new Map<string, readonly SshKey[]>();
    for (const user of users) byUser.set(user.name, [...(byUser.get(user.name) ?? []), ...keys(user.keys)]);
    this.#users = byUser;
    this.#authorities = keys(authorities);
  }

  /** The key whose signature lets this visitor in; undefined when none does. */
  keyFor({ algorithm, blob }: ShownKey, visit: Visit): SshKey | undefined {
    if (isCertificate(algorithm)) {
      const vouched = vouchedKey(blob, this.#authorities, visit);
      return vouched.ok ? vouched.value : undefined;
    }
    const known = this.#users.get(visit.user)?.some((key) => key.blob.equals(blob));
    const key = known ? keyOf(blob) : undefined;
    return key?.ok ? key.value : undefined;
  }
}
