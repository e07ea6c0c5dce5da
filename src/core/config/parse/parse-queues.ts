import type { BootSettings } from "../settings.ts";
import type { ConfigReader } from "./reader.ts";

/** Pairs of queues at most: each costs two threads and some MiB, and no machine that runs this has more use for them. */
const PAIRS_MAX = 64;

/** How socket and device are read: `routines`, and what else is said about threads and offloads. */
export function parseQueues(boot: ConfigReader): BootSettings["queues"] {
  return {
    pairs: Math.min(Math.max(pairsAsked(boot), 1), PAIRS_MAX),
    udpOffloads: boot.boolean("listen.udp_offloads"),
    tunOffloads: boot.boolean("tun.use_offloads"),
    threads: {
      pinned: boot.boolean("tun.pin_threads"),
      seed: boot.choice("tun.pin_threads_key"),
      cpus: boot.integers("tun.cpu_affinity"),
    },
  };
}

/** The older places count where the newer one says nothing: then the larger of them, for both. */
function pairsAsked(boot: ConfigReader): number {
  const [both, udp, tun] = ["routines", "listen.routines", "tun.routines"].map((path) => boot.integer(path));
  return boot.given("routines") && both ? both : Math.max(udp ?? 1, tun ?? 1);
}
