import type { ValueType } from "./key-spec.ts";

/** What belongs under a key, in a few words. */
export function typeName(type: ValueType): string {
  switch (type.kind) {
    case "boolean":
      return "true, false";
    case "integer":
      return `${type.min} to ${type.max}${type.unit === "" ? "" : ` ${type.unit}`}`;
    case "duration":
      return "duration";
    case "choice":
      return type.values.map((value) => value || '""').join(", ");
    case "text":
      // "a device name: up to 15 characters, ..." is the message; the noun is the type.
      return type.means.replace(/^an? /, "").replace(/:.*/, "");
    case "pem":
      return "path or PEM text";
    case "address":
      return "IP address";
    case "host":
      return "IP address or name";
    case "prefix":
      return "prefix";
    case "host-port":
      return "host:port";
    case "list":
      return `list of ${typeName(type.of)}${type.single ? ", or one" : ""}`;
    case "map":
      return `map: ${type.keys} to ${typeName(type.of)}`;
    case "rules":
      return "list of rules";
    case "structure":
      return type.means;
  }
}
