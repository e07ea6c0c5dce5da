import { describe, expect, test } from "vitest";
import { CaPool } from "../../../../src/core/cert/ca-pool.ts";
import { parseCertificates } from "../../../../src/core/cert/decode.ts";
import { portableSuite } from "../../../../src/core/crypto/portable.ts";
import { nodeSuite } from "../../../../src/runtime/node-crypto.ts";
import { hostileCases } from "./hostile-cases.ts";
import { atSeconds, NOW } from "./issuing.ts";

/** Far above what any machine needs for one certificate, far below what a decoder that loops would take. */
const HANG_MS = 5_000;

describe.each([nodeSuite, portableSuite])("a certificate made by hand, read with the $name suite", (suite) => {
  test.each(hostileCases(NOW).map((each) => [each.what, each] as const))("%s", (_, { pem, accepted, authority }) => {
    const begun = performance.now();
    const parsed = parseCertificates(pem, suite);
    const loaded = CaPool.load(suite, [authority.certificate], { blocklist: [], now: atSeconds(NOW) });
    if (!loaded.ok) throw new Error(loaded.reason);
    const verdict = parsed.ok && loaded.value.pool.verify(parsed.value[0]!, atSeconds(NOW)).ok;
    expect(verdict).toBe(accepted);
    expect(performance.now() - begun).toBeLessThan(HANG_MS);
  });

  test("there are 60 of them and more", () => {
    expect(hostileCases(NOW).length).toBeGreaterThanOrEqual(60);
  });
});
