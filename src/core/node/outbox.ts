import type { HeldBulletin } from "../bulletin/held.ts";
import type { BulletinRefusal } from "../bulletin/verify.ts";
import type { DataPlaneCommand } from "../dataplane/contract.ts";
import type { FlowStory, SeenPacket } from "../flow-story.ts";
import type { InquiryResult, Output, PingResult } from "../io.ts";
import type { CarrierOrder } from "../machine/carriers/orders.ts";
import type { IpAddress } from "../netip/address.ts";
import type { OperatorEvent } from "../operator/event.ts";

/**
 * What a node wants done outside, in order. The caller drains it after every input, so it holds what one input causes and no more;
 * everything that can cause outputs in number is capped at its source.
 */
export class Outbox {
  #outputs: Output[] = [];
  #taken = 0;
  #dataPlaneIsUp = false;

  /** Commands to a data plane that is not there are dropped: whoever matters is told again when it comes. */
  set dataPlaneIsUp(isUp: boolean) {
    this.#dataPlaneIsUp = isUp;
  }

  command(command: DataPlaneCommand): void {
    if (this.#dataPlaneIsUp) this.#outputs.push({ to: "data-plane", command });
  }

  resolve(name: string): void {
    this.#outputs.push({ to: "resolver", name });
  }

  pong(id: number, result: PingResult): void {
    this.#outputs.push({ to: "pinger", id, result });
  }

  inquired(id: number, result: InquiryResult): void {
    this.#outputs.push({ to: "inquirer", id, result });
  }

  found(id: number, addresses: readonly IpAddress[]): void {
    this.#outputs.push({ to: "finder", id, addresses });
  }

  tell(event: OperatorEvent): void {
    this.#outputs.push({ to: "operator", event });
  }

  flows(stories: readonly FlowStory[], untold: number): void {
    this.#outputs.push({ to: "flow-log", stories, untold });
  }

  captured(packets: readonly SeenPacket[], lost: number): void {
    this.#outputs.push({ to: "capture", packets, lost });
  }

  openFlows(stories: readonly FlowStory[], isLast: boolean): void {
    this.#outputs.push({ to: "flow-list", stories, isLast });
  }

  carrier(order: CarrierOrder): void {
    this.#outputs.push({ to: "carrier", order });
  }

  published(id: number, refusal: BulletinRefusal | undefined): void {
    this.#outputs.push({ to: "publisher", id, refusal });
  }

  bulletins(held: readonly HeldBulletin[]): void {
    this.#outputs.push({ to: "bulletins", held });
  }

  poll(): Output | undefined {
    const output = this.#outputs[this.#taken++];
    if (output) return output;
    this.#outputs = [];
    this.#taken = 0;
    return undefined;
  }
}
