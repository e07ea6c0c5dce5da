import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import type { Forwarding } from "../platform.ts";

const SWITCHES = { 4: "net.ipv4.ip_forward", 6: "net.ipv6.conf.all.forwarding" } as const;
/** Listing rules takes a moment; whoever asks waits. */
const LIST_MS = 2_000;

export const FORWARDING: Forwarding = {
  isOn(family) {
    try {
      return readFileSync(`/proc/sys/${SWITCHES[family].replaceAll(".", "/")}`, "utf8").trim() !== "0";
    } catch {
      return undefined;
    }
  },

  /** Whichever tool knows of a rule; both see nothing without the right to. */
  masquerades() {
    const lists = [
      ["nft", "list", "ruleset"],
      ["iptables-save", "-t", "nat"],
    ].map(([program = "", ...args]) => spawnSync(program, args, { timeout: LIST_MS, killSignal: "SIGKILL" }));
    const seen = lists.filter(({ status }) => status === 0).map(({ stdout }) => stdout.toString());
    if (seen.length === 0) return undefined;
    return seen.some((rules) => /\b(masquerade|snat)\b/i.test(rules));
  },

  turnOn: (family) => `sysctl -w ${SWITCHES[family]}=1, and the same line in /etc/sysctl.d`,

  masquerade: (from, to) => {
    const ip = from.includes(":") ? "ip6" : "ip";
    const table = `nft add table ${ip} lacis-nat; nft add chain ${ip} lacis-nat out '{ type nat hook postrouting priority srcnat; }'`;
    return `${table}; nft add rule ${ip} lacis-nat out ${ip} saddr ${from} ${ip} daddr ${to} masquerade`;
  },
};
