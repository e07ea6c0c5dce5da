import { fail, ok, type Result } from "../base/result.ts";
import type { Curve } from "../crypto/suite.ts";
import { GROUP_NAME, HOST_NAME, NETWORK_NAME, SERVICE_ENDPOINT } from "./name.ts";
import type { EnrolmentRefusal } from "./refusal.ts";
import { hex, integer, list, type Misshape, object, oneOf, optional, type Shape, text } from "./shape.ts";

// What a host and the enrolment service say to each other, as JSON over HTTPS. Both sides read with these shapes.

/** POST /v1/enrol: a host that was invited asks for its certificate. Asked again with the same key, it is answered the same. */
export interface EnrolRequest {
  /** The token's id. */
  readonly token: string;
  /** The token's secret, 16 bytes in hex. */
  readonly secret: string;
  /** The authority that the token names. */
  readonly authority: string;
  readonly curve: Curve;
  /** The host's public key; the private one never leaves it. */
  readonly publicKey: string;
  /** The name it would like, where the token leaves that open. */
  readonly name?: string;
  /** The host's clock, Unix seconds: a wrong one is refused while that is easy to mend. */
  readonly time: number;
  /** The host's Lacis. */
  readonly version: string;
}

/** POST /v1/renew: a host of this network asks for its next certificate. */
export interface RenewRequest {
  /** Fingerprint of the certificate that it has. */
  readonly certificate: string;
  /** The renewal secret that came with it, 32 bytes in hex. */
  readonly secret: string;
  /** The same key as before, or a new one. */
  readonly curve: Curve;
  readonly publicKey: string;
  readonly time: number;
  readonly version: string;
}

/** POST /v1/leave: a host takes itself out; its key will not be signed again. */
export interface LeaveRequest {
  readonly certificate: string;
  readonly secret: string;
}

/** A lighthouse, as a joining host is told of it. */
export interface LighthousePlan {
  /** Its addresses in the mesh. */
  readonly overlay: readonly string[];
  /** Where it is reached, "host:port". */
  readonly endpoints: readonly string[];
}

/** What a host must know of its network beside certificates. */
export interface NetworkPlan {
  readonly name: string;
  /** The mesh's own networks, "10.77.0.0/24". */
  readonly networks: readonly string[];
  readonly lighthouses: readonly LighthousePlan[];
  /** Addresses in the mesh of hosts that relay for others. */
  readonly relays: readonly string[];
  /** The UDP port that hosts listen on unless told otherwise. */
  readonly port: number;
  /** Where the enrolment service is reached, the best first. */
  readonly service: readonly string[];
}

export interface IssuedAnswer {
  readonly status: "issued";
  readonly name: string;
  /** The host's certificates, PEM. */
  readonly certificates: string;
  /** The authorities that it is to trust, PEM. */
  readonly authorities: string;
  readonly network: NetworkPlan;
  /** Number of the network's policy; 0 while there is none. */
  readonly policy: number;
  /** Lets this host, and nobody else, renew or leave. 32 bytes in hex; replaces any it had. */
  readonly renewal: string;
  /** The service's clock. */
  readonly time: number;
}

/** Somebody must decide first: ask the same again after a while. */
export interface PendingAnswer {
  readonly status: "pending";
  /** What `lacis-cert approve` is given. */
  readonly id: string;
  readonly why: string;
  readonly pollSeconds: number;
}

export type EnrolAnswer = IssuedAnswer | PendingAnswer;

export interface LeaveAnswer {
  readonly name: string;
  readonly time: number;
}

/** Every answer that is no success. */
export interface RefusalAnswer {
  readonly error: EnrolmentRefusal;
}

/** A few certificates of both versions with hundreds of networks; a whole answer is not longer. */
const PEM_CHARACTERS_MAX = 64 * 1024;

/** How far a clock is from the service's before it is refused: certificates are given out from so long ago. */
export const CLOCK_SKEW_MAX_SECONDS = 300;

/** The end of the year 9999. */
const LAST_SECOND = 253_402_300_799;

