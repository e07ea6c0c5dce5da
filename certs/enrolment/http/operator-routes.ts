import { portableSuite } from "../../../src/core/crypto/portable.ts";
import { enrolmentRefusal } from "../../../src/core/enrolment/refusal.ts";
import { formatToken } from "../../../src/core/enrolment/token.ts";
import { listAccess } from "../access.ts";
import type { Announcements } from "../announcements.ts";
import { readAudit } from "../audit.ts";
import { targetText } from "../debug-access.ts";
import type { Desk } from "../desk.ts";
import { listHosts } from "../hosts.ts";
import { DEFAULT_LIFETIME_SECONDS, DEFAULT_TOKEN_SECONDS } from "../invitation.ts";
import { waitingHosts } from "../requests.ts";
import type { Database } from "../storage/database.ts";
import { listTokens } from "../tokens.ts";
import * as shapes from "./operator-shapes.ts";
import {
  type Answer,
  answer,
  type Call,
  NO_BODY,
  operatorOf,
  posting,
  type Route,
  refused,
  refusing,
} from "./route.ts";
import { signingRoutes } from "./signing-routes.ts";

/** What operators and their programs ask, each with access of its own scope. */
export function operatorRoutes(desk: Desk, announcements: Announcements, database: Database): readonly Route[] {
  return [...lists(database), ...acts(desk, announcements), ...signingRoutes(desk, announcements)];
}

function lists(database: Database): readonly Route[] {
  const list = (
    path: string,
    summary: string,
    answer: Route["answers"][number],
    read: (call: Call) => Promise<object>,
  ): Route => ({
    ...NO_BODY,
    path,
    scope: "read",
    summary,
    answers: { 200: answer },
    handle: async (call) => ({ status: 200, body: { items: await read(call) } }),
  });
  return [
    list(
      "/v1/hosts",
      "Hosts that were let in, by name; ?after=NAME goes on.",
      shapes.hostsAnswer,
      async ({ query }) => {
        const hosts = await listHosts(database, query.get("after") ?? "", shapes.PAGE_ROWS_MAX);
        return hosts.map(({ name, networks, groups, certificate, notAfter, issuedAt, seenAt, version }) => ({
          name,
          networks,
          groups,
          certificate,
          notAfter,
          issuedAt,
          seenAt,
          version,
        }));
      },
    ),
    list("/v1/tokens", "Tokens, newest first, without their secrets.", shapes.tokensAnswer, async () => {
      const tokens = await listTokens(database, shapes.PAGE_ROWS_MAX);
      return tokens.map(({ id, host, groups, expires, madeBy, reason, usedName, usedAt, withdrawnAt }) => ({
        id,
        host,
        groups,
        expires,
        madeBy,
        reason,
        usedName,
        usedAt,
        withdrawnAt,
      }));
    }),
    list("/v1/requests", "Hosts that wait for a decision, oldest first.", shapes.requestsAnswer, () =>
      waitingHosts(database, shapes.PAGE_ROWS_MAX),
    ),
    list("/v1/audit", "What was done by whom, oldest first; ?after=SEQ goes on.", shapes.auditAnswer, ({ query }) => {
      const after = Number(query.get("after") ?? 0);
      return readAudit(database, Number.isSafeInteger(after) && after > 0 ? after : 0, shapes.PAGE_ROWS_MAX);
    }),
    {
      ...NO_BODY,
      path: "/v1/access",
      scope: "access",
      summary: "Who has access, without their secrets.",
      answers: { 200: shapes.accessListAnswer },
      handle: async () => {
        const all = await listAccess(database, shapes.PAGE_ROWS_MAX);
        const items = all.map(({ secretHash: _, madeAt: __, ...shown }) => shown);
        return { status: 200, body: { items } };
      },
    },
  ];
}

