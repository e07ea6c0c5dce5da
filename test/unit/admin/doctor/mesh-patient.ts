import { diagnose } from "../../../../src/admin/doctor/diagnose.ts";
import { examine, type Patient } from "../../../../src/admin/doctor/examine.ts";
import type { DoctorReport } from "../../../../src/admin/doctor/report.ts";
import { healthOf } from "../../../../src/admin/health/health.ts";
import type { PingResult } from "../../../../src/core/io.ts";
import type { Health } from "../../../../src/runtime/service.ts";
import type { Host } from "../../fixtures/mesh.ts";
import { daemonFacts } from "../fixture.ts";

/** What a test says about the parts of a host that a mesh has not: its services, its data plane. */
export interface Around {
  readonly health?: readonly Health[];
  readonly refusedAtStart?: string;
}

/** A host of a mesh on the examination table; time passes only while it is pinged or waited for. */
export async function doctor(host: Host, asked?: string, around: Around = {}): Promise<DoctorReport> {
  const { mesh } = host;
  const nowMs = (): number => Number(host.clock.wall / 1_000_000n);
  const patient: Patient = {
    status: () => host.status(),
    details: () => host.details(),
    health: () => {
      const services = [{ name: "around", health: around.health ?? [] }];
      return healthOf(host.status(), daemonFacts({ services }), nowMs());
    },
    settings: host.settings,
    refusedAtStart: () => around.refusedAtStart,
    dataPlane: () => ({ state: host.isUp ? "up" : "starting", device: "nebula1", port: 4242 }),
    ping: async (target, timeoutMs) =>
      host.ping(target.by === "name" ? target.name : target.address, timeoutMs) as PingResult,
    measureMtu: (address) => host.input({ kind: "order", order: { what: "measure-mtu", address } }),
    names: () => host.node.directory().map(({ name }) => name),
    wait: async (ms) => mesh.run(ms),
    nowMs,
  };
  return diagnose(await examine(patient, asked));
}