const seconds = (description: string): Shape<number> => integer(description, { min: 0, max: LAST_SECOND });
const endpoints: Shape<readonly string[]> = list(text("host:port", { max: 261, pattern: SERVICE_ENDPOINT }), {
  max: 16,
});
const overlay: Shape<readonly string[]> = list(text("an address in the mesh", { max: 45 }), { max: 64 });
const curve: Shape<Curve> = oneOf("the key's curve", ["CURVE25519", "P256"]);
const publicKey = hex("a public key: 32 bytes on Curve25519, 65 on P-256", [32, 65]);
const fingerprint = hex("a certificate's fingerprint", [32]);
const programVersion = text("the version of the program that asks", { max: 64, pattern: /^[\x20-\x7e]*$/ });

export const hostName: Shape<string> = text("a host's name", { max: 63, pattern: HOST_NAME });
export const groupNames: Shape<readonly string[]> = list(text("a group", { max: 63, pattern: GROUP_NAME }), {
  max: 64,
});

export const enrolRequest: Shape<EnrolRequest> = object<EnrolRequest>({
  token: hex("the token's id", [8]),
  secret: hex("the token's secret", [16]),
  authority: hex("fingerprint of the authority that the token names", [32]),
  curve,
  publicKey,
  name: optional(hostName),
  time: seconds("the host's clock, Unix seconds"),
  version: programVersion,
});

export const renewRequest: Shape<RenewRequest> = object<RenewRequest>({
  certificate: fingerprint,
  secret: hex("the renewal secret", [32]),
  curve,
  publicKey,
  time: seconds("the host's clock, Unix seconds"),
  version: programVersion,
});

export const leaveRequest: Shape<LeaveRequest> = object<LeaveRequest>({
  certificate: fingerprint,
  secret: hex("the renewal secret", [32]),
});

export const networkPlan: Shape<NetworkPlan> = object<NetworkPlan>({
  name: text("the network's name", { max: 64, pattern: NETWORK_NAME }),
  networks: list(text("address/bits", { max: 49 }), { max: 16 }),
  lighthouses: list(object<LighthousePlan>({ overlay, endpoints }), { max: 64 }),
  relays: overlay,
  port: integer("UDP port", { min: 0, max: 65_535 }),
  service: endpoints,
});

export const issuedAnswer: Shape<IssuedAnswer> = object<IssuedAnswer>({
  status: oneOf("the certificate is there", ["issued"]),
  name: hostName,
  certificates: text("the host's certificates, PEM", { max: PEM_CHARACTERS_MAX }),
  authorities: text("the authorities to trust, PEM", { max: PEM_CHARACTERS_MAX }),
  network: networkPlan,
  policy: integer("number of the network's policy; 0 while there is none", { min: 0, max: Number.MAX_SAFE_INTEGER }),
  renewal: hex("the secret that renews and leaves", [32]),
  time: seconds("the service's clock, Unix seconds"),
});

export const pendingAnswer: Shape<PendingAnswer> = object<PendingAnswer>({
  status: oneOf("somebody must decide first", ["pending"]),
  id: text("names the request", { max: 32, pattern: /^[0-9a-f]+$/ }),
  why: text("what it waits for", { max: 256 }),
  pollSeconds: integer("when to ask again", { min: 1, max: 3_600 }),
});

export const leaveAnswer: Shape<LeaveAnswer> = object<LeaveAnswer>({
  name: hostName,
  time: seconds("the service's clock, Unix seconds"),
});

export const refusalAnswer: Shape<RefusalAnswer> = object<RefusalAnswer>({
  error: object<EnrolmentRefusal>({
    code: text("why, for programs", { max: 64 }),
    what: text("what was refused", { max: 512 }),
    why: text("why, for people", { max: 1_024 }),
    todo: text("the way out", { max: 1_024 }),
  }),
});

/** A service's answer to enrol and renew, whatever it is: it comes from outside too. */
export function readEnrolAnswer(value: unknown): Result<EnrolAnswer, EnrolmentRefusal | Misshape> {
  const refused = refusalAnswer.read(value, "");
  if (refused.ok) return fail(refused.value.error);
  const pending = pendingAnswer.read(value, "");
  return pending.ok ? ok(pending.value) : issuedAnswer.read(value, "");
}