function acts(desk: Desk, announcements: Announcements): readonly Route[] {
  return [
    posting({
      path: "/v1/tokens",
      scope: "invite",
      summary: "Invites a host: makes a token. Of one that is to debug something, the network is told.",
      request: shapes.inviteRequest,
      answers: { 200: shapes.inviteAnswer },
      handle: async (body, call) => {
        if (body.debug) return inviteToDebug(announcements, { ...body, debug: body.debug }, call);
        const invitation = {
          host: body.host ?? "",
          groups: body.groups ?? [],
          newGroups: body.newGroups ?? [],
          validFor: body.validFor ?? DEFAULT_TOKEN_SECONDS,
          lifetime: body.lifetime ?? DEFAULT_LIFETIME_SECONDS,
          needsApproval: body.approval ?? false,
          isEphemeral: body.ephemeral ?? false,
          reason: body.reason ?? "",
        };
        return answer(await desk.invite(invitation, operatorOf(call)), (token) => ({
          id: token.id,
          token: formatToken(token, portableSuite),
          expires: Number(token.expires),
        }));
      },
    }),
    {
      method: "DELETE",
      path: "/v1/tokens/{id}",
      scope: "invite",
      summary: "Takes back a token that nobody has used.",
      request: undefined,
      answers: { 200: shapes.doneAnswer },
      handle: async (call) => {
        const { id = "" } = call.params;
        return answer(await desk.withdraw(id, operatorOf(call)), () => ({ name: id }));
      },
    },
    {
      method: "POST",
      path: "/v1/requests/{id}/approve",
      scope: "approve",
      summary: "Signs for a host that waits.",
      request: undefined,
      answers: { 200: shapes.doneAnswer },
      handle: async (call) =>
        answer(await desk.approve(call.params["id"] ?? "", operatorOf(call)), ({ name }) => ({ name })),
    },
    posting({
      path: "/v1/requests/{id}/deny",
      scope: "approve",
      summary: "Denies a host that waits; it is told why.",
      request: shapes.denyRequest,
      answers: { 200: shapes.doneAnswer },
      handle: async ({ reason }, call) =>
        answer(await desk.deny(call.params["id"] ?? "", reason, operatorOf(call)), ({ name }) => ({ name })),
    }),
    posting({
      path: "/v1/hosts/{name}/revoke",
      scope: "revoke",
      summary: "Takes back every certificate of a name, and tells the network.",
      request: shapes.revokeRequest,
      answers: { 200: shapes.revokeAnswer },
      handle: async ({ reason }, call) => {
        const { name = "" } = call.params;
        return answer(await announcements.revoke(name, reason ?? "", operatorOf(call)), (list) => ({ name, list }));
      },
    }),
    posting({
      path: "/v1/access",
      scope: "access",
      summary: "Lets somebody use this API, at most as far as whoever asks.",
      request: shapes.accessRequest,
      answers: { 200: shapes.accessAnswer },
      handle: async (body, call) => {
        const more = body.scopes.find((scope) => !call.access?.scopes.includes(scope));
        if (more !== undefined) {
          const why = `whoever asks does not have it`;
          return refused(enrolmentRefusal("not-permitted", `the scope ${more}`, why, "ask somebody who has it").reason);
        }
        const { access, bearer } = await desk.giveAccess(body, operatorOf(call));
        return { status: 200, body: { id: access.id, bearer, expires: access.expires } };
      },
    }),
    {
      method: "DELETE",
      path: "/v1/access/{id}",
      scope: "access",
      summary: "Takes access back.",
      request: undefined,
      answers: { 200: shapes.doneAnswer },
      handle: async (call) =>
        answer(await desk.takeAccess(call.params["id"] ?? "", operatorOf(call)), (name) => ({ name })),
    },
  ];
}

async function inviteToDebug(
  announcements: Announcements,
  body: shapes.InviteRequest & { readonly debug: shapes.DebugRequest },
  call: Call,
): Promise<Answer> {
  const { host, groups, newGroups, lifetime, debug, validFor = DEFAULT_TOKEN_SECONDS, approval, reason } = body;
  if (host === undefined) return refusing("request-bad", "host", "debug needs a name", "say which host is to join");
  if (groups !== undefined || newGroups !== undefined || lifetime !== undefined) {
    const why = "a host that is let in to debug has a group and an end of its own";
    return refusing("request-bad", "debug", why, "leave out groups, newGroups and lifetime");
  }
  const wanted = { host, validFor, needsApproval: approval ?? false, reason: reason ?? "", debug };
  const invited = await announcements.inviteToDebug(wanted, operatorOf(call));
  if (!invited.ok) return refused(invited.reason);
  const { token, access, request, told } = invited.value;
  return {
    status: 200,
    body: {
      id: token.id,
      token: formatToken(token, portableSuite),
      expires: Number(token.expires),
      debug: {
        group: access.group,
        until: access.until,
        targets: access.targets.map(targetText),
        told,
        ...(told.state === "unsigned" && { request: JSON.stringify(request) }),
      },
    },
  };
}
