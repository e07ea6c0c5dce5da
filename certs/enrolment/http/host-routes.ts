import type { Result } from "../../../src/core/base/result.ts";
import {
  type EnrolAnswer,
  enrolRequest,
  issuedAnswer,
  leaveAnswer,
  leaveRequest,
  pendingAnswer,
  renewRequest,
} from "../../../src/core/enrolment/messages.ts";
import type { EnrolmentRefusal } from "../../../src/core/enrolment/refusal.ts";
import type { Registrar } from "../registrar.ts";
import { type Answer, posting, type Route, refused } from "./route.ts";

/** What hosts ask. They show a secret of their own in each request, so that no other sign-in is needed. */
export function hostRoutes(registrar: Registrar): readonly Route[] {
  return [
    posting({
      path: "/v1/enrol",
      scope: "anyone",
      summary:
        "A host that was invited asks for its certificate; asked again with the same key, it is answered the same.",
      request: enrolRequest,
      answers: { 200: issuedAnswer, 202: pendingAnswer },
      handle: async (body, call) => answered(await registrar.enrol(body, call)),
    }),
    posting({
      path: "/v1/renew",
      scope: "anyone",
      summary: "A host of the network asks for its next certificate.",
      request: renewRequest,
      answers: { 200: issuedAnswer, 202: pendingAnswer },
      handle: async (body, call) => answered(await registrar.renew(body, call)),
    }),
    posting({
      path: "/v1/leave",
      scope: "anyone",
      summary: "A host takes itself out: its certificates and its key are taken back.",
      request: leaveRequest,
      answers: { 200: leaveAnswer },
      handle: async (body, call) => {
        const left = await registrar.leave(body, call);
        return left.ok ? { status: 200, body: left.value } : refused(left.reason);
      },
    }),
  ];
}

function answered(result: Result<EnrolAnswer, EnrolmentRefusal>): Answer {
  if (!result.ok) return refused(result.reason);
  return { status: result.value.status === "pending" ? 202 : 200, body: result.value };
}
