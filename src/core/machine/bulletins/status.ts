import type { BulletinState } from "../../wire/bulletin-message.ts";

/** A bulletin that this host holds, and who else has applied it as far as is known here. */
export interface BulletinStatus {
  readonly kind: string;
  readonly number: number;
  /** Unix seconds. */
  readonly issuedAt: number;
  /** Name of the authority. */
  readonly authority: string;
  /** SHA-256 in hex that names it. */
  readonly id: string;
  readonly bytes: number;
  /** On this host. */
  readonly state: BulletinState;
  /** Hosts that are known here, this one among them. */
  readonly hosts: number;
  readonly applied: number;
  /** Names of hosts that have not applied it, or not said so; at most `NAMES_MAX` of each. */
  readonly pending: readonly string[];
  /** Of hosts that have not applied it because they cannot. */
  readonly refused: readonly string[];
  /** Of hosts that have been heard since, and say nothing about bulletins: other implementations, and older versions. */
  readonly silent: readonly string[];
}

/** Names of one list. */
export const NAMES_MAX = 64;
