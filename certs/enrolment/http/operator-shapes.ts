import { groupNames, hostName } from "../../../src/core/enrolment/messages.ts";
import { HOST_NAME } from "../../../src/core/enrolment/name.ts";
import {
  flag,
  hex,
  integer,
  list,
  object,
  oneOf,
  optional,
  type Shape,
  text,
} from "../../../src/core/enrolment/shape.ts";
import type { Told } from "../announcements.ts";
import { TOKEN_SECONDS_MAX } from "../desk.ts";
import { SCOPES, type Scope } from "../scopes.ts";

// What operators and their programs say to the service.

export interface InviteRequest {
  readonly host?: string;
  readonly groups?: readonly string[];
  readonly newGroups?: readonly string[];
  readonly validFor?: number;
  readonly lifetime?: number;
  readonly approval?: boolean;
  readonly ephemeral?: boolean;
  readonly reason?: string;
  readonly debug?: DebugRequest;
}

export interface DebugRequest {
  readonly targets: readonly string[];
  readonly seconds: number;
}

export interface InviteAnswer {
  readonly id: string;
  readonly token: string;
  readonly expires: number;
  readonly debug?: DebugAnswer;
}

export interface DebugAnswer {
  readonly group: string;
  readonly until: number;
  readonly targets: readonly string[];
  readonly told: Told;
  readonly request?: string;
}

export interface DenyRequest {
  readonly reason: string;
}

export interface RevokeRequest {
  readonly reason?: string;
}

export interface AccessRequest {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly validFor: number;
}

export interface AccessAnswer {
  readonly id: string;
  readonly bearer: string;
  readonly expires: number;
}

/** A year, twice: longer than anybody remembers what a secret was for. */
export const ACCESS_SECONDS_MAX: number = 2 * 366 * 86_400;
/** Of a bulletin as text. */
export const BULLETIN_CHARACTERS_MAX: number = 1024 * 1024 - 1_024;
const LIFETIME_SECONDS_MAX: number = 10 * 366 * 86_400;

export const reasonText: Shape<string> = text("why, in your words", { max: 256, pattern: /^[^\p{Cc}\p{Cf}]*$/u });
const seconds = (description: string, max: number): Shape<number> => integer(description, { min: 1, max });
const moment: Shape<number> = integer("Unix seconds", { min: 0, max: Number.MAX_SAFE_INTEGER });
const scopes: Shape<readonly Scope[]> = list(oneOf("what it may do", SCOPES), { min: 1, max: SCOPES.length });
const id: Shape<string> = hex("its id", [8]);
const words: Shape<string> = text("text", { max: 4_096 });
const names: Shape<readonly string[]> = list(words, { max: 256 });
const bulletin: Shape<string> = text("a bulletin, PEM", { max: BULLETIN_CHARACTERS_MAX });
const count: Shape<number> = integer("hosts", { min: 0, max: Number.MAX_SAFE_INTEGER });

export const toldAnswer: Shape<Told> = object<Told>({
  kind: words,
  number: moment,
  state: oneOf("what became of it", ["published", "signed", "unsigned"]),
  hosts: optional(count),
  applied: optional(count),
  pending: optional(names),
  bulletin: optional(bulletin),
  why: optional(words),
  todo: optional(words),
});

export const inviteRequest: Shape<InviteRequest> = object<InviteRequest>({
  host: optional(hostName),
  groups: optional(groupNames),
  newGroups: optional(groupNames),
  validFor: optional(seconds("how long the token may be used, seconds", TOKEN_SECONDS_MAX)),
  lifetime: optional(seconds("how long the host's certificates live, seconds", LIFETIME_SECONDS_MAX)),
  approval: optional(flag("somebody must approve whoever uses it")),
  ephemeral: optional(flag("the host is not to stay")),
  reason: optional(reasonText),
  debug: optional(
    object<DebugRequest>({
      targets: list(text("what it is to reach: db1:5432, web*:22", { max: 320 }), { min: 1, max: 64 }),
      seconds: seconds("for how long from now on, seconds", LIFETIME_SECONDS_MAX),
    }),
  ),
});
export const inviteAnswer: Shape<InviteAnswer> = object<InviteAnswer>({
  id,
  token: words,
  expires: moment,
  debug: optional(
    object<DebugAnswer>({
      group: words,
      until: moment,
      targets: names,
      told: toldAnswer,
      request: optional(
        text("what lets it in, to be signed where the key is: lacis-cert bulletin", { max: BULLETIN_CHARACTERS_MAX }),
      ),
    }),
  ),
});
export const denyRequest: Shape<DenyRequest> = object<DenyRequest>({ reason: reasonText });
export const revokeRequest: Shape<RevokeRequest> = object<RevokeRequest>({ reason: optional(reasonText) });
export const accessRequest: Shape<AccessRequest> = object<AccessRequest>({
  name: text("whose it is", { max: 63, pattern: HOST_NAME }),
  scopes,
  validFor: seconds("how long it is good, seconds", ACCESS_SECONDS_MAX),
});
export const accessAnswer: Shape<AccessAnswer> = object<AccessAnswer>({ id, bearer: words, expires: moment });

