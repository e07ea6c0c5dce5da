import type { Result } from "../../core/base/result.ts";
import type { NameSettings } from "../../core/config/settings.ts";
import type { IpAddress } from "../../core/netip/address.ts";
import type { Prefix } from "../../core/netip/prefix.ts";

/**
 * What the control plane asks of an operating system beyond what Node.js has for all of them. A folder beside this file implements it for each system
 * that is served; nothing outside such a folder knows one. The data plane has the like in Rust.
 */
export interface Platform {
  readonly processes: Processes;
  readonly places: StatePlaces;
  readonly paths: TrustedPaths;
  readonly advice: DeviceAdvice;
  readonly secrecy: Secrecy;
  readonly sockets: Sockets;
  readonly forwarding: Forwarding;
  readonly resolver: SystemResolver;
  readonly supervisor: Supervisor;
  /** Networks that this machine has a way to, the default route left out. Empty where nobody can tell. */
  routedNetworks(): readonly Prefix[];
  /** Who passes packets on to everywhere, over IPv4, and our address on that side. Undefined: nobody, or it cannot be seen. */
  wayOut(): WayOut | undefined;
}

export interface WayOut {
  readonly gateway: IpAddress;
  readonly client: IpAddress;
}

export interface Sockets {
  /** What the UDP sockets bound to a port hold, of whichever process. Empty where nobody can tell. */
  memoryOf(port: number, buffers: SocketBuffers): readonly SocketMemory[];
  /** Who has a UDP port; undefined where nobody has it or may be told. */
  udpPortHolder(port: number): PortHolder | undefined;
}

export interface PortHolder {
  readonly pid: number;
  /** Of its program. */
  readonly name: string;
}

/** What was asked for; 0: what the system gives. */
export interface SocketBuffers {
  readonly readBufferBytes: number;
  readonly writeBufferBytes: number;
  /** By somebody who may go past the limit of the system. */
  readonly forced: boolean;
}

/** Bytes, but for `drops`, in the kernel's own words (sock_diag(7), SK_MEMINFO_*). */
export interface SocketMemory {
  readonly rmem_alloc: number;
  readonly rcvbuf: number;
  readonly wmem_alloc: number;
  readonly sndbuf: number;
  readonly fwd_alloc: number;
  readonly wmem_queued: number;
  readonly optmem: number;
  readonly backlog: number;
  readonly drops: number;
}

export interface Processes {
  /**
   * When a process started, in any unit that stays the same while it runs, so that a number that has gone to another process is not taken for it;
   * "ended" for one that only waits to be buried; undefined when there is none, or nobody can tell.
   */
  startTimeOf(pid: number): string | undefined;
  /** Program and arguments; empty when there is no such process. */
  commandLineOf(pid: number): readonly string[];
  /** What a process may still do; undefined when there is none, or nobody may look. */
  powersOf(pid: number): ProcessPowers | undefined;
  /** The name of a user; undefined when it has none. */
  userName(uid: number): string | undefined;
}

/** What a process may do beyond what its user may, as the system tells it. */
export interface ProcessPowers {
  readonly uid: number;
  /** In the system's own words. */
  readonly privileges: readonly string[];
  /** By starting a program that has some. */
  readonly mayGainPrivileges: boolean;
  readonly systemCallsFiltered: boolean;
  readonly memoryLocked: boolean;
}

/** What keeps the host key, which is in the memory of this process, inside it. */
export interface Secrecy {
  /** From now on no core dump of this process, or of one that it starts, holds any of its memory. Throws when the system refuses. */
  keepOutOfDumps(): void;
}

/** Who is asking, and where state may lie. Passed on as a value so that tests need no root. */
export interface StateEnvironment {
  readonly uid: number;
  /** $XDG_RUNTIME_DIR */
  readonly runtimeDirectory: string | undefined;
  /** What somebody has chosen for what is kept. */
  readonly keptDirectory?: string | undefined;
  /** Group that may read the status of a daemon of root; undefined when the machine has none. */
  readonly readersGid?: number | undefined;
}

/** Folders for what lives no longer than the machine runs, locks and sockets, and for what does. */
export interface StatePlaces {
  /** Daemons of root keep their state here. */
  readonly systemBase: string;
  /** Where the configuration of a machine's own host is. */
  readonly configBase: string;
  /** What a TUN device is made through. */
  readonly tunNode: string;
  /** Without the closing zero. */
  readonly socketPathBytesMax: number;
  environment(readersGroup: string): StateEnvironment;
  /** Number of a user that was made for a service; undefined where there is none of that name, or it is a person's. */
  serviceUid(user: string): number | undefined;
  /** Folders that may hold state directories, the preferred one first. */
  bases(environment: StateEnvironment): readonly string[];
  /** The folder for what is kept when the machine is started again; undefined where there is none for this user. */
  keptBase(environment: StateEnvironment): string | undefined;
  /**
   * Creates a folder, or accepts one that already has this owner and that nobody else can write in (reliability R61: what an attacker could
   * have prepared is refused, links included). Throws an OperatorError.
   */
  makePrivate(path: string, privacy: Privacy): void;
}

