import { describe, expect, test } from "vitest";
import { Room } from "../../../../src/runtime/crypto/room.ts";

describe("a room", () => {
  test("has its parts one behind the other, gives copies of them, and is zeros where it was wiped", () => {
    const room = new Room();
    expect(room.put(2, [Uint8Array.of(1, 2), new Uint8Array(), Uint8Array.of(3)])).toBe(5);
    const taken = room.take(2, 3);
    expect(taken).toEqual(Uint8Array.of(1, 2, 3));
    room.wipe(4);
    expect(room.take(0, 5)).toEqual(Uint8Array.of(0, 0, 0, 0, 3));
    expect(taken).toEqual(Uint8Array.of(1, 2, 3));
  });

  test("takes all of what fits to the last byte, and nothing of what does not: no key is left behind in it", () => {
    const room = new Room();
    room.wipe(4_096);
    const key = new Uint8Array(32).fill(0x5a);
    expect(room.put(0, [key, new Uint8Array(4_065)])).toBeUndefined();
    expect(room.take(0, 4_096)).toEqual(new Uint8Array(4_096));
    expect(room.put(0, [key, new Uint8Array(4_064)])).toBe(4_096);
    expect(room.take(0, 32)).toEqual(key);
  });
});
