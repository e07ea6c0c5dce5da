import { Command } from "commander";
import type { Certificate } from "../../index.ts";
import { type CaFileFlags, openCa } from "../ca-files.ts";
import { Failure } from "../failure.ts";
import { readText, replaceText } from "../files.ts";
import type { LedgerFlags } from "../ledger-file.ts";
import { dayOf } from "../made.ts";
import { now } from "../now.ts";
import { ownerOf, RotationFiles } from "../rotation-files.ts";
import { exists, localOperator, type StoreFlags, withDatabase, withStore } from "../service-files.ts";
import { orFail, parseDuration, parseList } from "../values.ts";

interface RotateFlags extends CaFileFlags, LedgerFlags, StoreFlags {
  readonly next?: boolean;
  readonly another?: boolean;
  readonly again?: boolean;
  readonly bulletin?: string;
  readonly applied?: string;
  readonly except?: string;
  readonly anyway?: boolean;
  readonly duration?: string;
  readonly json?: boolean;
}

export function rotateCommand(): Command {
  return withStore(new Command("rotate"))
    .description(
      "Exchange the authority in three stages, each held back while a host would be left behind: hosts trust both, the next one signs, the first is dropped. Without flags: how far it has come, and what comes next.",
    )
    .option("--next", "do the next stage")
    .option("--another", "with -next: begin another change behind one that has come to its end")
    .option("--again", "sign once more what hosts are told in this stage")
    .option("--ca-key <path>", "private key of the authority", "ca.key")
    .option("--bulletin <path>", "what is to be published; without it authorities.bulletin beside the authority")
    .option(
      "--applied <path>",
      "what lacis bulletins --json printed: who trusts the next authority; - for standard input",
    )
    .option("--except <list>", "hosts whose files were replaced by hand, or that may be left behind")
    .option("--anyway", "do not wait for hosts that lag")
    .option("--duration <duration>", "how long the next authority is valid; without it: as long as this one")
    .option("--ledger <path>", "the ledger; without it: the service's, or beside the authority's certificate")
    .option("--no-ledger", "there is none")
    .option("--passphrase-file <path>", "file whose first line is the passphrase of an encrypted authority's key")
    .option("--json", "print as JSON")
    .action(rotate);
}

async function rotate(flags: RotateFlags): Promise<void> {
  const files = new RotationFiles(flags);
  if (flags.next) await next(flags, files);
  else if (flags.again) await again(flags, files);
  await tell(flags, files);
}

async function next(flags: RotateFlags, files: RotationFiles): Promise<void> {
  const { stage } = files;
  if (stage === "settled") {
    if (!flags.another) await refuseUnasked(flags, files);
    await begin(flags, files);
  }
  // It was cut off behind its last step but one: hosts would never hear of this stage.
  else if (await isUntold(flags, files)) await again(flags, files);
  else if (stage === "signing") await finish(flags, files);
  else if (ownerOf(files.authorities(), files.next().publicKey)) await handOver(flags, files);
  // It was cut off behind its first step.
  else await trustBoth(flags, files);
}

async function refuseUnasked(flags: RotateFlags, files: RotationFiles): Promise<void> {
  const ended = await lastEnd(flags, files);
  if (ended === undefined) return;
  throw new Failure({
    what: "rotate",
    why: `the last change has come to its end, ${ended}: its three stages are done`,
    todo: `hosts hear of it by: lacis publish ${bulletinFile(flags)}; another change: lacis-cert rotate -next -another`,
  });
}

/** The day on which the last change came to its end, if there was one. */
async function lastEnd(flags: RotateFlags, files: RotationFiles): Promise<string | undefined> {
  const { finishedAt } = await import("../../rotation/told.ts");
  const trusted = files.authorities().map(({ fingerprint }) => fingerprint);
  const ended = exists(bulletinFile(flags)) ? finishedAt(readText(bulletinFile(flags)), trusted) : undefined;
  return ended === undefined ? undefined : dayOf(BigInt(ended));
}

async function isUntold(flags: RotateFlags, files: RotationFiles): Promise<boolean> {
  const { isTold } = await import("../../rotation/told.ts");
  const [first, second] = files.authorities();
  const isTrusting = files.stage === "trusting";
  const following = isTrusting ? files.next().fingerprint : undefined;
  // Behind the step before that, which is done once more anyway.
  if (!first || (isTrusting && second?.fingerprint !== following)) return false;
  const bulletin = exists(bulletinFile(flags)) ? readText(bulletinFile(flags)) : "";
  return !isTold(bulletin, { signs: first.fingerprint, ...(following !== undefined && { next: following }) });
}

