import { fromHex } from "../../core/base/bytes.ts";
import type { HeldBulletin } from "../../core/bulletin/held.ts";
import type { Certificate, Fingerprint } from "../../core/cert/certificate.ts";
import { Banner, encodePem } from "../../core/cert/pem.ts";
import type { Settings } from "../../core/config/settings.ts";
import { AUTHORITIES, decodeAuthorityChange, trustAfter } from "../../core/enrolment/authority-change.ts";
import type { BulletinDesk } from "../bulletins/bulletin-desk.ts";
import { FileError } from "../files/atomic-file.ts";
import { nodeSuite } from "../node-crypto.ts";
import { OperatorError } from "../operator-error.ts";
import type { Health, Service } from "../service.ts";
import { replaceAuthorities } from "./renewal-files.ts";

export interface AuthoritiesOptions {
  readonly settings: () => Settings;
  readonly bulletins: Pick<BulletinDesk, "listen" | "became">;
  /** Brings what lies on disk into force. Throws an OperatorError when it cannot. */
  readonly apply: () => void;
  /** Another authority signs than the one that has signed this host. */
  readonly signedAnew: () => void;
}

/** Hosts come back for a certificate of the next authority within this time, each at a moment of its own. */
const SPREAD_SECONDS = 600n;

/** Follows its authority when that hands over to another: trusts both, renews, drops the first, as bulletins say so. */
export class Authorities implements Service {
  readonly name = "authorities";
  readonly #options: AuthoritiesOptions;
  #newest: HeldBulletin | undefined;
  #signs: Fingerprint | undefined;
  #trouble: Health | undefined;
  #isApplying = false;

  constructor(options: AuthoritiesOptions) {
    this.#options = options;
  }

  start(): void {
    this.#options.bulletins.listen(AUTHORITIES, (newest) => {
      this.#newest = newest;
      this.#follow();
    });
  }

  /** This host may have been renewed, or joined, and can follow now. */
  reload(): void {
    if (!this.#isApplying) this.#follow();
  }

  health(): readonly Health[] {
    return this.#trouble ? [this.#trouble] : [];
  }

  /** When this certificate is to be renewed because another authority signs by now, in Unix seconds; undefined: that is no reason. */
  dueAt({ issuer, fingerprint }: Certificate): bigint | undefined {
    if (!this.#newest || this.#signs === undefined || issuer === this.#signs) return undefined;
    const [chance = 0] = fromHex(fingerprint.slice(0, 2)) ?? [];
    return BigInt(this.#newest.head.issuedAt) + (SPREAD_SECONDS * BigInt(chance)) / 256n;
  }

  #follow(): void {
    this.#trouble = undefined;
    this.#signs = undefined;
    const newest = this.#newest;
    if (!newest) return;
    const { renewal, identity } = this.#options.settings().live;
    const authorities = [...identity.pool.authorities.values()];
    const own = Object.values(identity.credential.certificates).filter((one): one is Certificate => one !== undefined);
    const change = decodeAuthorityChange(newest.body, nodeSuite);
    const after = change.ok ? trustAfter(change.value, newest.authority, { authorities, own }) : change;
    if (!change.ok || !after.ok) {
      this.#trouble = notFollowed(after.ok ? "" : after.reason);
      this.#options.bulletins.became(newest, "refused");
      return;
    }
    if (!isSame(authorities, after.value)) {
      if (!renewal?.authorities) {
        this.#trouble = byHand(change.value.trust, authorities, change.value.drop);
        return;
      }
      if (!this.#apply(() => replaceAuthorities(renewal, after.value.map(pemOf).join("")))) return;
    }
    this.#options.bulletins.became(newest, "applied");
    this.#signs = change.value.trust[0].fingerprint;
    if (own.some(({ issuer }) => issuer !== this.#signs)) {
      if (renewal) this.#options.signedAnew();
      else this.#trouble = signAgain(change.value.trust[0]);
    }
  }

  #apply(write: () => void): boolean {
    this.#isApplying = true;
    try {
      write();
      this.#options.apply();
      return true;
    } catch (error) {
      if (error instanceof FileError) this.#trouble = notWritten(error.file, error.code);
      else if (error instanceof OperatorError)
        this.#trouble = notFollowed(error.complaint.details?.[0] ?? error.message, error.complaint.todo);
      else throw error;
      return false;
    } finally {
      this.#isApplying = false;
    }
  }
}

function isSame(before: readonly Certificate[], after: readonly Certificate[]): boolean {
  const fingerprints = new Set(before.map(({ fingerprint }) => fingerprint));
  return before.length === after.length && after.every(({ fingerprint }) => fingerprints.has(fingerprint));
}

function pemOf({ version, encoded }: Certificate): string {
  return encodePem(version === 1 ? Banner.certificateV1 : Banner.certificateV2, encoded);
}

const NOT_FOLLOWED = "authority-not-followed";

function notFollowed(why: string, todo = "see who has published it: lacis bulletins"): Health {
  const text = `the authority is changed, and this host does not follow: ${why}`;
  return { code: NOT_FOLLOWED, severity: "warning", text, todo };
}

function notWritten(file: string, code: string): Health {
  return notFollowed(
    `${file} cannot be replaced (${code})`,
    "make room, or give the file and its folder to this daemon's user",
  );
}

/** The files of a host that has not joined belong to whoever wrote them. */
function byHand(trust: readonly Certificate[], before: readonly Certificate[], drop: ReadonlySet<string>): Health {
  const fresh = trust.filter(({ fingerprint }) => !before.some((ca) => ca.fingerprint === fingerprint));
  const names = fresh.map(({ name, fingerprint }) => `${name} (${fingerprint.slice(0, 16)})`).join(", ");
  const text =
    fresh.length > 0
      ? `the authority is about to change, and pki.ca lacks the next one, ${names}`
      : `the authority has changed, and pki.ca still has the one before (${[...drop].map((one) => one.slice(0, 16)).join(", ")})`;
  return {
    code: "authority-changes",
    severity: fresh.length > 0 ? "warning" : "note",
    text,
    todo: "whoever holds the authority's key has the new ca.crt: put it into pki.ca, then: lacis reload",
  };
}

function signAgain({ name }: Certificate): Health {
  return {
    code: "authority-changes",
    severity: "warning",
    text: `the authority ${name} signs from now on, and this host's certificate is of the one before, which will not be trusted for long`,
    todo: "whoever holds the authority's key signs it again: lacis-cert resign; then replace pki.cert: lacis reload",
  };
}
