import type { Machine } from "./network.ts";

/** Swallows, without a word, IP packets that are longer than this and arrive at the machine; everything arrives when left out. */
export async function swallow(machine: Machine, aboveBytes: number | undefined): Promise<void> {
  await machine.run("nft", ["delete", "table", "inet", "blackhole"]);
  if (aboveBytes === undefined) return;
  const rules = [
    `meta nfproto ipv4 ip length > ${aboveBytes} counter drop`,
    // IPv6 says how much follows its header.
    `meta nfproto ipv6 ip6 length > ${aboveBytes - 40} counter drop`,
  ];
  const chain = ["type filter hook prerouting priority -300", 'iifname != "net" accept', ...rules].join("\n");
  await machine.must("nft", ["-f", "-"], { input: `table inet blackhole {\nchain arriving {\n${chain}\n}\n}\n` });
}

/** Has the machine send one packet by one, as a network card does in the end: several in one piece would be told to be longer than any of them is. */
export async function sendSingly(machine: Machine): Promise<void> {
  await machine.must("ip", ["link", "set", "net", "gso_max_segs", "1"]);
}
