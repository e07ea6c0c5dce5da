import type { Bulletin } from "../../bulletin/bulletin.ts";
import type { HeldBulletin } from "../../bulletin/held.ts";
import type { BulletinRefusal } from "../../bulletin/verify.ts";
import type { RevocationList } from "../../cert/revocation-list.ts";
import type { BulletinState } from "../../wire/bulletin-message.ts";
import type { CommonEvent } from "../machine.ts";

export type BulletinsEvent =
  | CommonEvent
  /** Others are held than before. */
  | { readonly kind: "bulletins-changed"; readonly held: readonly HeldBulletin[] }
  /** This is what counts as revoked from now on. */
  | { readonly kind: "revoked"; readonly lists: readonly RevocationList[] }
  /** What came of one that an operator has published here; undefined: it is held. */
  | { readonly kind: "published"; readonly id: number; readonly refusal: BulletinRefusal | undefined };

/** What is told to a host about bulletins from outside. */
export type BulletinNews =
  /** What it held when it ran before. Checked as ever. */
  | { readonly what: "recalled"; readonly bulletins: readonly Bulletin[] }
  /** An operator gives one to the network. */
  | { readonly what: "published"; readonly id: number; readonly bulletin: Bulletin }
  /** Whoever carries out this kind has done so, or could not. `id`: of the bulletin. */
  | { readonly what: "became"; readonly id: string; readonly state: Exclude<BulletinState, "held"> }
  /** Somebody wants to know who has applied what: lighthouses are asked. */
  | { readonly what: "count" };