async function begin(flags: RotateFlags, files: RotationFiles): Promise<void> {
  const { certificateToPem, isEncryptedCaKey, encryptCaKey } = await import("../../index.ts");
  const { nextAuthority } = await import("../../rotation/next-authority.ts");
  const clock = now();
  const { certificate: old } = await openCa(flags, clock.wall);
  const life = flags.duration === undefined ? old.notAfter - old.notBefore : parseDuration(flags.duration);
  const made = orFail(nextAuthority(old, { notBefore: clock.seconds, notAfter: clock.seconds + life }));
  let keyPem = made.privateKeyPem;
  if (isEncryptedCaKey(readText(files.caKey))) {
    const { chosenPassphrase } = await import("../passphrase.ts");
    using passphrase = await chosenPassphrase(files.nextKey, flags.passphraseFile);
    keyPem = orFail(await encryptCaKey(keyPem, passphrase.expose(), {})).pem;
  }
  files.begin(certificateToPem(made.authority.certificate), keyPem);
  await trustBoth(flags, files);
}

async function trustBoth(flags: RotateFlags, files: RotationFiles): Promise<void> {
  const by = await openCa(flags, now().wall);
  const [first, following] = [by.certificate, files.next()];
  const trust = [first, following, ...others(files.authorities(), first, following)];
  await settle(flags, files, trust, first);
  await publish(flags, by, { trust: [first, following], drop: [] });
}

/** From here on the next key signs. What hosts are told of it the first one signs still: all of them trust that. */
async function handOver(flags: RotateFlags, files: RotationFiles): Promise<void> {
  const by = await openCa(flags, now().wall);
  const [first, following] = [by.certificate, files.next()];
  if (!flags.anyway) await holdBackUntilTrusted(flags);
  const trust = [following, first, ...others(files.authorities(), first, following)];
  await settle(flags, files, trust, following);
  files.exchangeKeys();
  await publish(flags, by, { trust: [following, first], drop: [] });
}

async function finish(flags: RotateFlags, files: RotationFiles): Promise<void> {
  const by = await openCa(flags, now().wall);
  const first = await firstOf(flags, files, by.certificate);
  if (first) {
    if (!flags.anyway) await holdBackUntilSigned(flags, by.certificate);
    await publish(flags, by, { trust: [by.certificate], drop: [first] });
    await settle(flags, files, [by.certificate, ...others(files.authorities(), first, by.certificate)], by.certificate);
  }
  const retired = files.retire(dayOf(now().seconds));
  process.stderr.write(`lacis-cert: nobody trusts the first authority any more - destroy its key: ${retired}\n`);
}

async function again(flags: RotateFlags, files: RotationFiles): Promise<void> {
  const { stage } = files;
  if (stage === "settled")
    throw new Failure({ what: "rotate", why: "no change is under way", todo: "begin one: rotate -next" });
  if (stage === "trusting") return trustBoth(flags, files);
  const { certificate: following } = await openCa(flags, now().wall);
  const by = await openCa({ ...flags, caKey: files.oldKey }, now().wall);
  await publish(flags, by, { trust: [following, by.certificate], drop: [] });
}

/** The authority that is to go; undefined when it has gone from the file already. */
async function firstOf(
  flags: RotateFlags,
  files: RotationFiles,
  following: Certificate,
): Promise<Certificate | undefined> {
  const all = files.authorities();
  if (all.every(({ fingerprint }) => fingerprint === following.fingerprint)) return undefined;
  return (await openCa({ ...flags, caKey: files.oldKey }, now().wall)).certificate;
}

function others(all: readonly Certificate[], ...these: readonly Certificate[]): readonly Certificate[] {
  return all.filter((ca) => these.every(({ fingerprint }) => fingerprint !== ca.fingerprint));
}

/** Brings it to the file that everybody signs with, and to the service. */
async function settle(
  flags: RotateFlags,
  files: RotationFiles,
  trust: readonly Certificate[],
  signs: Certificate,
): Promise<void> {
  const { certificateToPem } = await import("../../index.ts");
  const pem = trust.map(certificateToPem).join("");
  files.trust(pem);
  // A service hears of it also where its ledger is left aside.
  const { ledgerStore } = await import("../ledger.ts");
  const { ledger: _, ...rest } = flags;
  if (ledgerStore(rest) === undefined) return;
  const { changeAuthority } = await import("../../enrolment/setup.ts");
  const facts = { authorities: pem, authority: signs.fingerprint };
  await withDatabase(flags, (database) => changeAuthority(database, facts, localOperator()));
}

