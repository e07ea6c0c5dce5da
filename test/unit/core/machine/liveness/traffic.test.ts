import { expect, test } from "vitest";
import type { SessionActivity } from "../../../../../src/core/dataplane/contract.ts";
import { TrafficLedger } from "../../../../../src/core/machine/liveness/traffic.ts";
import type { IpAddress } from "../../../../../src/core/netip/address.ts";
import type { Session } from "../../../../../src/core/peer/session.ts";
import type { TrafficCounts } from "../../../../../src/core/peer/traffic-counts.ts";

test("what went through sessions that came one after the other adds up", () => {
  const ledger = new Ledger();
  const [old, young] = [session(1, "10.77.0.2"), session(2, "10.77.0.2")];
  ledger.note(old, activity(1, 10));
  ledger.note(old, activity(1, 25));
  ledger.note(young, activity(2, 5));
  ledger.forget(old);
  ledger.note(young, activity(2, 7));
  expect(ledger.of(young)).toEqual({ sentPackets: 32, sentBytes: 3_200, receivedPackets: 0, receivedBytes: 0 });
  expect(ledger.total.sentPackets).toBe(32);
});

test("a peer begins anew after its last session, and the total does not", () => {
  const ledger = new Ledger();
  const only = session(1, "10.77.0.2");
  const other = session(3, "10.77.0.3");
  ledger.note(only, activity(1, 10));
  ledger.note(other, activity(3, 1));
  ledger.forget(only);
  expect(ledger.of(only).sentPackets).toBe(0);
  expect(ledger.of(other).sentPackets).toBe(1);
  expect(ledger.total.sentPackets).toBe(11);
});

test("a session whose counts fall takes nothing away", () => {
  const ledger = new Ledger();
  const only = session(1, "10.77.0.2");
  ledger.note(only, activity(1, 10));
  ledger.note(only, activity(1, 4));
  expect(ledger.of(only).sentPackets).toBe(10);
});

/** Remembers of each session what was last said of it, as liveness does. */
class Ledger extends TrafficLedger {
  readonly #before = new Map<Session, TrafficCounts>();

  override note(session: Session, activity: SessionActivity): void {
    super.note(session, activity, this.#before.get(session));
    this.#before.set(session, {
      sentPackets: Number(activity.sentPackets),
      sentBytes: Number(activity.sentBytes),
      receivedPackets: Number(activity.receivedPackets),
      receivedBytes: Number(activity.receivedBytes),
    });
  }
}

function session(localIndex: number, address: string): Session {
  return { localIndex, addresses: [address as IpAddress] } as unknown as Session;
}

function activity(localIndex: number, packets: number): SessionActivity {
  const sent = BigInt(packets);
  const index = localIndex as SessionActivity["localIndex"];
  return {
    localIndex: index,
    received: false,
    sent: true,
    sentPackets: sent,
    sentBytes: sent * 100n,
    receivedPackets: 0n,
    receivedBytes: 0n,
    keptAnswers: 0,
    keptAnswerBytes: 0,
  };
}
