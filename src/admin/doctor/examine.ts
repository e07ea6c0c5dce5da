import type { Settings } from "../../core/config/settings.ts";
import type { NodeDetails, NodeStatus, PingResult, PingTarget } from "../../core/io.ts";
import type { IpAddress } from "../../core/netip/address.ts";
import type { Health } from "../../runtime/service.ts";
import { pingTarget } from "../ping-target.ts";
import type { Examined, ExaminedPeer, Tried } from "./examined.ts";

/** A running host, as far as an examination needs it. */
export interface Patient {
  status(): NodeStatus;
  details(): NodeDetails;
  health(): readonly Health[];
  readonly settings: Settings;
  refusedAtStart(): string | undefined;
  dataPlane(): Examined["dataPlane"];
  ping(target: PingTarget, timeoutMs: number): Promise<PingResult>;
  /** Has the way to this host asked how long packets may be. */
  measureMtu(address: IpAddress): void;
  names(): readonly string[];
  wait(ms: number): Promise<void>;
  nowMs(): number;
}

/** A whole call takes 5.5 s, and both are made at once. */
const PING_MS = 7_000;
/** Probes of all lengths, on a slow way. */
const MTU_MS = 1_500;
const LOOK_MS = 50;
/** Lighthouses that are pinged. */
const LIGHTHOUSES_MAX = 8;

/** Tries what can be tried; at most nine seconds when nobody answers. */
export async function examine(patient: Patient, asked: string | undefined): Promise<Examined> {
  const { lighthouses, amLighthouse } = patient.status();
  const addresses = amLighthouse ? [] : lighthouses.slice(0, LIGHTHOUSES_MAX).map(({ address }) => address);
  const ping = async (address: IpAddress): Promise<Tried> => ({
    address,
    result: await patient.ping({ by: "address", address }, PING_MS),
  });
  const [tried, peer] = await Promise.all([
    Promise.all(addresses.map(ping)),
    asked === undefined ? undefined : examinePeer(patient, asked),
  ]);
  return {
    node: patient.status(),
    health: patient.health(),
    settings: patient.settings,
    nowMs: patient.nowMs(),
    refusedAtStart: patient.refusedAtStart(),
    dataPlane: patient.dataPlane(),
    lighthouses: tried,
    peer,
  };
}

async function examinePeer(patient: Patient, asked: string): Promise<ExaminedPeer> {
  const result = await patient.ping(pingTarget(asked, patient.names(), patient.status()), PING_MS);
  if (result.outcome === "pong") await measured(patient, result.address);
  const { sessions, places } = patient.details();
  const isIt = (one: IpAddress): boolean => one === result.address;
  return {
    asked,
    result,
    names: patient.names(),
    places: places.find(({ host }) => isIt(host)),
    session: sessions.find(({ isPrimary, addresses }) => isPrimary && addresses.some(isIt)),
  };
}

/** Until it is known what the way carries, or for too long. */
async function measured(patient: Patient, address: IpAddress): Promise<void> {
  const isKnown = (): boolean =>
    patient.status().peers.some(({ addresses, mtu }) => mtu !== undefined && addresses.includes(address));
  patient.measureMtu(address);
  for (let waited = 0; waited < MTU_MS && !isKnown(); waited += LOOK_MS) await patient.wait(LOOK_MS);
}
