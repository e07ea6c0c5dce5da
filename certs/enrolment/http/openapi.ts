import { refusalAnswer } from "../../../src/core/enrolment/messages.ts";
import type { JsonSchema } from "../../../src/core/enrolment/shape.ts";
import type { Route } from "./route.ts";

/** The routes as an OpenAPI 3.1 document: made of what the router itself goes by, so neither knows of what the other does not. */
export function describeApi(routes: readonly Route[]): JsonSchema {
  const paths: Record<string, Record<string, JsonSchema>> = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: describe(route) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Lacis enrolment service",
      version: "1",
      description:
        "Lets hosts into a mesh, renews them and lets them go. HTTPS with TLS 1.3; tokens name the server's key.",
    },
    paths,
    components: { securitySchemes: { access: { type: "http", scheme: "bearer" } } },
  };
}

function describe({ path, summary, scope, request, answers }: Route): JsonSchema {
  const parameters = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
  const successes = Object.entries(answers).map(([status, { schema }]) => [
    status,
    { description: "done", ...json(schema) },
  ]);
  return {
    summary,
    ...(scope !== "anyone" && { security: [{ access: [scope] }] }),
    ...(parameters.length > 0 && { parameters }),
    ...(request && { requestBody: { required: true, ...json(request.schema) } }),
    responses: {
      ...(successes.length === 0 ? { 200: { description: "done" } } : Object.fromEntries(successes)),
      default: { description: "refused: why, and the way out", ...json(refusalAnswer.schema) },
    },
  };
}

function json(schema: JsonSchema): { readonly content: JsonSchema } {
  return { content: { "application/json": { schema } } };
}
