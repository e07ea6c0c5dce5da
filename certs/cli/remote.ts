import type { Command } from "commander";
import { fail, type Result } from "../../src/core/base/result.ts";
import { SERVICE_ENDPOINT } from "../../src/core/enrolment/name.ts";
import type { EnrolmentRefusal } from "../../src/core/enrolment/refusal.ts";
import { hex, list, object, oneOf, readJson, type Shape, text } from "../../src/core/enrolment/shape.ts";
import type { OperatorAsk } from "../../src/runtime/enrolment/service-client.ts";
import { Failure } from "./failure.ts";
import { closeToOthers, readText } from "./files.ts";

/** Where a service is, which key it has, and a secret of its own for whoever may use it: a file that access -out has written. */
interface Remote {
  readonly format: typeof FORMAT;
  readonly endpoints: readonly string[];
  readonly serviceKey: string;
  readonly bearer: string;
}

const FORMAT = "lacis-access-1";

const shape: Shape<Remote> = object<Remote>({
  format: oneOf("what this file is", [FORMAT]),
  endpoints: list(text("host:port", { max: 261, pattern: SERVICE_ENDPOINT }), { min: 1, max: 16 }),
  serviceKey: hex("SHA-256 of the service's key", [32]),
  bearer: text("the secret", { max: 256, pattern: /^[\x21-\x7e]+$/ }),
});

export function formatRemote(remote: Omit<Remote, "format">): string {
  return `${JSON.stringify({ format: FORMAT, ...remote }, undefined, 2)}\n`;
}

/** The flag by which a command means a service elsewhere. */
export function withRemote(command: Command): Command {
  return command.option(
    "--remote <path>",
    "ask the service elsewhere that access -out has written this file for, instead of its storage",
  );
}

/** A service elsewhere, asked through its API: HTTPS to whoever has the key that the file names. */
export class RemoteService {
  readonly #remote: Remote;

  constructor(file: string) {
    this.#remote = readRemote(file);
    closeToOthers(file);
  }

  /** Why not is in the service's own words. */
  async ask<Answer>(asked: Omit<OperatorAsk<Answer>, "bearer">): Promise<Result<Answer, EnrolmentRefusal>> {
    const { askAsOperator } = await import("../../src/runtime/enrolment/service-client.ts");
    const { endpoints, serviceKey: key, bearer } = this.#remote;
    const reply = await askAsOperator({ endpoints, key }, { ...asked, bearer });
    return reply.ok ? reply : fail(reply.reason);
  }
}

function readRemote(file: string): Remote {
  const read = readJson(shape, readText(file));
  if (read.ok) return read.value;
  throw notOne(file, read.reason);
}

function notOne(file: string, why: string): Failure {
  const todo = "have one written where the service is: lacis-cert access NAME -scopes approve,revoke -out FILE";
  return new Failure({ what: file, why: `this says not where a service is: ${why}`, todo });
}
