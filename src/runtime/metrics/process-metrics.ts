import { PerformanceObserver } from "node:perf_hooks";
import { getHeapStatistics } from "node:v8";
import { Distribution, Timing } from "./distribution.ts";
import { distribution, gauge, type Metric, total } from "./metric.ts";

/**
 * Nebula's names for what its runtime tells about memory and garbage, with what this runtime knows of the same. Words that only the other runtime has
 * (mallocs, spans, caches) stay 0: a panel of them shows nothing, and the ones beside it go on.
 */
export class ProcessMetrics {
  readonly #pauses = new Distribution();
  readonly #reads = new Timing(performance.now());
  readonly #observer = new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) this.#collected(startTime + duration, duration);
  });
  #collections = 0;
  #pauseTotalNs = 0;
  #lastAtNs = 0;

  start(): void {
    this.#observer.observe({ entryTypes: ["gc"] });
  }

  stop(): void {
    this.#observer.disconnect();
  }

  read(): readonly Metric[] {
    const began = performance.now();
    const memory = process.memoryUsage();
    const heap = getHeapStatistics();
    const known: Readonly<Record<string, number>> = {
      Alloc: memory.heapUsed,
      EnableGC: 1,
      GCCPUFraction: this.#pauseTotalNs / 1e6 / began,
      HeapAlloc: memory.heapUsed,
      HeapIdle: memory.heapTotal - memory.heapUsed,
      HeapInuse: memory.heapUsed,
      HeapSys: memory.heapTotal,
      LastGC: this.#lastAtNs,
      NextGC: heap.heap_size_limit,
      NumGC: this.#collections,
      PauseTotalNs: this.#pauseTotalNs,
      StackInuse: 0,
      Sys: memory.rss,
      TotalAlloc: memory.heapUsed + memory.external,
    };
    const now = performance.now();
    this.#reads.add((now - began) * 1e6, now);
    const reads = this.#reads.summary(now);
    const pauses = this.#pauses.summary();
    return [
      ...MEM_STATS.map((name) => gauge(`runtime.MemStats.${name}`, aboutMemory(name, known), known[name] ?? 0)),
      distribution("runtime.MemStats.PauseNs", "Nanoseconds that collections of garbage took.", pauses),
      gauge("runtime.NumCgoCall", "Always 0: this runtime does not know it.", 0),
      gauge("runtime.NumGoroutine", "What the event loop waits for.", process.getActiveResourcesInfo().length),
      gauge("runtime.NumThread", "Threads that work is handed to.", Number(process.env["UV_THREADPOOL_SIZE"] ?? 4) + 1),
      distribution("runtime.ReadMemStats", "Nanoseconds that it takes to read these.", reads),
      gauge("debug.GCStats.LastGC", "When garbage was last collected, Unix nanoseconds.", this.#lastAtNs),
      gauge("debug.GCStats.NumGC", "Collections of garbage.", this.#collections),
      distribution("debug.GCStats.Pause", "Nanoseconds that collections of garbage took.", pauses),
      gauge("debug.GCStats.PauseTotal", "Nanoseconds that they took together.", this.#pauseTotalNs),
      distribution("debug.ReadGCStats", "Nanoseconds that it takes to read these.", reads),
      total("lacis.process.cpu_seconds", "Processor time of the control plane.", cpuSeconds()),
      total(
        "lacis.process.event_loop.busy_seconds",
        "How long the control plane was busy, so that others had to wait.",
        performance.eventLoopUtilization().active / 1000,
      ),
      gauge("lacis.process.resident_bytes", "Memory of the control plane.", memory.rss),
    ];
  }

  #collected(endedAt: number, durationMs: number): void {
    const ns = Math.round(durationMs * 1e6);
    this.#pauses.add(ns);
    this.#collections++;
    this.#pauseTotalNs += ns;
    this.#lastAtNs = Math.round((performance.timeOrigin + endedAt) * 1e6);
  }
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function aboutMemory(name: string, known: Readonly<Record<string, number>>): string {
  return name in known ? `What this runtime knows as ${name}.` : "Always 0: this runtime does not know it.";
}

const MEM_STATS = [
  "Alloc",
  "BuckHashSys",
  "DebugGC",
  "EnableGC",
  "Frees",
  "GCCPUFraction",
  "HeapAlloc",
  "HeapIdle",
  "HeapInuse",
  "HeapObjects",
  "HeapReleased",
  "HeapSys",
  "LastGC",
  "Lookups",
  "MCacheInuse",
  "MCacheSys",
  "MSpanInuse",
  "MSpanSys",
  "Mallocs",
  "NextGC",
  "NumGC",
  "PauseTotalNs",
  "StackInuse",
  "StackSys",
  "Sys",
  "TotalAlloc",
] as const;
