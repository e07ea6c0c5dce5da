import { expect, test } from "vitest";
import { PacketType, TestSubtype } from "../../../../src/core/wire/header.ts";
import { type Host, Mesh } from "../../fixtures/mesh.ts";

const L = "192.0.2.1:4242";
const A = "192.0.2.11:1111";

test("a lighthouse without a device measures no way to a host that has called it, and watches for no silence, until it sends something", () => {
  const { mesh, lighthouse, a } = pair({ isDeviceless: true });
  mesh.run(20_000);
  expect(questionsOf(lighthouse)).toEqual([]);
  lighthouse.say(a, "hello, hello, hello, hello, hello, hello, hello, hello, hello, hello, hello");
  mesh.run(3_000);
  expect(questionsOf(lighthouse)).toEqual(["watch-silence", "test-request", "path-request"]);
});

test("with a device it measures and watches at once", () => {
  const { mesh, lighthouse } = pair({ isDeviceless: false });
  mesh.run(20_000);
  expect(questionsOf(lighthouse)).toEqual(["watch-silence", "test-request", "path-request"]);
});

function pair({ isDeviceless }: { readonly isDeviceless: boolean }): { mesh: Mesh; lighthouse: Host; a: Host } {
  const mesh = new Mesh();
  const lighthouse = mesh.host(L, { name: "lh", networks: ["10.77.0.1/16"], amLighthouse: true });
  const { boot } = lighthouse.settings;
  lighthouse.settings = { ...lighthouse.settings, boot: { ...boot, tun: { ...boot.tun, disabled: isDeviceless } } };
  lighthouse.restart();
  const client = { lighthouses: ["10.77.0.1"], statics: { "10.77.0.1": [L] } };
  const a = mesh.host(A, { name: "a", networks: ["10.77.0.11/16"], ...client });
  mesh.run(1_000);
  return { mesh, lighthouse, a };
}

/** Kinds of what it has its data plane ask and watch, each once. */
function questionsOf(host: Host): readonly string[] {
  const kinds = host.commands.flatMap((command) => {
    if (command.kind === "watch-silence") return [command.kind];
    const isProbe = command.kind === "seal-and-send" && command.type === PacketType.test;
    if (!isProbe || command.subtype === TestSubtype.reply) return [];
    return command.subtype === TestSubtype.pathRequest ? ["path-request"] : ["test-request"];
  });
  return [...new Set(kinds)].sort().reverse();
}
