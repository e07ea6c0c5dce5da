import type { Instant } from "../../../src/core/base/time.ts";
import { accessOf, type KeptAccess } from "../access.ts";
import type { Database } from "../storage/database.ts";
import { StorageFailure } from "../storage/failure.ts";
import { checkVersion } from "../storage/schema.ts";
import { Doors } from "./doors.ts";
import { describeApi } from "./openapi.ts";
import { type Answer, type Route, refused, refusing } from "./route.ts";

/** What has come in, whatever it came by. */
export interface HttpRequest {
  readonly method: string;
  /** With its query. */
  readonly target: string;
  readonly authorization: string | undefined;
  readonly origin: string | undefined;
  readonly source: string;
  readonly body: string;
  readonly now: Instant;
  readonly nowSeconds: number;
}

/** What is said of a request in the log: no secret, no body, no name that its sender chose. */
export interface HandledRequest {
  /** "POST /v1/enrol", or "unknown". */
  readonly route: string;
  readonly source: string;
  readonly status: number;
  /** Why it was refused. */
  readonly code?: string;
  /** Whose access it was done with. */
  readonly access?: string;
}

export interface ApiLog {
  handled(request: HandledRequest): void;
  /** Something is wrong here, and somebody should look. */
  trouble(what: string, error: unknown): void;
}

/** Body of a request: more than any needs that strangers may send. */
export const BODY_BYTES_MAX = 65_536;

/** The routes of the service: finds the one that is meant, asks who may use it, reads what was said, and answers, whatever happens. */
export class Api {
  readonly #routes: readonly { readonly route: Route; readonly pattern: RegExp }[];
  readonly #database: Database;
  readonly #log: ApiLog;
  readonly #doors = new Doors();

  constructor(routes: readonly Route[], database: Database, log: ApiLog) {
    const all: readonly Route[] = [...routes, ...ownRoutes(() => all)];
    this.#routes = all.map((route) => ({ route, pattern: patternOf(route.path) }));
    this.#database = database;
    this.#log = log;
  }

  get routes(): readonly Route[] {
    return this.#routes.map(({ route }) => route);
  }

  /** How much a request may say that has begun so. */
  async bytesMax(head: Pick<HttpRequest, "method" | "target" | "authorization" | "nowSeconds">): Promise<number> {
    const route = this.#find(head)?.route;
    if (!route?.bytesMax) return BODY_BYTES_MAX;
    try {
      const access = await this.#accessOf(head);
      return access?.scopes.some((scope) => scope === route.scope) ? route.bytesMax : BODY_BYTES_MAX;
    } catch {
      // What is wrong with the storage is said by the answer.
      return BODY_BYTES_MAX;
    }
  }

  async answer(request: HttpRequest): Promise<Answer> {
    const { source } = request;
    const found = this.#find(request);
    const route = found ? `${found.route.method} ${found.route.path}` : "unknown";
    let access: KeptAccess | undefined;
    let answer: Answer;
    try {
      const admitted = await this.#let(request, found?.route);
      access = admitted.access;
      answer = admitted.refusal ?? (found ? await this.#handle(request, found, access) : NOT_FOUND);
    } catch (error) {
      answer = this.#failed(route, error);
    }
    const code = codeOf(answer);
    if (code !== undefined && WRONG_SECRET.has(code)) this.#doors.wasWrong(source, request.now);
    const { status } = answer;
    this.#log.handled({ route, source, status, ...(code && { code }), ...(access && { access: access.name }) });
    return answer;
  }

  #find({ method, target }: Pick<HttpRequest, "method" | "target">): Found | undefined {
    const [path = ""] = target.split("?", 1);
    for (const { route, pattern } of this.#routes) {
      const match = route.method === method ? pattern.exec(path) : null;
      if (match) return { route, params: match.groups ?? {} };
    }
    return undefined;
  }

