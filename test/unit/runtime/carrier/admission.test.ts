import { expect, test } from "vitest";
import { type Instant, instant } from "../../../../src/core/base/time.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import { Admission, type Guest } from "../../../../src/runtime/carrier/admission.ts";
import { LoopbackAddresses } from "../../../../src/runtime/carrier/loopback-addresses.ts";

test("one address may connect twenty times at once, and then five times a second", () => {
  const room = new Room();
  expect(room.come("a", 30, 0)).toBe(20);
  expect(room.come("a", 30, 1_000)).toBe(5);
  expect(room.come("b", 1, 1_000)).toBe(1);
});

test("all addresses together may connect two hundred times at once", () => {
  const room = new Room();
  expect(room.comeFrom(300, 0)).toBe(200);
});

test("whoever crowds the room of those who have not shown who they are makes room in it, and pushes out nobody who has", () => {
  const room = new Room();
  room.come("honest", 1, 0);
  room.come("known", 1, 0);
  room.admission.proven(room.inside[1]!);
  for (let second = 0; second < 60; second++) room.come("greedy", 20, 1_000 * second);
  expect(room.inside.filter(({ address }) => address === "greedy").length).toBeLessThanOrEqual(127);
  expect(room.inside.map(({ address }) => address)).toEqual(expect.arrayContaining(["honest", "known"]));
});

test("when all places are taken by hosts that have shown who they are, nobody else is let in", () => {
  const room = new Room();
  for (let at = 0; room.admission.size < 1_024 && at < 2_000; at++) {
    room.come(`host ${at % 600}`, 1, 100 * at);
    for (const guest of room.inside) room.admission.proven(guest);
  }
  expect(room.admission.size).toBe(1_024);
  expect(room.come("late", 1, 1_000_000)).toBe(0);
  room.admission.left(room.inside[0]!);
  expect(room.come("late", 1, 1_000_000)).toBe(1);
});

test("each host at the other end has an address of its own, all its connections share it, and the next host gets another one", () => {
  const addresses = new LoopbackAddresses();
  const take = (remote: string): IpAddress | undefined => addresses.take(remote as IpAddress);
  expect(take("198.51.100.1")).toBe("127.76.1.0");
  expect(take("198.51.100.2")).toBe("127.76.2.0");
  expect(take("198.51.100.1")).toBe("127.76.1.0");
  expect(take("2001:db8::1")).toBe(take("2001:db8::2"));
  addresses.giveBack("198.51.100.2" as IpAddress);
  expect(take("198.51.100.9")).toBe("127.76.4.0");
});

test("every address is one of the range", () => {
  const addresses = new LoopbackAddresses();
  const taken = new Set<string>();
  for (let i = 0; i < 65_535; i++)
    taken.add(addresses.take(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}` as IpAddress)!);
  expect(taken.size).toBe(65_535);
  expect([...taken].every((address) => /^127\.76\.\d{1,3}\.\d{1,3}$/.test(address))).toBe(true);
  expect(addresses.take("192.0.2.1" as IpAddress)).toBeUndefined();
});

class Room {
  readonly admission = new Admission();
  readonly inside: Guest[] = [];

  /** How many of these came in. */
  come(address: string, count: number, atMs: number): number {
    return Array.from({ length: count }, () => this.#enter(address, instant(1_000_000 + atMs))).filter(Boolean).length;
  }

  comeFrom(addresses: number, atMs: number): number {
    return Array.from({ length: addresses }, (_, i) => this.come(`address ${i}`, 1, atMs)).filter(Boolean).length;
  }

  #enter(address: string, now: Instant): boolean {
    const guest: Guest = {
      address,
      leave: () => {
        this.inside.splice(this.inside.indexOf(guest), 1);
        this.admission.left(guest);
      },
    };
    if (this.admission.enter(guest, now) !== undefined) return false;
    this.inside.push(guest);
    return true;
  }
}
