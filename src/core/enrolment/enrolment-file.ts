import { fail, ok, type Result } from "../base/result.ts";
import { NETWORK_NAME, SERVICE_ENDPOINT } from "./name.ts";
import { hex, integer, list, object, type Shape, text } from "./shape.ts";

/** What a host that has joined keeps beside its certificate, to renew it and to leave: `enrolment.json`. It holds a secret. */
export interface EnrolmentFile {
  readonly format: number;
  readonly network: string;
  /** Where the service is reached, "host:port", inside the mesh or outside. */
  readonly endpoints: readonly string[];
  /** SHA-256 of the service's TLS key in hex: the only server that is spoken to. */
  readonly pin: string;
  /** The renewal secret that came with the certificate, hex. */
  readonly secret: string;
}

const FORMAT = 1;
/** As many as an answer has. */
const ENDPOINTS_MAX = 16;

const shape: Shape<EnrolmentFile> = object<EnrolmentFile>({
  format: integer("version of this file", { min: 1, max: Number.MAX_SAFE_INTEGER }),
  network: text("the network's name", { max: 64, pattern: NETWORK_NAME }),
  endpoints: list(text("host:port", { max: 261, pattern: SERVICE_ENDPOINT }), { min: 1, max: ENDPOINTS_MAX }),
  pin: hex("SHA-256 of the service's TLS key", [32]),
  secret: hex("the renewal secret", [32]),
});

/** As it is kept. */
export function formatEnrolment(file: Omit<EnrolmentFile, "format">): string {
  const { network, endpoints, pin, secret } = file;
  return `${JSON.stringify({ format: FORMAT, network, endpoints: endpoints.slice(0, ENDPOINTS_MAX), pin, secret }, undefined, 2)}\n`;
}

/** What was kept, or why nothing of it can be used: the end of a sentence about the file. Quotes nothing of it. */
export function parseEnrolment(text: string): Result<EnrolmentFile, string> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return fail("is no JSON");
  }
  const read = shape.read(value, "");
  if (!read.ok) return fail(`has no ${read.reason.path || "content"} that is ${read.reason.wanted}`);
  return read.value.format === FORMAT ? ok(read.value) : fail("was written by a newer Lacis");
}
