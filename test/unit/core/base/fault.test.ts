import { expect, test } from "vitest";
import { Fault } from "../../../../src/core/base/fault.ts";

test("a fault tells everything that a report needs wherever it is printed", () => {
  const fault = new Fault("aead-key-length", "an AEAD key has 32 bytes", { bytes: 31 });
  expect(fault.message).toBe("an AEAD key has 32 bytes [aead-key-length bytes=31]");
  expect(fault.stack?.split("\n")[0]).toBe("Fault: an AEAD key has 32 bytes [aead-key-length bytes=31]");
  expect(fault).toMatchObject({ code: "aead-key-length", facts: { bytes: 31 } });
});