  /** Whether this source, and whoever it says it is, may ask that. */
  async #let(
    request: HttpRequest,
    route: Route | undefined,
  ): Promise<{ readonly access?: KeptAccess; readonly refusal?: Answer }> {
    const { source, now, origin, authorization } = request;
    const wait = this.#doors.waitSeconds(source, now);
    if (wait > 0) {
      return { refusal: refusing("too-many", "this address", `it has asked too often`, `try again in ${wait} s`) };
    }
    // No page of a browser has anything to ask here.
    if (origin !== undefined)
      return { refusal: refusing("not-permitted", "the request", "it comes from a web page", "use a program") };
    if (!route || route.scope === "anyone") return {};
    const access = await this.#accessOf(request);
    if (!access) {
      const why = bearerOf(authorization) === undefined ? "it needs access" : "its access is not known, or has ended";
      return {
        refusal: refusing("not-signed-in", "the request", why, "send Authorization: Bearer …, from lacis-cert access"),
      };
    }
    if (access.scopes.includes(route.scope)) return { access };
    const why = `${access.name} has no scope "${route.scope}"`;
    return { access, refusal: refusing("not-permitted", "the request", why, "ask whoever gives access") };
  }

  async #accessOf({
    authorization,
    nowSeconds,
  }: Pick<HttpRequest, "authorization" | "nowSeconds">): Promise<KeptAccess | undefined> {
    const bearer = bearerOf(authorization);
    return bearer === undefined ? undefined : accessOf(this.#database, bearer, nowSeconds);
  }

  async #handle(request: HttpRequest, { route, params }: Found, access: KeptAccess | undefined): Promise<Answer> {
    await checkVersion(this.#database, this.#database.name);
    let body: object = {};
    if (route.request) {
      const value = parsed(request.body);
      if (value === undefined)
        return refusing("request-bad", "the request", "its body is no JSON", "see /v1/openapi.json");
      const read = route.request.read(value, "");
      if (!read.ok) {
        const { path, wanted } = read.reason;
        return refusing("request-bad", path || "the body", `${wanted} is wanted`, "see /v1/openapi.json");
      }
      body = read.value;
    }
    const { source, nowSeconds, target } = request;
    const query = new URLSearchParams(target.slice(target.indexOf("?") < 0 ? target.length : target.indexOf("?")));
    return route.handle({ params, query, body, access, source, nowSeconds });
  }

  #failed(route: string, error: unknown): Answer {
    this.#log.trouble(route, error);
    if (!(error instanceof StorageFailure)) {
      return refusing(
        "fault",
        "the service",
        "something went wrong in it; its log says what",
        "try again, and tell whoever runs it",
      );
    }
    const why =
      error.trouble === "full"
        ? "there is no room for more where it keeps its data"
        : "it cannot reach or use where it keeps its data";
    const code = error.trouble === "full" ? "storage-full" : "storage-unavailable";
    return refusing(code, "the service", why, "try again later: nothing was changed");
  }
}

interface Found {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

/** For load balancers, and for whoever writes a program. */
function ownRoutes(routes: () => readonly Route[]): readonly Route[] {
  return [
    {
      method: "GET",
      path: "/v1/health",
      scope: "anyone",
      summary: "Whether this instance can do its work.",
      request: undefined,
      answers: {},
      handle: async () => {
        // That its storage answers and is of its version was looked at on the way here.
        return { status: 200, body: { status: "ok" } };
      },
    },
    {
      method: "GET",
      path: "/v1/openapi.json",
      scope: "anyone",
      summary: "This description.",
      request: undefined,
      answers: {},
      handle: async () => ({ status: 200, body: describeApi(routes()) }),
    },
  ];
}

/** Codes of refusals for a secret that is none. */
const WRONG_SECRET: ReadonlySet<string> = new Set(["token-unknown", "not-enrolled", "not-signed-in"]);

const NOT_FOUND = refused({
  code: "route-unknown",
  what: "the request",
  why: "there is nothing here by this method and path",
  todo: "see /v1/openapi.json",
});

function bearerOf(authorization: string | undefined): string | undefined {
  return /^Bearer ([\x21-\x7e]{1,256})$/i.exec(authorization ?? "")?.[1];
}

function codeOf({ body }: Answer): string | undefined {
  return "error" in body ? (body.error as { readonly code: string }).code : undefined;
}

/** "/v1/hosts/{name}" finds "/v1/hosts/lap". */
function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll(".", "\\.").replaceAll(/\{(\w+)\}/g, "(?<$1>[A-Za-z0-9._-]{1,63})")}$`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
