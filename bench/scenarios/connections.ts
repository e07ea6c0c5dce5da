import { USUAL } from "../engines/engine.ts";
import type { Link } from "../link.ts";
import type { Scenario } from "./scenario.ts";

const PORT = 7300;
const MANY = 16;

export interface ConnectionsReport {
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly failed: number;
}

const WANTED = [{ than: "nebula-dev", times: 1.5 }];

export const CONNECTIONS: Scenario = {
  name: "connections",
  title: "TCP: connect, a byte each way, close, and again",
  setup: USUAL,
  figures: [
    { name: "one", unit: "a second, one client", better: "more", digits: 0, wanted: WANTED },
    { name: "p99", unit: "us p99, one client", better: "less", digits: 0 },
    { name: "many", unit: `a second, ${MANY} clients`, better: "more", digits: 0, wanted: WANTED },
  ],
  async run({ open, effort }) {
    await using link = await open(USUAL);
    const one = await measureConnections(link, effort.seconds, 1);
    const many = await measureConnections(link, effort.seconds, MANY);
    return { one: one.perSecond, p99: one.p99Us, many: many.perSecond };
  },
};

/** Makes connections, so many at once, and says how many a second. */
export async function measureConnections(link: Link, seconds: number, clients: number): Promise<ConnectionsReport> {
  // Closed connections keep their ports for a minute.
  await link.client.must("sysctl", ["-qw", "net.ipv4.ip_local_port_range=1024 65535"]);
  if (!(await link.server.hasTcpListener(PORT))) await link.serve("greet", PORT);
  return await link.ask("connections", PORT, seconds, clients);
}
