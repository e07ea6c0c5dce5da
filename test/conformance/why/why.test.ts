import { afterEach, expect, test, vi } from "vitest";
import { PeerClasses } from "../../../src/core/firewall/classes.ts";
import { dataPlanes } from "../data-planes.ts";
import { ReferenceProbe } from "../reference-probe.ts";
import { agree } from "./agreement.ts";

afterEach(() => vi.restoreAllMocks());

// `npm run fuzz:why -- --packets 100000` looks further.
for (const { name, open } of dataPlanes)
  test.skipIf(!open)(
    `the ${name} data plane does with 5,000 packets what lacis why says${open ? "" : " (not built)"}`,
    async () => {
      const plane = open!();
      try {
        const { packets, verdicts, disagreements } = await agree(new Map([[name, plane]]), { packets: 5_000, seed: 1 });
        expect(disagreements).toEqual([]);
        // None of these is rare.
        for (const verdict of ["allowed", "no-matching-rule", "local-address", "remote-address"])
          expect(verdicts.get(verdict), verdict).toBeGreaterThan(packets / 20);
        for (const verdict of ["own-address", "no-route"])
          expect(verdicts.get(verdict), verdict).toBeGreaterThan(packets / 100);
      } finally {
        await plane.close();
      }
    },
  );

test("a data plane that has other rules than lacis why is found out", async () => {
  const spoilt = { inbound: [], outbound: [], refuse: { inbound: "drop", outbound: "drop" } } as const;
  vi.spyOn(PeerClasses.prototype, "programOf").mockReturnValue(spoilt);
  const { disagreements } = await agree(new Map([["reference", new ReferenceProbe()]]), { packets: 200, seed: 1 });
  expect(disagreements).not.toEqual([]);
});
