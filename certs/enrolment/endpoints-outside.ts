import { TOKEN_ENDPOINTS_MAX } from "../../src/core/enrolment/token.ts";
import { endpointAddress, parseEndpoint } from "../../src/core/netip/endpoint.ts";
import { contains, parsePrefix } from "../../src/core/netip/prefix.ts";
import type { ServiceFacts } from "./facts.ts";

/** A host that is not in the mesh yet cannot reach the service there. */
export function endpointsOutside({ network }: ServiceFacts): readonly string[] {
  const meshes = network.networks.map(parsePrefix).filter((prefix) => prefix !== undefined);
  const outside = network.service.filter((text) => {
    const literal = parseEndpoint(text);
    return literal === undefined || !meshes.some((mesh) => contains(mesh, endpointAddress(literal)));
  });
  return outside.slice(0, TOKEN_ENDPOINTS_MAX);
}
