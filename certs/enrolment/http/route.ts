import type { Result } from "../../../src/core/base/result.ts";
import { type EnrolmentRefusal, enrolmentRefusal } from "../../../src/core/enrolment/refusal.ts";
import type { Shape } from "../../../src/core/enrolment/shape.ts";
import type { KeptAccess } from "../access.ts";
import type { Operator } from "../desk.ts";
import type { Asker } from "../registrar.ts";
import type { Scope } from "../scopes.ts";

/** One thing that can be asked of the service. What is not in the list of routes is refused, and a route cannot be without a scope. */
export interface Route {
  readonly method: "GET" | "POST" | "DELETE";
  /** "/v1/hosts/{name}". */
  readonly path: string;
  /** "anyone": whoever reaches the service. What is asked then proves itself. */
  readonly scope: Scope | "anyone";
  readonly summary: string;
  readonly request: Shape<object> | undefined;
  /** Bytes of a body, where that is more than others may send: only of whoever has the scope. */
  readonly bytesMax?: number;
  /** What it may answer, beside refusals. */
  readonly answers: Readonly<Record<number, Shape<object>>>;
  handle(call: Call): Promise<Answer>;
}

/** A request that was let through to its route. */
export interface Call extends Asker {
  /** Parts of the path. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** As the route's shape has read it. */
  readonly body: object;
  /** Undefined on routes for anyone. */
  readonly access: KeptAccess | undefined;
}

export interface Answer {
  readonly status: number;
  readonly body: object;
}

/** A route whose body has a type. */
export function posting<Body extends object>(
  route: Omit<Route, "method" | "request" | "handle"> & {
    readonly request: Shape<Body>;
    handle(body: Body, call: Call): Promise<Answer>;
  },
): Route {
  // What the shape has read is what it describes.
  return { ...route, method: "POST", handle: (call) => route.handle(call.body as Body, call) };
}

/** Of a route that only reads. */
export const NO_BODY = { method: "GET", request: undefined } as const;

export function answer<Value>(result: Result<Value, EnrolmentRefusal>, body: (value: Value) => object): Answer {
  return result.ok ? { status: 200, body: body(result.value) } : refused(result.reason);
}

export function operatorOf({ access, nowSeconds }: Call): Operator {
  return { who: `access ${access?.name ?? ""}`, nowSeconds };
}

export function refused(reason: EnrolmentRefusal): Answer {
  return { status: STATUS[reason.code] ?? 400, body: { error: reason } };
}

/** The same, made on the spot. */
export function refusing(...reason: Parameters<typeof enrolmentRefusal>): Answer {
  return refused(enrolmentRefusal(...reason).reason);
}

const STATUS: Readonly<Record<string, number>> = {
  "token-expired": 410,
  "token-unknown": 403,
  "token-used": 409,
  "other-network": 403,
  "name-taken": 409,
  "key-taken": 409,
  "key-revoked": 403,
  "network-full": 409,
  "not-enrolled": 403,
  revoked: 403,
  denied: 403,
  "not-pending": 409,
  "unknown-id": 404,
  "request-large": 413,
  "route-unknown": 404,
  "not-signed-in": 401,
  "not-permitted": 403,
  "too-many": 429,
  "not-renewed": 403,
  provider: 503,
  authority: 503,
  "storage-full": 507,
  "storage-unavailable": 503,
  fault: 500,
};
