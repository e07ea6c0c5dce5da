import {
  signedIn,
  signInRequest,
  signInStarted,
  signInTokenRequest,
  signInWaiting,
} from "../../../src/core/enrolment/sign-in.ts";
import type { SignIn } from "../sign-in/sign-in.ts";
import { posting, type Route, refused } from "./route.ts";

/** What hosts ask whose people sign in. The handle, or what the provider says of it, is the proof. */
export function signInRoutes(signIn: SignIn): readonly Route[] {
  return [
    posting({
      path: "/v1/sign-in",
      scope: "anyone",
      summary: "A host asks where its person is to sign in.",
      request: signInRequest,
      answers: { 200: signInStarted },
      handle: async (body) => {
        const begun = await signIn.begin(body);
        return begun.ok ? { status: 200, body: begun.value } : refused(begun.reason);
      },
    }),
    posting({
      path: "/v1/sign-in/token",
      scope: "anyone",
      summary: "A host asks whether its person has signed in, and is given a token to enrol with.",
      request: signInTokenRequest,
      answers: { 200: signedIn, 202: signInWaiting },
      handle: async (body, { nowSeconds }) => {
        const answer = await signIn.token(body, nowSeconds);
        if (!answer.ok) return refused(answer.reason);
        return { status: answer.value.status === "waiting" ? 202 : 200, body: answer.value };
      },
    }),
  ];
}
