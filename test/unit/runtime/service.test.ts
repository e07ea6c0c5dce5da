import { describe, expect, test } from "vitest";
import { type Service, Services } from "../../../src/runtime/service.ts";

describe("services", () => {
  test("start in order and stop in the reverse one", async () => {
    const { journal, services } = journaled("a", "b", "c");
    await services.start();
    await services.stop();
    expect(journal).toEqual(["start a", "start b", "start c", "stop c", "stop b", "stop a"]);
  });

  test("of which one does not start: those before it stop, and the reason is passed on", async () => {
    const { journal, services } = journaled("a", "b!", "c");
    await expect(services.start()).rejects.toThrow("b! cannot");
    expect(journal).toEqual(["start a", "start b!", "stop a"]);
  });

  test("all stop, even when one of them fails at it", async () => {
    const { journal, services } = journaled("a", "b?", "c");
    await services.start();
    await expect(services.stop()).rejects.toThrow("b? cannot");
    expect(journal.slice(3)).toEqual(["stop c", "stop b?", "stop a"]);
  });

  test("stop once", async () => {
    const { journal, services } = journaled("a");
    await services.start();
    await Promise.all([services.stop(), services.stop()]);
    expect(journal).toEqual(["start a", "stop a"]);
  });

  test("need nothing but a name, and are well as long as they say nothing else", async () => {
    const ill = { code: "x", severity: "note", text: "x is odd", todo: "nothing" } as const;
    const services = new Services([{ name: "plain" }, { name: "ill", health: () => [ill] }]);
    await services.start();
    expect(services.status()).toEqual([
      { name: "plain", health: [] },
      { name: "ill", health: [ill] },
    ]);
    await services.stop();
  });
});

/** Services that write down what is asked of them; one with "!" does not start, one with "?" does not stop. */
function journaled(...names: readonly string[]): { journal: string[]; services: Services } {
  const journal: string[] = [];
  const services = names.map(
    (name): Service => ({
      name,
      start: () => {
        journal.push(`start ${name}`);
        if (name.endsWith("!")) throw new Error(`${name} cannot`);
      },
      stop: async () => {
        journal.push(`stop ${name}`);
        if (name.endsWith("?")) throw new Error(`${name} cannot`);
      },
    }),
  );
  return { journal, services: new Services(services) };
}
