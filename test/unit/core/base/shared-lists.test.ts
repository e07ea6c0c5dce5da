import { describe, expect, test } from "vitest";
import { SharedLists } from "../../../../src/core/base/shared-lists.ts";

describe("lists that are kept once", () => {
  test("are one when they are equal, and others are not", () => {
    const lists = new SharedLists();
    const first = lists.shared(["db", "web"]);
    expect(lists.shared(["db", "web"])).toBe(first);
    expect(lists.shared(["web", "db"])).toEqual(["web", "db"]);
    expect(lists.shared(["db,web"])).toEqual(["db,web"]);
    expect(lists.shared(["16"])).toEqual(["16"]);
    expect(lists.shared([16])).toEqual([16]);
  });
});
