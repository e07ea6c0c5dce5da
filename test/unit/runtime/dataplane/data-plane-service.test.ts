import { expect, test } from "vitest";
import type { DataPlane } from "../../../../src/runtime/dataplane/data-plane.ts";
import { dataPlaneService } from "../../../../src/runtime/dataplane/data-plane-service.ts";
import type { Driver } from "../../../../src/runtime/driver.ts";

function service(answers: () => Promise<boolean>) {
  const done: string[] = [];
  const plane = {
    command: ({ kind }: { readonly kind: string }) => done.push(`asks for a ${kind}`),
    answers,
    stop: async () => done.push("the data plane ends"),
  };
  const driver = { stop: () => done.push("the node says farewell") };
  return { done, ...dataPlaneService(plane as unknown as DataPlane, driver as unknown as Driver) };
}

test("what is still to be told of flows is heard before the node says farewell", async () => {
  const { done, stop } = service(async () => {
    done.push("what waits has been told");
    return true;
  });
  await stop?.("asked");
  expect(done).toEqual([
    "asks for a sample",
    "what waits has been told",
    "the node says farewell",
    "the data plane ends",
  ]);
});

test("a data plane that does not answer holds no end up", async () => {
  const { done, stop } = service(() => new Promise(() => {}));
  await stop?.("asked");
  expect(done).toEqual(["asks for a sample", "the node says farewell", "the data plane ends"]);
});
