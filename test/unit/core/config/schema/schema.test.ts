import { describe, expect, test } from "vitest";
import { findSpec, namesIn, RULE_FIELDS, SCHEMA, specOf } from "../../../../../src/core/config/schema/schema.ts";
import { UNLIKE_NEBULA } from "../../../../../src/core/config/schema/unlike-nebula.ts";
import { describeCompatibility } from "../compatibility-page.ts";
import { describeSchema } from "../config-page.ts";

describe("the schema", () => {
  test("has every key once", () => {
    const paths = SCHEMA.map(({ path }) => path);
    expect(paths.filter((path, i) => paths.indexOf(path) !== i)).toEqual([]);
  });

  test("says one sentence about each key", () => {
    expect(SCHEMA.filter(({ about }) => !/^[A-Z0-9`].*\.$/s.test(about)).map(({ path }) => path)).toEqual([]);
  });

  test("names only keys that exist", () => {
    const named = SCHEMA.flatMap(({ state }) => ("of" in state ? state.of : []));
    expect(named.filter((path) => !findSpec(path))).toEqual([]);
  });

  test("knows its sections", () => {
    expect(namesIn("")).toContain("firewall");
    expect([...(namesIn("punchy") ?? [])]).toEqual([
      "punch",
      "respond",
      "delay",
      "respond_delay",
      "target_all_remotes",
    ]);
    expect(namesIn("firewall.inbound")).toBeUndefined();
    expect([...RULE_FIELDS.keys()]).toContain("ca_sha");
  });

  test("does not guess", () => {
    expect(() => specOf("listen.prot")).toThrow("the schema has no key listen.prot");
  });

  test("is what docs/CONFIG.md says", async () => {
    await expect(describeSchema(SCHEMA)).toMatchFileSnapshot("../../../../../docs/CONFIG.md");
  });

  test("is what docs/COMPATIBILITY.md says", async () => {
    const page = describeCompatibility(SCHEMA, UNLIKE_NEBULA);
    await expect(page).toMatchFileSnapshot("../../../../../docs/COMPATIBILITY.md");
  });

  test("has every key that is said to differ from Nebula's", () => {
    expect(UNLIKE_NEBULA.filter(({ path }) => path !== "" && !findSpec(path)).map(({ path }) => path)).toEqual([]);
    expect(UNLIKE_NEBULA.filter(({ says }) => /[.A-Z]$|^[A-Z]/.test(says)).map(({ says }) => says)).toEqual([]);
  });
});
