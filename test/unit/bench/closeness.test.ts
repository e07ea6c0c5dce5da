import { expect, test } from "vitest";
import { closeness, parseCipherCost } from "../../../bench/closeness.ts";
import type { ScenarioResult } from "../../../bench/results.ts";

const TABLE = `A processor, best of 30 rounds, ns per packet to seal / to open

AVX-512
                                       64            576           1300           8900
* aws-lc-rs  aes                 40 /   41      90 /   95     159 /  161     900 /  910
  ring       aes                 60 /   61     120 /  121     217 /  196    1200 / 1210
* aws-lc-rs  chachapoly         100 /  101     300 /  301     660 /  690    4000 / 4010
* chosen, in 0.55 ms for both

AES-NI
                                       64            576           1300           8900
* ring       aes                 80 /   81     150 /  151     297 /  282    1900 / 1910
`;

test("the cost of the cipher is that of what is chosen on the processor as it is", () => {
  expect(parseCipherCost(TABLE)).toEqual({ library: "aws-lc-rs", sealNs: 159, openNs: 161 });
});

test("a table without the chosen cipher is refused", () => {
  expect(() => parseCipherCost("nothing")).toThrow("no cost of AES");
});

test("who takes exactly the time of moving and of sealing is as close as can be", () => {
  // 2 cores seal and open 62.4 Gbit/s of payload.
  const rounds = [{ lacis: { rate: 1 / (1 / 10 + 1 / 62.4) }, "lacis-null": { rate: 10 } }];
  const result = { machine: { cores: 2 }, rounds } as unknown as ScenarioResult;
  expect(closeness(result, { library: "any", sealNs: 159, openNs: 161 })).toBeCloseTo(1);
});
