import type { Scenario } from "../scenarios/scenario.ts";
import { appScenario } from "./app.ts";
import { SCP } from "./copies.ts";
import { PGBENCH, REDIS } from "./databases.ts";
import { QUIC } from "./quic.ts";
import { CURL, WRK } from "./web.ts";

export const APPS: readonly Scenario[] = [QUIC, PGBENCH, REDIS, WRK, SCP, CURL].map(appScenario);
