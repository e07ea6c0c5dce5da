import type { LoggingSettings } from "../../core/config/settings.ts";
import type { NodeDetails, NodeStatus, OperatorOrder } from "../../core/io.ts";
import type { Profiles } from "./profiles.ts";

/** What the console can ask of the daemon around it. */
export interface ConsoleHost {
  details(): NodeDetails;
  status(): NodeStatus;
  order(order: OperatorOrder): void;
  /** Throws an OperatorError. */
  reload(): unknown;
  logging(): LoggingSettings;
  /** Until the next reload. */
  changeLogging(change: Partial<LoggingSettings>): void;
  /** Undefined on a host without one. */
  device(): string | undefined;
  readonly version: string;
  readonly profiles: Profiles;
}
