import { parseJson } from "../base/json.ts";
import { fail, ok, type Result } from "../base/result.ts";

/**
 * What a value of JSON must be like. One description does both: it reads what came from outside, and says it as JSON Schema, so that what is
 * documented is what is checked.
 */
export interface Shape<Value> {
  /** The value without anything that was not asked for, or where it is wrong. */
  read(value: unknown, path: string): Result<Value, Misshape>;
  readonly schema: JsonSchema;
  readonly isOptional?: boolean;
}

/** "endpoints[2]", "text of at most 64 characters". */
export interface Misshape {
  readonly path: string;
  readonly wanted: string;
}

/** Reads a text as JSON of this shape. Why it is none is a clause: "it is no JSON", "endpoints[2] is not text of at most 64 characters". */
export function readJson<Value>(shape: Shape<Value>, json: string): Result<Value, string> {
  const value = parseJson(json);
  if (value === undefined) return fail("it is no JSON");
  const read = shape.read(value, "");
  return read.ok ? read : fail(`${read.reason.path || "it"} is not ${read.reason.wanted}`);
}

export type JsonSchema = { readonly [key: string]: JsonValue };
type JsonValue = string | number | boolean | readonly JsonValue[] | JsonSchema;

export function text(description: string, limits: { readonly max: number; readonly pattern?: RegExp }): Shape<string> {
  const { max, pattern } = limits;
  const wanted = `text of at most ${max} characters${pattern ? `, as ${pattern.source}` : ""}`;
  return {
    read: (value, path) =>
      typeof value === "string" && value.length <= max && (pattern?.test(value) ?? true)
        ? ok(value)
        : fail({ path, wanted }),
    schema: { type: "string", description, maxLength: max, ...(pattern && { pattern: pattern.source }) },
  };
}

/** Bytes as lower-case hex. */
export function hex(description: string, bytes: readonly number[]): Shape<string> {
  const lengths = bytes.map((length) => 2 * length);
  const pattern = new RegExp(`^(?:${lengths.map((length) => `[0-9a-f]{${length}}`).join("|")})$`);
  return text(description, { max: Math.max(...lengths), pattern });
}

export function integer(description: string, limits: { readonly min: number; readonly max: number }): Shape<number> {
  const { min, max } = limits;
  return {
    read: (value, path) =>
      typeof value === "number" && Number.isInteger(value) && value >= min && value <= max
        ? ok(value)
        : fail({ path, wanted: `a whole number from ${min} to ${max}` }),
    schema: { type: "integer", description, minimum: min, maximum: max },
  };
}

export function flag(description: string): Shape<boolean> {
  return {
    read: (value, path) => (typeof value === "boolean" ? ok(value) : fail({ path, wanted: "true or false" })),
    schema: { type: "boolean", description },
  };
}

export function oneOf<Value extends string>(description: string, values: readonly Value[]): Shape<Value> {
  return {
    read: (value, path) => {
      const found = values.find((each) => each === value);
      return found === undefined ? fail({ path, wanted: `one of ${values.join(", ")}` }) : ok(found);
    },
    schema: { type: "string", description, enum: values },
  };
}

export function list<Item>(
  item: Shape<Item>,
  limits: { readonly min?: number; readonly max: number },
): Shape<readonly Item[]> {
  const { min = 0, max } = limits;
  return {
    read: (value, path) => {
      if (!Array.isArray(value) || value.length < min || value.length > max) {
        return fail({ path, wanted: `a list of ${min} to ${max}` });
      }
      const items: Item[] = [];
      for (const [i, each] of value.entries()) {
        const read = item.read(each, `${path}[${i}]`);
        if (!read.ok) return read;
        items.push(read.value);
      }
      return ok(items);
    },
    schema: { type: "array", items: item.schema, minItems: min, maxItems: max },
  };
}

/** A field that may be missing. */
export function optional<Value>(shape: Shape<Value>): Shape<Value> {
  return { ...shape, isOptional: true };
}

export type Fields<Value> = { readonly [Name in keyof Value]-?: Shape<NonNullable<Value[Name]>> };

/** An object with these fields. Others are passed over: a newer program may say more. */
export function object<Value extends object>(fields: Fields<Value>): Shape<Value> {
  const names = Object.keys(fields) as (keyof Value & string)[];
  return {
    read: (value, path) => {
      if (typeof value !== "object" || value === null || Array.isArray(value))
        return fail({ path, wanted: "an object" });
      const given = value as Readonly<Record<string, unknown>>;
      const result: Partial<Value> = {};
      for (const name of names) {
        const field = fields[name];
        const isGiven = Object.hasOwn(given, name) && given[name] !== null;
        if (!isGiven && field.isOptional) continue;
        const read = field.read(isGiven ? given[name] : undefined, path === "" ? name : `${path}.${name}`);
        if (!read.ok) return read;
        result[name] = read.value;
      }
      return ok(result as Value);
    },
    schema: {
      type: "object",
      properties: Object.fromEntries(names.map((name) => [name, fields[name].schema])),
      required: names.filter((name) => !fields[name].isOptional),
    },
  };
}