/** Lists are long, and read a page at a time. */
export const PAGE_ROWS_MAX = 1_000;

function page<Item extends object>(item: Shape<Item>): Shape<{ readonly items: readonly Item[] }> {
  return object<{ readonly items: readonly Item[] }>({ items: list(item, { max: PAGE_ROWS_MAX }) });
}

export interface ShownHost {
  readonly name: string;
  readonly networks: readonly string[];
  readonly groups: readonly string[];
  readonly certificate: string;
  readonly notAfter: number;
  readonly issuedAt: number;
  readonly seenAt: number;
  readonly version: string;
}

export interface ShownToken {
  readonly id: string;
  readonly host: string;
  readonly groups: readonly string[];
  readonly expires: number;
  readonly madeBy: string;
  readonly reason: string;
  readonly usedName?: string;
  readonly usedAt?: number;
  readonly withdrawnAt?: number;
}

export interface ShownRequest {
  readonly id: string;
  readonly name: string;
  readonly groups: readonly string[];
  readonly keyFingerprint: string;
  readonly source: string;
  readonly askedAt: number;
}

export interface ShownAccess {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly expires: number;
  readonly withdrawnAt?: number;
}

export interface ShownAuditLine {
  readonly seq: number;
  readonly at: string;
  readonly who: string;
  readonly action: string;
  readonly subject: string;
  readonly hash: string;
}

export const hostsAnswer: Shape<{ readonly items: readonly ShownHost[] }> = page(
  object<ShownHost>({
    name: words,
    networks: names,
    groups: names,
    certificate: words,
    notAfter: moment,
    issuedAt: moment,
    seenAt: moment,
    version: words,
  }),
);
export const tokensAnswer: Shape<{ readonly items: readonly ShownToken[] }> = page(
  object<ShownToken>({
    id,
    host: words,
    groups: names,
    expires: moment,
    madeBy: words,
    reason: words,
    usedName: optional(words),
    usedAt: optional(moment),
    withdrawnAt: optional(moment),
  }),
);
export const requestsAnswer: Shape<{ readonly items: readonly ShownRequest[] }> = page(
  object<ShownRequest>({
    id: words,
    name: words,
    groups: names,
    keyFingerprint: words,
    source: words,
    askedAt: moment,
  }),
);
export const accessListAnswer: Shape<{ readonly items: readonly ShownAccess[] }> = page(
  object<ShownAccess>({ id, name: words, scopes, expires: moment, withdrawnAt: optional(moment) }),
);
export const auditAnswer: Shape<{ readonly items: readonly ShownAuditLine[] }> = page(
  object<ShownAuditLine>({ seq: moment, at: words, who: words, action: words, subject: words, hash: words }),
);
export interface CertificateRequest {
  readonly certificate: string;
}

export interface BulletinRequest {
  readonly bulletin: string;
}

/** `isDue`: somebody was revoked who is not on the list that was signed last. */
export interface ListAnswer extends Partial<BulletinRequest> {
  readonly isDue: boolean;
  readonly number: number;
}

export const certificateRequest: Shape<CertificateRequest> = object<CertificateRequest>({
  certificate: text("the certificate, PEM", { max: 16 * 1024 }),
});
export const bulletinRequest: Shape<BulletinRequest> = object<BulletinRequest>({ bulletin });
export const listAnswer: Shape<ListAnswer> = object<ListAnswer>({
  isDue: flag("somebody was revoked who is not on it"),
  number: moment,
  bulletin: optional(bulletin),
});
export const revokeAnswer: Shape<{ readonly name: string; readonly list: Told }> = object<{
  readonly name: string;
  readonly list: Told;
}>({ name: words, list: toldAnswer });
export const doneAnswer: Shape<{ readonly name: string }> = object<{ readonly name: string }>({ name: words });
