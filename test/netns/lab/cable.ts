import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Daemon } from "./daemon.ts";
import { LAB_TOOL } from "./implementation.ts";

/** What one direction of a cable does to UDP over IPv4; what is left out does nothing. Probabilities are for each packet. */
export interface Damage {
  /** How long everything takes, more or less by up to `jitterMs`. */
  readonly delayMs?: number;
  readonly jitterMs?: number;
  readonly loss?: number;
  /** That a burst begins in which all are lost, and that it ends. */
  readonly burstBegins?: number;
  readonly burstEnds?: number;
  /** That `copies` more arrive, one when left out. */
  readonly duplicate?: number;
  readonly copies?: number;
  /** That a bit of the payload is another one. */
  readonly corrupt?: number;
  /** That it is not delayed, and so overtakes others. */
  readonly reorder?: number;
  readonly rateKbit?: number;
  readonly queueMs?: number;
  /** IPv4 packets longer than this are lost. */
  readonly above?: number;
}

export const NOTHING_PASSES: Damage = { loss: 1 };

/** The cable of a device, which can be bad: `lacis-lab impair` carries what is on it. */
export class Cable {
  readonly #settings: string;
  readonly #carrier: Daemon;

  private constructor(settings: string, carrier: Daemon) {
    this.#settings = settings;
    this.#carrier = carrier;
  }

  static async lay(place: {
    readonly namespace: string;
    readonly inside: string;
    readonly outside: string;
    readonly directory: string;
  }): Promise<Cable> {
    const settings = join(place.directory, `${place.inside}.cable`);
    await writeFile(settings, text({}, {}));
    const carrier = Daemon.start(
      `cable-${place.inside}`,
      "nsenter",
      [`--net=/run/netns/${place.namespace}`, "--", LAB_TOOL, "impair", settings, place.inside, place.outside],
      join(place.directory, `${place.inside}.cable.log`),
    );
    await carrier.becomes("it carries", async () => carrier.log().includes("carrying"));
    return new Cable(settings, carrier);
  }

  /** From now on, within 20 ms, it does this to what its machine sends and to what comes to it. */
  async becomes(outwards: Damage, inwards: Damage = outwards): Promise<void> {
    await writeFile(`${this.#settings}.new`, text(outwards, inwards));
    await rename(`${this.#settings}.new`, this.#settings);
  }

  async remove(): Promise<void> {
    await this.#carrier.kill();
  }
}

/** What chance does is the same in every run. */
const SEED = 1;

const NAMES: Readonly<Record<keyof Damage, string>> = {
  delayMs: "delay-ms",
  jitterMs: "jitter-ms",
  loss: "loss",
  burstBegins: "burst-begins",
  burstEnds: "burst-ends",
  duplicate: "duplicate",
  copies: "copies",
  corrupt: "corrupt",
  reorder: "reorder",
  rateKbit: "rate-kbit",
  queueMs: "queue-ms",
  above: "above",
};

function text(outwards: Damage, inwards: Damage): string {
  const line = (damage: Damage): string =>
    Object.entries(damage)
      .map(([name, value]) => ` ${NAMES[name as keyof Damage]}=${value}`)
      .join("");
  return `seed ${SEED}\nout${line(outwards)}\nin${line(inwards)}\n`;
}
