import { parseArgs } from "node:util";
import { CUT_MS, revokeAmong } from "./revocation-play.ts";

/**
 * A host is revoked while everybody talks with it, on virtual time: how long does anybody still hear it?
 *
 *     npm run sim:revocation [-- --hosts N]
 *
 * Cut means that not one of the packets that were sent after it arrived, in either direction. Exit status 1 when an online host is cut later than after three seconds, or not at
 * all; when the host that sleeps is not counted as pending, or hears the laptop once it has been awake for three seconds; when a packet between others is lost.
 */
function main(): number {
  const { values } = parseArgs({ options: { hosts: { type: "string", default: "50" } } });
  const began = performance.now();
  const { online, talked, cutAfterMs, counted, heardBySleeper, others } = revokeAmong(Number(values.hosts));
  const seconds = (performance.now() - began) / 1_000;
  const cut = cutAfterMs.filter((ms) => ms <= CUT_MS).length;
  console.log(
    `${online} hosts online, ${talked} of them talked with the laptop; cut within ${CUT_MS / 1_000} s on ${cut} of ${online}, the last one after ${Math.max(...cutAfterMs)} ms`,
  );
  console.log(`after ${CUT_MS / 1_000} s: ${counted[0]}; in the end: ${counted[1]}`);
  console.log(`the nas woke after a quarter of a minute and heard ${heardBySleeper} packets of the laptop`);
  console.log(`packets between others: ${others.sent}, of which lost: ${others.lost} (${seconds.toFixed(1)} s)`);
  const isCounted = counted[0]?.endsWith("pending: nas") === true && counted[1]?.endsWith("pending: nobody") === true;
  const isKept = talked === online && cut === online && isCounted && heardBySleeper === 0 && others.lost === 0;
  console.log(isKept ? "ok" : "FAIL");
  return isKept ? 0 : 1;
}

process.exitCode = main();
