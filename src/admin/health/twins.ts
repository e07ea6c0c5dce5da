import type { Health } from "../../runtime/service.ts";
import { NAMED_MAX, type Sight } from "./sight.ts";

/** Two hosts that others take for one: packets for either go to whichever spoke last. */
export function* twinHealth({ node }: Sight): Iterable<Health> {
  for (const { address, share, hosts } of node.twins.slice(0, NAMED_MAX)) {
    const places = hosts.map(({ place }) => place ?? "?").join(" and ");
    const names = [...new Set(hosts.map(({ name }) => name))].join(" and ");
    yield share === "certificate"
      ? {
          code: "twin-host",
          severity: "warning",
          text: `two hosts use the certificate of ${names} (${address}), from ${places}: each takes the other's packets`,
          todo: "give one of them a key and a certificate of its own: lacis-cert sign",
          about: address,
          // Two handshakes that have crossed are one within seconds.
          afterMs: 20_000,
        }
      : {
          code: "address-twice",
          severity: "warning",
          text: `two certificates have the address ${address}: ${hosts.map(({ name, place }) => `${name} at ${place ?? "?"}`).join(" and ")}`,
          todo: "sign one of them anew with an address of its own: lacis-cert sign",
          about: address,
        };
  }
}
