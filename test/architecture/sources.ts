import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { fileURLToPath } from "node:url";

/** One text file of the repository; `path` is relative to its root, with forward slashes. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** One `import` or `export … from`. `target` is a path from the root for our own files, otherwise the specifier as written. */
export interface ImportOf {
  readonly from: string;
  readonly target: string;
  readonly ours: boolean;
  readonly typeOnly: boolean;
}

const root = fileURLToPath(new URL("../../", import.meta.url));
const skippedFolders = new Set(["node_modules", "dist", "target", ".git", "generated"]);

/** Every file below `folders` whose name ends in `extension`, in a stable order; a folder that does not exist is empty. */
export function sourceFiles(folders: readonly string[], extension: string): readonly SourceFile[] {
  return folders.flatMap((folder) => walk(folder, extension)).map((path) => ({ path, text: readRepositoryFile(path) }));
}

export function readRepositoryFile(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

/** Static imports, re-exports and `import("literal")` of a TypeScript file. */
export function importsOf(file: SourceFile): readonly ImportOf[] {
  const statements = [...file.text.matchAll(importStatement)].map((match) => ({
    specifier: match[3] ?? "",
    typeOnly: match[1] !== undefined || onlyTypeNames(match[2] ?? ""),
  }));
  const bare = [...file.text.matchAll(bareImport)].map((match) => ({ specifier: match[1] ?? "", typeOnly: false }));
  const dynamic = [...file.text.matchAll(dynamicImport)].map((match) => ({
    specifier: match[1] ?? "",
    typeOnly: false,
  }));
  return [...statements, ...bare, ...dynamic].map(({ specifier, typeOnly }) => ({
    from: file.path,
    ...resolve(file.path, specifier),
    typeOnly,
  }));
}

const importStatement =
  /^(?:import|export)\s+(type\s+)?(\*(?:\s+as\s+[\w$]+)?|[\w$]+(?:\s*,\s*(?:\{[^}]*\}|\*\s+as\s+[\w$]+))?|\{[^}]*\})\s+from\s+"([^"]+)"/gm;
const bareImport = /^import\s+"([^"]+)"/gm;
const dynamicImport = /\bimport\(\s*"([^"]+)"\s*\)/g;

function onlyTypeNames(clause: string): boolean {
  const names = /^\{([^}]*)\}$/
    .exec(clause)?.[1]
    ?.split(",")
    .map((name) => name.trim());
  return names?.filter((name) => name !== "").every((name) => name.startsWith("type ")) ?? false;
}

function resolve(from: string, specifier: string): { target: string; ours: boolean } {
  if (!specifier.startsWith(".")) return { target: specifier, ours: false };
  return { target: normalize(join(dirname(from), specifier)).replaceAll("\\", "/"), ours: true };
}

function walk(folder: string, extension: string): string[] {
  const absolute = join(root, folder);
  if (!existsSync(absolute)) return [];
  return readdirSync(absolute, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(extension))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).replaceAll("\\", "/"))
    .filter((path) => !path.split("/").some((part) => skippedFolders.has(part)))
    .sort();
}