/**
 * Whether what lies at a path can only come from certain users: the owner and the mode of it and of every folder on the way are looked at, links
 * included. Where nothing lies, or nobody may look, Node's error is thrown.
 */
export interface TrustedPaths {
  /** Why others could have put something into a folder, or the folder itself there; undefined: they could not. A link is no folder. */
  doubtAboutFolder(path: string, owners: ReadonlySet<number>): string | undefined;
  /** Why others than these could listen on a socket. */
  doubtAboutSocket(path: string, owners: ReadonlySet<number>): string | undefined;
  /** The text of a file in a folder that is beyond doubt, or why it is none. Follows no link at its end and never waits, whatever lies there. */
  readFile(path: string, owners: ReadonlySet<number>, bytesMax: number): Result<string, string>;
}

/** Whose a folder is and who else may look into it. Nobody else may write in it. */
export interface Privacy {
  readonly uid: number;
  /** Group of the folder; undefined: as the system makes it. */
  readonly gid: number | undefined;
  readonly mode: number;
}

/** A TUN device that is to be. */
export interface DeviceWish {
  readonly name: string;
  /** Whether it is to have an IPv6 address. */
  readonly ipv6: boolean;
}

/** Why there cannot be one, and what to do. */
export interface DeviceObstacle {
  readonly why: string;
  readonly todo: string;
}

/** What an operator can do about a device or a port that was refused: the end of a sentence, with the command to type. */
export interface DeviceAdvice {
  /** What of the name or of this machine is in the way of a device that was refused; undefined where it is something else. */
  obstacleTo(device: DeviceWish): DeviceObstacle | undefined;
  permitTun(binary: string): string;
  freeTun(): string;
  loadTun(): string;
  examineTun(): string;
  /** Where packets may end that the daemon has handed over, or never got. */
  lookBeyond(): string;
  permitPort(binary: string): string;
  freePort(port: number, key: string): string;
  permitGuard(): string;
  /** How whoever manages the machine's network is told that a device is not his. */
  leaveAlone(device: string): string;
  /** With the rules that the guard would have set. `networks` with this host's own addresses in them. */
  closeUnderlay(guarded: { owner: string; device: string; networks: readonly string[] }): string;
}

/** The part of the system that gives programs the addresses of names. */
export interface SystemResolver {
  /** The way to tell it that is asked for, or the one that fits this machine. */
  wiring(mode: NameSettings["mode"]): Promise<NameWiring>;
  /** Takes out what a run of this owner has left that was killed. Rejects with what the system says. */
  recover(owner: string): Promise<void>;
  /** How this machine finds names, as it is now. */
  look(owner: string): ResolverPicture;
}

/** What the C library goes by. */
export interface ResolverPicture {
  readonly file: string;
  /** Whose work it is, as far as the file says; undefined: nobody's, or it does not say. */
  readonly manager: string | undefined;
  /** The servers that are asked now, in their order. */
  readonly servers: readonly string[];
  /** Without what this host has put there: what there was before, and what others have written since. */
  readonly others: readonly string[];
}

/** One way to tell it. Both reject with what the system says, or with an OperatorError. */
export interface NameWiring {
  /** Who is told, for people. */
  readonly how: string;
  /** How often it is worth a look whether what was told still holds. */
  readonly lookMs: number;
  /** Whether what was told still stands. */
  holds(wish: NameWish): Promise<boolean>;
  /** Lets it ask for names below the domain at the server, and for no others. True when something had to be changed. */
  wire(wish: NameWish): Promise<boolean>;
  /** Leaves everything as it was before. */
  unwire(wish: NameWish): Promise<void>;
}

export interface NameWish {
  /** Whose wish it is: those of several hosts on one machine are kept apart. */
  readonly owner: string;
  readonly domain: string;
  /** One of this host's own addresses, at port 53. */
  readonly server: IpAddress;
  /** The overlay's. */
  readonly device: string;
}

/** Whether this machine passes on what is not for itself, which a gateway has to. */
export interface Forwarding {
  /** Undefined: it cannot be seen. */
  isOn(family: 4 | 6): boolean | undefined;
  /** Whether some rule gives packets this machine's own address on their way out. Undefined: it cannot be seen. */
  masquerades(): boolean | undefined;
  /** What to type. */
  turnOn(family: 4 | 6): string;
  masquerade(from: string, to: string): string;
}

/** What starts programs with the machine and keeps them running. */
export interface Supervisor {
  /** Whether this machine has one. */
  isThere(): boolean;
  /** Whether it has been told of a service by this name. */
  knows(service: string): boolean;
  /** Now and with every start of the machine; resolves once it is ready. Rejects with an OperatorError. */
  start(service: string): Promise<void>;
  /** Ends it, and keeps it from being started with the machine. */
  stop(service: string): Promise<void>;
  /** Whose a service's files must be; undefined: root's. */
  ownerOf(service: string): FileOwner | undefined;
  /** What to type to read its log. */
  showLog(service: string): string;
}

export interface FileOwner {
  readonly uid: number;
  readonly gid: number;
}
