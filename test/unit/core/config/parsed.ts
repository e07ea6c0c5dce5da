import { formatConfigError } from "../../../../src/core/config/document/config-error.ts";
import { Findings } from "../../../../src/core/config/document/findings.ts";
import { mergeFiles } from "../../../../src/core/config/document/merge.ts";
import { type ParsedConfig, parseSettings } from "../../../../src/core/config/parse/parse-settings.ts";
import type { PemTexts } from "../../../../src/core/config/parse/pem-reference.ts";
import type { Settings } from "../../../../src/core/config/settings.ts";
import { parseYaml } from "../../../../src/runtime/config/config-yaml.ts";
import { nodeSuite } from "../../../../src/runtime/node-crypto.ts";
import { fittingPems, NOW } from "./test-pki.ts";

/** A host's configuration without anything wrong or doubtful; texts are put before or after it. */
export const SOUND = `pki: {ca: ca.crt, cert: host.crt, key: host.key}
static_host_map: {"10.77.0.1": ["192.0.2.1:4242"]}
lighthouse:
  hosts: [10.77.0.1]
firewall:
  outbound: [{port: any, proto: any, host: any}]
  inbound: [{port: any, proto: icmp, host: any}]
`;

/** Parses one or more files of YAML, named config.yml or a.yml, b.yml, ... */
export function parsed(texts: string | readonly string[], pems: PemTexts = fittingPems()): ParsedConfig {
  const files = typeof texts === "string" ? [texts] : texts;
  const findings = new Findings();
  const roots = files.map((text, i) => {
    const name = files.length === 1 ? "config.yml" : `${"abcdef"[i]}.yml`;
    const yaml = parseYaml(name, text);
    if (!yaml.ok) throw new Error(yaml.errors.map(formatConfigError).join("\n"));
    return { name, root: yaml.root };
  });
  return parseSettings(mergeFiles(roots, findings), pems, { suite: nodeSuite, wall: NOW }, findings);
}

/** The errors of a configuration, one line each. */
export function errorsOf(texts: string | readonly string[], pems?: PemTexts): readonly string[] {
  return parsed(texts, pems).errors.map(formatConfigError);
}

/** The warnings of a configuration that has no error. */
export function warningsOf(texts: string | readonly string[], pems?: PemTexts): readonly string[] {
  const { errors, warnings } = parsed(texts, pems);
  if (errors.length > 0) throw new Error(errors.map(formatConfigError).join("\n"));
  return warnings.map(formatConfigError);
}

/** The settings of a configuration that has no error. */
export function settingsOf(texts: string | readonly string[], pems?: PemTexts): Settings {
  const { settings, errors } = parsed(texts, pems);
  if (!settings) throw new Error(errors.map(formatConfigError).join("\n"));
  return settings;
}
