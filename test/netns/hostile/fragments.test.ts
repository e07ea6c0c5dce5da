import { expect, test } from "vitest";
import { PORT } from "../lab/host-config.ts";
import { serve } from "../lab/program.ts";
import { reassembly } from "../lab/reassembly.ts";
import { withTrio } from "../lab/trio.ts";
import { pause } from "../lab/wait.ts";
import { dropsOf } from "./drops.ts";
import { hostileProgram } from "./hostile-program.ts";
import { memberConfig } from "./member-config.ts";

/** Of 8 kB: 100 Mbit/s. */
const DATAGRAMS_PER_SECOND = 1_562;
const PINGS = 20;
/** What Linux gives to them unless told otherwise (ip-sysctl, ipfrag_high_thresh). */
const KERNEL_BYTES = 4 * 1024 * 1024;

test("a member that floods an allowed port with divided datagrams takes nobody the memory to put others together", async () => {
  await withTrio("fragments", async ({ authority, mesh, server }) => {
    await serve(server.machine, "udp-echo", 7000, "/dev/null");
    const attacker = await mesh.network.machine("attacker", ["192.0.2.66/24"]);
    const config = await memberConfig(authority, attacker, "10.77.0.66");
    const target = [config, "192.0.2.2", PORT, "10.77.0.66", server.overlay4, 7000, DATAGRAMS_PER_SECOND] as const;
    for (const kind of ["whole", "unfinished"]) {
      const [command, args] = hostileProgram("fragment-flood", ...target, kind);
      const flood = attacker.start(`flood-${kind}`, command, args);
      await flood.becomes("it sends", async () => flood.log().includes("sending"));
      await pause(2_000);
      // Between underlay addresses: nothing of ours carries these.
      const pinged = await server.machine.run("ping", [
        "-n",
        ..."-i 0.2 -W 2 -s 8000".split(" "),
        "-c",
        String(PINGS),
        "192.0.2.3",
      ]);
      const held = (await reassembly(server.machine)).bytes;
      await flood.stop();
      const { parts, bytes, seconds } = JSON.parse(flood.log().trimEnd().split("\n").at(-1) ?? "");
      const dropped = await dropsOf(server, "fragment-limited");
      const answered = Number(/(\d+) received/.exec(pinged.stdout)?.[1]);
      console.log(
        `${kind}: ${((bytes * 8) / seconds / 1e6).toFixed(0)} Mbit/s in parts, ${dropped} of ${parts} refused so far; ${held} bytes wait in the kernel; ` +
          `${answered} of ${PINGS} pings of 8 kB beside it`,
      );
      expect((bytes * 8) / seconds).toBeGreaterThan(80e6);
      expect(dropped / parts)[kind === "whole" ? "toBeLessThan" : "toBeGreaterThan"](0.5);
      expect(held).toBeLessThan(KERNEL_BYTES / 2);
      expect(answered, pinged.stdout).toBe(PINGS);
    }
  });
});
