import type { IpAddress } from "../../../src/core/netip/address.ts";
import type { Endpoint } from "../../../src/core/netip/endpoint.ts";
import type { Attack } from "./attack.ts";
import {
  exceptAnswers,
  notice,
  nowhere,
  places,
  queryFor,
  reply,
  saying,
  stranger,
  toAlpha,
  toCharlie,
} from "./lies.ts";
import { overlay } from "./scene.ts";

/** What a lighthouse says while the other one is honest, and what a member says to honest ones. */
export const falsePlaces: readonly Attack[] = [
  { although: "a lighthouse says nothing", lies: () => () => ({ answer: () => [], learned() {}, closed() {} }) },
  {
    although: "a lighthouse names no place for charlie",
    lies: saying((scene) => [toAlpha(scene, [])]),
  },
  {
    although: "a lighthouse names twenty other places for charlie",
    lies: saying((scene) => [toAlpha(scene, places(20))]),
    drawsAtMost: 44,
    perAddressAtMost: 10,
  },
  {
    although: "a lighthouse names other places for charlie every 20 ms",
    lies: saying((scene) => [toAlpha(scene, places(20, scene().agenda.now))]),
    begin: (scene) => scene.every(20, () => scene.tellLighthouse("liar", "alpha", queryFor("charlie"))),
    drawsAtMost: 44,
    perAddressAtMost: 10,
  },
  {
    although: "a lighthouse names twenty private addresses for charlie",
    lies: saying((scene) => [
      toAlpha(
        scene,
        places(20).map((at) => at.replace("203.0.113.", "192.168.2.").replace("2001:db8", "fd00:db8") as Endpoint),
      ),
    ]),
    drawsAtMost: 10,
  },
  {
    although: "a lighthouse names twenty ports of one machine for charlie",
    lies: saying((scene) => [
      toAlpha(
        scene,
        Array.from({ length: 20 }, (_, i) => `203.0.113.7:${i + 1}` as Endpoint),
      ),
    ]),
    drawsAtMost: 10,
  },
  {
    although: "a lighthouse names places for charlie where no single machine is, and alpha's own",
    lies: saying((scene) => [toAlpha(scene, [...nowhere, scene().host("alpha").endpoint]), toCharlie(scene, nowhere)]),
    begin: (scene) => void scene.victims([...nowhere, scene.host("alpha").endpoint]),
    drawsAtMost: 0,
  },
  {
    although: "a lighthouse says that charlie is where bravo is",
    lies: saying((scene) => [toAlpha(scene, [scene().faceOf("bravo")])]),
  },
  {
    although: "a lighthouse says that five other hosts that alpha calls are where charlie is",
    lies: (scene) => (honest) => ({
      ...exceptAnswers(honest),
      answer: (_, { message }) =>
        message.kind === "host-query" ? [reply(overlay("alpha"), message.target, [scene().faceOf("charlie")])] : [],
    }),
    before: (scene) => {
      for (let number = 100; number < 105; number++) scene.writeTo(`10.77.0.${number}` as IpAddress);
      scene.run(1_000);
    },
  },
  {
    although: "a lighthouse tells both that a thousand strangers are about to call",
    lies: saying((scene) =>
      ["alpha", "charlie"].flatMap((to) =>
        Array.from({ length: 1_000 }, (_, i) => notice(overlay(to), stranger(i), scene().victims(places(10, 10 * i)))),
      ),
    ),
    // What a lighthouse may order at once, and for a little more than a second.
    drawsAtMost: 400,
    perAddressAtMost: 8,
  },
  {
    although:
      "a lighthouse tells charlie a thousand times that one stranger is about to call, from other places each time",
    lies: saying((scene) =>
      Array.from({ length: 1_000 }, (_, i) =>
        notice(overlay("charlie"), stranger(1), scene().victims(places(10, 10 * i))),
      ),
    ),
    // Five at once, and ten after the delay, each time that it is asked where charlie is.
    drawsAtMost: 30,
  },
  // What a member says to an honest lighthouse.
  {
    although: "bravo asks where charlie is every 10 ms",
    begin: (scene) =>
      scene.every(10, () => {
        for (const lighthouse of ["lighthouse", "liar"]) scene.tellLighthouse(lighthouse, "bravo", queryFor("charlie"));
      }),
  },
  {
    although: "bravo says that it is in twenty places, and alpha calls it",
    begin: (scene) => {
      scene.host("bravo").crashPlane();
      for (const lighthouse of ["lighthouse", "liar"])
        scene.tellLighthouse(lighthouse, "bravo", {
          kind: "host-update",
          address: overlay("bravo"),
          endpoints: scene.victims(places(20)),
          relays: [],
        });
      scene.write("bravo");
    },
    // Both lighthouses are honest, and believe bravo.
    drawsAtMost: 2 * 44,
    perAddressAtMost: 10,
  },
];
