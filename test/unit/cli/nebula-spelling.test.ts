import { describe, expect, test } from "vitest";
import { fromNebulaSpelling } from "../../../src/cli/nebula-spelling.ts";

describe("Nebula's command line", () => {
  test.each([
    ["-config /etc/nebula", "run --config /etc/nebula"],
    ["-config=/etc/nebula", "run --config /etc/nebula"],
    ["--config /etc/nebula", "run --config /etc/nebula"],
    ["-test -config c.yml", "check c.yml"],
    ["-config c.yml -test", "check c.yml"],
    ["-test=false -config c.yml", "run --config c.yml"],
    ["-version", "version"],
    ["-help", "--help"],
    ["-config", "run"],
  ])("%s means lacis %s", (theirs, ours) => {
    expect(fromNebulaSpelling(theirs.split(" "))).toEqual(ours.split(" "));
  });

  test.each(["run --config c.yml", "status", "check -test", "-h", "--help", "-frob -config x"])(
    "%s is left as it is",
    (line) => {
      const args = line.split(" ");
      expect(fromNebulaSpelling(args)).toEqual(line === "--help" ? ["--help"] : args);
    },
  );

  test("nothing is left as it is", () => {
    expect(fromNebulaSpelling([])).toEqual([]);
  });
});