async function publish(
  flags: RotateFlags,
  by: Awaited<ReturnType<typeof openCa>>,
  change: { readonly trust: readonly Certificate[]; readonly drop: readonly Certificate[] },
): Promise<void> {
  const { formatBulletin } = await import("../../index.ts");
  const { parseBulletins } = await import("../../rotation/applied.ts");
  const { signChange } = await import("../../rotation/next-authority.ts");
  const file = bulletinFile(flags);
  const before = exists(file) ? parseBulletins(readText(file)) : undefined;
  const last = before?.ok ? Math.max(...before.value.map(({ head }) => head.number)) : 0;
  const bulletin = orFail(signChange(by, change, { nowSeconds: Number(now().seconds), last }));
  replaceText(file, formatBulletin(bulletin));
}

async function holdBackUntilTrusted(flags: RotateFlags): Promise<void> {
  const { notTrusting, namesInUse } = await import("../../rotation/laggards.ts");
  const { appliedOf } = await import("../../rotation/applied.ts");
  if (flags.applied === undefined) {
    const todo = `publish it (lacis publish ${bulletinFile(flags)}), then: lacis bulletins --json | lacis-cert rotate -next -applied -`;
    throw new Failure({ what: "the next stage", why: "it is not known who trusts the next authority", todo });
  }
  const applied = orFail(appliedOf(readText(flags.applied), readText(bulletinFile(flags))));
  const content = await ledgerContent(flags);
  const names = content ? namesInUse(content, Number(now().seconds)) : [];
  holdBack(notTrusting(applied, names, excepted(flags)));
}

async function holdBackUntilSigned(flags: RotateFlags, following: Certificate): Promise<void> {
  const { notSigned } = await import("../../rotation/laggards.ts");
  const content = await ledgerContent(flags);
  if (!content) {
    const todo = "give the ledger, or say that nobody is left behind: -anyway";
    throw new Failure({ what: "the next stage", why: "without a ledger it is not known who was signed again", todo });
  }
  holdBack(notSigned(content, following.fingerprint, { nowSeconds: Number(now().seconds), excepted: excepted(flags) }));
}

function holdBack(laggards: readonly { readonly name: string; readonly why: string }[]): void {
  if (laggards.length === 0) return;
  const todo = "wait, see to it there, revoke it, or leave it behind with -except NAME";
  throw new Failure(laggards.map(({ name, why }) => ({ what: name, why, todo })));
}

async function ledgerContent(flags: RotateFlags) {
  const { ledgerOf } = await import("../ledger.ts");
  await using ledger = await ledgerOf(flags);
  return ledger?.read();
}

function excepted(flags: RotateFlags): ReadonlySet<string> {
  return new Set(parseList(flags.except));
}

function bulletinFile(flags: RotateFlags): string {
  return flags.bulletin ?? flags.caCrt.replace(/[^/]*$/, "authorities.bulletin");
}

/** Where the change stands, and the line that goes on. */
async function tell(flags: RotateFlags, files: RotationFiles): Promise<void> {
  const { stage } = files;
  const ended = stage === "settled" ? await lastEnd(flags, files) : undefined;
  const trusted = files
    .authorities()
    .map(({ name, fingerprint, notAfter }) => ({ name, fingerprint, until: dayOf(notAfter) }));
  const bulletin = stage === "settled" && !flags.next ? null : bulletinFile(flags);
  const { text, todo } = {
    settled: {
      text: `one authority signs, and no change is under way${ended === undefined ? "" : `: the last one ended ${ended}`}`,
      todo: `lacis-cert rotate -next${ended === undefined ? "" : " -another"} begins one`,
    },
    trusting: {
      text: "hosts are to trust the next authority beside the first, which signs",
      todo: `lacis publish ${bulletinFile(flags)}; then: lacis bulletins --json | lacis-cert rotate -next -applied -`,
    },
    signing: {
      text: "the next authority signs, and hosts trust both",
      todo: `lacis publish ${bulletinFile(flags)}; start lacis-cert serve again; hosts that have joined renew by themselves, others: lacis-cert resign; then: lacis-cert rotate -next`,
    },
  }[stage];
  const done = stage === "settled" && flags.next;
  const line = done
    ? `the first authority is dropped. Next: lacis publish ${bulletinFile(flags)}, and again what was published before, which the first had signed`
    : `${text}. Next: ${todo}`;
  if (flags.json) process.stdout.write(`${JSON.stringify({ stage, trusted, bulletin })}\n`);
  else process.stdout.write(`${line}\n`);
}
