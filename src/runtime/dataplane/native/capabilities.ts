import type { Path } from "../../../core/path/path.ts";
import type { DataPlaneRequest } from "../contract/codec.ts";

/** To give up what moving packets does not take (SEMANTICS 14). */
export const CONFINE = "confine";
/** To have several queues of device and port. */
export const QUEUES = "queues";
/** To send through relays, and to be one. */
export const RELAYED_PATHS = "relayed-paths";

/** The capability that this request needs and the data plane has not named (SEMANTICS 13); undefined: it can be sent. */
export function lackingCapability(request: DataPlaneRequest, capabilities: readonly string[]): string | undefined {
  const needed = neededBy(request);
  return needed === undefined || capabilities.includes(needed) ? undefined : needed;
}

function neededBy(request: DataPlaneRequest): string | undefined {
  switch (request.kind) {
    case "install-session":
    case "set-path":
      return neededFor(request.path);
    case "send-datagram":
      return neededFor(request.to);
    case "set-relay":
    case "remove-relay":
      return RELAYED_PATHS;
    case "apply-policies": {
      const rejects = request.programs.some(
        ({ refuse }) => refuse.inbound === "reject" || refuse.outbound === "reject",
      );
      if (rejects) return "reject";
      const hasFragments = request.programs.some(({ inbound, outbound }) =>
        [...inbound, ...outbound].some((rule) => rule.fragment),
      );
      return hasFragments ? "fragments" : undefined;
    }
    case "open-tun":
    case "open-udp":
      return request.queues > 1 ? QUEUES : undefined;
    case "confine":
      return CONFINE;
    default:
      return undefined;
  }
}

function neededFor(path: Path | undefined): string | undefined {
  return path?.kind === "relayed" ? RELAYED_PATHS : undefined;
}
