import type { Announcements } from "../announcements.ts";
import type { Desk } from "../desk.ts";
import { signingBatch } from "../signing/batch.ts";
import * as shapes from "./operator-shapes.ts";
import { answer, NO_BODY, operatorOf, posting, type Route } from "./route.ts";

/** What is asked where the authority's key is elsewhere: what waits goes there, and what was signed comes back. */
export function signingRoutes(desk: Desk, announcements: Announcements): readonly Route[] {
  return [
    {
      ...NO_BODY,
      path: "/v1/signing",
      scope: "approve",
      summary: "Everything that waits for the authority's key, as lacis-cert sign-batch reads it.",
      answers: { 200: signingBatch },
      handle: async ({ nowSeconds }) => answer(await desk.waiting(nowSeconds), (batch) => batch),
    },
    posting({
      path: "/v1/requests/{id}/certificate",
      scope: "approve",
      summary: "Brings the certificate of a host that waits, which was signed elsewhere.",
      request: shapes.certificateRequest,
      answers: { 200: shapes.doneAnswer },
      handle: async ({ certificate }, call) =>
        answer(await desk.deliver(call.params["id"] ?? "", certificate, operatorOf(call)), ({ name }) => ({ name })),
    }),
    {
      ...NO_BODY,
      path: "/v1/revocations",
      scope: "read",
      summary: "The revocation list that was signed last.",
      answers: { 200: shapes.listAnswer },
      handle: async () => ({ status: 200, body: await announcements.newest() }),
    },
    posting({
      path: "/v1/bulletins",
      scope: "publish",
      summary:
        "Brings what the authority has signed elsewhere (revocations, a policy, a change of the authority); it is given to the network.",
      request: shapes.bulletinRequest,
      bytesMax: shapes.BULLETIN_CHARACTERS_MAX + 1_024,
      answers: { 200: shapes.toldAnswer },
      handle: async ({ bulletin }, call) =>
        answer(await announcements.accept(bulletin, operatorOf(call)), (told) => told),
    }),
  ];
}
