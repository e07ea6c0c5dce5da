import { answers, invited, says, service, start, withFresh } from "./enrolled.ts";
import { pause, waitFor } from "./lab/wait.ts";

/**
 * `npm run service-gone [-- MINUTES]`: the enrolment service of a network cannot be reached for so long (60 if not said), while one host pings another five times a second, a
 * certificate comes to the time of its renewal, and a third host is started anew. Then it is back, and the certificate is renewed. Exit status 1 when a ping was lost or a host
 * did not start.
 */
const minutes = Number(process.argv[2] ?? 60);
/** Renewed after two thirds, while the service is away, and good until long after. */
const DURATION_S = Math.ceil(minutes * 60 * 1.3);

await withFresh("service-gone", ["first", "laptop", "nas"], async ({ first, laptop, nas }) => {
  const host = start(first, "init", "home", "--endpoint", "192.0.2.1");
  await says(host, "next: sudo lacis invite HOST");
  const overlay = /this host is (\S+), reached/.exec(host.log())?.[1] ?? "";
  const stays = start(nas, "join", await invited(first, "nas"));
  await says(stays, "lighthouse answers in");
  const renews = start(laptop, "join", await invited(first, "laptop", "--duration", `${DURATION_S}s`));
  await says(renews, "lighthouse answers in");

  const pings = start(laptop, ["ping", "-n", "-i", "0.2", "-q", overlay]);
  await service(first, "gone");
  const goneAt = Date.now();
  console.log(`${new Date(goneAt).toISOString()} the service is gone`);
  await pause((minutes * 60_000) / 2);
  await stays.stop(15_000);
  const again = start(nas, "run", "--config", "/etc/lacis");
  await waitFor("a host that starts without the service reaches others", () => answers(nas, overlay), {
    withinMs: 30_000,
  });
  console.log(`after ${((Date.now() - goneAt) / 60_000).toFixed(1)} min a host starts anew, and reaches the first one`);
  await pause(goneAt + minutes * 60_000 - Date.now());
  const asked = renews.log().split("The certificate is not renewed yet").length - 1;
  await service(first, "back");
  console.log(
    `after ${((Date.now() - goneAt) / 60_000).toFixed(1)} min it is back; renewal was tried ${asked} times meanwhile`,
  );
  await renews.becomes("renewed", async () => renews.log().includes("This host has a new certificate"), 1_200_000);
  console.log(`renewed ${((Date.now() - goneAt) / 60_000 - minutes).toFixed(1)} min later`);
  pings.signal("SIGINT");
  await pings.exited;
  const counted = pings.log().trim().split("\n").at(-2) ?? "";
  console.log(counted);
  const isRight = / 0% packet loss/.test(counted) && asked > 0 && (await answers(nas, overlay));
  if (!isRight) process.exitCode = 1;
  await again.stop(15_000);
});
