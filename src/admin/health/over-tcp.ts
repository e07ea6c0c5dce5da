import type { Health } from "../../runtime/service.ts";
import { NAMED_MAX, type Sight } from "./sight.ts";

/** Hosts at the other end of TCP connections of ours: nothing comes through to them by UDP. Those that they lead to follow from it. */
export function* overTcpHealth({ node, daemon }: Sight): Iterable<Health> {
  const carried = new Map(node.peers.flatMap(({ carrier }) => (carrier ? [[carrier.address, carrier.name]] : [])));
  // Where others come from is not ours to mend.
  if (carried.size === 0 || daemon.carriers.dialled === 0) return;
  const names = [...carried.values()].slice(0, NAMED_MAX).join(", ");
  const more = carried.size > NAMED_MAX ? ` and ${carried.size - NAMED_MAX} more` : "";
  yield {
    code: "over-tcp",
    severity: "note",
    text: `no UDP comes through to ${names}${more}: datagrams go over TCP, and UDP is taken as soon as it works`,
    todo: "lacis netcheck",
  };
}
