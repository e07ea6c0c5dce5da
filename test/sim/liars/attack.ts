import type { Lies, Scene } from "./scene.ts";

/** Something that an attacker or a lighthouse does, and what it may cost. */
export interface Attack {
  /** Alpha talks to charlie although ... */
  readonly although: string;
  /** What happens before, with or without the attack. */
  readonly before?: (scene: Scene) => void;
  readonly begin?: (scene: Scene) => void;
  readonly lies?: (scene: () => Scene) => Lies;
  /** Datagrams that one host sends to places where nobody is: to all of them, and to any one address. */
  readonly drawsAtMost?: number;
  readonly perAddressAtMost?: number;
}
