import type { Health } from "../../runtime/service.ts";
import { NAMED_MAX, type Sight } from "./sight.ts";

/** What a first handshake may take. */
const BUILDING_MS = 3_000;

/** Whether hosts can be found. */
export function* lighthouseHealth({ node }: Sight): Iterable<Health> {
  if (node.amLighthouse) return;
  const down = node.lighthouses.filter(({ up }) => !up);
  const names = down.slice(0, NAMED_MAX).map(({ name, address }) => name ?? address);
  const mute = node.lighthouses.filter(({ serves }) => serves === false);
  for (const { name, address } of mute.slice(0, NAMED_MAX))
    yield {
      code: "lighthouse-mute",
      severity: mute.length === node.lighthouses.length ? "error" : "warning",
      text: `${name ?? address} is in lighthouse.hosts, and answers no question of ours: it is no lighthouse, or does not list us`,
      todo: "set lighthouse.am_lighthouse there, or correct lighthouse.hosts here",
      about: address,
    };
  if (node.lighthouses.length === 0) {
    yield {
      code: "no-lighthouse",
      severity: "note",
      text: "no lighthouse is configured: only hosts in static_host_map can be found",
      todo: "set lighthouse.hosts",
    };
  } else if (down.length > 0) {
    const all = down.length === node.lighthouses.length;
    yield {
      code: "lighthouse-down",
      severity: all ? "error" : "warning",
      text: `${all ? "no" : "not every"} lighthouse answers (${names.join(", ")})${all ? ": hosts that are not known yet cannot be found" : ""}`,
      todo: `lacis ping ${down[0]?.address}`,
      // Who has called in vain has waited longer.
      ...(node.peers.some((peer) => isCalledInVain(peer, down)) ? {} : { afterMs: BUILDING_MS }),
    };
  }
}

function isCalledInVain(
  { state, addresses }: Sight["node"]["peers"][number],
  down: Sight["node"]["lighthouses"],
): boolean {
  return state === "failed" && down.some(({ address }) => addresses.includes(address));
}
