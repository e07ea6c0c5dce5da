import type { ConfigError } from "../../../core/config/document/config-error.ts";
import type { ConsoleSettings } from "../../../core/config/settings.ts";
import { hostKeyFault, parsePublicKey } from "./ssh-key.ts";

/** What is wrong with the keys of a console. No key is quoted. */
export function consoleFaults(settings: ConsoleSettings | undefined): readonly ConfigError[] {
  if (!settings) return [];
  const { hostKey, hostKeyPlace, users, authorities } = settings;
  const fault = hostKeyFault(hostKey);
  const errors: ConfigError[] = [];
  if (fault !== undefined)
    errors.push({ code: "CONFIG_KEY_FILE", place: hostKeyPlace, path: "sshd.host_key", what: fault, todo: MAKE_ONE });
  for (const { value, place, path } of [...users.flatMap(({ keys }) => keys), ...authorities]) {
    const key = parsePublicKey(value);
    if (!key.ok) errors.push({ code: "CONFIG_VALUE", place, path, what: key.reason, todo: SHOW_ONE });
  }
  return errors;
}

const MAKE_ONE = "make one with: ssh-keygen -t ed25519 -N '' -f ssh_host_ed25519_key";
const SHOW_ONE = "write the line that stands in the user's id_ed25519.pub";
