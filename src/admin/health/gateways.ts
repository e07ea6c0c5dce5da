import { formatPrefix } from "../../core/netip/prefix.ts";
import type { Health } from "../../runtime/service.ts";
import type { Sight } from "./sight.ts";

/** Ways to networks behind other hosts. */
export function* gatewayHealth({ node: { routes } }: Sight): Iterable<Health> {
  for (const { prefix, gateways } of routes) {
    const network = formatPrefix(prefix);
    for (const { name, address, state } of gateways) {
      if (state === "not-in-certificate") {
        yield {
          code: "gateway-without-network",
          severity: "error",
          text: `${name ?? address} cannot be the gateway of ${network}: its certificate does not carry the network`,
          about: `${address} ${network}`,
          todo: `sign it again with lacis-cert sign -unsafe-networks ${network}, and reload it there`,
        };
      } else if (state === "silent") {
        yield {
          code: "gateway-silent",
          severity: "warning",
          text: `the gateway ${name ?? address} of ${network} does not answer: others take its flows`,
          todo: `lacis ping ${address}`,
          about: `${address} ${network}`,
          because: [`peer-failed ${address}`],
        };
      }
    }
  }
}
