import { appendFile, readFile, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { serve, stream } from "./lab/program.ts";
import { withTrio } from "./lab/trio.ts";
import { pause } from "./lab/wait.ts";

const RULES = 10_000;
const SECONDS = 12;
const PER_SECOND = 1_000;

test(`${RULES} new rules once a second, under load, lose no ping and no datagram`, async () => {
  await withTrio("many", async ({ server, laptop }) => {
    await serve(server.machine, "udp-echo", 7000, "/dev/null");
    expect((await laptop.ping(server.overlay4)).status).toBe(0);
    const usual = (await readFile(server.configPath, "utf8")).replace(/^firewall:\n(?: .*\n)+/m, "");

    const load = stream(laptop.machine, {
      address: server.overlay4,
      port: 7000,
      perSecond: PER_SECOND,
      seconds: SECONDS,
    });
    const args = ["-n", "-i", "0.01", "-c", String(SECONDS * 100), "-W", "2", server.overlay4];
    const pinging = laptop.machine.run("ping", args, { timeoutMs: 60_000 });
    const applied = (): number => server.daemon.log().split("code=reloaded").length - 1;
    const took: number[] = [];
    for (let reload = 1; reload <= SECONDS; reload++) {
      const from = performance.now();
      await writeFile(server.configPath, usual);
      await appendFile(server.configPath, firewallOf(reload));
      server.daemon.signal("SIGHUP");
      await server.daemon.becomes("the new rules apply", async () => applied() >= reload, 10_000);
      took.push(performance.now() - from);
      await pause(Math.max(0, 1_000 - (performance.now() - from)));
    }
    const pinged = (await pinging).stdout;
    const { sent, lost } = await load;
    const summary = /(\d+) packets transmitted, (\d+) received/.exec(pinged);
    const applying = `each applied after ${Math.min(...took).toFixed(0)} to ${Math.max(...took).toFixed(0)} ms`;
    console.log(
      `${SECONDS} reloads of ${RULES} rules, ${applying}: ${summary?.[0]}; ${lost.length} of ${sent} datagrams lost`,
    );
    expect(summary?.[1]).toBe(summary?.[2]);
    expect(lost).toEqual([]);
  });
});

/** Rules about many ports, groups and hosts; those that allow what is measured are the last of them. */
function firewallOf(seed: number): string {
  const lines = Array.from({ length: RULES / 2 - 2 }, (_, at) => {
    const port = 1 + ((at * 7 + seed) % 6_000);
    const who = [`group: role-${at % 40}`, `host: host-${at}`, `cidr: 10.77.${at % 250}.0/24`, "group: laptops"][
      at % 4
    ];
    return `    - {port: ${port}-${port + (at % 9)}, proto: ${at % 3 === 0 ? "udp" : "tcp"}, ${who}}\n`;
  }).join("");
  const last = "    - {proto: icmp, host: any}\n    - {port: 7000, proto: udp, group: laptops}\n";
  const any = "    - {port: any, proto: any, host: any}\n";
  return `firewall:\n  inbound:\n${lines}${last}  outbound:\n${lines}${any}`;
}
