import { describe, expect, test } from "vitest";
import { GroupLists } from "../../../../src/core/cert/group-lists.ts";

describe("lists of groups", () => {
  test("that are equal are one, and others are not", () => {
    const lists = new GroupLists();
    const first = lists.shared(["db", "web"]);
    expect(lists.shared(["db", "web"])).toBe(first);
    expect(lists.shared(["web", "db"])).toEqual(["web", "db"]);
    expect(lists.shared(["db,web"])).toEqual(["db,web"]);
  });
});
