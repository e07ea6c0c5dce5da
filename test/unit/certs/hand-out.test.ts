import { beforeAll, describe, expect, test } from "vitest";
import {
  type Authority,
  type Certificate,
  createAuthority,
  formatRefusal,
  generateHostKey,
  handOut,
  issue,
  type Judge,
  type Ledger,
  LedgerContent,
  type LedgerEntry,
  parsePrefix,
  type SignedEntry,
} from "../../../certs/index.ts";
import { fail, ok } from "../../../src/core/base/result.ts";

let authority: Authority;
beforeAll(() => {
  const made = createAuthority({ name: "mesh", notBefore: 1_000n, notAfter: 1_000_000n });
  if (!made.ok) throw new Error(formatRefusal(made.reason));
  authority = made.value.authority;
});

describe("certificates are handed out over a ledger that answers late, as a database does:", () => {
  test("the claim is there before the first byte is written", async () => {
    const ledger = new LateLedger();
    const written: string[] = [];
    const lap = certificate("lap", "10.77.0.1/24");
    const outcome = await handOut(
      [lap],
      over(ledger, () => void written.push(`${ledger.entries.length} entries`)),
    );
    expect([outcome.ok, written]).toEqual([true, ["1 entries"]]);
    expect((await ledger.read()).recorded).toMatchObject([{ entry: { name: "lap" } }]);
  });

  test("of many who ask for one address at once, one gets it and nothing is written for the others", async () => {
    const ledger = new LateLedger();
    const written: string[] = [];
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, (_, i) => {
        const wanted = certificate(`host${i}`, "10.77.0.1/24");
        return handOut(
          [wanted],
          over(ledger, () => void written.push(wanted.name)),
        );
      }),
    );
    expect(outcomes.filter(({ ok }) => ok)).toHaveLength(1);
    expect(written).toHaveLength(1);
    expect((await ledger.read()).recorded.map(({ entry }) => entry.name)).toEqual(written);
  });

  test("what could not be written is taken back, and the error stays the writer's", async () => {
    const ledger = new LateLedger();
    const write = async (): Promise<void> => Promise.reject(new Error("the disk is full"));
    await expect(handOut([certificate("lap", "10.77.0.1/24")], over(ledger, write))).rejects.toThrow(
      "the disk is full",
    );
    expect((await ledger.read()).recorded).toEqual([]);
    expect(
      (
        await handOut(
          [certificate("srv", "10.77.0.1/24")],
          over(ledger, () => {}),
        )
      ).ok,
    ).toBe(true);
  });

  test("nothing is written when the ledger cannot be reached", async () => {
    const ledger = new LateLedger();
    ledger.reachable = false;
    let written = 0;
    const handed = handOut(
      [certificate("lap", "10.77.0.1/24")],
      over(ledger, () => void written++),
    );
    await expect(handed).rejects.toThrow("no connection");
    expect(written).toBe(0);
  });

  test("without a ledger they are only written", async () => {
    let written = 0;
    const options = { ...over(new LateLedger(), () => void written++), ledger: undefined };
    expect([await handOut([certificate("lap", "10.77.0.1/24")], options), written]).toEqual([ok(undefined), 1]);
  });
});

function over(ledger: Ledger, write: () => void | Promise<void>) {
  return { ledger, nowSeconds: 2_000n, knownGroups: [], write };
}

function certificate(name: string, network: string): Certificate {
  const { publicKey, curve } = generateHostKey("CURVE25519");
  const issued = issue(authority, { name, networks: [parsePrefix(network)!], publicKey, curve, notBefore: 2_000n });
  if (!issued.ok) throw new Error(formatRefusal(issued.reason));
  return issued.value;
}

/** Each call takes a turn of the event loop; a claim is one transaction, one after the other. */
class LateLedger implements Ledger {
  readonly entries: LedgerEntry[] = [];
  reachable = true;
  #last: Promise<unknown> = Promise.resolve();

  read() {
    return this.#inTurn(() => new LedgerContent(this.entries));
  }

  append(...entries: readonly LedgerEntry[]) {
    return this.#inTurn(() => void this.entries.push(...entries));
  }

  claim(entries: readonly SignedEntry[], judge: Judge) {
    return this.#inTurn(() => {
      const before = new LedgerContent(this.entries);
      const refusal = entries.map((entry) => judge(before, entry)).find((each) => each !== undefined);
      if (refusal) return fail(refusal);
      this.entries.push(...entries);
      return ok(undefined);
    });
  }

  #inTurn<Value>(step: () => Value): Promise<Value> {
    const turn = this.#last.then(async () => {
      await new Promise((resolve) => setImmediate(resolve));
      if (!this.reachable) throw new Error("no connection");
      return step();
    });
    this.#last = turn.catch(() => {});
    return turn;
  }
}
