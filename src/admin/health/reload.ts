import type { Health } from "../../runtime/service.ts";
import type { Sight } from "./sight.ts";

/** Whether the file is what runs. */
export function* reloadHealth({ daemon: { refusedReload, needsRestart } }: Sight): Iterable<Health> {
  if (refusedReload !== undefined) {
    yield {
      code: "reload-refused",
      severity: "warning",
      text: `the last reload was refused and the configuration before it is in force: ${refusedReload}`,
      todo: "correct the file, then: lacis reload",
    };
  }
  if (needsRestart.length > 0) {
    yield {
      code: "restart-needed",
      severity: "warning",
      text: `changed in the file but only applied at a restart: ${needsRestart.join(", ")}`,
      todo: "restart lacis",
    };
  }
}
