import { expect, test } from "vitest";
import { readHostKey } from "../../src/core/cert/host-key.ts";
import type { BundleFile } from "../../src/core/enrolment/bundle.ts";
import { nodeSuite } from "../../src/runtime/node-crypto.ts";
import { answers, invited, says, service, start, withFresh } from "./enrolled.ts";
import type { Daemon } from "./lab/daemon.ts";
import { LACIS } from "./lab/implementation.ts";
import { waitFor } from "./lab/wait.ts";

/** The authority is younger than that, and a certificate begins no earlier: after two thirds of their time together it is renewed, every few seconds. */
const SHORT_LIFE = "12s";
const RENEWED = "This host has a new certificate";

test("a host renews its certificate every few seconds and loses no ping; while the service is away nobody loses one, and who starts then is there", async () => {
  await withFresh("renewal", ["first", "laptop", "nas"], async ({ first, laptop, nas }) => {
    const host = start(first, "init", "home", "--endpoint", "192.0.2.1");
    await says(host, "next: sudo lacis invite HOST");
    const overlay = /this host is (\S+), reached/.exec(host.log())?.[1] ?? "";
    const stays = start(nas, "join", await invited(first, "nas"));
    await says(stays, "lighthouse answers in");
    const joined = start(laptop, "join", await invited(first, "laptop", "--duration", SHORT_LIFE));
    await says(joined, "lighthouse answers in");

    const pings = start(laptop, ["ping", "-i", "0.02", "-q", overlay]);
    await renewals(joined, 2);
    await service(first, "gone");
    expect((await stays.stop(15_000)).code).toBe(0);
    start(nas, "run", "--config", "/etc/lacis");
    await says(joined, "The certificate is not renewed yet");
    await waitFor("a host that starts without the service reaches others", async () => answers(nas, overlay), {
      withinMs: 30_000,
    });
    await service(first, "back");
    await renewals(joined, 3);
    pings.signal("SIGINT");
    await pings.exited;
    console.log(pings.log().trim().split("\n").at(-2));
    expect(pings.log()).toMatch(/ 0% packet loss/);
  });
});

test("the first host renews its certificate at its own service, and a change of the authority counts it as one of two that trust the next", async () => {
  await withFresh("first-host", ["first", "nas"], async ({ first, nas }) => {
    const onFirst = (script: string): Promise<string> =>
      first.machine.must(...first.root.inside(["sh", "-c", `cd /etc/lacis/authority && ${script}`]));
    const tool = (...args: readonly string[]): string => LACIS.cert(...args).join(" ");
    const cli = (...args: readonly string[]): string => LACIS.cli(...args).join(" ");
    const host = start(first, "init", "home", "--endpoint", "192.0.2.1", "--name", "first");
    await says(host, "next: sudo lacis invite HOST");
    await says(start(nas, "join", await invited(first, "nas")), "lighthouse answers in");
    const address = /this host is (\S+), reached/.exec(host.log())?.[1] ?? "";

    const key = readHostKey(nodeSuite, await onFirst("cat ../pki/host.key"));
    await onFirst(`cat > ../host.pub <<'END'\n${key?.publicKeyPem}END`);
    const short = tool(
      "enrol",
      "first",
      "-networks",
      `${address}/24`,
      "-in-pub",
      "../host.pub",
      "-duration",
      SHORT_LIFE,
    );
    const { answer } = JSON.parse(await onFirst(short)) as BundleFile;
    await onFirst(`cat > ../pki/host.crt <<'END'\n${answer.certificates}END`);
    await onFirst(`sed -i 's/"secret": ".*"/"secret": "${answer.renewal}"/' ../pki/enrolment.json`);
    await onFirst(cli("reload"));
    await renewals(host, 2);

    await onFirst(tool("rotate", "-next"));
    await onFirst(cli("publish", "authorities.bulletin"));
    await waitFor(
      "both trust the next authority, and it signs",
      async () => {
        const line = `${cli("bulletins", "--json")} > ../applied && ${tool("rotate", "-next", "-applied", "../applied")}`;
        return (
          (await first.machine.run(...first.root.inside(["sh", "-c", `cd /etc/lacis/authority && ${line}`]))).status ===
          0
        );
      },
      { withinMs: 60_000 },
    );
  });
});

test("a network on P-256 is founded, joined, renewed and takes a host out as any other", async () => {
  await withFresh("p256", ["first", "laptop"], async ({ first, laptop }) => {
    const host = start(first, "init", "home", "--endpoint", "192.0.2.1", "--curve", "P256");
    await says(host, "next: sudo lacis invite HOST");
    const overlay = /this host is (\S+), reached/.exec(host.log())?.[1] ?? "";
    const token = await invited(first, "laptop", "--duration", SHORT_LIFE);
    expect(token).toMatch(/^lacis2-/);
    const joined = start(laptop, "join", token);
    await says(joined, "lighthouse answers in");
    const own = /joined home as laptop, (\S+) /.exec(joined.log())?.[1] ?? "";
    expect(await answers(laptop, overlay)).toBe(true);
    await renewals(joined, 2);
    expect(await answers(laptop, overlay)).toBe(true);
    const keys = await laptop.machine.must(...laptop.root.inside(["cat", "/etc/lacis/pki/host.key"]));
    expect(keys).toContain("NEBULA P256 PRIVATE KEY");

    const revoked = await first.machine.must(...first.root.inside(LACIS.cli("revoke", "laptop")));
    expect(revoked).toMatch(/^laptop is revoked: applied on 1 of 1/);
    expect(await answers(laptop, overlay)).toBe(false);
    expect(await answers(first, own)).toBe(false);
  });
});

async function renewals(daemon: Daemon, count: number): Promise<void> {
  await daemon.becomes(`it was renewed ${count} times`, async () => daemon.log().split(RENEWED).length > count, 60_000);
}
