import { hostname, userInfo } from "node:os";
import type { StatusReport } from "../../admin/status-report.ts";
import { Pseudonyms } from "./pseudonyms.ts";

/** Other names for whoever a host knows. */
export function pseudonymsOf({ host, peers = [], lighthouses = [] }: Partial<StatusReport>): Pseudonyms {
  const names = [host?.name, ...peers.map(({ name }) => name), ...lighthouses.map(({ name }) => name), hostname()];
  const groups = [...(host?.groups ?? []), ...peers.flatMap((peer) => peer.groups)];
  const known = (found: readonly (string | null | undefined)[]): string[] =>
    [...new Set(found.filter((name) => !!name))] as string[];
  return new Pseudonyms({
    host: known(names),
    group: known(groups),
    user: known([userInfo().username]).filter((name) => name !== "root"),
  });
}
